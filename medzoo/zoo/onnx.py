"""The network of a zoo entry for onnxruntime."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from medzoo.entry import ONNX
from medzoo.graph.walk import flatten
from medzoo.models.fast import accelerate

if TYPE_CHECKING:
    import onnx

# Kernels are stored in half precision as long as no golden output moves by more than this.
HALF_PRECISION_TOLERANCE = 1e-3

# Smaller arrays are biases and statistics, whose precision costs nothing.
KERNEL_DIMENSIONS = 2


def rounded(value: np.ndarray) -> np.ndarray:
    """Round float32 numbers to those that half precision holds."""
    return value.astype(np.float16).astype(np.float32)


def smallest(value: np.ndarray) -> np.ndarray:
    """Return a kernel in half precision if that holds every number of it exactly, and anything else as it is."""
    if value.ndim < KERNEL_DIMENSIONS or value.dtype != np.float32 or not np.array_equal(rounded(value), value):
        return value
    return value.astype(np.float16)


# While a network of 72 million was saved with its ONNX copy, the process grew by 12 GB.
MOST_PARAMETERS = 50_000_000

logger = logging.getLogger("medzoo")


def write_onnx(network: keras.Model, folder: Path, inputs: np.ndarray, output: np.ndarray, exact: bool = False) -> None:
    """Write `model.onnx` into a zoo entry; without the packages it takes, or of a huge network, leave it out.

    Args:
        network: The network.
        folder: The entry, which holds the network for Keras already.
        inputs: The golden input `(1, *size, channels)`.
        output: The golden output.
        exact: Whether to keep every kernel as it is.
    """
    path = folder / ONNX
    if network.count_params() > MOST_PARAMETERS:
        logger.warning(
            "The entry has no model.onnx: %s parameters need too much memory.", f"{network.count_params():,}"
        )
        return
    try:
        if keras.backend.backend() == "tensorflow":
            export_onnx(network, path)
        else:
            _export_in_tensorflow(folder)
    except (ImportError, subprocess.CalledProcessError) as error:
        path.unlink(missing_ok=True)
        logger.warning(
            'The entry has no model.onnx, so its predictions start slowly: %s. Install: pip install "medzoo[onnx]"',
            (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1],
        )
        return
    if not exact:
        _halve(path, inputs, output)


def export_onnx(network: keras.Model, path: Path) -> None:
    """Export a network by Keras on TensorFlow, whose exporter needs the fewest packages.

    Raises:
        ImportError: `tf2onnx` is not installed.
    """
    _make_exportable(network)
    # Keras exports only what was called before.
    network(np.zeros((1, *network.input_shape[1:]), np.float32))
    with warnings.catch_warnings():
        # tf2onnx still asks NumPy for names that it removed.
        warnings.simplefilter("ignore", FutureWarning)
        network.export(path, format="onnx", verbose=False)


def _make_exportable(network: keras.Model) -> None:
    """Compute grouped convolutions as dense ones, since TensorFlow's own on a CPU are XLA's, and all else as stock."""
    accelerate(network, enabled=False)
    for layer in flatten(network):
        if isinstance(layer, keras.layers.Conv2D):
            accelerate(layer, enabled=True)


def _export_in_tensorflow(folder: Path) -> None:
    """Export the network that was saved in `folder` in a process of its own, since a backend cannot be changed."""
    code = (
        "import sys, pathlib, keras; from medzoo.zoo.onnx import export_onnx; "
        "network = keras.saving.load_model(sys.argv[1], compile=False); export_onnx(network, pathlib.Path(sys.argv[2]))"
    )
    package = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": paths}
    command = [sys.executable, "-c", code, str(folder), str(folder / ONNX)]
    subprocess.run(command, check=True, env=environment, capture_output=True, text=True)


def _halve(path: Path, inputs: np.ndarray, output: np.ndarray) -> None:
    """Store kernels in half precision, all, or the largest first as long as the golden output stays within tolerance.

    The export multiplies batch normalisation into the kernels, so those rounded for Keras are rounded anew.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    kernels = [tensor for tensor in model.graph.initializer if len(tensor.dims) >= KERNEL_DIMENSIONS]
    exact = [numpy_helper.to_array(kernel) for kernel in kernels]
    pairs = [pair for pair in zip(kernels, exact, strict=True) if pair[1].dtype == np.float32]
    for kernel, value in pairs:
        kernel.CopyFrom(numpy_helper.from_array(rounded(value), kernel.name))
    if not _is_close(model, inputs, output):
        for kernel, value in pairs:
            kernel.CopyFrom(numpy_helper.from_array(value, kernel.name))
        for kernel, value in sorted(pairs, key=lambda pair: -pair[1].size):
            kernel.CopyFrom(numpy_helper.from_array(rounded(value), kernel.name))
            if not _is_close(model, inputs, output):
                kernel.CopyFrom(numpy_helper.from_array(value, kernel.name))
    casts = []
    for kernel in kernels:
        value = smallest(numpy_helper.to_array(kernel))
        if value.dtype == np.float16:
            # The cast runs once, when the session is made.
            casts.append(helper.make_node("Cast", [f"{kernel.name}/half"], [kernel.name], to=onnx.TensorProto.FLOAT))
            kernel.CopyFrom(numpy_helper.from_array(value, f"{kernel.name}/half"))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)


def _is_close(model: onnx.ModelProto, inputs: np.ndarray, output: np.ndarray) -> bool:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    return bool(np.abs(answer - output).max() <= HALF_PRECISION_TOLERANCE)
