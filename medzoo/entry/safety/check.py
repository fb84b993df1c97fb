"""Look into the files of an entry before their parsers do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from medzoo.entry import (
    BOOSTER,
    CONFIG,
    ESTIMATOR,
    EVALUATION,
    GOLDEN,
    METADATA,
    ONNX,
    RECIPE,
    WEIGHTS,
    is_entry_file,
    read_checked_json,
    size_limit,
)
from medzoo.entry.safety.arrays import check_estimator, check_golden
from medzoo.entry.safety.booster import check_booster
from medzoo.entry.safety.network import check_network, check_size
from medzoo.entry.safety.onnx import check_onnx
from medzoo.entry.safety.weights import check_weights
from medzoo.errors import IntegrityError, printable

_CHECKS = {
    GOLDEN: check_golden,
    ONNX: check_onnx,
    ESTIMATOR: check_estimator,
    BOOSTER: check_booster,
    **dict.fromkeys((METADATA, RECIPE, EVALUATION), lambda path: read_checked_json(path, size_limit(path.name))),
}


def check_files(folder: str | os.PathLike, names: Iterable[str]) -> None:
    """Refuse files that could harm whoever opens them.

    A file whose sha256 is right may still be made to harm. So before Keras, onnxruntime and the others parse a file it
    is looked into: nothing in it may run code, point to other files, or grow to more than it holds when it is read.
    What is too slow or too large to compute is not found.

    Args:
        folder: The entry.
        names: The files of it that will be opened.

    Raises:
        FileNotFoundError: There is no such file.
        IntegrityError: A file is unsafe or no file of its kind; the message names it and says why.

    Example:
        >>> check_files("brain-tumor-unet", ["config.json", "model.weights.h5"])  # doctest: +SKIP
    """
    paths = {name: Path(folder) / name for name in names}
    for name, path in paths.items():
        _check_kind_and_size(name, path)
    for name, path in paths.items():
        if name in _CHECKS:
            _CHECKS[name](path)
    values = check_weights(paths[WEIGHTS]) if WEIGHTS in paths else 0
    if CONFIG in paths:
        network = check_network(paths[CONFIG])
        if WEIGHTS in paths:
            check_size(paths[CONFIG], network, values)


def _check_kind_and_size(name: str, path: Path) -> None:
    if not is_entry_file(name):
        raise IntegrityError(f"{printable(name)!r} is no file that a zoo entry may hold.")
    if path.is_symlink():
        raise IntegrityError(f"{path} is a symbolic link; an entry holds files only. Copy the entry with: cp -rL")
    if (size := path.stat().st_size) > size_limit(name):
        raise IntegrityError(f"{path} is too large: expected at most {size_limit(name):,} bytes; got {size:,}.")
