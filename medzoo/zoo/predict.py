"""Predict by name: one call from a file to an answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

from medzoo.errors import unknown_name
from medzoo.inference import Prediction, predict_scans
from medzoo.inference.sources import several
from medzoo.progress import track
from medzoo.zoo.find import find_entry
from medzoo.zoo.load import has_onnx, load, load_onnx

ENGINES = ("auto", "onnx", "keras")


def predict(
    model: Any,
    source: Any,
    engine: str = "auto",
    batch_size: int = 8,
    progress: bool = True,
    on_error: Callable[[Any, Exception], None] | None = None,
    slice: int | None = None,
) -> Prediction | Iterator[Prediction]:
    """Predict a scan, or any number of them.

    Args:
        model: A loaded model, or what `medzoo.load` takes: the name of one, a repository on the Hub, `"owner/name"` or
            `"owner/name@v1"`, or the folder of a zoo entry.
        source: A picture (PNG, JPEG, TIFF, BMP), a DICOM file, a folder with one DICOM series, a NIfTI file, or an
            array `(height, width)`, `(height, width, channels)` or `(depth, height, width, channels)`. Or several: a
            list or generator of these, or a folder of files.
        engine: How a model given by name runs: `"onnx"` starts in a fraction of a second and needs no Keras,
            `"keras"` uses the backend in use, `"auto"` takes ONNX where the entry has it. No other network is fetched
            from the Hub.
        batch_size: Images or slices in a batch.
        progress: Whether to show a progress bar for several scans.
        on_error: For several scans: called with a scan that cannot be read and its error, after which the next one
            follows; None raises the error.
        slice: Slice of every volume, foot to head from 0, that a 2D classification or regression takes instead of its
            own rule.

    Returns:
        A Prediction; for several scans an iterator over Predictions in their order, which computes as it is consumed,
        so that memory stays bounded.

    Raises:
        ValueError: The model is unknown, or a scan cannot be read; the message names it.
        FileNotFoundError: There is no such file or repository, or a folder holds no scan.
        ConnectionError: The model is not in the cache, and the Hub is not reached.

    Example:
        >>> result = medzoo.predict("brain-tumor-unet", "scan.png")
        >>> result.save("mask.png")
    """
    if engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    model = _resolve(model, engine)
    sources = several(source)
    if sources is None:
        return next(predict_scans(model, [source], batch_size, slices=[slice]))
    sources = track(sources, "Predicting") if progress else sources
    return predict_scans(model, sources, batch_size, on_error, repeat(slice))


def _resolve(model: Any, engine: str) -> Any:
    if not isinstance(model, str | os.PathLike):
        return model
    # Found once, so that a branch of the Hub is asked for once.
    folder = find_entry(model, engine=engine)
    if engine == "onnx" or (engine == "auto" and has_onnx(folder)):
        return load_onnx(folder)
    return load(folder)
