"""What a network answered, case by case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from medzoo.data import Samples


def stack_outputs(samples: Samples, predictions: Iterable[Any]) -> np.ndarray:
    """Return the outputs `(cases, outputs)` of predictions of the samples, in their order.

    Raises:
        ValueError: One is not finite; the message names its image.
    """
    outputs = np.stack([prediction.outputs for prediction in predictions])
    refuse_infinite(samples, outputs.sum(axis=1), "the model answers")
    return outputs


def refuse_infinite(samples: Samples, values: np.ndarray, what: str) -> None:
    """Raise an error that names the first image whose value `(cases,)` is no number.

    Raises:
        ValueError: There is one.
    """
    for index in np.flatnonzero(~np.isfinite(values))[:1]:
        raise ValueError(
            f"{samples.sources[index]}: {what} {values[index]}, which is no number. Leave the image out, or check its "
            "pixels and its target with: medzoo audit DIR"
        )
