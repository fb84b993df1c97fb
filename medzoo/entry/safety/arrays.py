"""Files of arrays: weights in HDF5, and zip files of NumPy arrays, which are golden outputs and estimators."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medzoo.entry.untrusted import damage_named, parse_checked_json, unsafe
from medzoo.errors import IntegrityError, printable

if TYPE_CHECKING:
    import h5py

# Bytes of all members together, unpacked.
_UNPACKED_LIMIT = 10**9
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_SCHEMA = "schema.json"
_SCHEMA_LIMIT = 20 * 10**6


def check_golden(path: Path) -> None:
    """Refuse a golden output with anything but arrays in it.

    Raises:
        IntegrityError: The file is unsafe, or no `.npz`.
    """
    _check_archive(path, r"(input|output|answer)\.npy")


def check_estimator(path: Path) -> None:
    """Refuse an estimator with members that skops does not write; `read_estimator` checks their types.

    Raises:
        IntegrityError: The file is unsafe, or was not written by skops.
    """
    _check_archive(path, rf"\d+\.npy|{re.escape(_SCHEMA)}")


def _check_archive(path: Path, members: str) -> None:
    with damage_named(path, "zip file of arrays"), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len({info.filename for info in infos}) < len(infos):
            raise unsafe(path, "it holds two members of one name")
        if sum(info.file_size for info in infos) > _UNPACKED_LIMIT:
            raise unsafe(path, f"it would unpack to more than {_UNPACKED_LIMIT:,} bytes")
        for info in infos:
            if not re.fullmatch(members, info.filename) or info.compress_type not in _METHODS:
                raise unsafe(path, f"it holds {info.filename!r}, which is not expected there")
            if info.filename == _SCHEMA:
                _check_schema(path, archive, info)
            else:
                _check_array(path, archive, info)


def _check_schema(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    if info.file_size > _SCHEMA_LIMIT:
        raise unsafe(path, f"its {_SCHEMA} has {info.file_size:,} bytes")
    parse_checked_json(archive.read(info).decode(), f"{path}: {_SCHEMA}")


def _check_array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    with archive.open(info) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise unsafe(path, f"{info.filename} is of a version that medzoo does not write")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.hasobject:
            raise unsafe(path, f"{info.filename} holds pickled objects")
        # NumPy makes room for the shape before it reads.
        if not dtype.itemsize or file.tell() + math.prod(shape) * dtype.itemsize != info.file_size:
            raise unsafe(path, f"{info.filename} is not as large as its shape {shape}")
        values = np.frombuffer(file.read(), dtype)
    refuse_not_finite(path, info.filename, values, infinite=True)


# Groups and arrays; the largest network of medzoo has some 3,000.
_MOST_OBJECTS = 200_000
_NUMBERS = "biuf"


def check_weights(path: Path) -> int:
    """Refuse weights that read other files, or need more memory than the file has bytes.

    Returns:
        Number of values in the file.

    Raises:
        IntegrityError: The file is unsafe, or no HDF5, or holds a number that is not finite.
    """
    import h5py

    with damage_named(path, "HDF5 file"), h5py.File(path, "r") as file:
        arrays = _arrays(path, file)
        for array in arrays:
            _check_dataset(path, array)
        # Arrays that overlap would each be as large as they say.
        if sum(array.nbytes for array in arrays) > path.stat().st_size:
            raise unsafe(path, "its arrays are larger than the file")
        for array in arrays:
            refuse_not_finite(path, array.name, array[()])
        return sum(array.size for array in arrays)


def refuse_not_finite(path: Path, name: str, values: np.ndarray, infinite: bool = False) -> None:
    """Refuse numbers that no network or estimator computes with.

    Args:
        path: The file.
        name: Of the array in it.
        values: The array; of one with fields each is looked at.
        infinite: Whether infinite numbers are allowed, such as in the padding of an exported pooling.

    Raises:
        IntegrityError: A number is NaN, or infinite.
    """
    for field in values.dtype.names or ():
        refuse_not_finite(path, f"{name} ({field})", values[field], infinite)
    if values.dtype.kind not in "fc":
        return
    bad = int(np.count_nonzero(np.isnan(values) if infinite else ~np.isfinite(values)))
    if bad:
        raise IntegrityError(
            f"{path} holds numbers that are not finite: {bad:,} of the {values.size:,} in {printable(name)[:100]}. Its "
            "answers would be NaN; get the entry again from where it came, or train it anew."
        )


def _arrays(path: Path, file: h5py.File) -> list[h5py.Dataset]:
    import h5py

    pending, seen = [file["/"]], {_address(file["/"])}
    arrays: list[h5py.Dataset] = []
    while pending:
        group = pending.pop()
        for name in group:
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise unsafe(path, f"{group.name}/{name} is a {type(link).__name__}, which may lead to another file")
            item = group[name]
            if _address(item) in seen or len(seen) >= _MOST_OBJECTS:
                raise unsafe(path, f"{group.name}/{name} is a loop, or one object too many")
            seen.add(_address(item))
            if not isinstance(item, h5py.Group | h5py.Dataset):
                raise unsafe(path, f"{group.name}/{name} is neither group nor array")
            (pending if isinstance(item, h5py.Group) else arrays).append(item)
    return arrays


def _address(item: h5py.Group | h5py.Dataset) -> int:
    import h5py

    return h5py.h5o.get_info(item.id).addr


def _check_dataset(path: Path, array: h5py.Dataset) -> None:
    if array.external or array.is_virtual:
        raise unsafe(path, f"the numbers of {array.name} are in another file")
    # Keras reads an attribute of an array, whose length only the attribute itself says.
    if array.shape is None or array.dtype.kind not in _NUMBERS or len(array.attrs):
        raise unsafe(path, f"{array.name} is no plain array of numbers")
    declared = math.prod(array.shape) * array.dtype.itemsize
    if array.id.get_create_plist().get_nfilters() or array.id.get_storage_size() < declared:
        raise unsafe(path, f"{array.name} would take {declared:,} bytes of memory and holds fewer")
