"""Figures of a cross-validation, without patient images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots.common import COLOURS, add_legend, empty_figure, read_columns, single_panel
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import mean_std, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = {"valid": "validation part of each fold", "test": "held-out set"}
_GRID = np.linspace(0, 1, 101)
_DIAGONAL = {"color": "0.6", "linestyle": "--", "linewidth": 1}
_LOSSES = {"loss": ("train", "-"), "val_loss": ("valid", "--")}


def fold_figures(
    parts: Mapping[str, Sequence[Evaluation]], histories: Sequence[str | os.PathLike]
) -> dict[str, Figure]:
    """Draw what a cross-validation of this task has.

    Args:
        parts: Records of the folds by part, "valid" and, where something is held out, "test".
        histories: `history.csv` of each fold.

    Returns:
        Figures by name: `roc_<part>` of a classification, `predicted_<part>` of a regression, `dice_<part>` of a
        segmentation, and `loss`.
    """
    name, draw = _FIGURES[parts["valid"][0].task]
    return {f"{name}_{part}": draw(found, WORDS[part]) for part, found in parts.items()} | {
        "loss": losses_figure(histories)
    }


def roc_figure(evaluations: Sequence[Evaluation], words: str) -> Figure:
    """Draw the ROC curve of every fold, their mean, and a band of one deviation; a panel for each label."""
    labels = list(evaluations[0].curves)
    columns = min(len(labels), 3)
    rows = -(-len(labels) // columns)
    figure = empty_figure(5 * columns, 4.8 * rows)
    figure.suptitle(f"ROC of {len(evaluations)} folds on the {words}", fontsize=12)
    for panel, label in zip(figure.subplots(rows, columns, squeeze=False).flat, labels, strict=False):
        _draw_roc(panel, evaluations, label)
    for panel in figure.axes[len(labels) :]:
        panel.remove()
    return figure


def mean_roc(evaluations: Sequence[Evaluation], label: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return mean and deviation of the folds' recall at 101 false positive rates from 0 to 1; None without a curve."""
    curves = [one.curves[label]["roc"] for one in evaluations if one.curves[label]]
    if not curves:
        return None
    recalls = np.stack([np.interp(_GRID, curve["fpr"], curve["tpr"]) for curve in curves])
    # Every curve begins at the origin, also one that rises before its first false positive.
    recalls[:, 0] = 0
    return recalls.mean(axis=0), recalls.std(axis=0)


def losses_figure(histories: Sequence[str | os.PathLike]) -> Figure:
    """Draw the losses of every fold over the epochs, and their mean up to the end of the shortest fold."""
    runs = [_losses(path) for path in histories]
    figure = empty_figure(10, 3.8)
    folds, mean = figure.subplots(1, 2, sharey=True)
    for index, run in enumerate(runs):
        for name, (part, style) in _LOSSES.items():
            label = f"fold {index + 1}" if part == "train" else None
            _line(folds, run[name], color=COLOURS[index % len(COLOURS)], linestyle=style, label=label)
    for (name, (part, style)), colour in zip(_LOSSES.items(), COLOURS, strict=False):
        values, spread = mean_losses(runs)[name]
        _line(mean, values, color=colour, linestyle=style, label=part)
        mean.fill_between(np.arange(1, len(values) + 1), values - spread, values + spread, color=colour, alpha=0.2)
    _finish(folds, "Loss of each fold: train (line), valid (dashes)")
    _finish(mean, f"Mean +- std of {len(runs)} folds, cut at the shortest")
    return figure


