"""A Keras model that knows its task, preprocessing, recipe and evaluation."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from medzoo.losses import make_loss
from medzoo.metrics import make_metrics
from medzoo.models import build
from medzoo.models.fast import accelerate
from medzoo.optimizers import make_optimizer
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Task

if TYPE_CHECKING:
    import tensorflow as tf

    from medzoo.data import Samples
    from medzoo.data.feed.batches import Batches
    from medzoo.evaluation.record import Evaluation

# Arguments of `fit` between `x` and `shuffle`.
_BEFORE_SHUFFLE = 7


@keras.saving.register_keras_serializable("medzoo")
class ZooModel(keras.Model):
    """A functional `keras.Model` with what Keras does not carry.

    `fit`, `evaluate`, `predict`, `summary`, `save` and `export` are Keras's own.

    Attributes:
        recipe: All values of its training; `model.save` keeps it, `keras.models.clone_model` does not.
        evaluation: Scores on a test set, or None; `medzoo.save` keeps it.

    Example:
        >>> model = ZooModel.from_recipe(Recipe.load("recipe.json"))
        >>> model.task.labels
        ('background', 'tumor')
    """

    # Keras builds a functional subclass only while `__init__` stays its own, so these are set after it, in `wrap`;
    # `_needed_recipe` says so where nobody did.
    recipe: Recipe = None  # type: ignore[assignment]
    evaluation: Evaluation | None = None

    @classmethod
    def from_recipe(cls, recipe: Recipe, pretrained: bool = False) -> ZooModel:
        """Build the recipe's network, uncompiled.

        Args:
            recipe: The recipe.
            pretrained: Whether to fetch the weights that the recipe's training begins with; else all are random.
        """
        task = recipe.task
        weights = recipe.weights if pretrained else None
        network = build(recipe.builder, recipe.preprocessing.input_shape, task.outputs, task.activation, weights)
        return cls.wrap(network, recipe)

    @classmethod
    def wrap(cls, network: keras.Model, recipe: Recipe) -> ZooModel:
        """Give a functional network of the recipe's kind the recipe; the layers are shared, not copied."""
        model = cls(network.input, network.output, name=recipe.name.replace("-", "_"))
        model.recipe = recipe
        return accelerate(model)

    @property
    def task(self) -> Task:
        """What the model answers."""
        return self._needed_recipe().task

    @property
    def preprocessing(self) -> Preprocessing:
        """Steps from a file to the network's input."""
        return self._needed_recipe().preprocessing

    @property
    def network(self) -> keras.Model:
        """The same layers as a plain Keras model, which needs no medzoo to be loaded."""
        return keras.Model(self.input, self.output, name=self.name)

    def compile_from_recipe(
        self,
        steps_per_epoch: int | None = None,
        first_epoch: int = 0,
        factors: Mapping[str, float] | None = None,
    ) -> None:
        """Compile with the recipe's loss, metrics and optimiser.

        Args:
            steps_per_epoch: Batches in an epoch, for the learning-rate schedule; None for fine-tuning.
            first_epoch: The epoch that training begins with, from 0, for the schedule.
            factors: Learning rates of variables by their paths, as factors of the recipe's.
        """
        self.compile(**self.compile_arguments(make_optimizer(self.recipe, steps_per_epoch, first_epoch, factors)))

    def compile_arguments(self, optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
        """Return what `compile` is to be given: `optimizer`, and the recipe's loss and metrics."""
        task, recipe = self.task, self.recipe
        loss = recipe.loss or task.default_loss
        return {
            "optimizer": optimizer,
            "loss": make_loss(loss) if loss else None,
            "metrics": make_metrics((*task.default_metrics, *recipe.metrics), task.outputs, task.threshold),
            # XLA's convolutions on a CPU are slower than oneDNN's; on JAX everything is compiled anyway.
            "jit_compile": False if keras.backend.backend() == "tensorflow" else "auto",
        }

    @functools.wraps(keras.Model.fit)
    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Fit as Keras does, without its warning that a dataset leaves no use for the default of `shuffle`."""
        is_shuffle_given = "shuffle" in kwargs or len(args) > _BEFORE_SHUFFLE
        if not is_shuffle_given and type(x).__module__.startswith("tensorflow."):
            kwargs["shuffle"] = False
        return super().fit(x, *args, **kwargs)

    def dataset(
        self,
        samples: Samples,
        batch_size: int = 8,
        augment: bool = False,
        shuffle: bool = False,
        cache: str | os.PathLike | None = "memory",
        seed: int = 0,
    ) -> tf.data.Dataset | Batches:
        """Make batches for `fit` and `evaluate` through this model's own preprocessing.

        Args:
            samples: What to read.
            batch_size: Images in a batch.
            augment: Whether to apply what the recipe does to training data: augmentation and balancing.
            shuffle: Whether every epoch has another order.
            cache: `"memory"`, a path for a cache file, or None.
            seed: Seed of the order and of the augmentation.

        Returns:
            `tf.data.Dataset`, or `keras.utils.PyDataset` where TensorFlow is not installed, of images
            `(batch, *size, channels)` and targets: masks `(batch, *size, 1)`, label indices `(batch, 1)`, or numbers
            `(batch, 1)` in deviations (`Regression.decode` leads back). Where the recipe balances by weights and
            `augment` is set, a third part holds the weights.
        """
        return self.batches(samples, batch_size, augment, shuffle, cache, seed).feed

    def batches(
        self,
        samples: Samples,
        batch_size: int = 8,
        augment: bool = False,
        shuffle: bool = False,
        cache: str | os.PathLike | None = "memory",
        seed: int = 0,
        multiple: int = 1,
    ) -> Batches:
        """Make what `dataset` feeds to `fit`, with the order of its epochs, for so many devices; else as `dataset`."""
        from medzoo.data.augment import Augmentation
        from medzoo.data.feed.batches import make_batches

        return make_batches(
            samples,
            self.preprocessing,
            self.task,
            batch_size,
            Augmentation.from_json(self.recipe.augmentation) if augment else None,
            shuffle,
            cache=cache,
            seed=seed,
            balance=self.recipe.balance if augment else None,
            multiple=multiple,
        )

    def get_config(self) -> dict[str, Any]:
        """Return Keras's own config and the recipe, so that `model.save` keeps both."""
        return {**super().get_config(), "recipe": self._needed_recipe().to_json()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> ZooModel:
        """Make a model of its config."""
        config = dict(config)
        recipe = Recipe.from_json(config.pop("recipe"))
        return cls.wrap(keras.Model.from_config(config, custom_objects), recipe)

    def _needed_recipe(self) -> Recipe:
        if self.recipe is None:
            raise ValueError(
                f"The model '{self.name}' has no recipe: keras.models.clone_model and ZooModel(inputs, outputs) give "
                "none. Set it: model.recipe = original.recipe."
            )
        return self.recipe
