"""All values that repeat a training, in the order in which the data meets them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from medzoo.errors import refuse_unknown
from medzoo.files import read_json, write_json
from medzoo.preprocessing import Preprocessing
from medzoo.task import Task, task_from_json

_MAPPINGS = ("builder", "split", "freezing", "augmentation", "balance", "optimizer", "schedule", "expected", "card")
# Builders that no function makes: of networks that only their `config.json` holds, and of estimators on deep features.
CONVERTED, ESTIMATOR = "converted", "estimator"

# These may be None.
_OPTIONAL = ("freezing", "schedule")


@dataclass(frozen=True)
class Recipe:
    """A training as data: JSON in, JSON out, no code.

    Mappings are copied as JSON, so that a recipe equals the one that its file holds: tuples in them become lists.

    Args:
        name: Name of the model that comes out.
        task: What the model answers.
        preprocessing: Steps from a file to the network's input.
        builder: Name of a builder and its arguments, `{"name": "unet", "encoder": {...}}`.
        weights: Where the encoder begins: `"imagenet"`, `"medicalnet"`, a path, or None for random weights.
        freezing: Which stages of the encoder learn when, and how fast; None for all from the first epoch on.
            `{"name": "frozen", "until": "stage_3"}` keeps stages as they are, by default the whole encoder.
            `{"name": "gradual", "frozen_epochs": 5, "stage_epochs": 2, "since": "stage_2", "rate_factor": 0.5}` starts
            with a frozen encoder and unfreezes one stage more every two epochs, from the deepest on; each learns at
            half the rate of what follows it. `{"name": "full", "rate_factor": 0.5}` has these rates only. While the
            whole encoder is frozen its features are computed once: of the images, or with `"views": 8` of eight
            augmented views of each, used in turn; a recipe with an augmentation and no views runs it in every epoch.
        seed: Seed of the split, the initial weights, the order and the augmentation.
        split: Fractions of images to hold out where the data brings no split, `{"valid": 0.2, "test": 0.1}`, and the
            `fraction` of the training images to use, 1 by default.
        augmentation: Fields of `medzoo.data.Augmentation`.
        balance: What is done about rare labels: `{"sampling": "balanced"}` draws all labels equally often,
            `{"class_weights": "balanced"}` weights the loss by their frequency, `{"class_weights": {label: weight}}`
            by these numbers.
        loss: Name of a loss, or `{"name": "focal", "gamma": 2, "label_smoothing": 0.1}`; None takes the task's.
        optimizer: `{"name": "adamw", "learning_rate": 1e-3, ...}` with Keras's own argument names.
        schedule: `{"name": "cosine", "warmup_epochs": 1}`, `{"name": "plateau", "factor": 0.5, "patience": 5}` with the
            arguments of Keras's ReduceLROnPlateau, or None for a constant rate.
        batch_size: Images in a step.
        epochs: Epochs at most.
        patience: Epochs without a better validation score after which training stops.
        precision: Keras dtype policy of the training; the weights that come out are float32.
        devices: Number of devices that share each batch, or "all"; None for one.
        expected: Score, hardware and time that this recipe was seen to take.
        card: Words for the model card: summary, intended use, limits, licence, data source.

    Example:
        >>> Recipe.load("recipe.json").epochs
        40
    """

    name: str
    task: Task
    preprocessing: Preprocessing
    builder: Mapping[str, Any]
    weights: str | None = None
    freezing: Mapping[str, Any] | None = None
    seed: int = 0
    split: Mapping[str, float] = field(default_factory=lambda: {"valid": 0.2})
    augmentation: Mapping[str, Any] = field(default_factory=dict)
    balance: Mapping[str, Any] = field(default_factory=dict)
    loss: str | Mapping[str, Any] | None = None
    optimizer: Mapping[str, Any] = field(default_factory=lambda: {"name": "adamw", "learning_rate": 1e-3})
    schedule: Mapping[str, Any] | None = None
    batch_size: int = 8
    epochs: int = 20
    patience: int = 10
    precision: str = "float32"
    devices: int | str | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name in _MAPPINGS:
            if name not in _OPTIONAL or getattr(self, name) is not None:
                object.__setattr__(self, name, _json_object(name, getattr(self, name)))
        if isinstance(self.loss, Mapping):
            object.__setattr__(self, "loss", _json_object("loss", self.loss))
        for name in ("batch_size", "epochs", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"Recipe field `{name}` must be a whole number of at least 1. Received: {value!r}.")
        for name in ("builder", "freezing", "optimizer", "schedule", "loss"):
            if isinstance(getattr(self, name), Mapping) and "name" not in getattr(self, name):
                raise ValueError(f"Recipe field `{name}` must hold a 'name'. Received: {getattr(self, name)}.")

    @property
    def loss_name(self) -> str | None:
        """Name of the loss, the task's own where the recipe names none; None for a task without targets."""
        return self.loss["name"] if isinstance(self.loss, Mapping) else self.loss or self.task.default_loss

    @property
    def decisive(self) -> str:
        """What decides the training, as JSON, where lists and tuples are one; the words around it may change."""
        return json.dumps({**self.to_json(), "card": None, "expected": None}, sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {key: value.to_json() if hasattr(value, "to_json") else value for key, value in values.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """Make a Recipe of its JSON form.

        Raises:
            ValueError: A field is missing or unknown; near matches are in the message.
        """
        known = {item.name for item in fields(cls)}
        refuse_unknown("recipe field", value, known)
        missing = [key for key in ("name", "task", "preprocessing", "builder") if key not in value]
        if missing:
            raise ValueError(f"A recipe needs the fields {', '.join(missing)}, which are missing.")
        parts = dict(value)
        parts["task"] = task_from_json(parts["task"])
        parts["preprocessing"] = Preprocessing.from_json(parts["preprocessing"])
        return cls(**parts)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Recipe:
        """Read a recipe file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is not a recipe; the message names it and the field.
        """
        value = read_json(path)
        try:
            return cls.from_json(value)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | os.PathLike) -> None:
        """Write the recipe as JSON."""
        write_json(path, self.to_json())


def _json_object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"Recipe field `{name}` must be a mapping, for example {{'name': ...}}. Received: {value!r}.")
    try:
        return json.loads(json.dumps(dict(value), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f"Recipe field `{name}` must hold values that JSON has: {error}.") from error
