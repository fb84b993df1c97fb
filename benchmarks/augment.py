"""Augmented batches per second on the CPU: medzoo in tf.data against MONAI's and torchio's same transforms.

python benchmarks/augment.py [--rounds N] [--case 3D]

Every library has a process of its own; they take turns, so that other load on the machine falls on all of them. All
read the same images and masks from memory. A peer works as its users run it, sample by sample in its DataLoader, in
the way that is faster at the first try: in one process, whose threads it gains nothing from, or with a worker for each
core, which stay from turn to turn. Where a peer can make an affine and an elastic change with one interpolation, it
does. torchio has no change of contrast and does without.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import functools
import importlib.util
import math
import multiprocessing
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

GOAL = 2
# How long a turn takes, and how many batches at least: one for each worker.
SECONDS, TRIED = 0.5, os.cpu_count() or 1
SHAPES = {"2D": (8, 256, 256, 1), "3D": (2, 64, 96, 96, 1)}
GROUPS = {
    "flip and affine": ("flip", "affine"),
    "elastic": ("elastic",),
    "intensity": ("gamma", "noise", "bias_field", "contrast"),
    "all together": ("flip", "affine", "elastic", "gamma", "noise", "bias_field", "contrast"),
}
DEGREES, SCALE, SHIFT, ELASTIC, GAMMA, NOISE, BIAS, CONTRAST = 15, 0.2, 0.1, 0.05, 0.3, 0.1, 0.3, 0.2

Case = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each library that count (default: 3)")
    parser.add_argument("--case", default="", help="only cases with this text in their name, such as 3D or elastic")
    options = parser.parse_args()
    cases = [(size, group) for size in SHAPES for group in GROUPS if options.case in f"{size} {group}"]
    workers = {}
    for name in MAKERS:
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed and left out: pip install {name}")
        else:
            workers[name] = Worker(name)
    print_head(workers, options.rounds)
    worst = min(print_case(case, measure(workers, case, options.rounds)) for case in cases)
    print(f"\nat least {GOAL} x every peer: {'yes' if worst >= GOAL else 'NO'} (least ratio {worst:.1f})")
    for worker in workers.values():
        worker.pipe.send(None)


class Worker:
    """The process of one library; `benchmarks.turns` has daemons, which a DataLoader's workers may not descend from."""

    def __init__(self, name: str):
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        context.Process(target=serve, args=(far, name)).start()

    def ask(self, case: Case) -> tuple[float, str]:
        """Return the batches per second of a case and how they were made."""
        self.pipe.send(case)
        return self.pipe.recv()


def measure(workers: dict[str, Worker], case: Case, rounds: int) -> dict[str, tuple[float, str]]:
    """Return the median batches per second and the way of every library; the first turn is not counted."""
    turns = [{name: worker.ask(case) for name, worker in workers.items()} for _ in range(rounds + 1)][1:]
    return {name: (statistics.median(turn[name][0] for turn in turns), turns[0][name][1]) for name in workers}


def print_head(names: dict[str, Worker], rounds: int) -> None:
    sizes = ", ".join(f"{name}: {' x '.join(map(str, shape))}" for name, shape in SHAPES.items())
    load = f"load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{sizes}, images and masks; {os.cpu_count()} cores, {load}; median of {rounds} turns\n")
    peers = "".join(f"{name:>10}{'ratio':>8}   way{'':9}" for name in names if name != "medzoo")
    print(f"{'batches/s':22}{'medzoo':>8}{peers}")


def print_case(case: Case, results: dict[str, tuple[float, str]]) -> float:
    """Print a line of the table and return the least ratio to a peer."""
    own, _ = results.pop("medzoo")
    peers = "".join(f"{rate:10.1f}{own / rate:8.1f}   {way:12}" for rate, way in results.values())
    print(f"{' '.join(case):22}{own:8.1f}{peers}", flush=True)
    return min((own / rate for rate, _ in results.values()), default=math.inf)


