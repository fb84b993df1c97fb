"""Zoo entries to models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.entry import GOLDEN, ONNX, Entry, needed_files, read_entry, read_manifest
from medzoo.entry.safety import check_files
from medzoo.errors import IntegrityError
from medzoo.estimators.file import read_estimator
from medzoo.estimators.model import EstimatorModel
from medzoo.evaluation.record import Evaluation
from medzoo.inference import OnnxModel
from medzoo.recipe import ESTIMATOR
from medzoo.zoo.download.revisions import origin
from medzoo.zoo.find import find_entry

if TYPE_CHECKING:
    from medzoo.zoo_model import ZooModel

# Backends and machines add in another order; more than this is another network.
GOLDEN_TOLERANCE = 1e-4


def load(
    name: str | os.PathLike,
    revision: str | None = None,
    labels: int | Sequence[str] | None = None,
    verify: bool = False,
) -> ZooModel | EstimatorModel:
    """Load a zoo model on the Keras backend in use.

    What the Hub has is downloaded once, and only the files that this needs; later loads of the same commit ask it for
    nothing. Each file is checked against its sha256 and looked into before it is opened.

    Args:
        name: Name of a model (`medzoo list`), a repository on the Hub, `"owner/name"` or `"owner/name@v1"`, or the
            folder of a zoo entry or of a run.
        revision: Branch, tag or commit on the Hub; None for the version that the registry names, or the branch `main`.
        labels: Labels to fine-tune for, or their number: the last layer is replaced by one with random weights, as
            `medzoo.zoo.new_head.replace_head` does it. None keeps it.
        verify: Whether to also run the entry's golden input and compare.

    Returns:
        The model, compiled for fine-tuning with the recipe's loss and optimiser; of an entry that `medzoo features`
        wrote an `EstimatorModel`, which is no Keras model.

    Raises:
        ValueError: There is no model or revision of this name; near matches are in the message. Or `labels` do not suit
            the model.
        FileNotFoundError: There is no such repository, or it holds no zoo entry.
        PermissionError: The repository is not open to this user.
        ConnectionError: The model is not in the cache, and the Hub is not reached.
        IntegrityError: A file was changed or is not safe to open, or the golden output differs by more than 1e-4.

    Example:
        >>> medzoo.load("brain-tumor-unet").task.labels
        ('background', 'tumor')
        >>> medzoo.load("brain-tumor-unet", labels=("background", "core", "edema")).output_shape
        (None, 16, 16, 3)
    """
    import keras

    from medzoo.models.fast import accelerate
    from medzoo.zoo_model import ZooModel

    entry = open_entry(name, revision, "keras", golden=verify)
    network = keras.saving.load_model(entry.folder, compile=False)
    if _is_estimator(entry):
        model = _over(accelerate(network), entry)
    else:
        model = ZooModel.wrap(network, entry.recipe)
        model.evaluation = _evaluation(entry)
    if verify:
        check_golden(model, entry)
    if labels is not None:
        from medzoo.zoo.new_head import replace_head

        model = replace_head(model, labels, origin(entry.folder))
    if isinstance(model, ZooModel):
        model.compile_from_recipe()
    return model


def load_onnx(name: str | os.PathLike, revision: str | None = None) -> OnnxModel | EstimatorModel:
    """Load the exported network of a zoo entry, without Keras; of an estimator, with the estimator over it.

    Args:
        name: See `load`.
        revision: See `load`.

    Raises:
        FileNotFoundError: The entry has no `model.onnx`.
        ValueError: There is no model of this name.
        IntegrityError: A file was changed or is not safe to open.
    """
    entry = open_entry(name, revision, "onnx")
    if entry.onnx is None:
        raise FileNotFoundError(
            f"{entry.folder} has no {ONNX}. Use engine='keras', or save the entry with \"medzoo[onnx]\" installed."
        )
    network = OnnxModel(entry.onnx, entry.recipe, _evaluation(entry))
    return _over(network, entry) if _is_estimator(entry) else network


def has_onnx(name: str | os.PathLike, revision: str | None = None) -> bool:
    """Return whether a zoo entry brings an exported network."""
    return ONNX in read_manifest(find_entry(name, revision, engine=None))["files"]


def open_entry(
    name: str | os.PathLike, revision: str | None = None, engine: str | None = "keras", golden: bool = False
) -> Entry:
    """Find a zoo entry, read what describes it, check the sha256 of the files that are needed, and look into them.

    Args:
        name: See `load`.
        revision: See `load`.
        engine: What is to run, as `find_entry` takes it.
        golden: Whether the golden output is needed.
    """
    folder = find_entry(name, revision, engine, golden)
    names = needed_files(read_manifest(folder), engine, golden)
    # First, so that a file that was damaged on its way is not called an attack.
    entry = read_entry(folder, names)
    check_files(folder, names)
    return entry


def check_golden(model: ZooModel | EstimatorModel, entry: Entry) -> float:
    """Return the largest difference between a model and the golden output of its entry; a share of outputs above 1.

    The network and the estimator of an `EstimatorModel` are checked one by one: a feature that differs by rounding may
    lie beyond a threshold of a tree.

    Raises:
        IntegrityError: The difference is above 1e-4.
    """
    with np.load(entry.folder / GOLDEN) as golden:
        if isinstance(model, EstimatorModel):
            found = [model.network.predict_on_batch(golden["input"]), model.answer(golden["output"])]
            expected = [golden["output"], golden["answer"]]
        else:
            found, expected = [model.predict_on_batch(golden["input"])], [golden["output"]]
    difference = max(map(_difference, found, expected))
    if not difference <= GOLDEN_TOLERANCE:
        raise IntegrityError(
            f"{entry.folder}: the output differs by {difference:.1e} from the golden one; allowed: {GOLDEN_TOLERANCE}. "
            "Check the versions in medzoo.json against those installed here."
        )
    return difference


def _difference(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / max(1, np.abs(expected).max()))


def _is_estimator(entry: Entry) -> bool:
    return entry.recipe.builder["name"] == ESTIMATOR


def _over(network: Any, entry: Entry) -> EstimatorModel:
    estimator = read_estimator(entry.folder, entry.recipe.task.name)
    return EstimatorModel(network, estimator, entry.recipe, _evaluation(entry))


def _evaluation(entry: Entry) -> Evaluation | None:
    return Evaluation.from_json(entry.evaluation) if entry.evaluation else None
