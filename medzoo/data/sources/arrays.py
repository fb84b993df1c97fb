"""Arrays and NumPy archives to Samples."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np

from medzoo.data.samples import Samples
from medzoo.data.sources.checks import (
    SPLIT_NAMES,
    check_classes,
    check_numbers,
    class_table,
    kept_splits,
    named_patients,
    refuse,
)
from medzoo.data.sources.masks import ArrayTarget, mask_labels
from medzoo.io import ArrayImage
from medzoo.io.limits import check_size
from medzoo.io.tensors import as_array
from medzoo.progress import track


def from_arrays(
    images: Sequence[np.ndarray] | np.ndarray,
    targets: Sequence[Any] | np.ndarray,
    labels: str | Sequence[str] | None = None,
    patients: Sequence[object] | None = None,
    splits: Sequence[str] | None = None,
) -> Samples:
    """Take images and targets that are arrays already; memory maps are not copied.

    The targets say the task: arrays are the masks of a segmentation, texts and whole numbers are classes, and floats
    are the values of a regression.

    Args:
        images: Arrays of any sizes, or one array with the images along its first axis. Each is (height, width),
            (height, width, channels), (depth, height, width) or (depth, height, width, channels), as in
            `medzoo.read_scan`.
        targets: One for each image: label indices ([depth,] height, width), a class name or index, or a number.
        labels: Label names, of a segmentation the background first; of a regression the name of the target, "value" by
            default. Masks need them; classes are named by their texts or indices by default. With two names or more,
            whole floats are class indices too.
        patients: Patient of each image, text or number: 1, 1.0, "1" and "01" are one; None, NaN and "" are refused.
            By default each image is its own. Images are named "array 0000" and so on, so
            two sets can only be joined if they have patients.
        splits: "train", "valid" or "test" for each image, or "".

    Raises:
        ValueError: Lengths or shapes differ, targets are NaN, constant or without label, or a patient is in two splits.

    Example:
        >>> data = medzoo.data.from_arrays(np.zeros((4, 32, 32)), ["cyst", "normal", "cyst", "normal"])
        >>> data.labels, data.targets
        (('cyst', 'normal'), (0, 1, 0, 1))
    """
    images, targets = as_array(images), as_array(targets)
    columns = {"images": images, "targets": targets, "patients": patients, "splits": splits}
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) > 1 or not len(images):
        raise ValueError(f"All columns must have one length above 0. Received: {lengths}.")
    rows = tuple(
        image if isinstance(image, ArrayImage) else ArrayImage(as_array(image), f"array {number:04d}")
        for number, image in enumerate(images)
    )
    splits = ("",) * len(rows) if splits is None else tuple(splits)
    values, names = _targets(rows, targets, splits, labels)
    sources = tuple(row.source for row in rows)
    people = sources if patients is None else named_patients(list(patients), sources, "`patients`")
    return Samples(rows, values, people, splits, names)


def _targets(
    rows: Sequence[ArrayImage],
    targets: Sequence[Any] | np.ndarray,
    splits: Sequence[str],
    labels: str | Sequence[str] | None,
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """Return the targets and the label names."""
    if np.ndim(targets[0]) > 1:
        return _masks(rows, targets, labels)
    values = np.asarray(targets)
    if values.ndim != 1 or values.dtype.kind not in "fiubU":
        raise ValueError(
            "The targets must be masks, class names, class indices or numbers, one for each image. Received: an array "
            f"of shape {values.shape} and type {values.dtype}. For one-hot rows pass targets.argmax(axis=1)."
        )
    if values.dtype.kind == "f" and (labels is None or isinstance(labels, str) or len(labels) == 1):
        numbers = values.tolist()
        check_numbers(numbers, [row.source for row in rows], splits, "the targets")
        return tuple(numbers), (labels,) if isinstance(labels, str) else tuple(labels or ("value",))
    indices, names = _classes(values.tolist(), labels)
    check_classes(indices, splits, names, "the targets")
    return indices, names


def _masks(
    rows: Sequence[ArrayImage], masks: Sequence[np.ndarray] | np.ndarray, labels: str | Sequence[str] | None
) -> tuple[tuple[ArrayTarget, ...], tuple[str, ...]]:
    if labels is None:
        raise ValueError("Masks need `labels`, the background first, for example labels=('background', 'tumor').")
    names = mask_labels(labels)
    targets = tuple(
        ArrayTarget(_plain(mask), names, f"mask of {row.source}") for mask, row in zip(masks, rows, strict=True)
    )
    pairs = zip(rows, targets, strict=True)
    odd = [
        f"{row} {row.array.shape}, mask {target.shape}" for row, target in pairs if not _fits(row.array, target.array)
    ]
    refuse(odd, f"{len(odd)} masks have another size than their image", "Give each mask the grid of its image.")
    return targets, names


def _plain(mask: np.ndarray) -> np.ndarray:
    """Return a mask without a channel axis of one."""
    return mask[..., 0] if mask.ndim > 2 and mask.shape[-1] == 1 else mask


def _fits(image: np.ndarray, mask: np.ndarray) -> bool:
    return mask.shape in (image.shape, image.shape[:-1])


def _classes(values: list[Any], labels: str | Sequence[str] | None) -> tuple[tuple[int, ...], tuple[str, ...]]:
    if isinstance(values[0], str):
        names, index = class_table(values, labels, "targets")
        refuse(sorted(set(values) - index.keys()), "`labels` leaves out classes of the targets", "Name all of them.")
        return tuple(index[value] for value in values), names
    names = tuple(map(str, range(max(values) + 1))) if labels is None else tuple(labels)
    wrong = sorted({value for value in values if value not in range(len(names))})
    refuse(wrong, f"{len(wrong)} class indices have no label", f"Expected 0 to {len(names) - 1}: {', '.join(names)}.")
    return tuple(map(int, values)), names


ARCHIVE_SUFFIX = ".npz"
_NEEDED, _OPTIONAL = ("images", "targets"), ("labels", "patients", "splits")


def from_npz(path: str | os.PathLike, labels: str | Sequence[str] | None = None, split: str | None = None) -> Samples:
    """Read what `numpy.savez` wrote: the arguments of `from_arrays` by their names; or a file of MedMNIST.

    A file of MedMNIST holds `train_images` and `train_labels`, and the same of val and test, which become the splits.
    Its classes are called 0, 1, ..., which the names of a recipe's task stand for in this order, unless `labels` names
    them.

    Arrays are unpacked into nameless temporary files (in TMPDIR), which go with the process, and mapped: on disk they
    need their full size, in memory only what is in use.

    Args:
        path: Archive with `images` and `targets`, and optionally `labels`, `patients` and `splits`; or of MedMNIST.
        labels: Label names, in place of those in the archive.
        split: "" leaves out the splits that the archive names.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged or no such archive, or its images have several labels each, as those of
            ChestMNIST; the message names what is missing or wrong.
        OSError: TMPDIR has no room for the arrays.

    Example:
        >>> numpy.savez("scans.npz", images=numpy.zeros((2, 8, 8)), targets=["cyst", "normal"])
        >>> from_npz("scans.npz").labels
        ('cyst', 'normal')

    Source: https://medmnist.com
    """
    arrays = _load(path)
    try:
        named = _of_medmnist(arrays, os.fspath(path)) if _MEDMNIST & arrays.keys() else _by_argument(arrays)
        options = named if labels is None else {**named, "labels": labels}
        return from_arrays(**{**options, "splits": kept_splits(options.get("splits"), split)})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _by_argument(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the arguments of `from_arrays` that lie under their own names."""
    missing = [name for name in _NEEDED if name not in arrays]
    unknown = sorted(arrays.keys() - {*_NEEDED, *_OPTIONAL})
    if missing or unknown:
        raise ValueError(
            f"It must hold images and targets, and may hold {', '.join(_OPTIONAL)}. "
            f"Missing: {missing}; unknown: {unknown}. Write it with numpy.savez(path, images=..., targets=...)."
        )
    return {name: array if name in _NEEDED else array.tolist() for name, array in arrays.items()}


