"""Where in a scan a model sees evidence: Grad-CAM and Grad-CAM++."""

from __future__ import annotations

from medzoo.evaluation.gradcam.explain import explain
from medzoo.evaluation.gradcam.explanation import Explanation

__all__ = ["Explanation", "explain"]
