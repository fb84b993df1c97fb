"""Any number of scans through a model, a batch at a time, and their answers into one folder."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, repeat
from pathlib import Path
from typing import Any, Protocol, TypeVar

import cv2
import numpy as np

from medzoo.errors import NotFiniteError
from medzoo.files import write_rows
from medzoo.inference.classification import ClassPrediction
from medzoo.inference.model import Model, check_model
from medzoo.inference.prediction import Prediction
from medzoo.inference.regression import ValuePrediction
from medzoo.inference.segmentation import MaskPrediction
from medzoo.io import ChannelImage, Image, as_image, find_scans
from medzoo.io.answers import NameTakenError, numbered, write_file
from medzoo.io.channels import case_and_channel, cases_in, with_channels
from medzoo.io.dicom.segmentation import Maker
from medzoo.io.tensors import as_array
from medzoo.preprocessing.answers import Gathered, over_mirrors
from medzoo.preprocessing.windows import Windows

# What reading a broken file raises; anything else is a bug and is not passed to `on_error`.
READ_ERRORS = (ValueError, OSError, ImportError, ArithmeticError, MemoryError, cv2.error)
OnError = Callable[[Any, Exception], None]
_BLOCK = 2**24
# The answers for a batch take no more than about this.
_BATCH_BYTES = 2**28
ANSWERS = {"segmentation": MaskPrediction, "classification": ClassPrediction, "regression": ValuePrediction}


def several(source: Any, on_error: OnError | None = None, channels: Sequence[str] = ()) -> Iterable[Any] | None:
    """Return the scans that `source` stands for, or None for a single one.

    Args:
        source: What `medzoo.predict` takes: a path, an array, a scan, a folder, or several of these.
        on_error: Called with what cannot be opened in a folder and the error; None warns of it.
        channels: Names of the channels that the model takes, whose files are one image together.

    Raises:
        TypeError: It is none of these.
        FileNotFoundError: It is a folder without any scan.
    """
    source = as_array(source)
    if isinstance(source, Image) or _is_pixels(source):
        return None
    if isinstance(source, str | os.PathLike):
        if not Path(source).is_dir():
            return None
        scans = cases_in(source, channels, on_error) if len(channels) > 1 else find_scans(source, on_error)
        # A folder that is one series is named like it; that of a case holds its channels only.
        is_one = len(scans) == 1 and (isinstance(scans[0], ChannelImage) or Path(str(scans[0])) == Path(source))
        return None if is_one else scans
    if isinstance(source, Iterable):
        return source if len(channels) < 2 else _each_once(source, channels)
    raise TypeError(f"`source` must be a path, an array, or several of these. Received: {type(source).__name__}.")


def _each_once(sources: Iterable[Any], channels: Sequence[str]) -> Iterator[Any]:
    """Yield sources, but a case only once, though a shell may have listed the files of all of its channels."""
    known: set[str] = set()
    for source in sources:
        place = case_and_channel(source, channels) if isinstance(source, str | os.PathLike) else None
        if place is None or place[0] not in known:
            yield source
        known.update(place[:1] if place else ())


def _is_pixels(source: Any) -> bool:
    """Whether it is an array of numbers, of any library; an array or column of paths is not."""
    return hasattr(source, "__array__") and np.asarray(source).dtype.kind not in "OSU"


def predict_scans(
    model: Model,
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
        on_error: Called with a source that cannot be read or answered and its error, after which the next one
            follows; None raises the error.
        slices: For every source the slice to take of it, or None for the model's own rule.

    Raises:
        ValueError: A source cannot be read, does not fit the model, or gets an answer that is not finite; the message
            names it. Or the model gives features.
    """
    check_model(model)
    if model.task.name not in ANSWERS:
        raise ValueError(
            f"The model gives features, not an answer (task {model.task.name}). "
            "Call model.predict(model.preprocessing(image)[None])."
        )
    gathered: Gathered | None = None
    maker = Maker(getattr(model, "name", None) or Maker.name, getattr(model, "fingerprint", ""))
    inputs_of_all = _inputs(model, sources, repeat(None) if slices is None else slices, on_error)
    while batch := list(islice(inputs_of_all, _batch_size(model, batch_size))):
        inputs, mirrors = np.stack([pixels for *_, pixels in batch]), model.preprocessing.mirrors
        outputs = over_mirrors(model.predict_on_batch, inputs, mirrors, model.task.is_dense)
        for (source, windows, _), output in zip(batch, outputs, strict=True):
            gathered = gathered or windows.gathered()
            gathered.add(output)
            if not gathered.is_done:
                continue
            answer, gathered = gathered.result(), None
            try:
                refuse_not_finite(windows.scan.source, answer)
            except NotFiniteError as error:
                if on_error is None:
                    raise
                on_error(source, error)
            else:
                prediction = ANSWERS[model.task.name](windows, model.task, answer)
                prediction.maker = maker
                yield prediction