_PARTS = ("train", "val", "test")
_MEDMNIST = {f"{part}_{kind}" for part in _PARTS for kind in ("images", "labels")}


def _of_medmnist(arrays: Mapping[str, np.ndarray], path: str) -> dict[str, Any]:
    """Return the arguments of `from_arrays` that a file of MedMNIST stands for; an image is called path/train_0000."""
    lonely = sorted(name for name in _MEDMNIST - arrays.keys() if _partner(name) in arrays)
    unknown = sorted(arrays.keys() - _MEDMNIST)
    if lonely or unknown:
        raise ValueError(
            "A file of MedMNIST holds train_images and train_labels, and the same of val and test. "
            f"Missing: {lonely}; unknown: {unknown}. Get the file again."
        )
    images: list[ArrayImage] = []
    targets: list[Any] = []
    splits: list[str] = []
    for part in (part for part in _PARTS if f"{part}_images" in arrays):
        pixels, classes = arrays[f"{part}_images"], _single(arrays[f"{part}_labels"], f"{part}_labels")
        if len(pixels) != len(classes):
            raise ValueError(f"{part}_images has {len(pixels)} rows, {part}_labels {len(classes)}. Get the file again.")
        images += [ArrayImage(image, os.path.join(path, f"{part}_{row:04d}")) for row, image in enumerate(pixels)]
        targets += classes
        splits += [SPLIT_NAMES[part]] * len(classes)
    return {"images": images, "targets": targets, "splits": splits}


