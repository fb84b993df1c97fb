"""Figures that compare models: two of them, or a network and estimators over its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medzoo.evaluation.comparison.compare import Comparison
from medzoo.evaluation.plots.common import COLOURS, empty_figure, single_panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.evaluation.estimators.table import EstimatorTable


def differences_figure(comparison: Comparison) -> Figure:
    """Draw the difference of every score that lies within 0 to 1, with its interval; away from 0 it is clear."""
    shown = {
        name: score["difference"]
        for name, score in comparison.scores.items()
        if None not in score["difference"].values() and _is_share(score)
    }
    first, second = comparison.models
    words = {"xlabel": f"{second} minus {first}", "yticks": range(len(shown)), "yticklabels": list(shown)}
    figure, axes = single_panel(
        "Differences; filled where the interval leaves out 0", 7, 1.2 + 0.26 * len(shown), **words
    )
    axes.axvline(0, color="0.4", linestyle="--", linewidth=1)
    for row, score in enumerate(shown.values()):
        clear = score["low"] > 0 or score["high"] < 0
        style = {"color": COLOURS[1 if clear else 0], "mfc": None if clear else "white"}
        axes.plot((score["low"], score["high"]), (row, row), color=style["color"], linewidth=1.5)
        axes.plot(score["value"], row, "o", markersize=5, **style)
    for text in axes.get_yticklabels():
        text.set_parse_math(False)
    axes.invert_yaxis()
    return figure


def _is_share(score: dict) -> bool:
    return all(abs(score[model]["value"]) <= 1 for model in ("first", "second"))


def estimators_figure(table: EstimatorTable) -> Figure:
    """Draw each score with its interval on the same test cases, a panel for each score and a line for each model."""
    figure = empty_figure(2.6 * len(table.names) + 1.2, 1.4 + 0.4 * len(table.rows))
    panels = figure.subplots(1, len(table.names), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, table.names, strict=True):
        _draw(axes, table, name)
    panels[0].set_yticks(range(len(table.rows)), [row.name for row in table.rows], parse_math=False)
    panels[0].invert_yaxis()
    figure.suptitle("Network and estimators over its features: test scores with intervals", fontsize=12)
    return figure


def _draw(axes: Axes, table: EstimatorTable, name: str) -> None:
    for place, row in enumerate(table.rows):
        score = row.evaluation.scores[name]
        colour = COLOURS[0 if row.inner else 1]
        if score["low"] is not None:
            axes.plot((score["low"], score["high"]), (place, place), color=colour, linewidth=1.5)
        if score["value"] is not None:
            axes.plot(score["value"], place, "o", color=colour, mfc=colour if row.name == table.best else "white")
    axes.set_title(name.replace("_", " "), fontsize=11)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
