"""The JSON Schema of a recipe, made of the same tables and types that check it."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.recipe.part import PartField, object_schema
from medzoo.recipe.recipe import VALUES, Recipe
from medzoo.task import TASKS

_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a recipe.

    Ranges that depend on other fields, and the names of a network's stages, are checked by `Recipe` only.

    Example:
        >>> schema()["properties"]["epochs"]
        {'type': 'integer', 'minimum': 1}
    """
    properties: dict[str, Any] = {
        "task": {"anyOf": [_task(name) for name in TASKS]},
        "preprocessing": _of_dataclass(Preprocessing),
        **{name: dict(value.schema) for name, value in VALUES.items()},
        **{name: _part(name, value) for name, value in vars(Recipe).items() if isinstance(value, PartField)},
        "expected": {"type": "object"},
        "card": {"type": "object"},
    }
    needed = [item.name for item in fields(Recipe) if item.default is MISSING and item.default_factory is MISSING]
    ordered = {item.name: properties[item.name] for item in fields(Recipe)}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "medzoo recipe"}
    return head | object_schema(ordered, needed)


def _part(name: str, value: PartField[Any, Any]) -> dict[str, Any]:
    kinds = [value.part.schema()] + ([{"type": "string"}] if name == "loss" else [])
    return {"anyOf": [*kinds, {"type": "null"}]} if value.is_optional else kinds[0]


def _task(name: str) -> dict[str, Any]:
    described = _of_dataclass(TASKS[name])
    described["properties"] = {"type": {"const": name}, **described["properties"]}
    return described | {"required": ["type"]}


def _of_dataclass(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind, localns={"Stack": Stack})
    needed = [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]
    return object_schema({item.name: _of_type(hints[item.name]) for item in fields(kind)}, needed)


def _of_type(hint: Any) -> dict[str, Any]:
    if get_origin(hint) in (Union, types.UnionType):
        return {"anyOf": [_of_type(one) for one in get_args(hint)]}
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        length = {} if inner[-1] is Ellipsis else {"minItems": len(inner), "maxItems": len(inner)}
        return {"type": "array", "items": _of_type(inner[0])} | length
    return _of_dataclass(hint) if isinstance(hint, type) and is_dataclass(hint) else {"type": _PLAIN[hint]}
