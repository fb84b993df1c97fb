"""Zoo entries to models, and to their recipes."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medzoo.entry import GOLDEN, ONNX, Entry, exported_file, sha256
from medzoo.entry.untrusted import damage_named
from medzoo.errors import IntegrityError, install
from medzoo.files import cache_folder
from medzoo.inference import Model, OnnxModel
from medzoo.recipe import ESTIMATOR, Recipe
from medzoo.zoo.download.revisions import origin
from medzoo.zoo.find import find_entry, locate

if TYPE_CHECKING:
    import keras

    from medzoo.estimators.model import EstimatorModel
    from medzoo.evaluation.record import Evaluation
    from medzoo.zoo_model import ZooModel

# Backends and machines add in another order; more than this is another network.
GOLDEN_TOLERANCE = 1e-4
# An export may store its kernels in half precision.
EXPORT_TOLERANCE = 2e-3


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
    entry = open_entry(name, revision, "keras", golden=verify)
    model = keras_model(entry)
    model.evaluation = _evaluation(entry)
    if verify:
        check_golden(model, entry)
    if labels is not None:
        from medzoo.zoo.new_head import replace_head

        model = replace_head(model, labels, origin(entry.folder))
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
    model = onnx_model(entry)
    model.evaluation = _evaluation(entry)
    return model


def load_network(name: str | os.PathLike) -> ZooModel:
    """Load a zoo model as `load` does, for what needs a network.

    Raises:
        ValueError: The entry is an estimator on the features of a network.
    """
    from medzoo.zoo_model import ZooModel

    model = load(name)
    if not isinstance(model, ZooModel):
        raise ValueError(f"{name} is an estimator on features, and a network is needed here. Give that network.")
    return model


def load_recipe(name: str | os.PathLike) -> Recipe:
    """Read a recipe file, or the recipe of a zoo entry, of a run, or of a model on the Hub.

    Args:
        name: Path of a recipe.json, or what `load` takes.

    Raises:
        FileNotFoundError: There is no such file or repository.
        ValueError: The file is no recipe, or there is no model of this name.

    Example:
        >>> load_recipe("brain-tumor-unet").task.labels
        ('background', 'tumor')
    """
    path = Path(name)
    return Recipe.load(path if path.suffix == ".json" else find_entry(name, engine=None) / "recipe.json")


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
    return locate(name, revision).open(engine, golden)


def keras_model(entry: Entry) -> ZooModel | EstimatorModel:
    """Return the model of an entry that was opened for Keras, compiled, without its evaluation."""
    import keras

    from medzoo.models.fast import accelerate
    from medzoo.zoo_model import ZooModel

    network = keras.saving.load_model(entry.folder, compile=False)
    if _is_estimator(entry):
        return _over(accelerate(network), entry)
    model = ZooModel.wrap(network, entry.recipe)
    model.compile_from_recipe()
    return model


def onnx_model(entry: Entry) -> OnnxModel | EstimatorModel:
    """Return the model of an entry that was opened for ONNX, without its evaluation.

    Raises:
        FileNotFoundError: The entry has no `model.onnx`, and none can be made here.
        IntegrityError: It does not give the golden output of the entry.
    """
    path = onnx_file(entry)
    if path is None:
        raise FileNotFoundError(
            f"{entry.folder} has no {ONNX}. Use engine='keras', or save it again with ONNX. {install('onnx')}"
        )
    try:
        network = OnnxModel(path, entry.recipe)
        _check_export(network, entry, path)
    except IntegrityError:
        if path != entry.onnx:
            # The next call exports it anew.
            path.unlink(missing_ok=True)
        raise
    return _over(network, entry) if _is_estimator(entry) else network


def onnx_file(entry: Entry) -> Path | None:
    """Return the exported network of an entry that was opened for ONNX; None where none is, and none can be made."""
    if entry.onnx is not None:
        return entry.onnx
    path = exported_file(entry.manifest)
    if path is None:
        return None
    if not path.is_file() and importlib.util.find_spec("tf2onnx"):
        from medzoo.zoo.export import export_entry

        # A cache that can only be read keeps nothing.
        with suppress(OSError):
            export_entry(entry, path)
    return path if path.is_file() else None


def check_golden(model: Model, entry: Entry) -> float:
    """Return the largest difference between a model and the golden output of its entry; a share of outputs above 1.

    The network and the estimator of an `EstimatorModel` are checked one by one: a feature that differs by rounding may
    lie beyond a threshold of a tree.

    Raises:
        IntegrityError: The difference is above 1e-4.
    """
    from medzoo.estimators.model import EstimatorModel

    path = entry.folder / GOLDEN
    with damage_named(path, "golden output of this model"), np.load(path) as golden:
        if isinstance(model, EstimatorModel):
            pairs = [
                (model.network.predict_on_batch(golden["input"]), golden["output"]),
                (model.answer(golden["output"]), golden["answer"]),
            ]
        else:
            pairs = [(model.predict_on_batch(golden["input"]), golden["output"])]
    difference = max(_difference(output, expected) for output, expected in pairs)
    if not difference <= GOLDEN_TOLERANCE:
        raise IntegrityError(
            f"{entry.folder}: the output differs by {difference:.1e} from the golden one; allowed: {GOLDEN_TOLERANCE}. "
            "Check the versions in medzoo.json against those installed here."
        )
    return difference


def _check_export(network: OnnxModel, entry: Entry, path: Path) -> None:
    """Compare an export with the golden output, once for each content of the two files on this machine.

    Its sha256 says whose file it is, and not that it is the network of the entry.
    """
    files = entry.manifest["files"]
    if GOLDEN not in files:
        return
    exported = files[ONNX]["sha256"] if path == entry.onnx else sha256(path)
    checked = cache_folder() / "checked" / f"{exported[:32]}-{files[GOLDEN]['sha256'][:32]}"
    if checked.exists():
        return
    given = entry.folder / GOLDEN
    with damage_named(given, "golden output of this model"), np.load(given) as golden:
        difference = _difference(network.predict_on_batch(golden["input"]), golden["output"])
    if not difference <= EXPORT_TOLERANCE:
        raise IntegrityError(
            f"{path} is not the network of this entry: its output differs by {difference:.1e} from the golden "
            f"one; allowed: {EXPORT_TOLERANCE}. Use engine='keras', or get the entry again from where it came."
        )
    # A cache that can only be read remembers nothing.
    with suppress(OSError):
        checked.parent.mkdir(parents=True, exist_ok=True)
        checked.touch()


def _difference(output: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(output - expected).max() / max(1, np.abs(expected).max()))


def _is_estimator(entry: Entry) -> bool:
    return entry.recipe.builder["name"] == ESTIMATOR


def _over(network: keras.Model | OnnxModel, entry: Entry) -> EstimatorModel:
    from medzoo.estimators.model import EstimatorModel, read_estimator

    return EstimatorModel(network, read_estimator(entry.folder, entry.recipe.task.name), entry.recipe)


def _evaluation(entry: Entry) -> Evaluation | None:
    from medzoo.evaluation.record import Evaluation

    return Evaluation.from_json(entry.evaluation) if entry.evaluation else None