def serve(pipe: multiprocessing.connection.Connection, name: str) -> None:
    """Answer for one library until None comes; a case is prepared at its first question."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    warnings.simplefilter("ignore")
    current = None
    while case := pipe.recv():
        if case != current:
            current, (way, make, count) = case, prepare(MAKERS[name], case)
        pipe.send((count / seconds(make, count), way))


def prepare(maker: Callable, case: Case) -> tuple[str, Callable, int]:
    """Return the fastest way of a library to make batches, and how many of them take a turn."""
    size, group = case
    rates = {}
    for way, make in maker(size, GROUPS[group]).items():
        seconds(make, 1)
        rates[TRIED / seconds(make, TRIED)] = way, make
    way, make = rates[max(rates)]
    # A few batches are mostly the start of their loader: the rate of a turn's worth says how many a turn needs.
    count = turn_length(max(rates))
    return way, make, turn_length(count / seconds(make, count))


def turn_length(rate: float) -> int:
    """Return the batches of a turn at a rate; a whole number for each worker, or one waits for the other."""
    return TRIED * math.ceil(SECONDS * rate / TRIED)


def seconds(make: Callable, count: int) -> float:
    """Return how long a number of batches takes."""
    start = time.perf_counter()
    for _ in make(count):
        pass
    return time.perf_counter() - start


def draw_samples(size: str) -> tuple[np.ndarray, np.ndarray]:
    """Return twice a batch of random images and masks."""
    batch, *shape = SHAPES[size]
    images = np.random.default_rng(0).random((2 * batch, *shape), np.float32)
    return images, (images > 0.5).astype(np.uint8)


def make_medzoo(size: str, names: tuple[str, ...]) -> dict[str, Callable]:
    """Return medzoo's one way: batches from tf.data."""
    import tensorflow as tf

    from medzoo.data.augment import Augmentation

    fields = {
        "flip": {"flip": ("horizontal", "vertical")},
        "affine": {"rotation": DEGREES, "scale": SCALE, "shift": SHIFT} | ({"tilt": DEGREES} if size == "3D" else {}),
        "elastic": {"elastic": ELASTIC},
        "gamma": {"gamma": math.expm1(GAMMA)},
        "noise": {"noise": NOISE},
        "bias_field": {"bias_field": BIAS},
        "contrast": {"contrast": CONTRAST},
    }
    augment = Augmentation(**{key: value for name in names for key, value in fields[name].items()})
    samples = tf.data.Dataset.from_tensor_slices(draw_samples(size)).cache().repeat().batch(SHAPES[size][0])
    seeds = tf.data.Dataset.random(0).batch(2)
    batches = tf.data.Dataset.zip(samples, seeds)
    batches = batches.map(lambda pair, seed: augment(*pair, seed), num_parallel_calls=tf.data.AUTOTUNE)
    return {"tf.data": lambda count: batches.take(count).prefetch(tf.data.AUTOTUNE)}


