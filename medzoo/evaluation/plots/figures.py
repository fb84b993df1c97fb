"""The one table of what the module of a task draws."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from medzoo.evaluation.plots import classification, regression, segmentation
from medzoo.evaluation.record import Evaluation

if TYPE_CHECKING:
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
