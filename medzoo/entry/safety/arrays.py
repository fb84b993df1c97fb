"""Zip files of NumPy arrays: the golden output, and estimators."""

from __future__ import annotations

import math
import re
import zipfile
from pathlib import Path

import numpy as np

from medzoo.entry.checked_json import parse_checked_json
from medzoo.entry.safety.refuse import damage_named, unsafe

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
