"""Cross-validation with a frozen encoder: features computed once, against an encoder that runs in every epoch.

    python benchmarks/feature_cache.py DATA [--size D H W] [--cases N] [--folds 5] [--epochs 30]

    python benchmarks/feature_cache.py "../shared/data/cardiac_mri:label=reduced_ef,image=ed,es"

All folds are trained with `medzoo.train`: 3D ResNet-10, batch 4, random weights, which take as long as MedicalNet's.
By default volumes are as large in the plane as the files of cardiac_mri. The naive way is timed for two epochs of the
first fold, of which the second stands for all later ones.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import csv
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from medzoo.data import Samples, folds, read
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification
from medzoo.training.train import train

GOAL_RATIO, GOAL_DIFFERENCE = 50, 1e-3
NAIVE_EPOCHS = 2
# A change of nothing: with an augmentation and without views, every epoch has to run the encoder.
NO_CHANGE = {"brightness": 0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="classification of volumes, as of medzoo train --data")
    parser.add_argument("--size", type=int, nargs=3, default=(16, 160, 160), metavar=("D", "H", "W"))
    parser.add_argument("--cases", type=int, help="use only N images, evenly spread")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    options = parser.parse_args()
    samples = read(options.data)
    samples = samples[np.linspace(0, len(samples) - 1, options.cases or len(samples)).astype(int)]
    recipe = recipe_of(samples, tuple(options.size), options.epochs)
    parts = folds(samples, options.folds)
    with tempfile.TemporaryDirectory() as folder:
        print(f"{samples!r}, {options.folds} folds, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
        cached, history = time_cached(recipe, parts, Path(folder))
        naive, first = time_naive(recipe, parts[0], len(parts), Path(folder))
    print(f"naive, extrapolated   {naive:10.0f} s")
    print(f"cached                {cached:10.0f} s")
    print(f"ratio {naive / cached:.0f}, goal {GOAL_RATIO}: {'yes' if naive >= GOAL_RATIO * cached else 'NO'}")
    worst = difference(first, history)
    print(f"largest difference of scores {worst:.1e}, goal {GOAL_DIFFERENCE}: {'yes' if worst <= 1e-3 else 'NO'}")


def recipe_of(samples: Samples, size: tuple[int, ...], epochs: int) -> Recipe:
    """Return the recipe of the cached way."""
    return Recipe(
        name="frozen-resnet10",
        task=Classification(samples.labels),
        preprocessing=Preprocessing(size, normalization="standardize"),
        builder={"name": "classifier", "encoder": "resnet10"},
        freezing={"name": "frozen", "views": 0},
        optimizer={"name": "adamw", "learning_rate": 1e-3},
        batch_size=4,
        epochs=epochs,
        patience=epochs,
    )


def time_cached(recipe: Recipe, parts: list[tuple[Samples, Samples]], folder: Path) -> tuple[float, list[dict]]:
    """Return the seconds of all folds, and the epochs of the first."""
    start = time.perf_counter()
    for number, (training, validation) in enumerate(parts):
        begin = time.perf_counter()
        train(recipe, training + validation, folder / f"fold-{number}", verbose=0, cache=folder / "features")
        epochs = sum(float(row["seconds"]) for row in history_of(folder / f"fold-{number}"))
        total = time.perf_counter() - begin
        print(f"fold {number + 1}: {total:.1f} s, of which {recipe.epochs} epochs {epochs:.1f} s", flush=True)
    return time.perf_counter() - start, history_of(folder / "fold-0")


def time_naive(
    recipe: Recipe, parts: tuple[Samples, Samples], count: int, folder: Path
) -> tuple[float, list[dict[str, str]]]:
    """Return the seconds that all folds would take, and the epochs that were trained."""
    naive = replace(recipe, freezing={"name": "frozen"}, augmentation=NO_CHANGE, epochs=NAIVE_EPOCHS)
    start = time.perf_counter()
    train(naive, parts[0] + parts[1], folder / "naive", verbose=0)
    total = time.perf_counter() - start
    history = history_of(folder / "naive")
    last = float(history[-1]["seconds"])
    print(f"naive epoch: {last:.1f} s", flush=True)
    return count * (total + (recipe.epochs - NAIVE_EPOCHS) * last), history


def history_of(run: Path) -> list[dict[str, str]]:
    """Return the rows of a run's table."""
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def difference(first: list[dict[str, str]], second: list[dict[str, str]]) -> float:
    """Return the largest difference of a loss or score in the epochs that both have."""
    names = [name for name in first[0] if name in second[0] and name not in ("epoch", "seconds", "learning_rate")]
    pairs = zip(first, second, strict=False)
    return max(abs(float(one[name]) - float(other[name])) for one, other in pairs for name in names)


if __name__ == "__main__":
    main()
