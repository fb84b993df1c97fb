"""One scan or several, and their answers in one folder."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from medzoo.io import Image, as_image, find_scans


def several(source: Any) -> Iterable[Any] | None:
    """Return the scans that `source` stands for, or None for a single one.

    Args:
        source: What `medzoo.predict` takes: a path, an array, a scan, a folder, or several of these.

    Raises:
        TypeError: It is none of these.
        FileNotFoundError: It is a folder without any scan.
    """
    if isinstance(source, np.ndarray | Image):
        return None
    if isinstance(source, str | os.PathLike):
        if not Path(source).is_dir():
            return None
        scans = find_scans(source)
        # A folder that is one series is named like it.
        return None if len(scans) == 1 and Path(as_image(scans[0]).source) == Path(source) else scans
    if isinstance(source, Iterable):
        return source
    raise TypeError(f"`source` must be a path, an array, or several of these. Received: {type(source).__name__}.")


class Answer(Protocol):
    """What is said of one scan: a `Prediction` or an `Explanation`."""

    @property
    def name(self) -> str:
        """Name of the scan without folder and suffix."""

    def save_all(self, folder: str | os.PathLike, name: str | None = None) -> dict[str, Path]:
        """Write all files of the answer, which begin with `name`, and return their paths by kind."""


Some = TypeVar("Some", bound=Answer)


def save_each(answers: Iterable[Some], folder: str | os.PathLike) -> Iterator[tuple[Some, dict[str, Path]]]:
    """Save answers as they come, and yield each with the paths of its files.

    Args:
        answers: Answers for any number of scans.
        folder: Where the files go. Those of a scan are numbered where another one has its name, such as `a.png` beside
            `a.jpg`.

    Example:
        >>> for answer, paths in save_each(medzoo.predict("brain-tumor-unet", "scans"), "out"):
        ...     print(answer.summary, paths["json"])
    """
    names: set[str] = set()
    for answer in answers:
        names.add(name := unused(answer.name, names))
        yield answer, answer.save_all(folder, name)


def unused(name: str, names: set[str]) -> str:
    """Return `name`, numbered where it is among `names`.

    Example:
        >>> unused("a", {"a", "a_2"})
        'a_3'
    """
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in names else next(other for other in numbered if other not in names)
