"""What the module of a task draws of a record, and of all records of a cross-validation; without patient images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots import classification, regression, segmentation
from medzoo.evaluation.plots.common import COLOURS, add_legend, empty_figure, read_columns
from medzoo.evaluation.record import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel

# Each has `FIGURES`, name to a function of a record; `case_sheets`; and `FOLDS`, the name of a figure of all folds of a
# cross-validation and its function of their records and of words for what they are scored on.
MODULES: dict[str, ModuleType] = {
    "segmentation": segmentation,
    "classification": classification,
    "regression": regression,
}


def draw_figures(evaluation: Evaluation) -> dict[str, Figure]:
    """Return what may be published, since it shows no images, by name."""
    return {name: draw(evaluation) for name, draw in MODULES[evaluation.task].FIGURES.items()}


def case_sheets(model: ZooModel, samples: Samples, evaluation: Evaluation) -> dict[str, Figure]:
    """Return the pictures of single cases by name.

    Raises:
        ValueError: The samples are not those of the evaluation.
    """
    return MODULES[evaluation.task].case_sheets(model, samples, evaluation)


WORDS = {"valid": "validation part of each fold", "test": "held-out set"}
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
    name, draw = MODULES[parts["valid"][0].task].FOLDS
    figures = {f"{name}_{part}": draw(records, WORDS[part]) for part, records in parts.items()}
    return figures | {"loss": losses_figure(histories)}


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
