"""Images per second of medzoo's input pipeline, against Pillow + pycocotools + NumPy and against a training step.

python benchmarks/input_pipeline.py DIR [--part train] [--images N]

All numbers are of one run, the lines measured in turns so that other load on the machine falls on all of them.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import contextlib
import io
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image
from pycocotools.coco import COCO

from medzoo.data import Samples, from_coco, read
from medzoo.data.synthetic import make_coco
from medzoo.recipe import Recipe
from medzoo.zoo_model import ZooModel

RECIPE = Path(__file__).parents[1] / "zoo_cards" / "brain-tumor-unet" / "recipe.json"
ROUNDS = 5
STEPS = 4
FIRST_EPOCH_GOAL, STEP_GOAL = 2, 3


class Peer:
    """What one writes without medzoo: whole pictures and whole masks, resized, one after the other."""

    def __init__(self, samples: Samples, size: tuple[int, int], batch_size: int):
        folder = Path(samples.images[0]).parent
        with contextlib.redirect_stdout(io.StringIO()):
            self.coco = COCO(str(next(folder.glob("*.json"))))
        by_name = {str(folder / image["file_name"]): image for image in self.coco.dataset["images"]}
        self.rows = [(path, by_name[path]) for path in samples.images]
        self.size, self.batch_size = size, batch_size

    def epoch(self) -> None:
        """Make the batches of one pass."""
        for start in range(0, len(self.rows), self.batch_size):
            pairs = [self.read(*row) for row in self.rows[start : start + self.batch_size]]
            for column in zip(*pairs, strict=True):
                np.stack(column)

    def read(self, path: str, entry: dict) -> tuple[np.ndarray, np.ndarray]:
        """Return one image and its mask."""
        # A box filter of Pillow is OpenCV's area average, so both pipelines give the network the same picture.
        picture = Image.open(path).convert("L").resize(self.size[::-1], Image.Resampling.BOX)
        image = np.asarray(picture, np.float32)
        image = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
        mask = np.zeros((entry["height"], entry["width"]), np.uint8)
        for annotation in self.coco.loadAnns(self.coco.getAnnIds(entry["id"])):
            mask |= self.coco.annToMask(annotation)
        mask = np.asarray(Image.fromarray(mask).resize(self.size[::-1], Image.Resampling.NEAREST))
        return image[..., None], mask[..., None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", nargs="?", help="COCO folder; without one, synthetic pictures")
    parser.add_argument("--part", default="train", help="train, valid or test (default: train)")
    parser.add_argument("--images", type=int, help="take the first N images only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        samples = find_samples(options, Path(scratch))
        recipe = Recipe.load(RECIPE)
        keras.config.set_dtype_policy(recipe.precision)
        model = ZooModel.from_recipe(recipe)
        rates = measure(model, samples)
    print_table(model, samples, rates)


def find_samples(options: argparse.Namespace, scratch: Path) -> Samples:
    if options.folder is None or not Path(options.folder).exists():
        print("No data folder: measured on synthetic JPEGs of 512 px, made for this run.")
        return from_coco(make_coco(scratch, options.images or 400, size=512, suffix=".jpg"))
    samples = read(options.folder)
    samples = samples.part(options.part) if any(samples.splits) else samples
    return samples[: options.images]


def measure(model: ZooModel, samples: Samples) -> dict[str, float]:
    """Return images per second of every line: the median of the rounds, in each of which every line runs once."""
    size = model.recipe.batch_size
    peer = Peer(samples, model.preprocessing.size, size)
    step = make_step(model, samples[: STEPS * size])
    rounds = []
    for _ in range(ROUNDS):
        dataset = model.dataset(samples, size)
        lines = {"peer": peer.epoch, "first": lambda: drain(dataset), "cached": lambda: drain(dataset)}  # noqa: B023
        rates = {name: len(samples) / seconds(run) for name, run in lines.items()}
        rounds.append({**rates, "step": STEPS * size / seconds(step)})
    return {name: statistics.median(rates[name] for rates in rounds) for name in rounds[0]}


def make_step(model: ZooModel, samples: Samples):
    """Return a function that trains STEPS steps on batches that are in memory already."""
    model.compile_from_recipe(steps_per_epoch=STEPS)
    batches = [(images, masks) for images, masks in model.dataset(samples, model.recipe.batch_size).as_numpy_iterator()]

    def step() -> None:
        for images, masks in batches:
            model.train_on_batch(images, masks)

    step()
    return step


def drain(dataset) -> None:
    for _ in dataset:
        pass


def seconds(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def print_table(model: ZooModel, samples: Samples, rates: dict[str, float]) -> None:
    size = " x ".join(map(str, model.preprocessing.size))
    load = f", load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{len(samples)} images to {size}, {os.cpu_count()} cores{load}, median of {ROUNDS} rounds\n")
    rows = (
        ("Pillow + pycocotools + NumPy", "peer"),
        ("medzoo, first epoch", "first"),
        ("medzoo, cached epoch", "cached"),
        (f"training step of {model.recipe.name}", "step"),
    )
    print(f"{'':36}{'images/s':>10}{'to peer':>10}{'to step':>10}")
    for text, name in rows:
        print(f"{text:36}{rates[name]:10.0f}{rates[name] / rates['peer']:10.2f}{rates[name] / rates['step']:10.1f}")
    goals = (("peer", FIRST_EPOCH_GOAL), ("step", STEP_GOAL))
    for name, goal in goals:
        ratio = rates["first"] / rates[name]
        print(f"first epoch at least {goal} x {name}: {'yes' if ratio >= goal else 'NO'} ({ratio:.2f})")


if __name__ == "__main__":
    main()
