"""Peak memory of medzoo on one large volume and on many pictures, made for this run.

python benchmarks/memory.py [--images 10000] [--shape 512 512 300] [--only TEXT]

Every line runs in a process of its own, first on little and then on all. It shows by how much the process grew with the
latter, and in how many seconds, beside what all pixels take as they are stored.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import argparse
import contextlib
import io
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SIDE, LARGE = 256, 10_000
LABELS = ("cyst", "normal")
MB = 2**20
FEW = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000, metavar="N", help="pictures (default: 10000)")
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 300), help="voxels (default: 512 512 300)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only the lines whose name holds this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        jobs = [(name, *job) for name, *job in LINES if options.only in name]
        for kind in {make for _, make, _ in jobs}:
            alone(kind, folder, options)
        print(f"{'':44}{'pixels MB':>10}{'grew MB':>10}{'seconds':>10}")
        for name, make, run in jobs:
            grown, seconds = alone(measure, run, folder, make)
            sizes = {make_volume: np.prod(options.shape) * 2, make_picture: LARGE**2}
            size = sizes.get(make, options.images * SIDE**2)
            print(f"{name:44}{size / MB:10.0f}{grown / MB:10.0f}{seconds:10.1f}", flush=True)


def alone(run: Callable, *arguments: object) -> tuple[float, float] | None:
    """Return what a function returns in a process of its own, whose memory is that of nothing else."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(run, arguments)


def measure(run: Callable, folder: str, make: Callable) -> tuple[float, float]:
    """Return bytes by which `run` on all makes the process larger than on little, and its seconds."""
    scale = 1 if sys.platform == "darwin" else 1024
    for name in ("little", "all"):
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        run(Path(folder) / make.__name__ / name)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * scale, time.perf_counter() - started


def make_pictures(folder: str, options: argparse.Namespace) -> None:
    """Write pictures in class folders, and again as shards."""
    import cv2

    from medzoo.data.synthetic import make_scan

    scans = [make_scan(seed, SIDE)[0] for seed in range(50)]
    generator = np.random.default_rng(0)
    for name, count in (("little", FEW), ("all", options.images)):
        for number in range(count):
            path = Path(folder) / "make_pictures" / name / "pictures" / LABELS[number % 2] / f"{number:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            shift = generator.integers(-60, 60, 2)
            cv2.imwrite(str(path), np.roll(scans[number % len(scans)], shift, (0, 1)))
        prepare(path.parents[2])


def prepare(folder: Path) -> None:
    """Prepare shards of the class folders."""
    import tensorflow_datasets as tfds

    from medzoo.data import from_folders
    from medzoo.data.tfds.builder import SamplesBuilder
    from medzoo.task import Classification

    class Pictures(SamplesBuilder, skip_registration=True):
        """Pictures in class folders."""

        TASK = Classification(LABELS)
        MANUAL_DOWNLOAD_INSTRUCTIONS = "None."

        def samples(self, manual: Path):
            return from_folders(manual)

    tfds.disable_progress_bar()
    download = tfds.download.DownloadConfig(manual_dir=folder / "pictures")
    with contextlib.redirect_stdout(io.StringIO()):
        Pictures(data_dir=folder / "shards").download_and_prepare(download_config=download)


def make_volume(folder: str, options: argparse.Namespace) -> None:
    """Write a volume of int16 and its mask."""
    import nibabel

    for name, shape in (("little", (32, 32, 16)), ("all", options.shape)):
        path = Path(folder) / "make_volume" / name
        path.mkdir(parents=True)
        voxels = np.random.default_rng(0).integers(-1000, 1000, shape, np.int16)
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([0.8, 0.8, 1, 1])), path / "scan.nii")
        nibabel.save(nibabel.Nifti1Image((voxels > 900).astype(np.uint8), np.diag([0.8, 0.8, 1, 1])), path / "mask.nii")


def make_picture(folder: str, options: argparse.Namespace) -> None:
    """Write one large picture."""
    import cv2

    for name, side in (("little", 256), ("all", LARGE)):
        path = Path(folder) / "make_picture" / name
        path.mkdir(parents=True)
        cv2.imwrite(str(path / "large.png"), np.random.default_rng(0).integers(0, 255, (side, side), np.uint8))


def audit_pictures(folder: Path) -> None:
    from medzoo.data.audit import audit

    audit(folder / "pictures")


def predict_pictures(folder: Path) -> None:
    predict(find(folder), make_model("classification", size=(224, 224)))


def predict_shards(folder: Path) -> None:
    from medzoo.data import from_tfds

    predict(from_tfds("pictures", folder / "shards").images, make_model("classification", size=(224, 224)))


def epoch(folder: Path, cache: str | None = None, shuffle: bool = False) -> None:
    from medzoo.data import from_folders
    from medzoo.data.feed.batches import make_batches

    model, samples = make_model("classification", size=(224, 224)), from_folders(folder / "pictures")
    exhaust(make_batches(samples, model.preprocessing, model.task, cache=cache, shuffle=shuffle).tf_dataset())


