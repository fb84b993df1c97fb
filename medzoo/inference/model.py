"""What predicts: any model with a task and a preprocessing; the network of a zoo entry through onnxruntime is one."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Task

if TYPE_CHECKING:
    from medzoo.evaluation.record import Evaluation


class Model(Protocol):
    """What scans are predicted with: a `ZooModel`, an `OnnxModel`, an `EstimatorModel`, or one of a user."""

    @property
    def task(self) -> Any:
        """What the model answers, a `Task`."""

    @property
    def preprocessing(self) -> Preprocessing:
        """Steps from a file to the network's input."""

    def predict_on_batch(self, inputs: np.ndarray) -> Any:
        """Return the outputs `(batch, ..., outputs)` for inputs `(batch, *size, channels)`, an array of any library."""


class RecipeModel(ABC):
    """A model that is no Keras model: its recipe says what it answers and how it is fed.

    Args:
        recipe: The recipe.
        evaluation: Scores on a test set, or None.
    """

    def __init__(self, recipe: Recipe, evaluation: Evaluation | None = None):
        self.recipe = recipe
        self.evaluation = evaluation

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.recipe.name

    @property
    def task(self) -> Task:
        """What the model answers."""
        return self.recipe.task

    @property
    def preprocessing(self) -> Preprocessing:
        """Steps from a file to the network's input."""
        return self.recipe.preprocessing

    @abstractmethod
    def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs `(batch, ..., outputs)` for inputs `(batch, *size, channels)`."""


class OnnxModel(RecipeModel):
    """A network exported to ONNX, run without Keras, so that a first answer takes less than a second.

    Args:
        path: The `model.onnx` of a zoo entry.
        recipe: The recipe of the entry.
        evaluation: Scores on a test set, or None.
    """

    def __init__(self, path: str | os.PathLike, recipe: Recipe, evaluation: Evaluation | None = None):
        import onnxruntime

        super().__init__(recipe, evaluation)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # A kept model costs nothing between two calls: its threads do not wait for the next one in a busy loop.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self._session = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs `(batch, ..., outputs)` for inputs `(batch, *size, channels)`."""
        return self._session.run(None, {self._input: np.ascontiguousarray(inputs, np.float32)})[0]
