"""NIfTI volumes of any orientation."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

import numpy as np

from medzoo.io.grid import Grid, to_display_order
from medzoo.io.image import Scan, check_pixels, damaged
from medzoo.io.limits import check_size

if TYPE_CHECKING:
    from nibabel.arrayproxy import ArrayProxy
    from nibabel.nifti1 import Nifti1Image


def read_nifti(path: str | os.PathLike) -> Scan:
    """Read a NIfTI file as a volume in display order, with `scl_slope` and `scl_inter` applied.

    A single slice, stored as `(x, y)` or `(x, y, 1)`, is a volume of depth 1 in the order of the file.

    Args:
        path: `.nii` or `.nii.gz`, NIfTI-1 or NIfTI-2.

    Returns:
        `array` `(depth, height, width, 1)`, integers as stored, else float32; `affine` is the file's own, in mm.

    Raises:
        ValueError: Damaged, larger than the limit of `check_size`, four-dimensional, numbers that float32 does not
            hold, or an affine that cannot be inverted. Checksum and length of `.nii.gz` are checked; `.nii` has none,
            so damage of its voxels gives other values, and no reader can tell.

    Source:
        https://nipy.org/nibabel/image_orientation.html
    """
    return _scan(_load(path), path, 1)


def read_vectors(path: str | os.PathLike, channels: int) -> Scan:
    """Read a NIfTI file of four dimensions, whose last one holds channels, as `read_nifti` does.

    Nothing in such a file says whether these are channels or points in time: whoever calls this knows.

    Returns:
        `array` `(depth, height, width, channels)`.

    Raises:
        ValueError: As of `read_nifti`, or there are other channels than asked for.
    """
    return _scan(_load(path), path, channels)


def _scan(image: Nifti1Image, path: str | os.PathLike, channels: int) -> Scan:
    shape = _spatial_shape(image.shape, path, channels)
    voxels = check_pixels(_voxels(image, path).reshape((*shape, channels), order="F"), path)
    affine = _affine(image)
    volume, orientation, spacing = to_display_order(voxels, affine, path, keep_slices=shape[2] == 1)
    return Scan(volume, volume.shape[:3], spacing, affine, orientation, os.fspath(path), "nifti", header=image.header)


# Millimetres in the units of length that a header may state; without one they are millimetres.
_UNITS = {1: 1e3, 2: 1.0, 3: 1e-3}


def _affine(image: Nifti1Image) -> np.ndarray:
    """Return the affine of an image in mm."""
    unit = int(image.header["xyzt_units"]) & 7
    return np.diag([*[_UNITS.get(unit, 1.0)] * 3, 1.0]) @ image.affine


def _load(path: str | os.PathLike) -> Nifti1Image:
    import nibabel

    try:
        # Without mmap, since the array would change or fail when the file is written again.
        image = nibabel.load(path, mmap=False)
    except _library_errors() as error:
        raise damaged(path, error) from error
    if not isinstance(image, nibabel.Nifti1Image):
        raise ValueError(f"{path} is a {type(image).__name__}; expected a NIfTI volume. Export it as one.")
    return image


def _voxels(image: Nifti1Image, path: str | os.PathLike) -> np.ndarray:
    from nibabel.arrayproxy import ArrayProxy

    # That of an image in a file, of which nibabel says only that NumPy takes it.
    header = cast("ArrayProxy", image.dataobj)
    _check_room(header, path)
    try:
        with _stream(path, header.offset + math.prod(header.shape) * header.dtype.itemsize) as file:
            layout = (header.shape, header.dtype, header.offset, header.slope, header.inter)
            stored = ArrayProxy(file, layout)
            is_plain = (stored.slope, stored.inter) == (1, 0)
            with np.errstate(over="ignore", invalid="ignore"):
                return stored.get_unscaled() if is_plain else np.asarray(stored, dtype=np.float32)
    except _library_errors() as error:
        raise damaged(path, error) from error


# No stream of deflate grows by more.
_MOST_GROWTH = 1032
_CHUNK, _MOST_BEHIND = 2**20, 2**24


def _check_room(header: ArrayProxy, path: str | os.PathLike) -> None:
    """Refuse a header that declares more than the limit, or more than the file can hold."""
    check_size(header.shape, path, header.dtype.itemsize)
    growth = _MOST_GROWTH if _is_zipped(path) else 1
    needed, most = math.prod(header.shape) * header.dtype.itemsize, os.path.getsize(path) * growth
    if min(header.shape, default=0) < 1 or header.offset + needed > most:
        raise damaged(path, f"its header declares {needed} bytes of voxels, {header.shape}, which are not there")


def _is_zipped(path: str | os.PathLike) -> bool:
    return os.fspath(path).lower().endswith(".gz")


@contextmanager
def _stream(path: str | os.PathLike, length: int) -> Iterator[IO[bytes]]:
    """Open a file; at the end that of a compressed one is read as well, since the checksum stands there."""
    with gzip.open(path) if _is_zipped(path) else open(path, "rb") as file:
        yield cast("IO[bytes]", file)
        file.seek(length)
        behind = 0
        while _is_zipped(path) and (part := file.read(_CHUNK)):
            behind += len(part)
            if behind > _MOST_BEHIND:
                raise ValueError("it holds much more than its header declares")


def _library_errors() -> tuple[type[Exception], ...]:
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    return ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error


def _spatial_shape(shape: tuple[int, ...], path: str | os.PathLike, channels: int) -> tuple[int, int, int]:
    columns, rows, slices = (*shape, 1, 1, 1)[:3]
    if len(shape) >= 2 and math.prod(shape) == columns * rows * slices * channels:
        return columns, rows, slices
    if channels > 1:
        raise ValueError(f"{path} has the shape {shape}; expected {channels} channels, (x, y, z, {channels}).")
    raise ValueError(
        f"{path} has the shape {shape}; expected one volume (x, y, z). Are these points in time, or channels? "
        "Of points in time pick one: nibabel.four_to_three(nibabel.load(path))[0].to_filename('volume.nii.gz'). "
        "Channels are for a model that names them, Preprocessing(channel_names=...); data names them by `channels`."
    )


def nifti_grid(path: str) -> Grid:
    """Return the grid of a NIfTI file, from its header.

    Raises:
        ValueError: It cannot be read.
    """
    image = _load(path)
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    affine = _affine(image)
    if not np.isfinite(affine).all() or np.linalg.matrix_rank(affine[:3, :3]) < 3:
        raise damaged(path, "its affine cannot be inverted", "Write the true one into the file.")
    return Grid((*shape, 1, 1)[: max(3, len(shape))], affine)
