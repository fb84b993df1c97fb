"""A training with and without the memory that it frees: seconds, processor time, page faults and peak memory.

python benchmarks/kept_memory.py [--size 160] [--images 240] [--epochs 2]

Trains a UNet over MobileNetV2 on drawn scans, twice, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Any option of malloc in the environment counts before medzoo's; this one changes nothing.
WAYS = {"glibc's default": {"MALLOC_PERTURB_": "0"}, "memory kept": {}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=160, help="pixels of a side (default: 160)")
    parser.add_argument("--images", type=int, default=240, help="images to train on (default: 240)")
    parser.add_argument("--epochs", type=int, default=2, help="epochs (default: 2)")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        train(options)
        return
    costs = {}
    print(f"{'':16}{'seconds':>9}{'user':>8}{'system':>8}{'faults':>12}{'peak MB':>9}")
    for name, environment in WAYS.items():
        costs[name] = seconds, user, system, faults, peak = measure(environment)
        print(f"{name:16}{seconds:9.1f}{user:8.1f}{system:8.1f}{faults:12,}{peak:9.0f}", flush=True)
    before, after = costs.values()
    print(f"ratio of processor time: {sum(after[1:3]) / sum(before[1:3]):.2f}")


def measure(environment: dict[str, str]) -> tuple[float, float, float, int, float]:
    """Return what a training costs in a process with these variables."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, *sys.argv[1:], "--folder", folder]
        subprocess.run(command, env={**plain, **environment, "TF_CPP_MIN_LOG_LEVEL": "3"}, check=True)
        return tuple(json.loads(Path(folder, "cost.json").read_text()))


def train(options: argparse.Namespace) -> None:
    """Train, and write what it cost beside the data."""
    import medzoo
    from medzoo.data.synthetic import make_coco

    folder = Path(options.folder)
    make_coco(folder / "scans/train", options.images, seed=0, size=options.size)
    make_coco(folder / "scans/valid", options.images // 4, seed=1, size=options.size)
    recipe = medzoo.Recipe(
        name="kept-memory",
        task=medzoo.Segmentation(("background", "tumor")),
        preprocessing=medzoo.Preprocessing((options.size, options.size)),
        builder={"name": "unet", "encoder": {"name": "mobilenetv2", "form": "torch"}},
        batch_size=12,
        epochs=options.epochs,
    )
    data = medzoo.data.read(f"{folder}/scans:labels=tumor")
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    medzoo.train(recipe, data, folder / "run", verbose=0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cost = (
        time.perf_counter() - began,
        after.ru_utime - before.ru_utime,
        after.ru_stime - before.ru_stime,
        after.ru_minflt - before.ru_minflt,
        after.ru_maxrss / 1024,
    )
    (folder / "cost.json").write_text(json.dumps(cost))


if __name__ == "__main__":
    main()