def shuffled_epoch(folder: Path) -> None:
    epoch(folder, shuffle=True)


def epoch_with_files(folder: Path) -> None:
    epoch(folder, cache=str(folder / "cache"), shuffle=True)


def volume_3d(folder: Path) -> None:
    predict([folder / "scan.nii"], make_model("classification", size=(96, 96, 96), clip=(0.5, 99.5)))


def volume_stack(folder: Path) -> None:
    from medzoo.preprocessing.stack import Stack

    predict([folder / "scan.nii"], make_model("regression", size=(224, 224), channels=3, stack=Stack(average=5)))


def volume_slices(folder: Path) -> None:
    for prediction in predict_all([folder / "scan.nii"], make_model("segmentation", size=(256, 256))):
        prediction.save(folder / "answer.nii")


def volume_mask(folder: Path) -> None:
    for prediction in predict_all([folder / "scan.nii"], make_model("segmentation", size=(96, 96, 96))):
        prediction.save(folder / "answer.nii")


def volume_labels(folder: Path, count: int = 25) -> None:
    model = make_model("segmentation", labels=count, size=(64, 128, 128))
    for prediction in predict_all([folder / "scan.nii"], model):
        prediction.save(folder / "answer.nii")


def volume_many_labels(folder: Path) -> None:
    volume_labels(folder, 104)


def volume_tiles(folder: Path) -> None:
    steps = {"size": (64, 128, 128), "fit": "tile", "spacing": (1.5, 1.5, 1.5), "overlap": 0.25}
    for prediction in predict_all([folder / "scan.nii"], make_model("segmentation", labels=25, **steps)):
        prediction.save(folder / "answer.nii")


def picture_tiles(folder: Path) -> None:
    for prediction in predict_all([folder / "large.png"], make_model("segmentation", size=(512, 512), fit="tile")):
        prediction.save(folder / "answer.png")


def volume_rows(folder: Path) -> None:
    from medzoo.data import from_volumes
    from medzoo.data.feed.batches import make_batches

    samples = from_volumes(([str(folder / "scan.nii")], [str(folder / "mask.nii")]), labels="lesion")
    model = make_model("segmentation", size=(96, 96, 96))
    samples = replace(samples, splits=("train",))
    exhaust(make_batches(samples, model.preprocessing, model.task, batch_size=1).tf_dataset())


def make_model(task: str, labels: int = 2, **preprocessing: object) -> SimpleNamespace:
    """Return a model that answers zeros, so that only what stands around a network is measured."""
    from medzoo.preprocessing import Preprocessing
    from medzoo.task import Classification, Regression, Segmentation

    tasks = (Classification(LABELS), Regression("value"), Segmentation(tuple(map(str, range(labels)))))
    task = next(one for one in tasks if one.name == task)
    preprocessing = Preprocessing(**preprocessing)
    size = preprocessing.size if task.is_dense else ()
    return SimpleNamespace(
        task=task,
        preprocessing=preprocessing,
        predict_on_batch=lambda batch: np.zeros((len(batch), *size, task.outputs), np.float32),
    )


def predict_all(sources: Iterable, model: SimpleNamespace) -> Iterable:
    from medzoo.inference import predict_scans

    return predict_scans(model, sources)


def predict(sources: Iterable, model: SimpleNamespace) -> None:
    exhaust(predict_all(sources, model))


def find(folder: Path) -> list:
    from medzoo.io import find_scans

    return find_scans(folder / "pictures")


def exhaust(iterator: Iterable) -> None:
    deque(iterator, maxlen=0)


LINES = (
    ("volume, 3D model", make_volume, volume_3d),
    ("volume, five stacks of three slices", make_volume, volume_stack),
    ("volume, masks of all slices, saved", make_volume, volume_slices),
    ("volume, mask of a 3D model, saved", make_volume, volume_mask),
    ("volume, 25 labels of 64x128x128, saved", make_volume, volume_labels),
    ("volume, 104 labels of 64x128x128, saved", make_volume, volume_many_labels),
    ("volume, 25 labels in tiles at 1.5 mm, saved", make_volume, volume_tiles),
    ("picture of 10,000 px in tiles, saved", make_picture, picture_tiles),
    ("volume and mask through tf.data", make_volume, volume_rows),
    ("pictures, audit", make_pictures, audit_pictures),
    ("pictures, predicted", make_pictures, predict_pictures),
    ("pictures, predicted from shards", make_pictures, predict_shards),
    ("pictures, epoch without cache", make_pictures, epoch),
    ("pictures, shuffled epoch without cache", make_pictures, shuffled_epoch),
    ("pictures, shuffled epoch with cache files", make_pictures, epoch_with_files),
)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
