"""Any number of scans through a model, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from typing import Any

import numpy as np

from medzoo.inference.classification import ClassPrediction
from medzoo.inference.prediction import Prediction
from medzoo.inference.regression import ValuePrediction
from medzoo.inference.segmentation import MaskPrediction
from medzoo.io import as_image
from medzoo.preprocessing.windows import Windows

# What reading a broken file raises; anything else is a bug and is not passed to `on_error`.
READ_ERRORS = (ValueError, OSError, ImportError)
ANSWERS = {"segmentation": MaskPrediction, "classification": ClassPrediction, "regression": ValuePrediction}


def predict_scans(
    model: Any,
    sources: Iterable[Any],
    batch_size: int = 8,
    on_error: Callable[[Any, Exception], None] | None = None,
    slices: Iterable[int | None] | None = None,
) -> Iterator[Prediction]:
    """Yield a Prediction for every source, in their order.

    Sources are read when their turn comes, so memory holds a batch of pictures or one volume, however many there are.
    A volume passes through a 2D segmentation slice by slice; through a model of stacks once, or as often as its
    `Stack.average` says, and the answers are averaged.

    Args:
        model: A `ZooModel` or an `OnnxModel`.
        sources: Paths, arrays or scans.
        batch_size: Images, slices or volumes in a batch.
        on_error: Called with a source that cannot be read and its error, after which the next one follows; None
            raises the error.
        slices: For every source the slice to take of it, or None for the model's own rule.

    Raises:
        ValueError: A source cannot be read, or does not fit the model; the message names it. Or the model gives
            features.
    """
    if model.task.name not in ANSWERS:
        raise ValueError(
            f"The model gives features, not an answer (task {model.task.name}). "
            "Call model.predict(model.preprocessing(image)[None])."
        )
    answers: list[np.ndarray] = []
    inputs_of_all = _inputs(model, sources, repeat(None) if slices is None else slices, on_error)
    while batch := list(islice(inputs_of_all, batch_size)):
        outputs = np.asarray(model.predict_on_batch(np.stack([pixels for _, pixels in batch])))
        for (windows, _), output in zip(batch, outputs, strict=True):
            answers.append(output)
            if len(answers) == len(windows):
                yield ANSWERS[model.task.name](windows, model.task, np.stack(answers))
                answers = []


def _inputs(
    model: Any, sources: Iterable[Any], slices: Iterable[int | None], on_error: Callable | None
) -> Iterator[tuple[Windows, np.ndarray]]:
    """Yield every input with the windows of its scan."""
    for source, chosen in zip(sources, slices, strict=False):
        try:
            windows = as_image(source).windows(model.preprocessing, chosen, model.task.is_dense)
            inputs = windows.inputs()
            # What does not fit is found with the first slice, before any other is on its way.
            first = next(inputs)
        except READ_ERRORS as error:
            if on_error is None:
                raise
            on_error(source, error)
            continue
        yield windows, first
        yield from ((windows, pixels) for pixels in inputs)
