"""Pictures of single cases with the outlines of truth and prediction; they show patient images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.evaluate import case_names, true_mask
from medzoo.evaluation.plots import empty_figure
from medzoo.evaluation.record import Evaluation
from medzoo.inference import predict_scans

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel

TRUTH = {"colors": "#00e05a", "linewidths": 2.0, "linestyles": "solid"}
PREDICTION = {"colors": "#ff4136", "linewidths": 2.0, "linestyles": "dashed"}


def overlay_figure(
    model: ZooModel, samples: Samples, evaluation: Evaluation, best: bool = False, count: int = 4
) -> Figure:
    """Draw the cases with the lowest or highest Dice, predicted once more.

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
    if case_names(samples) != [row["source"] for row in evaluation.cases]:
        raise ValueError(
            f"`samples` must be the {evaluation.n_cases} samples of the evaluation in the same order; got "
            f"{len(samples)} others. Pass what medzoo.evaluate was given."
        )
    picked = pick_cases(evaluation.cases, best, count)
    columns = min(2, max(1, len(picked)))
    rows = max(1, -(-len(picked) // columns))
    figure = empty_figure(3.2 * columns, 3.4 * rows + 0.8)
    figure.get_layout_engine().set(hspace=0.05)
    figure.suptitle(f"Cases with the {'highest' if best else 'lowest'} Dice", fontsize=12)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    predictions = predict_scans(model, [samples.images[index] for index in picked])
    for axes, index, prediction in zip(panels, picked, predictions, strict=False):
        _draw_scan(axes, prediction.scan.array, prediction.mask.shape)
        _draw_outline(axes, true_mask(model, samples, index), TRUTH)
        _draw_outline(axes, prediction.mask, PREDICTION)
        axes.set_title(_title(evaluation.cases[index]), fontsize=9, parse_math=False)
    _draw_legend(figure)
    return figure


def pick_cases(cases: list[dict[str, Any]], best: bool, count: int) -> list[int]:
    """Return the indices of the cases with the highest or lowest Dice, of equal ones the largest; empty ones never."""
    sign = -1 if best else 1
    scored = [index for index, row in enumerate(cases) if row["dice"] is not None]
    return sorted(scored, key=lambda index: (sign * cases[index]["dice"], -cases[index]["true_pixels"]))[:count]


def _draw_scan(axes: Axes, array: np.ndarray, shape: tuple[int, int]) -> None:
    height, width = shape
    low, high = np.percentile(array, (0.5, 99.5))
    shown = np.clip((array.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1)
    image = shown[..., :3] if shown.shape[-1] >= 3 else shown[..., 0]
    # The extent, because a JPEG may have been decoded at reduced scale while masks have the full one.
    axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=(-0.5, width - 0.5, height - 0.5, -0.5))


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


def _title(row: dict[str, Any]) -> str:
    name = row["source"]
    short = name if len(name) <= 28 else f"{name[:14]}...{name[-11:]}"
    return f"{short}\nDice {row['dice']:.2f}"