def _partner(name: str) -> str:
    part, kind = name.split("_")
    return f"{part}_{'labels' if kind == 'images' else 'images'}"


def _single(labels: np.ndarray, name: str) -> list[Any]:
    """Return the one label of each image."""
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise ValueError(
            f"{name} has {labels.shape[1]} columns, so that an image has several labels at once, as in ChestMNIST; "
            "expected one label for each image. Take one of them, from_arrays(images, labels[:, 0])."
        )
    if labels.dtype.kind not in "biu" or labels.ndim not in (1, 2):
        raise ValueError(f"{name} must hold whole numbers (n, 1). Received: {labels.dtype} of shape {labels.shape}.")
    return labels.reshape(len(labels)).tolist()


def _load(path: str | os.PathLike) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                _check_member(archive, info)
            infos = track(archive.infolist(), f"Unpacking {os.path.basename(path)}")
            return {info.filename.removesuffix(".npy"): _unpacked(archive, info) for info in infos}
    except FileNotFoundError:
        raise
    # A damaged header of an array makes NumPy raise nearly anything.
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            error.filename = f"the arrays of {path} in {tempfile.gettempdir()} (TMPDIR)"
            raise
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path} is no NumPy archive of plain arrays: {reason}. Write it with numpy.savez.") from error


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    """Return an array on a temporary file, into which changes do not go."""
    with archive.open(info) as file, tempfile.TemporaryFile() as copy:
        shape, is_fortran, dtype = _header(file)
        # Read to its end, where the checksum is compared.
        shutil.copyfileobj(file, copy, _CHUNK)
        copy.flush()
        # Nothing cannot be mapped.
        if not math.prod(shape) * dtype.itemsize:
            return np.empty(shape, dtype)
        return np.memmap(copy, dtype, mode="c", shape=shape, order="F" if is_fortran else "C")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    read = np.lib.format.read_array_header_1_0
    return (read if np.lib.format.read_magic(file) == (1, 0) else np.lib.format.read_array_header_2_0)(file)


def _check_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """Refuse an array that is not as large as its header says: NumPy makes room for that before it reads."""
    with archive.open(info) as file:
        shape, _, dtype = _header(file)
        needed = math.prod(shape) * dtype.itemsize
        # The size in the directory of the archive is declared as well.
        if dtype.hasobject or file.tell() + needed > info.file_size or needed > _MOST_GROWTH * (info.compress_size + 1):
            raise ValueError(f"{info.filename} declares the shape {shape} of {dtype}, which is not in it")
    check_size(shape[:1], info.filename)
    check_size(shape[1:], info.filename, dtype.itemsize)


# No stream of deflate grows by more.
_MOST_GROWTH = 1032
_CHUNK = 2**20
