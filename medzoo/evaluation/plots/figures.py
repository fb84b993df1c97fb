"""What the module of a task draws of a record, and of all records of a cross-validation; without patient images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots import classification, regression, segmentation
from medzoo.evaluation.plots.common import COLOURS, add_grid, add_legend, count_along, empty_figure, read_columns
from medzoo.evaluation.record import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.inference.model import Model

# Each has `FIGURES`, functions of a record by the name of their figure; `case_sheets`; and `FOLDS`, the name of the
# figure of a cross-validation, and a function of the records of all folds and of words for what they are scored on.
MODULES: dict[str, ModuleType] = {
    "segmentation": segmentation,
    "classification": classification,
    "regression": regression,
}


def draw_figures(evaluation: Evaluation) -> dict[str, Figure]:
    """Return by name the figures that show no images, and so may be published."""
    return {name: draw(evaluation) for name, draw in MODULES[evaluation.task].FIGURES.items()}


def case_sheets(model: Model, samples: Samples, evaluation: Evaluation) -> dict[str, Figure]:
    """Return the pictures of single cases by name.

    Raises:
        ValueError: The samples are not those of the evaluation.
    """
    return MODULES[evaluation.task].case_sheets(model, samples, evaluation)


SCORED_ON = {"valid": "validation part of each fold", "test": "held-out set"}
_LOSSES = {"loss": ("train", "-"), "val_loss": ("valid", "--")}


def fold_figures(
    records: Mapping[str, Sequence[Evaluation]], histories: Sequence[str | os.PathLike]
) -> dict[str, Figure]:
    """Draw the figures of a cross-validation.

    Args:
        records: Records of the folds on "valid" and, where something is held out, on "test".
        histories: `history.csv` of each fold.

    Returns:
        Figures by name: `roc_<split>` of a classification, `predicted_<split>` of a regression, `dice_<split>` of a
        segmentation, and `loss`.
    """
    name, draw = MODULES[records["valid"][0].task].FOLDS
    figures = {f"{name}_{split}": draw(of_folds, SCORED_ON[split]) for split, of_folds in records.items()}
    return figures | {"loss": losses_figure(histories)}


def losses_figure(histories: Sequence[str | os.PathLike]) -> Figure:
    """Draw the losses of every fold over the epochs, and their mean up to the end of the shortest fold."""
    runs = [_losses(path) for path in histories]
    figure = empty_figure(10, 3.8)
    folds, mean = figure.subplots(1, 2, sharey=True)
    for index, run in enumerate(runs):
        for name, (split, style) in _LOSSES.items():
            label = f"fold {index + 1}" if split == "train" else None
            _line(folds, run[name], color=COLOURS[index % len(COLOURS)], linestyle=style, label=label)
    for (name, (split, style)), colour in zip(_LOSSES.items(), COLOURS, strict=False):
        values, spread = mean_losses(runs)[name]
        _line(mean, values, color=colour, linestyle=style, label=split)
        mean.fill_between(np.arange(1, len(values) + 1), values - spread, values + spread, color=colour, alpha=0.2)
    _finish(folds, "Loss of each fold: train (line), valid (dashes)")
    _finish(mean, f"Mean +- std of {len(runs)} folds, cut at the shortest")
    return figure


def mean_losses(runs: Sequence[Mapping[str, np.ndarray]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the mean and the deviation of `loss` and `val_loss` over the folds, `(epochs,)` of the shortest fold.

    Example:
        >>> mean_losses([{"loss": [3, 2, 1], "val_loss": [1, 1, 1]}, {"loss": [5, 4], "val_loss": [1, 1]}])["loss"][0]
        array([4., 3.])
    """
    shortest = min(len(run["loss"]) for run in runs)
    stacked = {name: np.stack([np.asarray(run[name])[:shortest] for run in runs]) for name in _LOSSES}
    return {name: (values.mean(axis=0), values.std(axis=0)) for name, values in stacked.items()}


def _line(axes: Axes, values: np.ndarray, **style: Any) -> None:
    axes.plot(np.arange(1, len(values) + 1), values, marker="o" if len(values) == 1 else None, **style)


def _finish(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=11)
    axes.set(xlabel="Epoch", ylabel="Loss")
    count_along(axes.xaxis)
    add_grid(axes)
    add_legend(axes)


def _losses(path: str | os.PathLike) -> dict[str, np.ndarray]:
    columns = read_columns(path)
    return {name: columns[name] for name in _LOSSES}
