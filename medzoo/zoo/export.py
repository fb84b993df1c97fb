"""The network of a zoo entry for onnxruntime: in the entry, or exported at its first use into the cache."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from medzoo.entry import GOLDEN, ONNX, Entry
from medzoo.entry.safety import read_safely
from medzoo.errors import install
from medzoo.files import atomic_file
from medzoo.graph.walk import flatten
from medzoo.models.fast import accelerate
from medzoo.progress import progress_bar
from medzoo.recipe import ESTIMATOR
from medzoo.zoo.rounding import HALF_PRECISION_TOLERANCE, KERNEL_DIMENSIONS, round_as_far_as_allowed, smallest

if TYPE_CHECKING:
    import onnx

# Entries with more bytes of weights are exported at their first use.
MOST_EMBEDDED = 10_000_000

# While a network of 72 million was saved with its ONNX copy, the process grew by 12 GB.
MOST_PARAMETERS = 50_000_000

logger = logging.getLogger("medzoo")


def export_entry(entry: Entry, path: Path) -> None:
    """Export the network of an entry to `path`, as `write_onnx` does; without what that takes nothing is written."""
    if entry.manifest["parameters"] > MOST_PARAMETERS or GOLDEN not in entry.manifest["files"]:
        return
    # Its files for Keras are not looked into where an export was there a moment ago.
    read_safely(entry.folder, "keras", golden=True)
    words = f"Exporting {entry.folder.name} to ONNX, once on this machine"
    with progress_bar(words), np.load(entry.folder / GOLDEN) as golden, tempfile.TemporaryDirectory() as scratch:
        network = keras.saving.load_model(entry.folder, compile=False)
        exact = entry.recipe.builder["name"] == ESTIMATOR
        write_onnx(network, Path(scratch), golden["input"], golden["output"], exact, entry.folder)
        if (exported := Path(scratch, ONNX)).is_file():
            with atomic_file(path) as temporary:
                shutil.copyfile(exported, temporary)


def write_onnx(
    network: keras.Model,
    folder: Path,
    inputs: np.ndarray,
    output: np.ndarray,
    exact: bool = False,
    saved: Path | None = None,
) -> None:
    """Write `model.onnx` into a folder; without the packages it takes, or of a huge network, leave it out.

    Args:
        network: The network, whose ways of execution may change.
        folder: Where to write it.
        inputs: The golden input `(1, *size, channels)`.
        output: The golden output.
        exact: Whether to keep every kernel as it is.
        saved: The folder that holds the network for Keras; `folder` by default.
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
            _export_in_tensorflow(saved or folder, path)
    except (ImportError, subprocess.CalledProcessError) as error:
        path.unlink(missing_ok=True)
        logger.warning(
            "The entry has no model.onnx, so its predictions start slowly: %s. %s",
            (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1],
            install("onnx"),
        )
        return
    if not exact:
        _halve(path, inputs, output)
    _refuse_other(path, inputs, output)


def _refuse_other(path: Path, inputs: np.ndarray, output: np.ndarray) -> None:
    """Leave an export out that does not give the golden output, which a reader takes for that of the network."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    difference = np.abs(answer - output).max() / max(1, np.abs(output).max())
    # One that is NaN, too.
    if not difference <= HALF_PRECISION_TOLERANCE:
        path.unlink()
        logger.warning("The entry has no model.onnx: its output differs by %.1e from the golden one.", difference)


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


def _export_in_tensorflow(folder: Path, path: Path) -> None:
    """Export the network that was saved in `folder` in a process of its own, since a backend cannot be changed."""
    code = (
        "import sys, pathlib, keras; from medzoo.zoo.export import export_onnx; "
        "network = keras.saving.load_model(sys.argv[1], compile=False); export_onnx(network, pathlib.Path(sys.argv[2]))"
    )
    package = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join(filter(None, (str(package), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": paths}
    command = [sys.executable, "-c", code, str(folder), str(path)]
    subprocess.run(command, check=True, env=environment, capture_output=True, text=True)


def _halve(path: Path, inputs: np.ndarray, output: np.ndarray) -> None:
    """Store kernels in half precision, all, or the largest first as long as the golden output stays within tolerance.

    The export multiplies batch normalisation into the kernels, so those rounded for Keras are rounded anew.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(path)
    kernels = [tensor for tensor in model.graph.initializer if len(tensor.dims) >= KERNEL_DIMENSIONS]
    floats = [kernel for kernel in kernels if kernel.data_type == onnx.TensorProto.FLOAT]
    round_as_far_as_allowed(
        [numpy_helper.to_array(kernel) for kernel in floats],
        lambda number, value: floats[number].CopyFrom(numpy_helper.from_array(value, floats[number].name)),
        lambda: _is_exported_close(model, inputs, output),
    )
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


def _is_exported_close(model: onnx.ModelProto, inputs: np.ndarray, output: np.ndarray) -> bool:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer = session.run(None, {session.get_inputs()[0].name: inputs})[0]
    return bool(np.abs(answer - output).max() <= HALF_PRECISION_TOLERANCE)
