"""NumPy archives to Samples."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence

import numpy as np

from medzoo.data.arrays import from_arrays
from medzoo.data.samples import Samples

ARCHIVE_SUFFIX = ".npz"
_NEEDED, _OPTIONAL = ("images", "targets"), ("labels", "patients", "splits")


def from_npz(path: str | os.PathLike, labels: str | Sequence[str] | None = None) -> Samples:
    """Read what `numpy.savez` wrote: the arguments of `from_arrays` by their names.

    The whole archive is read into memory; for more than that, pass memory maps to `from_arrays`.

    Args:
        path: Archive with `images` and `targets`, and where they are known `labels`, `patients` and `splits`.
        labels: Label names, in place of those in the archive.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no such archive; the message names what is missing or wrong.

    Example:
        >>> numpy.savez("scans.npz", images=numpy.zeros((2, 8, 8)), targets=["cyst", "normal"])
        >>> from_npz("scans.npz").labels
        ('cyst', 'normal')
    """
    arrays = _load(path)
    missing = [name for name in _NEEDED if name not in arrays]
    unknown = sorted(arrays.keys() - {*_NEEDED, *_OPTIONAL})
    if missing or unknown:
        raise ValueError(
            f"{path} must hold images and targets, and may hold {', '.join(_OPTIONAL)}. "
            f"Missing: {missing}; unknown: {unknown}. Write it with numpy.savez(path, images=..., targets=...)."
        )
    listed = {name: arrays.pop(name).tolist() for name in _OPTIONAL if name in arrays}
    try:
        return from_arrays(**arrays, **(listed if labels is None else {**listed, "labels": labels}))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _load(path: str | os.PathLike) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"{path} is no NumPy archive of plain arrays: {error}. Write it with numpy.savez.") from error