def mean_losses(runs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return mean and deviation over the folds of `loss` and `val_loss`, `(epochs,)` of the shortest fold.

    Example:
        >>> mean_losses([{"loss": [3, 2, 1], "val_loss": [1, 1, 1]}, {"loss": [5, 4], "val_loss": [1, 1]}])["loss"][0]
        array([4., 3.])
    """
    shortest = min(len(run["loss"]) for run in runs)
    stacked = {name: np.stack([np.asarray(run[name])[:shortest] for run in runs]) for name in _LOSSES}
    return {name: (values.mean(axis=0), values.std(axis=0)) for name, values in stacked.items()}


def predicted_figure(evaluations: Sequence[Evaluation], words: str) -> Figure:
    """Draw predicted against true values, a colour for each fold."""
    scores = (_mean_std([one["r2"] for one in evaluations]), _mean_std([one["mae"] for one in evaluations]))
    first = evaluations[0]
    name = f"{first.labels[0]} ({first.unit})" if first.unit else first.labels[0]
    title = f"R2 {scores[0]}, MAE {scores[1]}\non the {words}"
    figure, axes = single_panel(title, xlabel=f"True {name}", ylabel=f"Predicted {name}", aspect="equal")
    points = [np.array([(row["true"], row["predicted"]) for row in one.cases]).T for one in evaluations]
    ends = [min(map(np.min, points)), max(map(np.max, points))]
    axes.plot(ends, ends, label="perfect", **_DIAGONAL)
    for index, (true, predicted) in enumerate(points):
        axes.scatter(true, predicted, s=14, color=COLOURS[index % len(COLOURS)], alpha=0.7, label=f"fold {index + 1}")
    add_legend(axes, loc="upper left")
    return figure


def dice_figure(evaluations: Sequence[Evaluation], words: str) -> Figure:
    """Draw the Dice of the cases of each fold: median, quartiles, and every case as a point."""
    values = [[row["dice"] for row in one.cases if row["dice"] is not None] for one in evaluations]
    mean = _mean_std([one["dice_per_case"] for one in evaluations])
    width = 2.4 + 0.7 * len(values)
    figure, axes = single_panel(
        f"Dice per case: {mean}\non the {words}", width, 4, ylim=(-0.02, 1.02), ylabel="Dice of a case", xlabel="Fold"
    )
    axes.boxplot(values, showfliers=False, medianprops={"color": "black"})
    for index, column in enumerate(values, 1):
        places = index + np.linspace(-0.18, 0.18, len(column)) if column else []
        axes.plot(places, column, ".", color=COLOURS[0], markersize=4, alpha=0.6)
    return figure


_FIGURES = {
    "classification": ("roc", roc_figure),
    "regression": ("predicted", predicted_figure),
    "segmentation": ("dice", dice_figure),
}


def _draw_roc(axes: Axes, evaluations: Sequence[Evaluation], label: str) -> None:
    axes.plot((0, 1), (0, 1), **_DIAGONAL)
    aucs = [one[f"auc/{label}"] for one in evaluations]
    for index, (one, auc) in enumerate(zip(evaluations, aucs, strict=True)):
        if one.curves[label]:
            curve = one.curves[label]["roc"]
            style = {"color": COLOURS[index % len(COLOURS)], "linewidth": 1, "alpha": 0.5}
            axes.plot(curve["fpr"], curve["tpr"], label=f"fold {index + 1}: {number(auc)}", **style)
    found = mean_roc(evaluations, label)
    if found:
        mean, spread = found
        axes.plot(_GRID, mean, color="black", linewidth=2, label=f"mean: {_mean_std(aucs)}")
        band = np.clip(mean - spread, 0, 1), np.clip(mean + spread, 0, 1)
        axes.fill_between(_GRID, *band, color="0.5", alpha=0.25, linewidth=0, label="one std")
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.set(xlabel="1 - specificity (false positive rate)", ylabel="Recall (true positive rate)")
    axes.set_title(label, fontsize=11, parse_math=False)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    add_legend(axes, loc="lower right", title="AUC")
    # The curves of many folds run below it.
    axes.get_legend().set_frame_on(True)
    axes.get_legend().get_frame().set(alpha=0.8, edgecolor="none")


def _line(axes: Axes, values: np.ndarray, **style: Any) -> None:
    axes.plot(np.arange(1, len(values) + 1), values, marker="o" if len(values) == 1 else None, **style)


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.set(xlabel="Epoch", ylabel="Loss")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    add_legend(axes)


def _losses(path: str | os.PathLike) -> dict[str, np.ndarray]:
    columns = read_columns(path)
    return {name: columns[name] for name in _LOSSES}


def _mean_std(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return mean_std(float(np.mean(known)), float(np.std(known))) if known else "-"
