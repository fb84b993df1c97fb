"""The figure of a network beside estimators over its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medzoo.evaluation.plots.common import COLOURS, empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.evaluation.estimator_table import EstimatorTable


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
