"""How good a model is: scores with intervals, the record of them, figures, comparison and calibration."""

from __future__ import annotations

# Not lazy: the function `evaluate` would otherwise be hidden by its module of the same name. NumPy is all this loads.
from medzoo.evaluation.calibrate import calibrate
from medzoo.evaluation.comparison import Comparison, compare
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.gradcam import Explanation, explain
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.save import save_comparison, save_report

__all__ = [
    "Comparison",
    "Evaluation",
    "Explanation",
    "calibrate",
    "compare",
    "evaluate",
    "explain",
    "save_comparison",
    "save_report",
]
