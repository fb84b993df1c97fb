"""Features instead of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FeatureExtraction:
    """Describe an image by the features of an encoder, for other models to build on.

    Example:
        >>> FeatureExtraction().outputs
        0
    """

    name: ClassVar[str] = "feature_extraction"
    pipeline_tag: ClassVar[str] = "image-feature-extraction"
    default_loss: ClassVar[None] = None
    losses: ClassVar[tuple[str, ...]] = ()
    default_metrics: ClassVar[tuple[str, ...]] = ()
    main_score: ClassVar[None] = None
    labels: ClassVar[tuple[str, ...]] = ()
    threshold: ClassVar[None] = None
    # A builder without outputs ends with the pooled features.
    outputs: ClassVar[int] = 0
    activation: ClassVar[str] = "linear"
    is_dense: ClassVar[bool] = False

    def adopt(self, labels: tuple[str, ...]) -> bool:
        """Refuse labels: there is nothing to compare features with.

        Raises:
            ValueError: Always; the message says how to train on these weights.
        """
        raise ValueError(
            "This model gives features, so it cannot be trained or scored against labels. Build a network over its "
            "encoder, with the folder of this model as the `weights` of the recipe."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        return {"type": self.name}
