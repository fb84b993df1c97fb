"""Write the record of an evaluation and its figures into a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.evaluation.record import Evaluation
from medzoo.io.files import write_json

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
    """Write `evaluation.json`, `figures/*.png` and, with model and samples, `overlays/*.png`; each whole or not at all.

    The figures hold no images and may be published with the model. The overlays show patient images and stay with
    the run.

    Args:
        evaluation: What to write.
        folder: Folder to write into; made if needed, other files in it are kept.
        history: `history.csv` of the training, for the curves.
        model: The evaluated model, for the overlays.
        samples: The samples it was evaluated on, for the overlays.

    Returns:
        Paths of the pictures.

    Example:
        >>> save_report(evaluation, "run", history="run/history.csv", model=model, samples=test)
    """
    from medzoo.evaluation import overlays, plots

    folder = Path(folder)
    write_json(folder / "evaluation.json", evaluation.to_json())
    figures = {"confusion": plots.confusion_figure(evaluation), "dice_per_case": plots.case_figure(evaluation)}
    if history is not None:
        figures["training"] = plots.curves_figure(history)
    paths = [plots.save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]
    if model is None or samples is None:
        return paths
    for name in ("best", "worst"):
        figure = overlays.overlay_figure(model, samples, evaluation, best=name == "best")
        paths.append(plots.save_figure(figure, folder / "overlays" / f"{name}.png", colours=128))
    return paths
