"""Figures of classifications, and the sheet of their errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots.common import (
    COLOURS,
    add_grid,
    add_legend,
    confusion_figure,
    count_along,
    empty_figure,
    mean_and_spread,
    single_panel,
)
from medzoo.evaluation.plots.sheets import case_sheet
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.inference.model import Model

_UNIT: dict[str, Any] = {"xlim": (-0.01, 1.01), "ylim": (-0.01, 1.01)}
_SQUARE: dict[str, Any] = {**_UNIT, "aspect": "equal"}
_GRID = np.linspace(0, 1, 101)
_DIAGONAL: dict[str, Any] = {"color": "0.6", "linestyle": "--", "linewidth": 1}


def roc_figure(evaluation: Evaluation) -> Figure:
    """Draw the ROC curve of every label against the others; of two labels that of the second."""
    figure, axes = single_panel(
        "ROC curve", xlabel="1 - specificity (false positive rate)", ylabel="Recall (true positive rate)", **_SQUARE
    )
    axes.plot((0, 1), (0, 1), **_DIAGONAL)
    _draw_curves(axes, evaluation, "roc", ("fpr", "tpr"), "auc")
    _mark_operating_points(axes, evaluation)
    add_legend(axes, title="AUC and its interval")
    return figure


def precision_recall_figure(evaluation: Evaluation) -> Figure:
    """Draw the precision-recall curve of every label against the others; of two labels that of the second."""
    figure, axes = single_panel("Precision-recall curve", xlabel="Recall", ylabel="Precision", **_SQUARE)
    _draw_curves(axes, evaluation, "pr", ("recall", "precision"), "ap")
    add_legend(axes, title="Average precision and its interval")
    return figure


def reliability_figure(evaluation: Evaluation) -> Figure:
    """Draw how often the model was right at each confidence, and how many cases had that confidence."""
    bins = evaluation.detail("calibration")
    title = f"Reliability: ECE {number(evaluation['ece'])}, temperature {bins['temperature']:g}"
    # A second axis beside it keeps a panel from being square.
    words = {"xlabel": f"Confidence: {bins['of']}", "ylabel": "Share that was right"}
    figure, axes = single_panel(title, 5.4, 4.6, **words, **_UNIT)
    axes.plot((0, 1), (0, 1), **_DIAGONAL, label="perfect")
    axes.plot(bins["confidence"], bins["accuracy"], marker="o", color=COLOURS[0], label="model")
    counts = axes.twinx()
    counts.bar(bins["confidence"], bins["cases"], width=0.04, color="0.8", alpha=0.6, zorder=0)
    # Bars in the lower third, so that the line stays free.
    counts.set(ylim=(0, 3 * max(bins["cases"])), ylabel="Cases (bars)")
    count_along(counts.yaxis)
    counts.spines["top"].set_visible(False)
    axes.set_zorder(counts.get_zorder() + 1)
    axes.patch.set_visible(False)
    add_legend(axes)
    return figure


def errors_figure(model: Model, samples: Samples, evaluation: Evaluation) -> Figure:
    """Draw the wrong answers of which the model was surest, each with its true and its predicted label."""
    wrong = [index for index, row in enumerate(evaluation.cases) if row["true"] != row["predicted"]]
    wrong.sort(key=lambda index: -evaluation.cases[index]["confidence"])
    title = f"Wrong answers, the most confident first ({len(wrong)} of {evaluation.n_cases} cases)"

    def describe(row: dict[str, Any]) -> str:
        return f"true {row['true']}\npredicted {row['predicted']} ({row['confidence']:.0%})"

    return case_sheet(model, samples, evaluation, wrong, title, describe)


def case_sheets(model: Model, samples: Samples, evaluation: Evaluation) -> dict[str, Figure]:
    """Return the pictures of single cases by name."""
    return {"errors": errors_figure(model, samples, evaluation)}


def folds_figure(evaluations: Sequence[Evaluation], words: str) -> Figure:
    """Draw the ROC curve of every fold, their mean, and a band of one deviation; a panel for each label."""
    labels = list(evaluations[0].detail("curves"))
    columns = min(len(labels), 3)
    rows = -(-len(labels) // columns)
    figure = empty_figure(5 * columns, 4.8 * rows)
    figure.suptitle(f"ROC of {len(evaluations)} folds on the {words}", fontsize=12)
    for panel, label in zip(figure.subplots(rows, columns, squeeze=False).flat, labels, strict=False):
        _draw_folds(panel, evaluations, label)
    for panel in figure.axes[len(labels) :]:
        panel.remove()
    return figure


def mean_roc(evaluations: Sequence[Evaluation], label: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return mean and deviation of the folds' recall at 101 false positive rates from 0 to 1; None without a curve."""
    by_fold = [evaluation.detail("curves")[label] for evaluation in evaluations]
    curves = [curves["roc"] for curves in by_fold if curves]
    if not curves:
        return None
    recalls = np.stack([np.interp(_GRID, curve["fpr"], curve["tpr"]) for curve in curves])
    # Every curve begins at the origin, also one that rises before its first false positive.
    recalls[:, 0] = 0
    return recalls.mean(axis=0), recalls.std(axis=0)


