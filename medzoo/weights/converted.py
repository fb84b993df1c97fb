"""Checkpoints that need torch, kept as safetensors that need none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import numpy as np
from safetensors.numpy import load, save

from medzoo.io.files import atomic_file, cache_folder

_DIGITS = 12


def converted(name: str, sha256: str, read: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """Return what `read` returns, reading it only the first time.

    The copy is named after the source's sha256 and its own: another source or a damaged copy is read anew.

    Args:
        name: Readable part of the file name.
        sha256: SHA-256 of the source.
        read: Function that reads the source to arrays by name.
    """
    folder = cache_folder() / "weights"
    stem = f"{name}-{sha256[:_DIGITS]}"
    for copy in folder.glob(f"{stem}-*.safetensors"):
        content = copy.read_bytes()
        if copy.stem == f"{stem}-{_digest(content)}":
            return load(content)
        copy.unlink(missing_ok=True)
    arrays = read()
    content = save({key: np.ascontiguousarray(array) for key, array in arrays.items()})
    with atomic_file(folder / f"{stem}-{_digest(content)}.safetensors") as temporary:
        temporary.write_bytes(content)
    return arrays


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