def _batch_size(model: Model, most: int) -> int:
    """Return how many inputs go through a network at a time: fewer where their answers are large."""
    if not model.task.is_dense:
        return most
    size = 4 * math.prod(model.preprocessing.size) * max(model.task.outputs, model.preprocessing.channels)
    return max(1, min(most, _BATCH_BYTES // size))


def refuse_not_finite(source: str, outputs: np.ndarray) -> None:
    """Refuse what a network says of a scan where it is no number: a threshold would make "nothing found" of it.

    Raises:
        NotFiniteError: A value is NaN or infinite; the message names the scan.
    """
    values = outputs.ravel("K")
    # Some at a time: those of a large volume lie in a file.
    blocks = range(0, values.size, _BLOCK)
    if bad := sum(int(np.count_nonzero(~np.isfinite(values[first : first + _BLOCK]))) for first in blocks):
        raise NotFiniteError(
            f"{source}: {bad:,} of the {outputs.size:,} values of the model's answer are not finite (NaN or infinite). "
            "Check the intensities of the scan; if others end so, too, the weights are damaged."
        )


def _inputs(
    model: Model, sources: Iterable[Any], slices: Iterable[int | None], on_error: OnError | None
) -> Iterator[tuple[Any, Windows, np.ndarray]]:
    """Yield every input with its source and the windows of its scan."""
    for source, chosen in zip(sources, slices, strict=False):
        try:
            image = as_image(with_channels(source, model.preprocessing.channel_names or ()))
            windows = image.windows(model.preprocessing, chosen, model.task.is_dense)
            inputs = windows.inputs()
            # What does not fit is found with the first slice, before any other is on its way.
            first = next(inputs)
        except READ_ERRORS as error:
            if on_error is None:
                raise
            on_error(source, error)
            continue
        yield source, windows, first
        yield from ((source, windows, pixels) for pixels in inputs)


class Answer(Protocol):
    """What is said of one scan: a `Prediction` or an `Explanation`."""

    @property
    def name(self) -> str:
        """Name of the scan without folder and suffix."""

    def save_all(self, folder: str | os.PathLike, name: str | None = None) -> dict[str, Path]:
        """Write all files of the answer, which begin with `name`, and return their paths by kind."""


Some = TypeVar("Some", bound=Answer)


def save_each(
    answers: Iterable[Some], folder: str | os.PathLike, on_error: OnError | None = None
) -> Iterator[tuple[Some, dict[str, Path]]]:
    """Save answers as they come, and yield each with the paths of its files.

    Args:
        answers: Answers for any number of scans.
        folder: Where the files go. Those of a scan are numbered where another one has its name, such as `a.png` beside
            `a.jpg`, or where files stand that are not medzoo's.
        on_error: Called with an answer that cannot be made or written and the error, after which the next one follows;
            None raises the error. A full disk is always raised.

    Example:
        >>> for answer, paths in save_each(medzoo.predict("brain-tumor-unet", "scans"), "out"):
        ...     print(answer.summary, paths["json"])
    """
    names: set[str] = set()
    for answer in answers:
        try:
            yield answer, _save(answer, folder, names)
        except OSError:
            # What stops one answer on this disk stops them all.
            raise
        except READ_ERRORS as error:
            if on_error is None:
                raise
            on_error(getattr(answer, "source", answer.name), error)


def _save(answer: Answer, folder: str | os.PathLike, names: set[str]) -> dict[str, Path]:
    """Save an answer under the first name that is free on the disk and in this run, and add that to `names`."""
    for name in numbered(answer.name):
        # Disks of Windows and macOS do not tell A from a.
        if name.casefold() in names:
            continue
        try:
            paths = answer.save_all(folder, name)
        except NameTakenError:
            continue
        names.add(name.casefold())
        return paths
    raise AssertionError("numbers do not end")  # pragma: no cover


def save_summary(rows: Iterable[dict[str, Any]], folder: str | os.PathLike) -> Path:
    """Write `summary.csv`, a row for every scan, and return its path.

    The summary of an earlier run is replaced; another file of this name is kept, and the next number taken.
    """
    rows = list(rows)
    return write_file(Path(folder) / "summary.csv", lambda path: write_rows(path, rows))
