"""The files of a zoo entry that hold its network for Keras, and the golden output."""

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
from medzoo.models.fast import accelerate
from medzoo.preprocessing import Preprocessing
from medzoo.zoo.onnx import HALF_PRECISION_TOLERANCE, KERNEL_DIMENSIONS, rounded, smallest, write_onnx
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
    """
    is_estimator = isinstance(model, EstimatorModel)
    exact = exact or is_estimator
    network = accelerate(_float32_copy(model.network))
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
    write_onnx(network, folder, inputs, output, exact)
    versions = loaded_versions() | (estimator_versions() if is_estimator else {})
    return {
        "medzoo": versions["medzoo"],
        "versions": versions,
        "score": model.task.main_score,
        "parameters": network.count_params(),
    }


def golden_input(preprocessing: Preprocessing) -> np.ndarray:
    """Return the fixed input `(1, *size, channels)` of the golden output: a drawn head scan, preprocessed.

    For a volume the scan is repeated in slices that fade towards both ends.
    """
    image = make_scan()[0][..., None]
    if len(preprocessing.size) == 3:
        fade = np.sin(np.linspace(0.2, np.pi - 0.2, GOLDEN_SLICES))
        image = (fade[:, None, None, None] * image).astype(image.dtype)
    # Of the spacing that the model resamples to, so that the scan stays as it is.
    return preprocessing(image, spacing=preprocessing.spacing)[None]


def _float32_copy(network: keras.Model) -> keras.Model:
    """Return the network with the same weights and no mixed precision."""

    def in_float32(layer: keras.Layer) -> keras.Layer:
        return type(layer).from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(network, clone_function=in_float32, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


def _round_kernels(network: keras.Model, inputs: np.ndarray) -> None:
    """Round kernels to half precision, all of them, or the largest first as far as the golden output allows."""
    before = _output(network, inputs)
    kernels = [weight for weight in network.weights if len(weight.shape) >= KERNEL_DIMENSIONS]
    exact = [keras.ops.convert_to_numpy(kernel) for kernel in kernels]
    for kernel, value in zip(kernels, exact, strict=True):
        kernel.assign(rounded(value))
    if _is_close(network, inputs, before):
        return
    for kernel, value in zip(kernels, exact, strict=True):
        kernel.assign(value)
    for kernel, value in sorted(zip(kernels, exact, strict=True), key=lambda pair: -pair[1].size):
        kernel.assign(rounded(value))
        if not _is_close(network, inputs, before):
            kernel.assign(value)


def _is_close(network: keras.Model, inputs: np.ndarray, output: np.ndarray) -> bool:
    return bool(np.abs(_output(network, inputs) - output).max() <= HALF_PRECISION_TOLERANCE)


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
