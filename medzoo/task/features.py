"""Features instead of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medzoo.task.base import Task
from medzoo.task.classification import Classification


@dataclass(frozen=True)
class FeatureExtraction(Task):
    """Describe an image by the features of an encoder, for other models to build on.

    Example:
        >>> FeatureExtraction().outputs
        0
    """

    name = "feature_extraction"
    pipeline_tag = "image-feature-extraction"
    default_loss = None
    losses = ()
    default_metrics = ()
    metrics = ()
    monitor = ""
    main_score = None
    usage = ""
    is_dense = False
    is_categorical = False
    target_dtype = np.float32
    labels = ()
    threshold = None
    # A builder without outputs ends with the pooled features.
    outputs = 0
    activation = "linear"

    def check_labels(self, labels: tuple[str, ...]) -> None:
        """Refuse labels: there is nothing to compare features with.

        Raises:
            ValueError: Always; the message says how to train on these weights.
        """
        raise ValueError(
            "This model gives features, so it cannot be trained or scored against labels. Build a network over its "
            "encoder, with the folder of this model as the `weights` of the recipe."
        )

    def with_labels(self, labels: int | Sequence[str]) -> Task:
        """Return the classification that a new head makes of the features."""
        return Classification().with_labels(labels)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        return {"type": self.name}
