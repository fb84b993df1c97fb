"""Figures of classifications, without patient images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medzoo.evaluation.plots.common import COLOURS, add_legend, single_panel
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UNIT = {"xlim": (-0.01, 1.01), "ylim": (-0.01, 1.01)}
_SQUARE = {**_UNIT, "aspect": "equal"}
_DIAGONAL = {"color": "0.6", "linestyle": "--", "linewidth": 1}


def roc_figure(evaluation: Evaluation) -> Figure:
    """Draw the ROC curve of every label against the others; of two labels that of the second."""
    figure, axes = single_panel(
        "ROC curve", xlabel="1 - specificity (false positive rate)", ylabel="Recall (true positive rate)", **_SQUARE
    )
    axes.plot((0, 1), (0, 1), **_DIAGONAL)
    _draw_curves(axes, evaluation, "roc", ("fpr", "tpr"), "auc")
    _mark_operating_points(axes, evaluation)
    add_legend(axes, loc="lower right", title="AUC and its interval")
    return figure


def precision_recall_figure(evaluation: Evaluation) -> Figure:
    """Draw the precision-recall curve of every label against the others; of two labels that of the second."""
    figure, axes = single_panel("Precision-recall curve", xlabel="Recall", ylabel="Precision", **_SQUARE)
    _draw_curves(axes, evaluation, "pr", ("recall", "precision"), "ap")
    add_legend(axes, loc="lower left", title="Average precision and its interval")
    return figure


def reliability_figure(evaluation: Evaluation) -> Figure:
    """Draw how often each confidence was right, and how many cases had it."""
    found = evaluation.calibration
    title = f"Reliability: ECE {number(evaluation['ece'])}, temperature {found['temperature']:g}"
    # A second axis beside it keeps a panel from being square.
    words = {"xlabel": f"Confidence: {found['of']}", "ylabel": "Share that was right"}
    figure, axes = single_panel(title, 5.4, 4.6, **words, **_UNIT)
    axes.plot((0, 1), (0, 1), **_DIAGONAL, label="perfect")
    axes.plot(found["confidence"], found["accuracy"], marker="o", color=COLOURS[0], label="model")
    counts = axes.twinx()
    counts.bar(found["confidence"], found["cases"], width=0.04, color="0.8", alpha=0.6, zorder=0)
    # Bars in the lower third, so that the line stays free.
    counts.set(ylim=(0, 3 * max(found["cases"])), ylabel="Cases (bars)")
    counts.yaxis.get_major_locator().set_params(integer=True)
    counts.spines["top"].set_visible(False)
    axes.set_zorder(counts.get_zorder() + 1)
    axes.patch.set_visible(False)
    add_legend(axes, loc="upper left")
    return figure


def _draw_curves(axes: Axes, evaluation: Evaluation, kind: str, names: tuple[str, str], area: str) -> None:
    for index, (label, curves) in enumerate(evaluation.curves.items()):
        if curves is None:
            continue
        score = evaluation.scores[f"{area}/{label}"]
        text = f"{label}: {number(score['value'])} ({number(score['low'])} to {number(score['high'])})"
        style = {"color": COLOURS[index % len(COLOURS)], "linestyle": ("-", "--", ":")[index // len(COLOURS) % 3]}
        axes.plot(*(curves[kind][name] for name in names), label=text, linewidth=1.8, **style)


def _mark_operating_points(axes: Axes, evaluation: Evaluation) -> None:
    for point, marker in zip(evaluation.operating_points or (), "osD^v", strict=False):
        if point["recall"] is None or point["specificity"] is None:
            continue
        text = f"{point['rule']}: threshold {number(point['threshold'])}"
        axes.plot(1 - point["specificity"], point["recall"], marker, color="black", mfc="white", label=text)
