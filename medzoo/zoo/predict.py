"""Predict by name: one call from a file to an answer."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from medzoo.entry import WEIGHTS, Entry
from medzoo.errors import unknown_name
from medzoo.inference import Model, OnnxModel, Prediction, predict_scans
from medzoo.inference.model import check_model
from medzoo.inference.scans import several
from medzoo.progress import track
from medzoo.zoo.find import Location, locate
from medzoo.zoo.load import keras_model, onnx_file, onnx_model

ENGINES = ("auto", "onnx", "keras")
FilesState = tuple[tuple[str, int, int, int, int], ...]


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

    A model given by name is opened once: further calls take it as it is, unless a file of its folder changed.

    Args:
        model: A loaded model, or what `medzoo.load` takes: the name of one, a repository on the Hub, `"owner/name"` or
            `"owner/name@v1"`, or the folder of a zoo entry.
        source: A picture (PNG, JPEG, TIFF, BMP), a DICOM file, a folder with one DICOM series, a NIfTI file, or an
            array `(height, width)`, `(height, width, channels)` or `(depth, height, width, channels)`. For a model of
            several channels: their files with commas between them, one of them (`case_0000.nii.gz`,
            `case_flair.nii.gz`), the folder of a case, or a NIfTI file of four dimensions. Or several: a
            list or generator of these, or a folder of files.
        engine: How a model given by name runs: `"onnx"` starts in a fraction of a second and needs no Keras,
            `"keras"` uses the backend in use, `"auto"` takes ONNX where the entry has it. A large entry has none: it is
            exported once, into the cache, where medzoo[onnx] is installed. No other network is fetched from the Hub.
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
    if isinstance(model, str | os.PathLike):
        model = _opened.model(locate(model), engine)
    check_model(model)
    sources = several(source, on_error, model.preprocessing.channel_names or ())
    if sources is None:
        return next(predict_scans(model, [source], batch_size, slices=[slice]))
    sources = track(sources, "Predicting") if progress else sources
    return predict_scans(model, sources, batch_size, on_error, repeat(slice))


class OpenedEntries:
    """Models of the zoo entries that were opened last, for the next call, as long as no file of an entry changes.

    They are for `predict` alone: what `medzoo.load` returns is its user's own, who may change it.

    Args:
        most: Number of models to keep.
    """

    def __init__(self, most: int = 4):
        self._most = most
        self._lock = threading.Lock()
        self._models: dict[tuple[Path, str, str | None], _Opened] = {}

    def model(self, location: Location, engine: str) -> Model:
        """Return the model of an entry for an engine, kept from an earlier call or opened now."""
        folder = location.folder.absolute()
        key = (folder, engine, location.revision)
        with self._lock:
            # Taken out and put back, so that the one that was used last is dropped last.
            kept = self._models.pop(key, None)
            if kept is not None and (kept.state, kept.pinned) == (_state_of(folder), location.pinned):
                self._models[key] = kept
                return kept.model
        # What is fetched changes the state; it was compared on its way.
        manifest = location.fetch(engine) if location.repo is not None else None
        # Before anything is read, so that the next call sees what changes from here on.
        state = _state_of(folder)
        model = _shareable(location.open(engine, manifest=manifest), engine)
        with self._lock:
            self._models[key] = _Opened(state, location.pinned, model)
            while len(self._models) > self._most:
                del self._models[next(iter(self._models))]
        return model


class _Opened(NamedTuple):
    state: FilesState
    pinned: Mapping[str, Any] | None
    model: Model


class _OneAtATime:
    """A model that several threads may predict with, though its library does not promise that they can."""

    def __init__(self, model: Model):
        self.task, self.preprocessing = model.task, model.preprocessing
        self.name, self.fingerprint = getattr(model, "name", ""), getattr(model, "fingerprint", "")
        self._model, self._lock = model, threading.Lock()

    def predict_on_batch(self, inputs: np.ndarray) -> Any:
        with self._lock:
            return self._model.predict_on_batch(inputs)


def _shareable(entry: Entry, engine: str) -> Model:
    is_onnx = engine == "onnx" or (engine == "auto" and onnx_file(entry) is not None)
    model: Any = onnx_model(entry) if is_onnx else keras_model(entry)
    model.fingerprint = entry.manifest["files"][WEIGHTS]["sha256"]
    return model if isinstance(model, OnnxModel) else _OneAtATime(model)


def _state_of(folder: Path) -> FilesState:
    """Return what tells whether a file of a folder was changed, replaced, added or deleted."""
    paths = [os.path.join(root, name) for root, folders, files in os.walk(folder) for name in (*folders, *files)]
    with suppress(FileNotFoundError):
        stats = [(path, os.lstat(path)) for path in sorted(paths)]
        return tuple((path, s.st_mtime_ns, s.st_ctime_ns, s.st_size, s.st_ino) for path, s in stats)
    # A file went while this was looking.
    return ()


_opened = OpenedEntries()
