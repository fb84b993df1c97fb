"""What the parts of a recipe have in common: each is checked when it is made, and is a mapping of what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Generic, Self, TypeVar

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.recipe.values import REGISTERED, Value


@dataclass(frozen=True, eq=False)
class Part(Mapping[str, Any]):
    """A part of a recipe: fields with values that the table `VALUES` allows.

    As a mapping it holds its JSON form: what differs from the defaults.

    Raises:
        ValueError: A value is not what the field takes.
    """

    FIELD: ClassVar[str]
    VALUES: ClassVar[Mapping[str, Value]]

    def __post_init__(self) -> None:
        """Refuse values that are out of their range."""
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, list):
                object.__setattr__(self, item.name, tuple(value))
            # Defaults too: False equals 0, and is no number.
            self.VALUES[item.name].check(f"{self.FIELD}.{item.name}", getattr(self, item.name))

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {item.name: as_json(values[item.name]) for item in fields(self) if values[item.name] != item.default}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Make the part of its JSON form.

        Raises:
            ValueError: It is no mapping, or a field is unknown (the message has near matches) or has a wrong value.
        """
        value = json_object(cls.FIELD, value)
        refuse_unknown(f"field of the {cls.FIELD}", value, cls.VALUES)
        return cls(**value)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the part."""
        return object_schema({name: value.schema for name, value in cls.VALUES.items()})

    def __getitem__(self, name: str) -> Any:
        return self.to_json()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_json())

    def __len__(self) -> int:
        return len(self.to_json())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and self.to_json() == as_json(other)

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_json(), sort_keys=True))


@dataclass(frozen=True, eq=False)
class Named(Part):
    """A part that names something, with arguments of its own: `{"name": "sgd", "momentum": 0.9}`.

    Args:
        name: A name in the table `NAMES`; where users may bring their own class, also its registered name in Keras.
        arguments: Arguments that the table allows for this name.

    Raises:
        ValueError: The name or an argument is unknown, with near matches in the message, or takes another value.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    # Name -> argument -> what it may be; None where the table says nothing about them.
    NAMES: ClassVar[Mapping[str, Mapping[str, Value] | None]]
    TAKES_REGISTERED: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Refuse unknown names, and arguments that they do not take."""
        object.__setattr__(self, "arguments", json_object(self.FIELD, self.arguments))
        if self.is_registered:
            return
        if not isinstance(self.name, str) or self.name not in self.NAMES:
            raise unknown_name(self.FIELD, self.name, self.NAMES)
        takes = self.NAMES[self.name]
        if takes is not None:
            refuse_unknown(f"field of the {self.FIELD} '{self.name}'", self.arguments, takes)
            for argument, value in self.arguments.items():
                takes[argument].check(f"{self.FIELD}.{argument}", value)

    @property
    def is_registered(self) -> bool:
        """Whether the name is that of a user's own class, registered with Keras."""
        return self.TAKES_REGISTERED and REGISTERED.accepts(self.name)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        return {"name": self.name, **as_json(self.arguments)}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Make the part of its JSON form.

        Raises:
            ValueError: It is no mapping, has no name, or the name or an argument is unknown.
        """
        arguments = json_object(cls.FIELD, value)
        if "name" not in arguments:
            raise ValueError(f"Recipe field `{cls.FIELD}` must hold a 'name'. Received: {arguments}.")
        return cls(arguments.pop("name"), arguments)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the part."""
        kinds = [
            object_schema({"name": {"const": name}, **_schemas(takes)}, ["name"], takes is None)
            for name, takes in cls.NAMES.items()
        ]
        if cls.TAKES_REGISTERED:
            kinds.append(object_schema({"name": REGISTERED.schema}, ["name"], more=True))
        return {"anyOf": kinds}


Held = TypeVar("Held")
Json = TypeVar("Json", bound=Mapping[str, Any] | str)


class PartField(Generic[Held, Json]):
    """A field of a dataclass that takes a part or its JSON form and holds the part, `PartField[Part, JSON form]`.

    Args:
        part: Type of the part.
        default: Value where none is passed, which is None for a part that may be missing; without it the field must be
            passed.
    """

    def __init__(self, part: type[Part], *default: Held):
        self.part, self._default = part, default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @property
    def is_optional(self) -> bool:
        """Whether there may be no part."""
        return self._default == (None,)

    def __get__(self, instance: Any, owner: type | None = None) -> Held:
        if instance is not None:
            return instance.__dict__[self._name]
        # The dataclass asks its class for the default, and takes this error for none.
        if not self._default:
            raise AttributeError(self._name)
        return self._default[0]

    def __set__(self, instance: Any, value: Held | Json) -> None:
        is_held = isinstance(value, self.part) or (value is None and self.is_optional)
        instance.__dict__[self._name] = value if is_held else self.part.from_json(value)


def _schemas(takes: Mapping[str, Value] | None) -> dict[str, Any]:
    return {argument: value.schema for argument, value in (takes or {}).items()}


def object_schema(
    properties: Mapping[str, Any], required: list[str] | None = None, more: bool = False
) -> dict[str, Any]:
    """Return the JSON Schema of an object with these properties; `more` allows others."""
    schema = {"type": "object", "properties": {name: dict(value) for name, value in properties.items()}}
    return schema | ({"required": required} if required else {}) | ({} if more else {"additionalProperties": False})


def json_object(name: str, value: Any) -> dict[str, Any]:
    """Return a mapping as JSON holds it, copied.

    Raises:
        ValueError: It is no mapping, or holds what JSON does not have; the message names the field.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"Recipe field `{name}` must be a mapping, for example {{'name': ...}}. Received: {value!r}.")
    try:
        return json.loads(json.dumps(as_json(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Recipe field `{name}` must hold values that JSON has: {error}.") from error


def as_json(value: Any) -> Any:
    """Return a value with plain lists and mappings in it."""
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list | tuple) else value
