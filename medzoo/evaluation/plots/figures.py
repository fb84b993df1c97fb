"""Which figures and sheets a task has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from medzoo.evaluation.plots import classification, common, regression, segmentation
from medzoo.evaluation.plots import sheets as errors
from medzoo.evaluation.plots.segmentation import overlay_figure
from medzoo.evaluation.record import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel

# What may be published: no images.
FIGURES: dict[str, dict[str, Callable[[Evaluation], Figure]]] = {
    "segmentation": {"confusion": common.confusion_figure, "dice_per_case": segmentation.case_figure},
    "classification": {
        "confusion": common.confusion_figure,
        "roc": classification.roc_figure,
        "precision_recall": classification.precision_recall_figure,
        "reliability": classification.reliability_figure,
    },
    "regression": {
        "predicted": regression.predicted_figure,
        "residuals": regression.residuals_figure,
        "bland_altman": regression.bland_altman_figure,
    },
}


def case_sheets(model: ZooModel, samples: Samples, evaluation: Evaluation) -> dict[str, Figure]:
    """Return the pictures of single cases by name."""
    if evaluation.task == "classification":
        return {"errors": errors.class_errors_figure(model, samples, evaluation)}
    if evaluation.task == "regression":
        return {"errors": errors.value_errors_figure(model, samples, evaluation)}
    return {name: overlay_figure(model, samples, evaluation, best=name == "best") for name in ("best", "worst")}
