"""The files of a zoo entry that hold its network for Keras, and the golden output."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from medzoo.data.synthetic import make_scan
from medzoo.entry import GOLDEN, WEIGHTS
from medzoo.evaluation.record import loaded_versions
from medzoo.hub.half_precision import HALF_PRECISION_TOLERANCE, KERNEL_DIMENSIONS, rounded, smallest
from medzoo.hub.onnx import write_onnx
from medzoo.preprocessing import Preprocessing
from medzoo.zoo_model import ZooModel

FACTS = ("medzoo", "versions", "score", "parameters")


def write_network(model: ZooModel, folder: Path) -> dict[str, Any]:
    """Write the network of a model as float32 layers with kernels in half precision where that is accurate enough.

    Args:
        model: The model; it is not changed.
        folder: An existing folder.

    Returns:
        Facts for the manifest: versions, number of parameters.
    """
    copy = ZooModel.from_recipe(model.recipe)
    copy.set_weights(model.get_weights())
    network = copy.network
    inputs = golden_input(model.preprocessing)
    _round_kernels(network, inputs)
    keras.saving.save_model(network, folder, zipped=False)
    for empty in (path for path in folder.iterdir() if path.is_dir() and not any(path.iterdir())):
        empty.rmdir()
    _store_half(folder / WEIGHTS)
    output = _output(network, inputs)
    np.savez_compressed(folder / GOLDEN, input=inputs, output=output)
    write_onnx(network, folder, inputs, output)
    versions = loaded_versions()
    return {
        "medzoo": versions["medzoo"],
        "versions": versions,
        "score": model.task.main_score,
        "parameters": network.count_params(),
    }


def golden_input(preprocessing: Preprocessing) -> np.ndarray:
    """Return the fixed input `(1, *size, channels)` of the golden output: a drawn head scan, preprocessed."""
    image, _ = make_scan()
    return preprocessing(image[..., None])[None]


def _round_kernels(network: keras.Model, inputs: np.ndarray) -> None:
    """Round kernels to half precision, the largest first, as long as the golden output stays within the tolerance."""
    before = _output(network, inputs)
    kernels = [weight for weight in network.weights if len(weight.shape) >= KERNEL_DIMENSIONS]
    for kernel in sorted(kernels, key=lambda kernel: -math.prod(kernel.shape)):
        exact = keras.ops.convert_to_numpy(kernel)
        kernel.assign(rounded(exact))
        if np.abs(_output(network, inputs) - before).max() > HALF_PRECISION_TOLERANCE:
            kernel.assign(exact)


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
