"""Write the record of an evaluation or a comparison and its figures into a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.evaluation.comparison.compare import Comparison
from medzoo.evaluation.record import Evaluation
from medzoo.files import write_json, write_rows

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel


def save_report(
    evaluation: Evaluation,
    folder: str | os.PathLike,
    history: str | os.PathLike | None = None,
    model: ZooModel | None = None,
    samples: Samples | None = None,
) -> list[Path]:
    """Write `evaluation.json`, `figures/*.png` and, with model and samples, the cases; each whole or not at all.

    The figures hold no images and may be published with the model. `cases.csv` and the pictures in `overlays` are about
    single patients and stay with the run.

    Args:
        evaluation: What to write.
        folder: Folder to write into; made if needed, other files in it are kept.
        history: `history.csv` of the training, for the curves.
        model: The evaluated model, for the pictures.
        samples: The samples it was evaluated on, for the pictures.

    Returns:
        Paths of the pictures.

    Example:
        >>> save_report(evaluation, "run", history="run/history.csv", model=model, samples=test)
    """
    from medzoo.evaluation.plots import common as plots
    from medzoo.evaluation.plots.figures import case_sheets, draw_figures

    folder = Path(folder)
    write_json(folder / "evaluation.json", evaluation.to_json())
    figures = draw_figures(evaluation)
    if history is not None:
        figures["training"] = plots.curves_figure(history)
    paths = [plots.save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]
    if model is None or samples is None:
        return paths
    write_rows(folder / "cases.csv", evaluation.cases)
    for name, figure in case_sheets(model, samples, evaluation).items():
        paths.append(plots.save_figure(figure, folder / "overlays" / f"{name}.png", colours=128))
    return paths


def save_comparison(comparison: Comparison, folder: str | os.PathLike) -> Path:
    """Write `comparison.json` and `figures/differences.png` and return the path of the former."""
    from medzoo.evaluation.plots import common as plots
    from medzoo.evaluation.plots.comparison import differences_figure

    path = Path(folder) / "comparison.json"
    write_json(path, comparison.to_json())
    plots.save_figure(differences_figure(comparison), path.parent / "figures" / "differences.png")
    return path
