"""The phases of a training: which network each of them fits, and on which batches."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras

from medzoo.data import Samples
from medzoo.data.augment import Augmentation
from medzoo.data.feed.balance import class_weights, weigh
from medzoo.data.feed.batches import ArrayBatches, Batches, reader_errors
from medzoo.data.feed.order import Order
from medzoo.devices import Parallel
from medzoo.features.cache import FeatureCache, can_cache
from medzoo.files import write_rows
from medzoo.graph.cut import split_frozen
from medzoo.graph.freezing import set_frozen, stages
from medzoo.graph.walk import flatten, stage_of
from medzoo.recipe import Recipe
from medzoo.training.callbacks import (
    BeginEpoch,
    LowerOnPlateau,
    Progress,
    SaveEpoch,
    StopEarly,
    StopOnDivergence,
)
from medzoo.training.checkpoints import Checkpoints
from medzoo.training.history import HISTORY, stale_epochs
from medzoo.training.machine import policy_of
from medzoo.training.regimes import Phase, cached_views, phases, rate_factors
from medzoo.zoo_model import ZooModel

# Steps of a head on features in one call of the backend; Keras has no such calls on torch.
STEPS_TOGETHER = 50


class Fitting:
    """A training in a folder, phase by phase.

    Args:
        recipe: All values of the training, fitted to its data.
        training: Samples to learn from.
        validation: Samples to choose the best epoch by.
        run: Folder of the run.
        checkpoints: The epochs on disk.
        cache: Features of frozen encoders.
        parallel: The devices and processes that share the work.
        verbose: Keras's progress.
    """

    def __init__(
        self,
        recipe: Recipe,
        training: Samples,
        validation: Samples,
        run: Path,
        checkpoints: Checkpoints,
        cache: FeatureCache,
        parallel: Parallel,
        verbose: int | str,
    ):
        self._recipe, self._training, self._validation = recipe, training, validation
        self._run, self._checkpoints, self._cache = run, checkpoints, cache
        self._parallel, self._verbose = parallel, verbose
        self._history = checkpoints.history(checkpoints.latest)
        keras.utils.set_random_seed(recipe.seed)
        self._policy = policy_of(recipe)
        with _precision(self._policy):
            self._model = ZooModel.from_recipe(recipe, pretrained=not self._history)
        self._stages = stages(self._model)
        self._phases = phases(recipe, self._stages)

    def run(self, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """Fit the remaining phases, with `callbacks` behind those of the training."""
        if self._history:
            self._checkpoints.load_weights(self._model, len(self._history))
            # After a kill between the checkpoint and its row the row is missing.
            write_rows(self._run / HISTORY, self._history)
        for phase in self._phases:
            if not self._is_over(phase):
                self._fit(phase, callbacks)

    def best_model(self) -> ZooModel:
        """Return the model of the best epoch in float32, all layers trainable, compiled for fine-tuning."""
        if self._policy == "float32" and self._parallel.devices == 1:
            # With the same layers: random weights for new ones would take as long as a small training.
            model = ZooModel.wrap(self._model.network, self._recipe)
            if self._recipe.freezing is not None:
                set_frozen(model, ())
        else:
            model = ZooModel.from_recipe(self._recipe)
        # Every finished training has an epoch on disk.
        self._checkpoints.load_weights(model, self._checkpoints.best or len(self._history))
        model.compile_from_recipe()
        return model

    def _fit(self, phase: Phase, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        if self._recipe.freezing is not None:
            set_frozen(self._model, phase.frozen)
        network, training, validation = self._parts(phase)
        done = len(self._history)
        self._compile(network, len(training.order), phase)
        if done > phase.first:
            self._checkpoints.restore(network, done)
        with reader_errors(training, validation):
            network.fit(
                self._parallel.training(training.feed),
                validation_data=self._parallel.validation(validation.feed),
                initial_epoch=done,
                epochs=phase.end,
                verbose=self._verbose,
                shuffle=False,
                callbacks=[*self._callbacks(phase, training.order), *callbacks],
            )

    def _parts(self, phase: Phase) -> tuple[keras.Model, Batches, Batches]:
        """Return the network to fit, and its batches for training and for validation."""
        recipe, model = self._recipe, self._model
        cut = self._cut(phase)
        if cut is not None:
            encoder, head = cut
            training = self._features(encoder, self._training, cached_views(recipe))
            return head, training, self._features(encoder, self._validation)
        multiple = self._parallel.devices
        training = model.batches(
            self._training, recipe.batch_size, augment=True, shuffle=True, seed=recipe.seed, multiple=multiple
        )
        return model, training, model.batches(self._validation, recipe.batch_size)

    def _cut(self, phase: Phase) -> tuple[keras.Model, keras.Model] | None:
        """Return encoder and head if features of the frozen encoder can replace the images and fit into memory."""
        views = cached_views(self._recipe)
        if views is None or not phase.frozen or list(phase.frozen) != self._stages:
            return None
        # Features of a dense task are larger than its images, and heads too small to be shared by devices.
        if self._recipe.task.is_dense or self._parallel.devices > 1:
            return None
        cut = split_frozen(self._model, phase.frozen)
        fits = cut and can_cache(self._training, self._recipe.preprocessing, self._recipe.task, cut[0], views)
        return cut if fits else None

    def _features(self, encoder: keras.Model, samples: Samples, views: int | None = None) -> Batches:
        """Return batches of features, for training if `views` is not None."""
        recipe, task = self._recipe, self._recipe.task
        is_training = views is not None
        augment = Augmentation.from_json(recipe.augmentation) if views else None
        size, seed = recipe.batch_size, recipe.seed
        features = self._cache.features(self._model, encoder, samples, views or 0, augment, seed, size)
        targets = task.encode(samples.targets)[:, None]
        balance = recipe.balance if is_training else {}
        strata = samples.targets if balance.get("sampling") else None
        weights = balance.get("class_weights")
        weights = None if weights is None else weigh(targets, class_weights(samples, weights))
        return ArrayBatches(Order(len(samples), size, seed, is_training, strata), features, targets, weights)

    def _compile(self, network: keras.Model, steps: int, phase: Phase) -> None:
        factors = rate_factors(self._recipe, self._stages)
        staged = [(layer, stage) for layer in flatten(self._model) if (stage := stage_of(layer)) in factors]
        by_path = {weight.path: factors[stage] for layer, stage in staged for weight in layer.trainable_weights}
        self._model.compile_from_recipe(steps, phase.first, by_path)
        if network is not self._model:
            # A step of a head takes less time than its start.
            together = 1 if keras.backend.backend() == "torch" else min(steps, STEPS_TOGETHER)
            arguments = self._model.compile_arguments(self._model.optimizer)
            network.compile(**arguments, steps_per_execution=together)
        self._model.optimizer.build(network.trainable_variables)

    def _callbacks(self, phase: Phase, order: Order) -> list[keras.callbacks.Callback]:
        recipe, history = self._recipe, self._history
        monitor, verbose = recipe.validation_score, self._verbose
        callbacks = [
            BeginEpoch(order, self._model, recipe.seed),
            StopOnDivergence(self._checkpoints),
            SaveEpoch(self._checkpoints, self._run / HISTORY, history, self._model),
        ]
        if recipe.schedule and recipe.schedule.name == "plateau":
            arguments = recipe.schedule.arguments
            callbacks.append(LowerOnPlateau(recipe.optimizer.learning_rate, list(history), **arguments))
        if phase is self._phases[-1]:
            # An earlier phase ends with the unfreezing of another stage.
            callbacks.append(StopEarly(monitor, recipe.patience, history[phase.first :], verbose=int(verbose != 0)))
        callbacks.append(Progress(recipe.epochs, monitor, list(history), verbose))
        # Keras writes these logs by TensorFlow, whatever the backend.
        if importlib.util.find_spec("tensorflow") is not None:
            callbacks.append(keras.callbacks.TensorBoard(self._run / "tensorboard", write_graph=False))
        return callbacks

    def _is_over(self, phase: Phase) -> bool:
        if len(self._history) >= phase.end:
            return True
        stale = stale_epochs(self._history[phase.first :], self._recipe.validation_score)
        return phase is self._phases[-1] and stale >= self._recipe.patience


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    before: Any = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
