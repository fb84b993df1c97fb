"""The files of a zoo entry that hold its network, for Keras and for onnxruntime, and the golden output."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import keras
import numpy as np

from medzoo.data.synthetic import make_scan
from medzoo.entry import GOLDEN, ONNX, WEIGHTS
from medzoo.errors import install
from medzoo.estimators.model import EstimatorModel, estimator_versions, write_estimator
from medzoo.evaluation.record import loaded_versions
from medzoo.graph.calls import rebuild
from medzoo.graph.walk import flatten
from medzoo.models.fast import accelerate
from medzoo.preprocessing import Preprocessing
from medzoo.zoo_model import ZooModel

if TYPE_CHECKING:
    import onnx

# Kernels are stored in half precision as long as no golden output moves by more than this.
HALF_PRECISION_TOLERANCE = 1e-3
# Kernels that are too much together are rounded in about so many groups.
MOST_GROUPS = 16

# Smaller arrays are biases and statistics, whose precision costs nothing.
KERNEL_DIMENSIONS = 2

# While a network of 72 million was saved with its ONNX copy, the process grew by 12 GB.
MOST_PARAMETERS = 50_000_000

# Enough for two levels of pooling over the depth to see differences.
GOLDEN_SLICES = 16

logger = logging.getLogger("medzoo")


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
    # Of the spacing that the model resamples to, so that the scan stays as it is.
    return preprocessing(image, spacing=preprocessing.spacing)[None]


def _round_kernels(network: keras.Model, inputs: np.ndarray) -> None:
    before = _output(network, inputs)
    kernels = [weight for weight in network.weights if len(weight.shape) >= KERNEL_DIMENSIONS]
    _round_as_far_as_allowed(
        [keras.ops.convert_to_numpy(kernel) for kernel in kernels],
        lambda number, value: kernels[number].assign(value),
        lambda: bool(np.abs(_output(network, inputs) - before).max() <= HALF_PRECISION_TOLERANCE),
    )


def _round_as_far_as_allowed(
    values: Sequence[np.ndarray], assign: Callable[[int, np.ndarray], None], is_close: Callable[[], bool]
) -> None:
    """Round kernels to half precision, all of them, or groups of them, the largest first, while the output is close.

    `assign` gives the kernel of a number another value.
    """

    def round_some(numbers: list[int]) -> None:
        for number in numbers:
            assign(number, rounded(values[number]))
        if is_close():
            return
        for number in numbers:
            assign(number, values[number])
        # A look at the golden output takes long, so not at every kernel for itself.
        if len(numbers) > max(1, len(values) // MOST_GROUPS):
            middle = len(numbers) // 2
            round_some(numbers[:middle])
            round_some(numbers[middle:])

    round_some(sorted(range(len(values)), key=lambda number: -values[number].size))


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


def rounded(value: np.ndarray) -> np.ndarray:
    """Round float32 numbers to those that half precision holds."""
    return value.astype(np.float16).astype(np.float32)


def smallest(value: np.ndarray) -> np.ndarray:
    """Return a kernel in half precision if that holds every number of it exactly, and anything else as it is."""
    if value.ndim < KERNEL_DIMENSIONS or value.dtype != np.float32 or not np.array_equal(rounded(value), value):
        return value
    return value.astype(np.float16)


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


def _export_in_tensorflow(folder: Path) -> None:
    """Export the network that was saved in `folder` in a process of its own, since a backend cannot be changed."""
    code = (
        "import sys, pathlib, keras; from medzoo.zoo.network import export_onnx; "
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
    floats = [kernel for kernel in kernels if kernel.data_type == onnx.TensorProto.FLOAT]
    _round_as_far_as_allowed(
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
