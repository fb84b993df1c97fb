"""Training on several devices, in one process or several: every device takes its share of each batch.

Keras computes with one model on all of them, through `keras.distribution` on JAX and `tf.distribute` on TensorFlow.
The processes of one training are told of each other as these ask for: on JAX by `KERAS_DISTRIBUTION_JOB_ADDRESSES`,
`KERAS_DISTRIBUTION_NUM_PROCESSES` and `KERAS_DISTRIBUTION_PROCESS_ID`, on TensorFlow by `TF_CONFIG`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

VIRTUAL = {
    "jax": "To try it without them, set XLA_FLAGS=--xla_force_host_platform_device_count={}.",
    "tensorflow": "To try it without them, call tf.config.set_logical_device_configuration first.",
}


@dataclass(frozen=True)
class Parallel:
    """The devices of a training.

    Attributes:
        devices: How many there are, in all processes together.
        process: Number of this process, from 0.
        processes: How many processes there are.
    """

    devices: int = 1
    process: int = 0
    processes: int = 1

    def training(self, feed: Any) -> Any:
        """Return this process's share of batches, for `fit`; every process makes the same batches.

        Args:
            feed: `tf.data.Dataset`, or on JAX also `keras.utils.PyDataset`; every batch divides by the number of
                devices.
        """
        # TensorFlow cuts batches itself.
        if self.processes == 1 or keras.backend.backend() == "tensorflow":
            return feed

        def share(array: Any, rows: Any, join: Callable) -> Any:
            size = rows // self.processes
            return array[self.process * size : (self.process + 1) * size]

        return _changed(feed, share)

    def validation(self, feed: Any) -> Any:
        """Return the batches for the validation of `fit`: every device sees all of them.

        So a last batch needs not divide, and each score is that of one device; together they are scores of a data set
        in which every row comes once for each device, which shares and means do not notice.

        Args:
            feed: `tf.data.Dataset`, or on JAX also `keras.utils.PyDataset`, of any batches.
        """
        copies = self.devices if keras.backend.backend() == "tensorflow" else self.devices // self.processes
        return feed if copies == 1 else _changed(feed, lambda array, rows, join: join([array] * copies, axis=0))


def this_process() -> tuple[int, int]:
    """Return the number of this process, from 0, and how many train together; they are told by the environment."""
    if keras.backend.backend() == "tensorflow":
        config = json.loads(os.environ.get("TF_CONFIG", "{}"))
        return config.get("task", {}).get("index", 0), max(1, len(config.get("cluster", {}).get("worker", ())))
    names = ("KERAS_DISTRIBUTION_PROCESS_ID", "KERAS_DISTRIBUTION_NUM_PROCESSES")
    index, count = (int(os.environ.get(name, default)) for name, default in zip(names, (0, 1), strict=True))
    return index, count


@contextlib.contextmanager
def own_folder(run: Path) -> Iterator[Path]:
    """Give this process a folder to train in: the first process gets `run` itself, any other a temporary copy.

    All processes of a training write alike, since TensorFlow reads some variables from all of them together; what the
    others write is thrown away. They begin with the checkpoints of the first one, so `run` must lie on a shared disk.
    """
    if not this_process()[0]:
        yield run
        return
    with tempfile.TemporaryDirectory() as folder:
        if run.is_dir():
            shutil.copytree(run, folder, dirs_exist_ok=True)
        yield Path(folder)


@contextlib.contextmanager
def distributed(devices: int | str | None, batch_size: int) -> Iterator[Parallel]:
    """Train on several devices what is built, compiled and fitted within.

    Gradients are those of the whole batch. What a network computes over a batch, batch normalisation and the Dice
    loss, sees the whole batch on JAX, and each device's share of it on TensorFlow.

    Args:
        devices: Number of devices in all processes together, `"all"`, or None for one.
        batch_size: Images in a batch, on all devices together.

    Yields:
        What makes the batches of this process.

    Raises:
        ValueError: There are fewer devices, or the batch does not divide by their number.
        NotImplementedError: The backend is torch, for which Keras has no training on several devices.

    Example:
        >>> with distributed("all", batch_size=16) as parallel:  # doctest: +SKIP
        ...     model = ZooModel.from_recipe(recipe)
        ...     model.compile_from_recipe()
        ...     model.fit(parallel.training(training), validation_data=parallel.validation(validation))
    """
    if devices is None:
        yield Parallel()
        return
    if not (devices == "all" or (isinstance(devices, int) and not isinstance(devices, bool) and devices > 0)):
        raise ValueError(f"`devices` must be a positive number, 'all' or None. Received: devices={devices!r}")
    backend = keras.backend.backend()
    if backend not in _SCOPES:
        raise NotImplementedError(
            f"Keras trains on several devices with JAX and TensorFlow. Received: devices={devices!r} on {backend}. "
            "Set KERAS_BACKEND=jax, or leave `devices` out of the recipe."
        )
    with _SCOPES[backend](devices) as count:
        if batch_size % count:
            near = max(1, round(batch_size / count)) * count
            raise ValueError(
                f"`batch_size` must be divisible by the number of devices, {count}. Received: "
                f"batch_size={batch_size}. Set it to {near}."
            )
        yield Parallel(count, *this_process())


@contextlib.contextmanager
def _jax(devices: int | str) -> Iterator[int]:
    if this_process()[1] > 1:
        _join()
    names = _first(devices, keras.distribution.list_devices())
    # Every process brings its share of a batch; Keras would cut a `tf.data.Dataset` only.
    parallel = keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
    with parallel.scope():
        yield len(names)


def _join() -> None:
    import jax

    if not jax.distributed.is_initialized():
        keras.distribution.initialize()


@contextlib.contextmanager
def _tensorflow(devices: int | str) -> Iterator[int]:
    import tensorflow as tf

    if this_process()[1] > 1:
        strategy = _workers()
        _first(devices, [str(number) for number in range(strategy.num_replicas_in_sync)])
    else:
        available = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy(_first(devices, [device.name for device in available]))
    with strategy.scope():
        yield strategy.num_replicas_in_sync


def _workers() -> Any:
    import tensorflow as tf

    class Workers(tf.distribute.MultiWorkerMirroredStrategy):
        """Takes what Keras 3 hands to `reduce`, which its `fit` fails on (keras issue 20585)."""

        def reduce(self, reduce_op: Any, value: Any, axis: int | None) -> Any:
            # Keras hands over several tensors at once, and scalars with an axis.
            single = super().reduce
            # Of masks it only wants the shape, but workers cannot add their type.
            value = tf.nest.map_structure(_widen, value, expand_composites=True)
            return tf.nest.map_structure(lambda part: single(reduce_op, part, axis=None), value)

    def _widen(tensor: Any) -> Any:
        return tf.cast(tensor, tf.int32) if tensor.dtype == tf.uint8 else tensor

    return Workers()


_SCOPES: dict[str, Callable] = {"jax": _jax, "tensorflow": _tensorflow}


def _first(devices: int | str, names: list[str]) -> list[str]:
    """Return the names of the first devices, as many as are asked for."""
    count = len(names) if isinstance(devices, str) else devices
    several = this_process()[1] > 1
    if count > len(names) or (several and count < len(names)):
        number = "exactly " if several else "at most "
        hint = VIRTUAL[keras.backend.backend()].format(count)
        raise ValueError(f"`devices` must be {number}{len(names)} here, or 'all'. Received: devices={devices}. {hint}")
    return names[:count]


class _Changed(keras.utils.PyDataset):
    """Batches of another data set, each array of them changed."""

    def __init__(self, batches: keras.utils.PyDataset, change: Callable[[Any, Any, Callable], Any]):
        super().__init__()
        self._batches, self._change = batches, change

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        arrays = keras.tree.map_structure(np.asarray, self._batches[index])
        return keras.tree.map_structure(lambda array: self._change(array, len(array), np.concatenate), arrays)

    def on_epoch_end(self) -> None:
        self._batches.on_epoch_end()


def _changed(feed: Any, change: Callable[[Any, Any, Callable], Any]) -> Any:
    """Return the batches of a data set with each array changed: `change(array, number of its rows, concatenate)`."""
    if isinstance(feed, keras.utils.PyDataset):
        return _Changed(feed, change)
    import tensorflow as tf

    def change_all(*parts: Any) -> Any:
        return tf.nest.map_structure(lambda tensor: change(tensor, tf.shape(tensor)[0], tf.concat), parts)

    return feed.map(change_all).prefetch(tf.data.AUTOTUNE)


def memory() -> int | None:
    """Return the bytes of memory of this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def jit(function: Callable) -> Callable:
    """Let JAX compile a function of tensors of the Keras backend; on the other backends it stays as it is."""
    if keras.backend.backend() != "jax":
        return function
    import jax

    return jax.jit(function)


# The first generation of NVIDIA's processors with bfloat16.
_AMPERE = 8


def accelerator_has_bfloat16() -> bool | None:
    """Return whether the accelerator in use computes bfloat16 fast; None where the backend runs on the CPU."""
    probe = {"jax": _jax_accelerator, "tensorflow": _tensorflow_accelerator, "torch": _torch_accelerator}
    return probe.get(keras.backend.backend(), lambda: None)()


def _tensorflow_accelerator() -> bool | None:
    import tensorflow as tf

    if tf.config.list_physical_devices("TPU"):
        return True
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return all(detail.get("compute_capability", (0,))[0] >= _AMPERE for detail in details) if details else None


def _jax_accelerator() -> bool | None:
    import jax

    device = jax.devices()[0]
    if device.platform in ("cpu", "tpu"):
        return True if device.platform == "tpu" else None
    major = str(getattr(device, "compute_capability", "0")).partition(".")[0]
    return major.isdecimal() and int(major) >= _AMPERE


def _torch_accelerator() -> bool | None:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_capability()[0] >= _AMPERE
    return False if torch.backends.mps.is_available() else None
