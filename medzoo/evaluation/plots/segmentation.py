"""Figures of segmentations, and sheets of cases with the outlines of truth and prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

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
from medzoo.inference.segmentation import LABEL_COLORS

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


# Line of the truth and of the prediction, and the colours that they have where there is one label only.
TRUTH: Literal["solid"] = "solid"
PREDICTION: Literal["dashed"] = "dashed"
_OF_ONE_LABEL = {TRUTH: "#00e05a", PREDICTION: "#ff4136"}
_WIDTH = 2.0
# Planes of a volume by their axis.
_PLANES = ("axial", "coronal", "sagittal")
# What is shown around the structures of a volume, as a share of their size and in voxels at least.
_MARGIN, _LEAST_MARGIN = 0.3, 8


def overlay_figure(
    model: Model, samples: Samples, evaluation: Evaluation, best: bool = False, count: int = 4
) -> Figure:
    """Draw the cases with the lowest or highest Dice, predicted anew.

    Of a volume the part with its structures is shown, in the three planes in which the most is annotated. The truth is
    outlined solid, the prediction dashed; a single label in green and red, several in a colour each, which the legend
    names.

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
    chosen = samples[picked]
    panels_of = [len(_PLANES) if len(target.shape) == len(_PLANES) else 1 for target in chosen.targets]
    columns = max(panels_of, default=1)
    title = f"Cases with the {'highest' if best else 'lowest'} Dice"
    figure, panels = make_sheet(title, columns * len(picked), columns=max(2, columns))
    predictions = predict_scans(model, chosen.images, slices=chosen.slices)
    for place, (index, prediction) in enumerate(zip(picked, predictions, strict=True)):
        row = evaluation.cases[index]
        own = panels[place * columns : place * columns + panels_of[place]]
        _draw_case(own, prediction, true_mask(model.task, samples, index))
        write_title(own[0], row["source"], f"Dice {row['dice']:.2f}")
    _draw_legend(figure, model.task.labels)
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


def _draw_case(panels: Sequence[Axes], prediction: Any, true: np.ndarray) -> None:
    labels = len(prediction.task.labels)
    true, predicted, _ = without_ignored(true, prediction.displayed_mask, labels)
    image = prediction.scan.array
    if len(panels) == 1:
        draw_image(panels[0], image, predicted.shape)
        _draw_outlines(panels[0], true, predicted, labels)
        return
    spacing = prediction.scan.spacing or (1.0, 1.0, 1.0)
    counted = true if true.any() else predicted
    for axis, axes in enumerate(panels):
        others = tuple(other for other in range(3) if other != axis)
        index = int(np.argmax(np.count_nonzero(counted, axis=others)))
        planes = [np.take(volume, index, axis) for volume in (image, true, predicted)]
        rows, columns = _around((planes[1] > 0) | (planes[2] > 0))
        plane, shown, guessed = (values[rows, columns] for values in planes)
        draw_image(axes, plane, shown.shape)
        _draw_outlines(axes, shown, guessed, labels)
        axes.set_aspect(spacing[others[0]] / spacing[others[1]])
        # Elsewhere nothing says which way the slices of the file lie.
        if axis > 0 and prediction.scan.orientation is not None:
            # Slices lie foot to head.
            axes.invert_yaxis()
            axes.set_title(_PLANES[axis], fontsize=9)


def _around(structures: np.ndarray) -> tuple[slice, slice]:
    """Return rows and columns of a plane that hold its structures and a margin; of an empty plane all."""
    if not structures.any():
        return slice(None), slice(None)
    parts = []
    for axis in (0, 1):
        places = np.flatnonzero(structures.any(1 - axis))
        margin = max(_LEAST_MARGIN, round(_MARGIN * (places[-1] - places[0] + 1)))
        parts.append(slice(max(0, places[0] - margin), places[-1] + 1 + margin))
    return parts[0], parts[1]


def _draw_outlines(axes: Axes, true: np.ndarray, predicted: np.ndarray, labels: int) -> None:
    for mask, line in ((true, TRUTH), (predicted, PREDICTION)):
        # The border of zeros closes the outline of what touches the edge of the image.
        padded = np.pad(mask, 1)
        grid = [np.arange(size) - 1 for size in padded.shape]
        for label in np.unique(mask[mask > 0]):
            style: dict[str, Any] = {"colors": [_colour(label, line, labels)], "linewidths": _WIDTH, "linestyles": line}
            axes.contour(grid[1], grid[0], padded == label, levels=[0.5], **style)
    axes.set(xlim=(-0.5, true.shape[1] - 0.5), ylim=(true.shape[0] - 0.5, -0.5))


def _colour(label: int, line: str, labels: int) -> Any:
    """Return the colour of a label, that of `result.overlay` where there are several."""
    return _OF_ONE_LABEL[line] if labels == 2 else np.array(LABEL_COLORS[(label - 1) % len(LABEL_COLORS)]) / 255


def _draw_legend(figure: Figure, labels: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    of_one = len(labels) == 2
    words = ((TRUTH, "annotated"), (PREDICTION, "predicted"))
    lines = [
        Line2D([], [], color=_OF_ONE_LABEL[line] if of_one else "black", linewidth=2, linestyle=line, label=label)
        for line, label in words
    ]
    if not of_one:
        colours = [_colour(label, TRUTH, len(labels)) for label in range(1, len(labels))]
        lines += [
            Line2D([], [], color=colour, linewidth=6, label=label)
            for colour, label in zip(colours, labels[1:], strict=True)
        ]
    columns = min(len(lines), 4)
    legend = figure.legend(handles=lines, loc="outside lower center", ncols=columns, frameon=False, fontsize=11)
    for text in legend.get_texts():
        text.set_parse_math(False)
