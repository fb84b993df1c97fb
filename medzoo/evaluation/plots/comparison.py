"""The figure of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medzoo.evaluation.comparison.record import Comparison
from medzoo.evaluation.plots.common import COLOURS, single_panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
