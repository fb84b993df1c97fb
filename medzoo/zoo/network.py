"""The files of a zoo entry that hold its network, for Keras and for onnxruntime, and the golden output."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from medzoo.data.synthetic import make_scan
from medzoo.entry import GOLDEN, WEIGHTS
from medzoo.estimators.model import EstimatorModel, estimator_versions, write_estimator
from medzoo.evaluation.record import loaded_versions
from medzoo.graph.calls import rebuild
from medzoo.models.fast import accelerate
from medzoo.preprocessing import Preprocessing
from medzoo.transforms.intensity import to_channels
from medzoo.zoo.export import MOST_EMBEDDED, write_onnx
from medzoo.zoo.rounding import (
    HALF_PRECISION_TOLERANCE,
    KERNEL_DIMENSIONS,
    round_as_far_as_allowed,
    smallest,
)
from medzoo.zoo_model import ZooModel

# Enough for two levels of pooling over the depth to see differences.
GOLDEN_SLICES = 16


def write_network(model: ZooModel | EstimatorModel, folder: Path, exact: bool = False) -> dict[str, Any]:
    """Write the network of a model as float32 layers with kernels in half precision where that is accurate enough.

    Args:
        model: The model; it is not changed. Beside the network of an estimator stands the estimator, and the golden
            output is one of features; `answer` is what the estimator makes of them.
        folder: An existing folder.
        exact: Whether to keep every kernel as it is, as an estimator needs it: its scaling makes small changes large.

    Returns:
        Facts for the manifest: versions, number of parameters.

    Raises:
        ValueError: A weight is not finite.
    """
    is_estimator = isinstance(model, EstimatorModel)
    exact = exact or is_estimator
    network = accelerate(rebuild(model.network, lambda layer: {"dtype": "float32"}))
    _refuse_not_finite(network)
    inputs = golden_input(model.preprocessing)
    if not exact:
        _round_kernels(network, inputs)
    keras.saving.save_model(network, folder, zipped=False)
    for empty in (path for path in folder.iterdir() if path.is_dir() and not any(path.iterdir())):
        empty.rmdir()
    _store_half(folder / WEIGHTS)
    output = _output(network, inputs)
    golden: dict[str, Any] = {"input": inputs, "output": output}
    if isinstance(model, EstimatorModel):
        golden["answer"] = model.answer(output)
        write_estimator(model.estimator, folder)
    np.savez_compressed(folder / GOLDEN, **golden)
    if (folder / WEIGHTS).stat().st_size <= MOST_EMBEDDED:
        write_onnx(network, folder, inputs, output, exact)
    versions = loaded_versions() | (estimator_versions() if is_estimator else {})
    return {
        "medzoo": versions["medzoo"],
        "versions": versions,
        "score": model.task.main_score,
        "parameters": network.count_params(),
    }


def _refuse_not_finite(network: keras.Model) -> None:
    for weight in network.weights:
        value = keras.ops.convert_to_numpy(weight)
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise ValueError(
                f"The weights {weight.path} of the model are not finite (NaN or infinite), so it would answer nothing. "
                "Take the weights of an earlier epoch, or train with a lower learning rate."
            )


def golden_input(preprocessing: Preprocessing) -> np.ndarray:
    """Return the fixed input `(1, *size, channels)` of the golden output: a drawn head scan, preprocessed.

    For a volume the scan is repeated in slices that fade towards both ends.
    """
    image = make_scan()[0][..., None]
    if len(preprocessing.size) == 3:
        fade = np.sin(np.linspace(0.2, np.pi - 0.2, GOLDEN_SLICES))
        image = (fade[:, None, None, None] * image).astype(image.dtype)
    if preprocessing.channel_names:
        image = to_channels(image, preprocessing.channels)
    # Of the spacing that the model resamples to, so that the scan stays as it is.
    return preprocessing(image, spacing=preprocessing.spacing)[None]


def _round_kernels(network: keras.Model, inputs: np.ndarray) -> None:
    before = _output(network, inputs)
    kernels = [weight for weight in network.weights if len(weight.shape) >= KERNEL_DIMENSIONS]
    round_as_far_as_allowed(
        [keras.ops.convert_to_numpy(kernel) for kernel in kernels],
        lambda number, value: kernels[number].assign(value),
        lambda: bool(np.abs(_output(network, inputs) - before).max() <= HALF_PRECISION_TOLERANCE),
    )


def _output(network: keras.Model, inputs: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(network(inputs, training=False))


def _store_half(path: Path) -> None:
    """Store rounded kernels in half precision, in a new file, since HDF5 does not give space back."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        small = Path(scratch) / path.name
        with h5py.File(path, "r") as source, h5py.File(small, "w") as target:
            _copy_group(source, target)
        small.replace(path)


def _copy_group(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_group(item, target.create_group(name))
        else:
            target.create_dataset(name, data=smallest(item[()])).attrs.update(item.attrs)
