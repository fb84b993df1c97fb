"""How good a model is: scores with intervals, the record of them, and figures."""

from __future__ import annotations

# Not lazy: the function `evaluate` would otherwise be hidden by its module of the same name. NumPy is all this loads.
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.save import save_report

__all__ = ["Evaluation", "evaluate", "save_report"]
