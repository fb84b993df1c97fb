"""Whether one model is better than another, on the same cases."""

from __future__ import annotations

from medzoo.evaluation.comparison.compare import compare
from medzoo.evaluation.comparison.record import Comparison

__all__ = ["Comparison", "compare"]
