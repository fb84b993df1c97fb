"""Sheets of single cases, such as those with the largest errors; they show patient images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.plots.common import empty_figure
from medzoo.evaluation.record import Evaluation
from medzoo.io import read_scan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.inference.model import Model


def check_samples(samples: Samples, evaluation: Evaluation) -> None:
    """Refuse samples that are not those of an evaluation.

    Raises:
        ValueError: They are others, or in another order.
    """
    if list(samples.names) != [row["source"] for row in evaluation.cases]:
        raise ValueError(
            f"`samples` must be the {evaluation.n_cases} samples of the evaluation in the same order; got "
            f"{len(samples)} others. Pass the samples that medzoo.evaluate scored."
        )


def make_sheet(title: str, count: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of `count` panels without axes, in so many columns at most."""
    columns = min(columns, max(1, count))
    rows = max(1, -(-count // columns))
    figure = empty_figure(3.2 * columns, 3.6 * rows + 0.8)
    figure.set_layout_engine("constrained", hspace=0.05)
    figure.suptitle(title, fontsize=12)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    return figure, list(panels[:count])


def draw_image(axes: Axes, image: np.ndarray, shape: tuple[int, ...]) -> None:
    """Draw an image `(height, width, channels)`; `shape` is the height and width of its file."""
    height, width = shape
    low, high = np.percentile(image, (0.5, 99.5))
    shown = np.clip((image.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1)
    shown = shown[..., :3] if shown.shape[-1] >= 3 else shown[..., 0]
    # The extent, because a JPEG may have been decoded at reduced scale while masks have the full one.
    axes.imshow(shown, cmap="gray", vmin=0, vmax=1, extent=(-0.5, width - 0.5, height - 0.5, -0.5))


def write_title(axes: Axes, source: str, text: str) -> None:
    """Write the shortened name of a case, and words about it, over its panel."""
    short = source if len(source) <= 28 else f"{source[:14]}...{source[-11:]}"
    axes.set_title(f"{short}\n{text}", fontsize=9, parse_math=False)


COUNT, COLUMNS = 12, 4


def case_sheet(
    model: Model,
    samples: Samples,
    evaluation: Evaluation,
    order: Sequence[int],
    title: str,
    describe: Callable[[dict[str, Any]], str],
) -> Figure:
    """Draw the first cases of an order, each with words about it.

    Args:
        model: The model that was evaluated.
        samples: The samples it was evaluated on, in the same order.
        evaluation: Its record.
        order: Indices of cases.
        title: Title of the sheet.
        describe: Returns the words for a row of the record.

    Raises:
        ValueError: The samples are others than the record's.
    """
    check_samples(samples, evaluation)
    figure, panels = make_sheet(title, min(COUNT, len(order)), COLUMNS)
    for axes, index in zip(panels, order, strict=False):
        _draw_case(axes, model, samples, index)
        write_title(axes, evaluation.cases[index]["source"], describe(evaluation.cases[index]))
    return figure


def _draw_case(axes: Axes, model: Model, samples: Samples, index: int) -> None:
    scan = read_scan(samples.images[index], at_least=model.preprocessing.at_least)
    if not scan.is_volume:
        draw_image(axes, scan.array, scan.shape)
        return
    places = model.preprocessing.windows(scan, samples.slices[index]).places
    place = places[len(places) // 2]
    draw_image(axes, scan.array[scan.shape[0] // 2 if place is ... else place], scan.shape[1:])
