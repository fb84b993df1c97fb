"""The files that a zoo entry may hold, and those that a load needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from medzoo.errors import refuse_unknown

MANIFEST = "medzoo.json"
RECIPE, EVALUATION, CARD = "recipe.json", "evaluation.json", "README.md"
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
ONNX, GOLDEN, FIGURES = "model.onnx", "golden.npz", "figures"
ESTIMATOR, BOOSTER = "estimator.skops", "estimator.ubj"

_KB, _MB, _GB = 10**3, 10**6, 10**9

# The largest sizes that are read, in bytes: what medzoo writes stays far below.
_LIMITS = {
    MANIFEST: 1 * _MB,
    CARD: 1 * _MB,
    CONFIG: 20 * _MB,
    METADATA: 100 * _KB,
    RECIPE: 1 * _MB,
    EVALUATION: 20 * _MB,
    GOLDEN: 100 * _MB,
    WEIGHTS: 10 * _GB,
    # What protobuf, the format of ONNX, can hold.
    ONNX: 2 * _GB,
    ESTIMATOR: 200 * _MB,
    BOOSTER: 200 * _MB,
}
_FIGURE_LIMIT = 10 * _MB
_FIGURE = re.compile(FIGURES + r"/[A-Za-z0-9_-]{1,100}\.png")

_DESCRIPTION = (RECIPE, EVALUATION, CARD)
_ENGINES = {"keras": (CONFIG, METADATA, WEIGHTS), "onnx": (ONNX,)}


def is_entry_file(name: str) -> bool:
    """Return whether an entry may hold a file of this name.

    So no name leads out of the entry's folder, and none is that of a pickle or of code.

    Example:
        >>> is_entry_file("figures/roc.png"), is_entry_file("../recipe.json"), is_entry_file("model.pkl")
        (True, False, False)
    """
    return name in _LIMITS or _FIGURE.fullmatch(name) is not None


def size_limit(name: str) -> int:
    """Return the largest size in bytes that a file of an entry may have."""
    return _LIMITS.get(name, _FIGURE_LIMIT)


def needed_files(manifest: Mapping[str, Any], engine: str | None, golden: bool = False) -> list[str]:
    """Return the files of an entry that a load needs, as far as the entry has them.

    Args:
        manifest: Content of its `medzoo.json`.
        engine: `"keras"`, `"onnx"`, `"auto"` for ONNX where the entry has it, or None for what describes the entry.
        golden: Whether the golden output is compared.

    Raises:
        ValueError: The engine is unknown.
    """
    files, needed = manifest["files"], {*_DESCRIPTION}
    if engine == "auto":
        engine = "onnx" if ONNX in files else "keras"
    if engine is not None:
        refuse_unknown("engine", [engine], _ENGINES)
        needed |= {*_ENGINES[engine], ESTIMATOR, BOOSTER, *([GOLDEN] if golden else [])}
    return [name for name in files if name in needed]
