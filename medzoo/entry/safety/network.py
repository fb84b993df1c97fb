"""`config.json`: stock Keras layers only, and no more of them than the weights are for."""

from __future__ import annotations

import importlib
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medzoo.entry import CONFIG, read_checked_json, size_limit
from medzoo.entry.untrusted import unsafe
from medzoo.errors import IntegrityError, printable

_RUNS_CODE, _READS_FILES = "which runs code", "which reads files"

# Stock layers that do more than compute.
REFUSED = {
    "Lambda": _RUNS_CODE,
    "JaxLayer": _RUNS_CODE,
    "FlaxLayer": _RUNS_CODE,
    "TorchModuleWrapper": "which unpickles",
    "TFSMLayer": _READS_FILES,
    "StringLookup": _READS_FILES,
    "IntegerLookup": _READS_FILES,
    "TextVectorization": _READS_FILES,
}

# All public classes of these are stock; of the others these few.
_MODULES = ("keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints", "keras.dtype_policies")
_CLASSES = {
    ("keras.src.models.functional", "Functional"),
    ("keras", "Sequential"),
    ("keras", "DTypePolicy"),
}
_TENSOR = "__keras_tensor__"

# A layer that two networks of an entry share is counted for each.
_MOST_VALUES = 4


def check_network(path: Path) -> dict[str, Any]:
    """Refuse a network with anything in it but stock layers that compute.

    Keras builds whatever class, or function, the text names, whether as a layer or as an argument of one. So each name
    in the text is looked at, wherever it stands, before Keras sees it.

    Returns:
        The content of the file.

    Raises:
        IntegrityError: The network is unsafe, or the file is no JSON.
    """
    config = read_checked_json(path, size_limit(CONFIG))
    if not isinstance(config, dict) or "class_name" not in config:
        raise IntegrityError(f"{path} is no network: it names no class. Get the entry again from where it came.")
    for part in _objects(config):
        if "class_name" in part:
            _check_class(path, part)
        if part.get("compile_config"):
            raise unsafe(path, "it holds a compile_config; the recipe says how a model is compiled")
    return config


def check_size(path: Path, config: dict[str, Any], values: int) -> None:
    """Refuse a network that would be larger than its weights, without making room for it.

    Args:
        path: Its file.
        config: What `check_network` returned.
        values: Number of values in the file of the weights.

    Raises:
        IntegrityError: The network is larger, or Keras cannot build it.
    """
    result: list[Any] = []
    # What is built without values would be given some later, by whatever Keras builds next in this thread.
    thread = threading.Thread(target=lambda: result.append(_count_values(config)))
    thread.start()
    thread.join()
    if isinstance(result[0], Exception):
        raise IntegrityError(
            f"{path} is no network that Keras can build: {printable(str(result[0]))[:200]}. Get the entry again from "
            "where it came, or upgrade Keras: pip install --upgrade keras"
        ) from result[0]
    if result[0] > _MOST_VALUES * values:
        raise unsafe(path, f"it is a network of {result[0]:,} values, and the weights are {values:,}")


def _count_values(config: dict[str, Any]) -> int | Exception:
    import keras

    try:
        with keras.StatelessScope(initialize_variables=False):
            network = keras.saving.deserialize_keras_object(config)
            return sum(math.prod(weight.shape) for weight in network.weights)
    except Exception as error:
        return error


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    pending = [value]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            yield part
        if isinstance(part, dict | list):
            pending += part.values() if isinstance(part, dict) else part


def _check_class(path: Path, part: dict[str, Any]) -> None:
    name, module = part["class_name"], part.get("module")
    if name == _TENSOR:
        return
    if not (isinstance(name, str) and isinstance(module, str) and part.get("registered_name") in (None, name)):
        raise unsafe(path, f"it holds {name!r} of the module {module!r}, which is no class of Keras")
    if name in REFUSED:
        raise unsafe(path, f"it holds the layer {name}, {REFUSED[name]}")
    if not _is_stock(module, name):
        raise unsafe(path, f"it holds {module}.{name}, which is no stock layer of Keras")


def _is_stock(module: str, name: str) -> bool:
    if module in _MODULES:
        return isinstance(vars(importlib.import_module(module)).get(name), type)
    return (module, name) in _CLASSES