FIGURES: dict[str, Callable[[Evaluation], Figure]] = {
    "confusion": confusion_figure,
    "roc": roc_figure,
    "precision_recall": precision_recall_figure,
    "reliability": reliability_figure,
}
FOLDS = ("roc", folds_figure)


def _draw_curves(axes: Axes, evaluation: Evaluation, kind: str, names: tuple[str, str], area: str) -> None:
    for index, (label, curves) in enumerate(evaluation.detail("curves").items()):
        if curves is None:
            continue
        score = evaluation.scores[f"{area}/{label}"]
        text = f"{label}: {number(score['value'])} ({number(score['low'])} to {number(score['high'])})"
        colour, style = COLOURS[index % len(COLOURS)], ("-", "--", ":")[index // len(COLOURS) % 3]
        x, y = (curves[kind][name] for name in names)
        axes.plot(x, y, label=text, linewidth=1.8, color=colour, linestyle=style)


def _mark_operating_points(axes: Axes, evaluation: Evaluation) -> None:
    for point, marker in zip(evaluation.operating_points or (), "osD^v", strict=False):
        if point["recall"] is None or point["specificity"] is None:
            continue
        text = f"{point['rule']}: threshold {number(point['threshold'])}"
        axes.plot(1 - point["specificity"], point["recall"], marker, color="black", mfc="white", label=text)


def _draw_folds(axes: Axes, evaluations: Sequence[Evaluation], label: str) -> None:
    axes.plot((0, 1), (0, 1), **_DIAGONAL)
    aucs = [evaluation[f"auc/{label}"] for evaluation in evaluations]
    for index, (evaluation, auc) in enumerate(zip(evaluations, aucs, strict=True)):
        if curves := evaluation.detail("curves")[label]:
            fpr, tpr = curves["roc"]["fpr"], curves["roc"]["tpr"]
            colour = COLOURS[index % len(COLOURS)]
            axes.plot(fpr, tpr, label=f"fold {index + 1}: {number(auc)}", color=colour, linewidth=1, alpha=0.5)
    if mean_and_std := mean_roc(evaluations, label):
        mean, spread = mean_and_std
        axes.plot(_GRID, mean, color="black", linewidth=2, label=f"mean: {mean_and_spread(aucs)}")
        band = np.clip(mean - spread, 0, 1), np.clip(mean + spread, 0, 1)
        axes.fill_between(_GRID, *band, color="0.5", alpha=0.25, linewidth=0, label="one std")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xlabel="1 - specificity (false positive rate)", ylabel="Recall (true positive rate)")
    axes.set_title(label, fontsize=11, parse_math=False)
    add_grid(axes)
    add_legend(axes, title="AUC")
