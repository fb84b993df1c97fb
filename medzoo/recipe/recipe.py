"""All values that repeat a training, in the order in which the data meets them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.files import read_json, write_json
from medzoo.preprocessing import Preprocessing
from medzoo.recipe.augmentation import Augmentation
from medzoo.recipe.builder import Builder
from medzoo.recipe.learning import METRICS, MONITORS, Freezing, Loss, Optimizer, Schedule
from medzoo.recipe.overrides import changed
from medzoo.recipe.part import PartField, json_object
from medzoo.recipe.sampling import Balance, Split
from medzoo.recipe.values import NOTHING, REGISTERED, TEXT, Value, either, one_of, whole
from medzoo.task import Task, task_from_json

# What takes bfloat16 where the machine computes it fast.
AUTO = "auto"
# Beside it the dtype policies of Keras.
PRECISIONS = (AUTO, "float16", "float32", "float64", "bfloat16", "mixed_float16", "mixed_bfloat16")

_METRIC = either(one_of(METRICS), REGISTERED)
VALUES = {
    "name": TEXT,
    "weights": either(TEXT, NOTHING),
    # NumPy takes no larger one.
    "seed": whole(0, 2**32 - 1),
    "batch_size": whole(1),
    "epochs": whole(1),
    "patience": whole(1),
    "precision": one_of(PRECISIONS),
    "devices": either(whole(1), one_of(["all"]), NOTHING),
    "metrics": Value(
        "a list of names of metrics",
        lambda value: isinstance(value, list | tuple) and all(map(_METRIC.accepts, value)),
        {"type": "array", "items": dict(_METRIC.schema)},
        METRICS,
    ),
    "monitor": either(one_of(MONITORS), NOTHING),
}
_WORDS = ("expected", "card")
_Json = Mapping[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A training as data: JSON in, JSON out, no code.

    Each part is a type of its own, which may be passed as its JSON form and is checked when it is made. The loss, the
    optimiser and the metrics may also be classes of your own, by the name under which Keras has registered them,
    `"my_package>MyLoss"`.

    Args:
        name: Name of the model that comes out.
        task: What the model answers.
        preprocessing: Steps from a file to the network's input.
        builder: Name of a builder and its arguments, `{"name": "unet", "encoder": {...}}`.
        weights: Where the encoder begins: `"imagenet"`, `"medicalnet"`, the name of a zoo entry on this machine, a
            path, or None for random weights. Of a zoo entry of the same builder the decoder begins there too, and the
            head where it has as many outputs.
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
        augmentation: Fields of `medzoo.recipe.Augmentation`.
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
        precision: Keras dtype policy of the training, or "auto": "mixed_bfloat16" where the processor or an accelerator
            computes it fast, else "float32", since other processors take ten times as long for it; for volumes on a
            processor "float32", too, since gradients of 3D kernels may be NaN. The weights that come out are float32.
        devices: Number of devices that share each batch, or "all"; None for one.
        metrics: Names of metrics to show while training, beside those of the task.
        monitor: Name of the metric whose best validation score decides which epoch is kept and when training stops;
            None takes the task's, `balanced_accuracy`, `dice` or `r2`. For rare classes `"auc"` is steadier.
        expected: Score, hardware and time that this recipe was seen to take.
        card: Words for the model card: summary, intended use, limits, licence, data source.

    Example:
        >>> Recipe.load("recipe.json").epochs
        40
    """

    name: str
    task: Task
    preprocessing: Preprocessing
    builder: PartField[Builder, _Json] = PartField(Builder)
    weights: str | None = None
    freezing: PartField[Freezing | None, _Json] = PartField(Freezing, None)
    seed: int = 0
    split: PartField[Split, _Json] = PartField(Split, Split(valid=0.2))
    augmentation: PartField[Augmentation, _Json] = PartField(Augmentation, Augmentation())
    balance: PartField[Balance, _Json] = PartField(Balance, Balance())
    loss: PartField[Loss | None, str | _Json] = PartField(Loss, None)
    optimizer: PartField[Optimizer, _Json] = PartField(Optimizer, Optimizer("adamw", {"learning_rate": 1e-3}))
    schedule: PartField[Schedule | None, _Json] = PartField(Schedule, None)
    batch_size: int = 8
    epochs: int = 20
    patience: int = 10
    precision: str = "float32"
    devices: int | str | None = None
    metrics: tuple[str, ...] = ()
    monitor: str | None = None
    expected: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name in _WORDS:
            object.__setattr__(self, name, json_object(name, getattr(self, name)))
        for name, value in VALUES.items():
            value.check(name, getattr(self, name))
        object.__setattr__(self, "metrics", tuple(self.metrics))
        self._check_together()

    def _check_together(self) -> None:
        task = self.task
        if self.loss and not self.loss.is_registered and self.loss.name not in task.losses:
            raise unknown_name(f"loss for {task.name}", self.loss.name, task.losses)
        names = [name for name in self.metric_names if not REGISTERED.accepts(name)]
        refuse_unknown(f"metric for {task.name}", names, task.metrics)
        self.balance.check_task(task)

    @property
    def loss_name(self) -> str | None:
        """Name of the loss, the task's own where the recipe names none; None for a task without targets."""
        return self.loss.name if self.loss else self.task.default_loss

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of all metrics of the training, each once."""
        own = (self.monitor,) if self.monitor else ()
        return tuple(dict.fromkeys((*self.task.default_metrics, *self.metrics, *own)))

    @property
    def validation_score(self) -> str:
        """The score in the history that decides, `"val_dice"`; higher is better. "" where nothing is trained."""
        return f"val_{self.monitor}" if self.monitor else self.task.monitor

    @property
    def decisive(self) -> str:
        """All that decides the training, as JSON, in which tuples equal lists; `card` and `expected` may change."""
        return json.dumps({**self.to_json(), "card": None, "expected": None}, sort_keys=True)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        if self.loss and not self.loss.arguments:
            values["loss"] = self.loss.name
        # Left out where they are empty, as in recipes that are older than these fields.
        newer = {"metrics": list(values.pop("metrics")), "monitor": values.pop("monitor")}
        plain = {key: value.to_json() if hasattr(value, "to_json") else value for key, value in values.items()}
        return plain | {name: value for name, value in newer.items() if value}

    def with_(self, values: Mapping[str, Any] | None = None, **more: Any) -> Recipe:
        """Return the recipe with some values changed.

        Args:
            values: Values by path, `{"optimizer.learning_rate": 1e-3}`.
            more: Values by field, `epochs=5`.

        Raises:
            ValueError: There is no such field, or the recipe does not take the value.

        Example:
            >>> recipe.with_({"optimizer.learning_rate": 1e-2}, epochs=5).optimizer.learning_rate
            0.01
        """
        values = {**(values or {}), **more}
        parts = self.to_json()
        parts["loss"] = parts["loss"] or (self.loss_name if any(path.startswith("loss.") for path in values) else None)
        parts = changed(parts, values)
        try:
            return Recipe.from_json(parts)
        except (TypeError, ValueError) as error:
            raise ValueError(f"The recipe cannot be changed to {values}: {error}") from error

    def to_begin_with(self) -> Recipe:
        """Return the recipe for other data: without the results of its training and the words of its card."""
        return replace(self, expected={}, card={})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Recipe:
        """Make a Recipe of its JSON form.

        Raises:
            ValueError: A field is missing or unknown; near matches are in the message.
        """
        refuse_unknown("recipe field", value, {item.name for item in fields(cls)})
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
