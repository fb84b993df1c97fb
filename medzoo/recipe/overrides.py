"""Changes of single fields of a recipe, named by dotted paths."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def changed(recipe: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON of a recipe with some values changed.

    A part that is a name alone, such as a loss, becomes a mapping when one of its fields is set.

    Args:
        recipe: JSON of a recipe; it is not changed.
        values: Values by dotted path, `{"optimizer.learning_rate": 1e-3}`.

    Raises:
        ValueError: A path leads through a value that has no fields.

    Example:
        >>> changed({"loss": "focal", "epochs": 9}, {"loss.gamma": 2, "epochs": 5})
        {'loss': {'name': 'focal', 'gamma': 2}, 'epochs': 5}
    """
    parts = json.loads(json.dumps(recipe))
    # "optimizer" comes before "optimizer.momentum".
    for path, value in sorted(values.items()):
        _set(parts, path, value)
    return parts


def parse(settings: Iterable[str]) -> dict[str, Any]:
    """Return values by path from texts such as `optimizer.learning_rate=0.001`, as the command line takes them.

    What follows the sign is read as JSON, or as text where it is no JSON.

    Raises:
        ValueError: A text has no sign, or nothing before it.

    Example:
        >>> parse(["epochs=5", "precision=float32", "preprocessing.size=[64, 64]"])
        {'epochs': 5, 'precision': 'float32', 'preprocessing.size': [64, 64]}
    """
    values = {}
    for setting in settings:
        path, sign, text = setting.partition("=")
        if not (sign and path.strip()):
            raise ValueError(f"A recipe field is set as FIELD=VALUE, for example epochs=5. Received: {setting!r}.")
        values[path.strip()] = _value(text)
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _set(parts: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        inner = parts.get(parent)
        if not (inner is None or isinstance(inner, str | dict)):
            raise ValueError(f"'{path}' is no recipe field, since '{parent}' is {inner!r} and has no fields.")
        parts[parent] = {"name": inner} if isinstance(inner, str) else inner or {}
        parts = parts[parent]
    parts[name] = value
