"""What a value of a recipe may be: one description that checks it and stands in the JSON Schema."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medzoo.errors import refuse_unknown


@dataclass(frozen=True)
class Value:
    """A kind of value.

    Args:
        words: What is expected, for messages: "a number above 0".
        accepts: Whether a value is of the kind.
        schema: The kind in JSON Schema.
        names: Names that are expected, for near matches in messages; none for other kinds.
    """

    words: str
    accepts: Callable[[Any], bool]
    schema: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def check(self, path: str, value: Any) -> None:
        """Refuse a value of another kind.

        Raises:
            ValueError: It is one; the message names the field, what is expected, and near matches.
        """
        if self.accepts(value):
            return
        if self.names:
            values = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
            refuse_unknown(path.replace(".", " "), [one for one in values if isinstance(one, str)], self.names)
        raise ValueError(f"Recipe field `{path}` must be {self.words}. Received: {value!r}.")


def number(least: float = -math.inf, most: float = math.inf, open_ends: str = "") -> Value:
    """Return a finite number from `least` to `most`; `open_ends` holds "(" or ")" where an end is excluded."""
    above, below = "(" in open_ends, ")" in open_ends

    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            return False
        return (value > least if above else value >= least) and (value < most if below else value <= most)

    ends = {
        ("above" if above else "of at least", "exclusiveMinimum" if above else "minimum"): least,
        ("below" if below else "at most", "exclusiveMaximum" if below else "maximum"): most,
    }
    limits = {key: end for key, end in ends.items() if math.isfinite(end)}
    words = " and ".join(f"{word} {end:g}" for (word, _), end in limits.items())
    return Value(
        f"a number {words}".strip(), accepts, {"type": "number", **{key: end for (_, key), end in limits.items()}}
    )


def whole(least: int = 0, most: int | None = None) -> Value:
    """Return a whole number of at least `least`."""

    def accepts(value: Any) -> bool:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and value >= least and (most is None or value <= most)

    limit = "" if most is None else f" and at most {most}"
    schema = {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most})
    return Value(f"a whole number of at least {least}{limit}", accepts, schema)


def one_of(names: Iterable[str]) -> Value:
    """Return one of some names."""
    names = tuple(names)
    return Value(f"one of {', '.join(names)}", lambda value: value in names, {"enum": list(names)}, names)


def several(names: Iterable[str]) -> Value:
    """Return a list of some names, each at most once."""
    names = tuple(names)

    def accepts(value: Any) -> bool:
        is_list = isinstance(value, list | tuple) and all(one in names for one in value)
        return is_list and len(set(value)) == len(value)

    schema = {"type": "array", "items": {"enum": list(names)}, "uniqueItems": True}
    return Value(f"a list of some of {', '.join(names)}", accepts, schema, names)


def either(*kinds: Value) -> Value:
    """Return a value of any of these kinds."""
    names = tuple(name for kind in kinds for name in kind.names)
    return Value(
        " or ".join(kind.words for kind in kinds),
        lambda value: any(kind.accepts(value) for kind in kinds),
        {"anyOf": [dict(kind.schema) for kind in kinds]},
        names,
    )


FLAG = Value("true or false", lambda value: isinstance(value, bool), {"type": "boolean"})
NOTHING = Value("null", lambda value: value is None, {"type": "null"})
MAPPING = Value("a mapping", lambda value: isinstance(value, Mapping), {"type": "object"})
TEXT = Value(
    "a text that is not empty",
    lambda value: isinstance(value, str) and bool(value.strip()),
    {"type": "string", "minLength": 1},
)
WIDTHS = Value(
    "a list of whole numbers of at least 1",
    lambda value: isinstance(value, list | tuple) and all(map(whole(1).accepts, value)),
    {"type": "array", "items": {"type": "integer", "minimum": 1}},
)
# What a user registered with Keras, "my_package>MyLoss"; whether it is there is seen by `registered`.
REGISTERED = Value(
    'the registered name of a Keras object, "package>Name"',
    lambda value: isinstance(value, str) and all(value.partition(">")),
    {"type": "string", "pattern": "^.+>.+$"},
)


def registered(name: str) -> Any:
    """Return the class or function that Keras has registered under a name, `"my_package>MyLoss"`.

    Raises:
        ValueError: There is none.
    """
    import keras

    value = keras.saving.get_registered_object(name)
    if value is None:
        raise ValueError(
            f"Keras has no object registered as '{name}'. Import the module that decorates it with "
            "@keras.saving.register_keras_serializable(package) before this."
        )
    return value
