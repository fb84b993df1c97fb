"""A Keras model that knows its task, preprocessing, recipe and evaluation."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
from keras import tree

from medzoo.graph.logits import note_logits
from medzoo.io.tensors import as_array
from medzoo.losses import LOSSES, CrossEntropy, DiceCrossEntropy, make_loss
from medzoo.metrics import make_metrics
from medzoo.models import build
from medzoo.models.contract import check_functional, check_network
from medzoo.models.fast import accelerate
from medzoo.optimizers import make_optimizer
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Task
from medzoo.weights import load_decoder

if TYPE_CHECKING:
    import tensorflow as tf

    from medzoo.data import Samples
    from medzoo.data.feed.batches import Batches
    from medzoo.evaluation.record import Evaluation

_ARRAYS = {"x", "y", "sample_weight"}
# Losses whose targets are those of the recipe's task.
_OWN_LOSSES = (CrossEntropy, DiceCrossEntropy, *(loss for loss in LOSSES.values() if isinstance(loss, type)))


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
        if weights is not None:
            load_decoder(network, recipe.builder, weights)
        return cls.wrap(network, recipe)

    @classmethod
    def wrap(cls, network: keras.Model, recipe: Recipe) -> ZooModel:
        """Give a functional network of the recipe's kind the recipe; the layers are shared, not copied.

        Raises:
            TypeError: It is no Keras model.
            ValueError: Its input, its output or its last activation does not fit the recipe.

        Example:
            >>> ZooModel.wrap(keras.saving.load_model("net.keras"), recipe)
        """
        check_functional(network)
        model = cls(network.inputs[0], network.outputs[0], name=recipe.name.replace("-", "_"))
        check_network(model, recipe)
        model.recipe = recipe
        return note_logits(accelerate(model))

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
            "metrics": make_metrics(recipe.metric_names, task.outputs, task.threshold),
            # XLA's convolutions on a CPU are slower than oneDNN's; on JAX everything is compiled anyway.
            "jit_compile": False if keras.backend.backend() == "tensorflow" else "auto",
        }

    @functools.wraps(keras.Model.fit)
    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Fit as Keras does, to arrays whose values the task knows; tensors of any backend are arrays.

        Keras's warning that a dataset leaves no use for the default of `shuffle` is left out.

        Raises:
            ValueError: A target is no label of the task, or the schedule of the learning rate is over.
        """
        arguments = self._arguments(keras.Model.fit, args, kwargs)
        if "shuffle" not in arguments and type(arguments.get("x")).__module__.startswith("tensorflow."):
            arguments["shuffle"] = False
        self._refuse_end_of_schedule()
        return super().fit(**arguments)

    @functools.wraps(keras.Model.evaluate)
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate as Keras does, on arrays as `fit` takes them."""
        return super().evaluate(**self._arguments(keras.Model.evaluate, args, kwargs))

    @functools.wraps(keras.Model.predict)
    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Predict as Keras does; tensors of any backend are arrays."""
        return super().predict(**self._arguments(keras.Model.predict, args, kwargs))

    @functools.wraps(keras.Model.train_on_batch)
    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Make a step as Keras does, on arrays as `fit` takes them."""
        return super().train_on_batch(**self._arguments(keras.Model.train_on_batch, args, kwargs))

    @functools.wraps(keras.Model.test_on_batch)
    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate a batch as Keras does, of arrays as `fit` takes them."""
        return super().test_on_batch(**self._arguments(keras.Model.test_on_batch, args, kwargs))

    def _arguments(self, method: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of a method of Keras by name, the arrays among them as the network takes them."""
        arguments = dict(inspect.signature(method).bind(self, *args, **kwargs).arguments)
        del arguments["self"]
        arguments |= arguments.pop("kwargs", {})
        arguments |= {name: tree.map_structure(as_array, arguments[name]) for name in _ARRAYS & arguments.keys()}
        if "y" in arguments:
            arguments["y"] = self._targets(arguments["y"], "y")
        validation = arguments.get("validation_data")
        if isinstance(validation, tuple | list) and len(validation) > 1:
            x, y, *weights = tree.map_structure(as_array, tuple(validation))
            arguments["validation_data"] = (x, self._targets(y, "the targets of validation_data"), *weights)
        return arguments

    def _targets(self, y: Any, name: str) -> Any:
        # The targets of a loss of the user's own may be anything.
        if y is None or self.recipe is None or not isinstance(getattr(self, "loss", None), _OWN_LOSSES):
            return y
        from medzoo.data.feed.arrays import fit_targets

        return fit_targets(self.task, y, name)

    def _refuse_end_of_schedule(self) -> None:
        optimizer = getattr(self, "optimizer", None)
        if optimizer is None or not int(optimizer.iterations) or float(optimizer.learning_rate) > 0:
            return
        raise ValueError(
            "The schedule of the learning rate is over (the rate is 0), so this fit would change nothing. Compile "
            "anew: model.compile_from_recipe(), or model.compile_from_recipe(steps_per_epoch) for another schedule."
        )

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
