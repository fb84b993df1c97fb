"""A sheet of the cases that a classifier or a regression got most wrong; it shows patient images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from medzoo.evaluation.plots.sheets import check_samples, draw_image, make_sheet, write_title
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import number
from medzoo.io import read_scan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel

COUNT, COLUMNS = 12, 4


def class_errors_figure(model: ZooModel, samples: Samples, evaluation: Evaluation) -> Figure:
    """Draw the wrong answers of which the model was surest, each with its true and its predicted label."""
    wrong = [index for index, row in enumerate(evaluation.cases) if row["true"] != row["predicted"]]
    wrong.sort(key=lambda index: -evaluation.cases[index]["confidence"])
    title = f"Wrong answers, the most confident first ({len(wrong)} of {evaluation.n_cases} cases)"

    def describe(row: dict[str, Any]) -> str:
        return f"true {row['true']}\npredicted {row['predicted']} ({row['confidence']:.0%})"

    return _sheet(model, samples, evaluation, wrong, title, describe)


def value_errors_figure(model: ZooModel, samples: Samples, evaluation: Evaluation) -> Figure:
    """Draw the cases with the largest error, each with its true and its predicted value."""
    order = sorted(range(evaluation.n_cases), key=lambda index: -abs(evaluation.cases[index]["error"]))

    def describe(row: dict[str, Any]) -> str:
        return f"true {number(row['true'])}\npredicted {number(row['predicted'])}"

    return _sheet(model, samples, evaluation, order, "Largest errors", describe)


def _sheet(
    model: ZooModel, samples: Samples, evaluation: Evaluation, order: list[int], title: str, describe: Callable
) -> Figure:
    check_samples(samples, evaluation)
    figure, panels = make_sheet(title, min(COUNT, len(order)), COLUMNS)
    for axes, index in zip(panels, order, strict=False):
        _draw_case(axes, model, samples, index)
        write_title(axes, evaluation.cases[index]["source"], describe(evaluation.cases[index]))
    return figure


def _draw_case(axes: Axes, model: ZooModel, samples: Samples, index: int) -> None:
    scan = read_scan(samples.images[index], at_least=model.preprocessing.at_least)
    if not scan.is_volume:
        return draw_image(axes, scan.array, scan.shape)
    centers = model.preprocessing.centers(scan, samples.slices[index])
    center = centers[len(centers) // 2]
    return draw_image(axes, scan.array[scan.shape[0] // 2 if center is None else center], scan.shape[1:])