def make_monai(size: str, names: tuple[str, ...]) -> dict[str, Callable]:
    """Return MONAI's dictionary transforms in its DataLoader."""
    import monai.transforms as transforms
    import torch
    from monai.data import DataLoader, Dataset

    images, masks = (torch.from_numpy(np.moveaxis(values, -1, 1).copy()) for values in draw_samples(size))
    both, dimensions = ["image", "mask"], images.ndim - 2
    shape, angle = images.shape[2:], math.radians(DEGREES)
    affine = {
        "rotate_range": angle if dimensions == 2 else (angle,) * 3,
        "scale_range": (SCALE,) * dimensions,
        "translate_range": tuple(SHIFT * length for length in shape),
    }
    warp = {"keys": both, "prob": 1, "mode": ("bilinear", "nearest"), "padding_mode": "zeros"}
    moves = affine if "affine" in names else {}
    elastic = {
        2: lambda: transforms.Rand2DElasticd(spacing=shape[0] // 4, magnitude_range=(0, 8), **moves, **warp),
        3: lambda: transforms.Rand3DElasticd(sigma_range=(5, 7), magnitude_range=(50, 150), **moves, **warp),
    }
    makers = {
        "flip": lambda: [transforms.RandFlipd(both, 0.5, axis) for axis in (dimensions - 2, dimensions - 1)],
        "affine": lambda: [transforms.RandAffined(**affine, **warp)] if "elastic" not in names else [],
        "elastic": lambda: [elastic[dimensions]()],
        "gamma": lambda: [transforms.RandAdjustContrastd("image", 1, (math.exp(-GAMMA), math.exp(GAMMA)))],
        "noise": lambda: [transforms.RandGaussianNoised("image", 1, std=NOISE)],
        "bias_field": lambda: [transforms.RandBiasFieldd("image", coeff_range=(0, BIAS), prob=1)],
        "contrast": lambda: [transforms.RandScaleIntensityd("image", CONTRAST, 1)],
    }
    chain = transforms.Compose([step for name in names for step in makers[name]()])
    rows = [{"image": image, "mask": mask} for image, mask in zip(images, masks, strict=True)]
    return loader_ways(lambda count: Dataset(repeat(rows, count), chain), DataLoader, SHAPES[size][0])


def make_torchio(size: str, names: tuple[str, ...]) -> dict[str, Callable]:
    """Return torchio's transforms in its loader of subjects."""
    import torch
    import torchio

    images, masks = (torch.from_numpy(np.moveaxis(values, -1, 1).copy()) for values in draw_samples(size))
    if flat := images.ndim == 4:
        images, masks = images[..., None], masks[..., None]
    shape = images.shape[2:]
    affine = {
        "scales": (1 - SCALE, 1 + SCALE, 1 - SCALE, 1 + SCALE, 1, 1) if flat else SCALE,
        "degrees": (0, 0, 0, 0, -DEGREES, DEGREES) if flat else DEGREES,
        "translation": tuple(value for length in shape for value in (-SHIFT * length, SHIFT * length)),
    }
    elastic = {"max_displacement": tuple(ELASTIC * length if length > 1 else 0 for length in shape)}
    together = {"affine", "elastic"} <= set(names)
    makers = {
        "flip": lambda: [torchio.RandomFlip(axes=(0, 1) if flat else (1, 2))],
        "affine": lambda: [] if together else [torchio.RandomAffine(**affine)],
        "elastic": lambda: [
            torchio.RandomAffineElasticDeformation(affine_first=True, affine_kwargs=affine, elastic_kwargs=elastic)
            if together
            else torchio.RandomElasticDeformation(**elastic)
        ],
        "gamma": lambda: [torchio.RandomGamma(log_gamma=GAMMA)],
        "noise": lambda: [torchio.RandomNoise(std=(0, NOISE))],
        "bias_field": lambda: [torchio.RandomBiasField(coefficients=BIAS)],
        "contrast": lambda: [],
    }
    chain = torchio.Compose([step for name in names for step in makers[name]()])
    subjects = [
        torchio.Subject(image=torchio.ScalarImage(tensor=image), mask=torchio.LabelMap(tensor=mask))
        for image, mask in zip(images, masks, strict=True)
    ]
    make = lambda count: torchio.SubjectsDataset(repeat(subjects, count), chain)  # noqa: E731
    return loader_ways(make, torchio.SubjectsLoader, SHAPES[size][0])


def loader_ways(make_dataset: Callable, loader: type, batch: int) -> dict[str, Callable]:
    """Return the ways to run a DataLoader, each a function of the number of batches."""
    import torch

    cores = os.cpu_count()
    # A process that was spawned spawns its own, which then import everything anew; a user's script forks.
    start = "fork" if "fork" in multiprocessing.get_all_start_methods() else None

    @functools.cache
    def with_workers(count: int) -> object:
        options = {"num_workers": cores, "persistent_workers": True, "multiprocessing_context": start}
        return loader(make_dataset(batch * count), batch_size=batch, **options)

    def without(count: int) -> object:
        torch.set_num_threads(1)
        return loader(make_dataset(batch * count), batch_size=batch)

    return {"1 process": without, f"{cores} workers": with_workers}


def repeat(rows: list, count: int) -> list:
    return (rows * -(-count // len(rows)))[:count]


MAKERS = {"medzoo": make_medzoo, "monai": make_monai, "torchio": make_torchio}

if __name__ == "__main__":
    main()
