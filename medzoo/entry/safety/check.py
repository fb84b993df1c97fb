"""Look into the files of an entry before their parsers do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medzoo.entry import (
    BOOSTER_FILE,
    CARD,
    CONFIG,
    ESTIMATOR_FILE,
    EVALUATION,
    GOLDEN,
    METADATA,
    ONNX,
    RECIPE,
    WEIGHTS,
    Entry,
    is_entry_file,
    needed_files,
    read_checked_json,
    read_entry,
    read_manifest,
    size_limit,
)
from medzoo.entry.safety.arrays import check_estimator, check_golden, check_weights
from medzoo.entry.safety.booster import check_booster
from medzoo.entry.safety.network import check_network, check_size
from medzoo.entry.safety.onnx import check_onnx
from medzoo.entry.untrusted import refuse_link
from medzoo.errors import IntegrityError, printable

_CHECKS = {
    GOLDEN: check_golden,
    ONNX: check_onnx,
    ESTIMATOR_FILE: check_estimator,
    BOOSTER_FILE: check_booster,
    **dict.fromkeys((METADATA, RECIPE, EVALUATION), lambda path: read_checked_json(path, size_limit(path.name))),
}


def read_safely(
    folder: str | os.PathLike,
    engine: str | None = "keras",
    golden: bool = False,
    manifest: Mapping[str, Any] | None = None,
    compared: bool = False,
) -> Entry:
    """Read a zoo entry, compare the sha256 of the files that are needed, and look into them before they are opened.

    Args:
        folder: Where it lies.
        engine: What is to run, as `needed_files` takes it.
        golden: Whether the golden output is needed.
        manifest: Content of its `medzoo.json`, where that was read already.
        compared: Whether the needed files were compared with it already, as those that come from the Hub are.

    Raises:
        FileNotFoundError: The folder is no zoo entry, or a file of it is missing.
        IntegrityError: A file was changed or is unsafe.
    """
    manifest = read_manifest(folder) if manifest is None else manifest
    names = needed_files(manifest, engine, golden)
    # First, so that a file that was damaged on its way is not called an attack.
    entry = read_entry(folder, names, manifest, names if compared else ())
    # A card that was edited, or deleted, is no reason to refuse the model.
    check_files(folder, [name for name in names if name != CARD])
    return entry


def check_files(folder: str | os.PathLike, names: Iterable[str]) -> None:
    """Refuse files that could harm whoever opens them.

    A file whose sha256 is right may still be made to harm. So each file is looked into before Keras, onnxruntime and
    the others parse it: nothing in it may run code, point to other files, or grow to more than it holds when it is
    read.
    A network that is too slow or too large to compute is not detected.

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
    refuse_link(path)
    if (size := path.stat().st_size) > size_limit(name):
        raise IntegrityError(f"{path} is too large: expected at most {size_limit(name):,} bytes; got {size:,}.")
