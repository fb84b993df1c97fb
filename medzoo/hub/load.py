"""Zoo entries to models."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from medzoo.entry import GOLDEN, ONNX, Entry, read_entry
from medzoo.errors import IntegrityError
from medzoo.evaluation.record import Evaluation
from medzoo.hub.registry import find_entry
from medzoo.inference import OnnxModel

if TYPE_CHECKING:
    from medzoo.zoo_model import ZooModel

# Backends and machines add in another order; more than this is another network.
GOLDEN_TOLERANCE = 1e-4


def load(name: str | os.PathLike, verify: bool = False) -> ZooModel:
    """Load a zoo model on the Keras backend in use.

    Every file of the entry is checked against its sha256 first.

    Args:
        name: Name of a model (`medzoo list`), or the folder of a zoo entry.
        verify: Whether to also run the entry's golden input and compare.

    Returns:
        The model, compiled for fine-tuning with the recipe's loss and optimiser.

    Raises:
        ValueError: There is no model of this name; near matches are in the message.
        IntegrityError: A file was changed, or the golden output differs by more than 1e-4.

    Example:
        >>> medzoo.load("brain-tumor-unet").task.labels
        ('background', 'tumor')
    """
    import keras

    from medzoo.zoo_model import ZooModel

    entry = read_entry(find_entry(name))
    model = ZooModel.wrap(keras.saving.load_model(entry.folder, compile=False), entry.recipe)
    model.evaluation = _evaluation(entry)
    model.compile_from_recipe()
    if verify:
        check_golden(model, entry)
    return model


def load_onnx(name: str | os.PathLike) -> OnnxModel:
    """Load the exported network of a zoo entry, without Keras.

    Raises:
        FileNotFoundError: The entry has no `model.onnx`.
        ValueError: There is no model of this name.
        IntegrityError: A file was changed.
    """
    entry = read_entry(find_entry(name))
    if entry.onnx is None:
        raise FileNotFoundError(
            f"{entry.folder} has no {ONNX}. Use engine='keras', or save the entry with \"medzoo[onnx]\" installed."
        )
    return OnnxModel(entry.onnx, entry.recipe, _evaluation(entry))


def has_onnx(name: str | os.PathLike) -> bool:
    """Return whether a zoo entry brings an exported network."""
    return (find_entry(name) / ONNX).is_file()


def check_golden(model: ZooModel, entry: Entry) -> float:
    """Return the largest difference between a model and the golden output of its entry.

    Raises:
        IntegrityError: The difference is above 1e-4.
    """
    with np.load(entry.folder / GOLDEN) as golden:
        difference = float(np.abs(model.predict_on_batch(golden["input"]) - golden["output"]).max())
    if not difference <= GOLDEN_TOLERANCE:
        raise IntegrityError(
            f"{entry.folder}: the output differs by {difference:.1e} from the golden one; allowed: {GOLDEN_TOLERANCE}. "
            "Check the versions in medzoo.json against those installed here."
        )
    return difference


def _evaluation(entry: Entry) -> Evaluation | None:
    return Evaluation.from_json(entry.evaluation) if entry.evaluation else None
