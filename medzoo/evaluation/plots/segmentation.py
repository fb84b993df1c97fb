"""Figures of segmentations, and sheets of cases with the outlines of truth and prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots.common import (
    COLOURS,
    add_legend,
    confusion_figure,
    count_along,
    mean_and_spread,
    single_panel,
)
from medzoo.evaluation.plots.sheets import check_samples, draw_image, make_sheet, write_title
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.segmentation import true_mask, without_ignored
from medzoo.inference import predict_scans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.inference.model import Model


def case_figure(evaluation: Evaluation) -> Figure:
    """Draw how the Dice of the single cases is distributed; cases with an empty true mask have none."""
    values = [row["dice"] for row in evaluation.cases if row["dice"] is not None]
    empty = evaluation.detail("empty_cases")["cases"]
    left_out = f", {empty} without a true mask left out" if empty else ""
    title = f"Dice per case ({len(values)} cases{left_out})"
    figure, axes = single_panel(title, 6, 3.6, xlim=(0, 1), xlabel="Dice of a case", ylabel="Cases")
    axes.hist(values, bins=np.linspace(0, 1, 21).tolist(), color=COLOURS[0], edgecolor="white")
    if values:
        median = float(np.median(values))
        axes.axvline(median, color="black", linestyle="--", label=f"median {median:.2f}")
        add_legend(axes)
    count_along(axes.yaxis)
    return figure


TRUTH: dict[str, Any] = {"colors": "#00e05a", "linewidths": 2.0, "linestyles": "solid"}
PREDICTION: dict[str, Any] = {"colors": "#ff4136", "linewidths": 2.0, "linestyles": "dashed"}


def overlay_figure(
    model: Model, samples: Samples, evaluation: Evaluation, best: bool = False, count: int = 4
) -> Figure:
    """Draw the cases with the lowest or highest Dice, predicted anew; of a volume the slice that differs most.

    The truth is outlined in green, solid, and the prediction in red, dashed, so that they differ without colour too.

    Args:
        model: The model that was evaluated.
        samples: The samples it was evaluated on, in the same order.
        evaluation: Its record.
        best: Whether to show the highest Dice instead of the lowest.
        count: Number of cases at most.

    Raises:
        ValueError: The samples are others than the record's.
    """
    check_samples(samples, evaluation)
    picked = pick_cases(evaluation.cases, best, count)
    figure, panels = make_sheet(f"Cases with the {'highest' if best else 'lowest'} Dice", len(picked), columns=2)
    chosen = samples[picked]
    predictions = predict_scans(model, chosen.images, slices=chosen.slices)
    for axes, index, prediction in zip(panels, picked, predictions, strict=True):
        row = evaluation.cases[index]
        _draw_case(axes, prediction, true_mask(model.task, samples, index))
        write_title(axes, row["source"], f"Dice {row['dice']:.2f}")
    _draw_legend(figure)
    return figure


def pick_cases(cases: list[dict[str, Any]], best: bool, count: int) -> list[int]:
    """Return the indices of the cases with the highest or lowest Dice, among equals the largest; never an empty one."""
    sign = -1 if best else 1
    scored = [index for index, row in enumerate(cases) if row["dice"] is not None]
    return sorted(scored, key=lambda index: (sign * cases[index]["dice"], -cases[index]["true_pixels"]))[:count]


def case_sheets(model: Model, samples: Samples, evaluation: Evaluation) -> dict[str, Figure]:
    """Return the pictures of single cases by name."""
    return {name: overlay_figure(model, samples, evaluation, best=name == "best") for name in ("best", "worst")}


def folds_figure(evaluations: Sequence[Evaluation], words: str) -> Figure:
    """Draw the Dice of the cases of each fold: the median, the quartiles, and a point for each case."""
    values = [[row["dice"] for row in one.cases if row["dice"] is not None] for one in evaluations]
    mean = mean_and_spread(one["dice_per_case"] for one in evaluations)
    width = 2.4 + 0.7 * len(values)
    figure, axes = single_panel(
        f"Dice per case: {mean}\non the {words}", width, 4, ylim=(-0.02, 1.02), ylabel="Dice of a case", xlabel="Fold"
    )
    axes.boxplot(values, showfliers=False, medianprops={"color": "black"})
    for index, column in enumerate(values, 1):
        places = index + np.linspace(-0.18, 0.18, len(column))
        axes.plot(places, column, ".", color=COLOURS[0], markersize=4, alpha=0.6)
    return figure


FIGURES: dict[str, Callable[[Evaluation], Figure]] = {
    "confusion": partial(confusion_figure, counted="Pixels", unit=" px"),
    "dice_per_case": case_figure,
}
FOLDS = ("dice", folds_figure)


def _draw_case(axes: Axes, prediction: Any, true: np.ndarray) -> None:
    true, predicted, _ = without_ignored(true, prediction.displayed_mask, len(prediction.task.labels))
    image = prediction.scan.array
    if prediction.scan.is_volume:
        differing = np.count_nonzero(true != predicted, axis=(1, 2))
        index = int(np.argmax(differing if differing.any() else np.count_nonzero(true, axis=(1, 2))))
        true, predicted, image = true[index], predicted[index], image[index]
    draw_image(axes, image, predicted.shape)
    _draw_outline(axes, true, TRUTH)
    _draw_outline(axes, predicted, PREDICTION)


def _draw_outline(axes: Axes, mask: np.ndarray, style: dict[str, Any]) -> None:
    # The border of zeros closes the outline of what touches the edge of the image.
    padded = np.pad(mask, 1)
    grid = [np.arange(size) - 1 for size in padded.shape]
    for label in np.unique(mask[mask > 0]):
        axes.contour(grid[1], grid[0], padded == label, levels=[0.5], **style)
    axes.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))


def _draw_legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    lines = [
        Line2D([], [], color=style["colors"], linewidth=2, linestyle=style["linestyles"], label=label)
        for style, label in ((TRUTH, "annotated"), (PREDICTION, "predicted"))
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=2, frameon=False, fontsize=11)
