"""Lines of a benchmark that take turns, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

ROOT = Path(__file__).resolve().parents[1]


class Worker:
    """A process that makes a step once and runs it when asked.

    Args:
        make_step: Function that returns the step, a function without arguments.
        arguments: What `make_step` takes.
    """

    def __init__(self, make_step: Callable, *arguments: object):
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_serve, args=(far, make_step, arguments), daemon=True)
        self.process.start()

    def step(self) -> float:
        """Return the milliseconds of one step."""
        self.pipe.send(True)
        return self.pipe.recv()

    def stop(self) -> None:
        """End the process."""
        self.pipe.send(False)
        self.process.join()


def take_turns(lines: dict[str, tuple], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of every line; a round runs each of them once, the first two are not counted.

    Args:
        lines: By name, the function that makes the step and what it takes.
        rounds: Rounds that count.
    """
    workers = {name: Worker(*line) for name, line in lines.items()}
    times = [{name: worker.step() for name, worker in workers.items()} for _ in range(rounds + 2)][2:]
    for worker in workers.values():
        worker.stop()
    return {name: statistics.median(row[name] for row in times) for name in workers}


def print_machine(rounds: int) -> str:
    """Print what a benchmark ran on, and return the name of Keras's backend."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    print(f"Keras on {backend}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, median of {rounds} rounds")
    return backend


def random_batch(shape: tuple[int, ...], features: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random images of a shape and as many targets, the same ones every time."""
    generator = np.random.default_rng(0)
    return generator.random(shape, np.float32), generator.random((shape[0], features), np.float32)


def _serve(pipe, make_step: Callable, arguments: tuple) -> None:
    sys.path.insert(0, str(ROOT))
    step = make_step(*arguments)
    while pipe.recv():
        start = time.perf_counter()
        step()
        pipe.send(1000 * (time.perf_counter() - start))


def model_step(model: keras.Model, shape: tuple[int, ...], kind: str) -> Callable[[], object]:
    """Return a step of a Keras model on random images: a "forward" pass, or one of "training"."""
    import keras

    jit = False if keras.backend.backend() == "tensorflow" else "auto"
    model.compile(keras.optimizers.SGD(1e-3), "mean_squared_error", jit_compile=jit)
    images, targets = random_batch(shape, model.output_shape[-1])
    if kind == "forward":
        return lambda: model.predict_on_batch(images)
    return lambda: model.train_on_batch(images, targets)
