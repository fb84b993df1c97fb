"""Images per second of `medzoo audit`, against the loop of Pillow and imagehash that people write, and CleanVision.

python benchmarks/audit.py DIR [--images N]

All numbers are of one run, the lines measured in turns. The loop compares every hash with every other one, as the
README of imagehash does; CleanVision, if installed, compares by equal hash only, and looks at brightness and blur.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import importlib.util
import io
import itertools
import os
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

import cv2
import imagehash
import numpy as np
from PIL import Image

from medzoo.data.audit import twins
from medzoo.data.audit.facts import inspect
from medzoo.data.audit.run import audit
from medzoo.io import find_scans

ROUNDS = 3
# Bits of 64 in which the hashes of near-duplicates differ at most.
MOST_BITS = 8
GOAL = 60  # seconds for 7,000 images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", nargs="?", help="folder of pictures; without one, synthetic pictures")
    parser.add_argument("--images", type=int, default=1500, help="take N images, evenly over all (default: 1500)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        paths = find_pictures(options, Path(scratch) / "pictures")
        lines = make_lines(paths, Path(scratch) / "subset")
        rounds = [{name: seconds(run) for name, run in lines.items()} for _ in range(ROUNDS)]
        times = {name: statistics.median(row[name] for row in rounds) for name in lines}
        print_table(times, len(paths))
        if options.folder:
            show_whole(options.folder)
            show_recall(Path(options.folder))


def find_pictures(options: argparse.Namespace, scratch: Path) -> list[str]:
    if options.folder is None:
        print("No folder: measured on synthetic pictures of 224 px, made for this run.")
        make_pictures(scratch, options.images)
    scans = [scan for scan in find_scans(options.folder or scratch) if isinstance(scan, str)]
    return scans[:: max(1, len(scans) // options.images)][: options.images]


def make_pictures(folder: Path, count: int) -> None:
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(count):
        coarse = generator.integers(0, 256, (9, 9), np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), cv2.resize(coarse, (224, 224), interpolation=cv2.INTER_CUBIC))


def make_lines(paths: list[str], subset: Path) -> dict:
    """Return what is measured by name; the subset is a folder of links to the same files."""
    subset.mkdir()
    for number, path in enumerate(paths):
        (subset / f"{number}{Path(path).suffix}").symlink_to(Path(path).resolve())
    lines = {
        "Pillow + imagehash, reading": lambda: read_all(paths),
        "Pillow + imagehash, with pairs": lambda: near_pairs(read_all(paths)),
        "medzoo audit": lambda: quiet(lambda: audit(subset)),
    }
    if importlib.util.find_spec("cleanvision"):
        from cleanvision import Imagelab

        lines["CleanVision"] = lambda: quiet(lambda: Imagelab(data_path=str(subset)).find_issues())
    return lines


def read_all(paths: list[str]) -> list[imagehash.ImageHash]:
    """Return the hashes; sizes, modes and digests are made as well, as an audit needs them."""
    sizes, modes, digests, hashes = Counter(), Counter(), Counter(), []
    for path in paths:
        image = Image.open(path)
        hashes.append(imagehash.phash(image))
        sizes[image.size] += 1
        modes[image.mode] += 1
        digests[hashlib.md5(Path(path).read_bytes()).digest()] += 1
    return hashes


def near_pairs(hashes: list[imagehash.ImageHash]) -> list[tuple[int, int]]:
    pairs = itertools.combinations(range(len(hashes)), 2)
    return [(first, second) for first, second in pairs if hashes[first] - hashes[second] <= MOST_BITS]


def quiet(run) -> None:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run()


def seconds(run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def print_table(times: dict[str, float], count: int) -> None:
    load = f", load of the machine {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{count} images, {os.cpu_count()} cores{load}, median of {ROUNDS} rounds\n")
    print(f"{'':34}{'seconds':>9}{'images/s':>10}{'medzoo is':>11}")
    for name, time_ in times.items():
        print(f"{name:34}{time_:9.2f}{count / time_:10.0f}{time_ / times['medzoo audit']:10.1f}x")


def show_whole(folder: str) -> None:
    """Audit the whole folder once, which is what the goal is about."""
    found = audit(folder)
    rate = found.n_images / found.seconds
    reached = "yes" if 7000 / rate < GOAL else "NO"
    print(f"\nthe whole folder: {found.n_images} images in {found.seconds:.1f} s, {rate:.0f} images/s")
    print(f"7,000 images in less than {GOAL} s: {reached} ({7000 / rate:.1f} s)")


def show_recall(folder: Path) -> None:
    """Say how many of the pairs that show one slice by the column `slice` of patients.csv are found."""
    try:
        with open(folder / "patients.csv", newline="") as file:
            slices = {row["file"]: row["slice"] for row in csv.DictReader(file) if row["slice"]}
    except (OSError, KeyError):
        return
    facts = [inspect(folder / name) for name in slices]
    equal = twins.equal_groups(facts)
    copies = {group[0]: group for group in equal}
    pairs = [(group[0], other) for group in equal for other in group[1:]]
    for pair in twins.near_pairs(facts, [group[0] for group in equal]):
        pairs += itertools.product(copies[pair.first], copies[pair.second])
    numbers = list(slices.values())
    right = sum(numbers[one] == numbers[other] for one, other in pairs)
    true = sum(count * (count - 1) // 2 for count in Counter(numbers).values())
    print(f"\npairs of one slice: {true}; found {right}, recall {right / true:.3f}, precision {right / len(pairs):.3f}")


if __name__ == "__main__":
    main()
