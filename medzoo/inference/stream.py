"""Any number of scans through a model, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from medzoo.inference.prediction import Prediction
from medzoo.io import Scan, read_scan

# What reading a broken file raises; anything else is a bug and is not passed to `on_error`.
READ_ERRORS = (ValueError, OSError, ImportError)


def predict_scans(
    model: Any,
    sources: Iterable[Any],
    batch_size: int = 8,
    on_error: Callable[[Any, Exception], None] | None = None,
) -> Iterator[Prediction]:
    """Yield a Prediction for every source, in their order.

    Sources are read when their turn comes, so memory holds a batch of pictures or one volume, however many there are.
    A volume passes through a 2D model slice by slice.

    Args:
        model: A `ZooModel` or an `OnnxModel`.
        sources: Paths, arrays or scans.
        batch_size: Images or slices in a batch.
        on_error: Called with a source that cannot be read and its error, after which the next one follows; None
            raises the error.

    Raises:
        ValueError: A source cannot be read, or its channels do not fit the model; the message names it. Or the model
            gives features.
    """
    if not model.task.labels:
        raise ValueError(
            f"The model gives features, not an answer for each pixel (task {model.task.name}). "
            "Call model.predict(model.preprocessing(image)[None])."
        )
    answers: list[np.ndarray] = []
    images_of_all = _images(model, sources, on_error)
    while images := list(islice(images_of_all, batch_size)):
        outputs = np.asarray(model.predict_on_batch(np.stack([inputs for _, inputs in images])))
        for (scan, _), output in zip(images, outputs, strict=True):
            answers.append(output)
            if len(answers) == _depth(scan):
                yield Prediction(scan, model.task, model.preprocessing, np.stack(answers))
                answers = []


def _images(model: Any, sources: Iterable[Any], on_error: Callable | None) -> Iterator[tuple[Scan, np.ndarray]]:
    for source in sources:
        try:
            # Read as in training, where a JPEG is decoded at reduced scale: other pixels would cost accuracy.
            scan = source if isinstance(source, Scan) else read_scan(source, at_least=model.preprocessing.size)
            # The channels are checked with the first slice, before any other is on its way.
            first = _prepare(model, scan, 0)
        except READ_ERRORS as error:
            if on_error is None:
                raise
            on_error(source, error)
            continue
        yield scan, first
        for index in range(1, _depth(scan)):
            yield scan, _prepare(model, scan, index)


def _prepare(model: Any, scan: Scan, index: int) -> np.ndarray:
    try:
        return model.preprocessing(scan.array[index] if scan.is_volume else scan.array, scan.shape[-2:])
    except ValueError as error:
        raise ValueError(f"{scan.source}: {error}") from error


def _depth(scan: Scan) -> int:
    return scan.shape[0] if scan.is_volume else 1
