"""The network of a zoo entry through onnxruntime: no Keras import, so a first answer takes less than a second."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Task


class OnnxModel:
    """A network exported to ONNX, with the recipe that says how to feed and read it.

    Args:
        path: The `model.onnx` of a zoo entry.
        recipe: The recipe of the entry.
        evaluation: Scores on a test set, or None.
    """

    def __init__(self, path: str | os.PathLike, recipe: Recipe, evaluation: Any = None):
        import onnxruntime

        self.recipe = recipe
        self.evaluation = evaluation
        self.name = recipe.name
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    @property
    def task(self) -> Task:
        """What the model answers."""
        return self.recipe.task

    @property
    def preprocessing(self) -> Preprocessing:
        """Steps from a file to the network's input."""
        return self.recipe.preprocessing

    def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs `(batch, ..., outputs)` for inputs `(batch, *size, channels)`."""
        return self._session.run(None, {self._input: np.ascontiguousarray(inputs, np.float32)})[0]
