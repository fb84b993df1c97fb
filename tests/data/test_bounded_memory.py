"""Memory holds a batch of images, or one volume, however many there are."""

from __future__ import annotations

import os
import shutil
import sys
import tracemalloc
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.data import from_folders, from_tfds
from medzoo.inference import predict_scans
from medzoo.io import read_scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.task import Classification, Segmentation

SIDE = 256
FEW, MANY = 40, 400
# What 360 such pictures take as they are stored, of which no more than a fifth may stay.
ALL = (MANY - FEW) * SIDE * SIDE
VOLUME = (96, 96, 48)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Samples of MANY pictures in two classes."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    for number in range(MANY):
        path = folder / ("cyst", "normal")[number % 2] / f"{number}.bmp"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), generator.integers(0, 255, (SIDE, SIDE), np.uint8))
    return from_folders(folder)


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    path = tmp_path_factory.mktemp("volumes") / "scan.nii"
    voxels = np.random.default_rng(0).integers(0, 1000, VOLUME).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1, 2, 1])), path)
    return str(path)


def peak(run, *arguments):
    """Return the largest number of bytes that Python and NumPy hold while `run` runs."""
    # Once before, for what is imported and kept at the first call.
    run(*arguments)
    tracemalloc.start()
    try:
        run(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def growth(run, samples):
    """Return how much more is held for MANY images than for FEW."""
    return peak(run, samples) - peak(run, samples[:FEW])


def exhaust(iterator):
    deque(iterator, maxlen=0)


def model_of(task, preprocessing):
    """A model that answers zeros."""

    def answer(batch):
        size = preprocessing.size if task.is_dense else ()
        return np.zeros((len(batch), *size, task.outputs), np.float32)

    return SimpleNamespace(task=task, preprocessing=preprocessing, predict_on_batch=answer)


def test_audit_keeps_no_pixels(pictures):
    from medzoo.data.audit import audit

    # Thumbnails, their fine structure and frequencies are kept: 12 kB an image.
    assert growth(audit, pictures) < ALL / 5


def test_predictions_stream(pictures):
    model = model_of(Classification(), Preprocessing((64, 64)))
    assert growth(lambda samples: exhaust(predict_scans(model, samples.images)), pictures) < ALL / 5


def test_shards_are_read_row_by_row(pictures, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    pytest.importorskip("array_record")
    from medzoo.data.tfds.builder import SamplesBuilder

    class Pictures(SamplesBuilder, skip_registration=True):
        """Pictures."""

        TASK = Classification(("cyst", "normal"))
        MANUAL_DOWNLOAD_INSTRUCTIONS = "None."

        def samples(self, folder):
            return pictures

    builder = Pictures(data_dir=tmp_path)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(manual_dir=tmp_path))
    samples = from_tfds("pictures", tmp_path)
    assert growth(lambda samples: exhaust(map(read_scan, samples.images)), samples) < ALL / 5
    shutil.rmtree(tmp_path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells the memory of this moment")
def test_an_epoch_without_cache_keeps_no_images(pictures):
    from medzoo.data.feed.batches import make_batches

    task, preprocessing = Classification(("cyst", "normal")), Preprocessing((SIDE, SIDE))

    def held(samples):
        dataset = make_batches(samples, preprocessing, task, cache=None, shuffle=True).tf_dataset()
        return max(int(Path("/proc/self/statm").read_text().split()[1]) for _ in dataset) * os.sysconf("SC_PAGE_SIZE")

    # The network's input takes four bytes a pixel.
    few = held(pictures[:FEW])
    assert held(pictures) - few < 4 * ALL / 3


def test_a_volume_passes_a_3d_model_in_few_copies(volume):
    model = model_of(Classification(), Preprocessing((32, 32, 32), clip=(1, 99)))
    # As it is stored, and a float of it.
    assert peak(lambda: exhaust(predict_scans(model, [volume]))) < 4 * 4 * np.prod(VOLUME)


def test_stacks_of_a_volume_do_not_copy_it(volume):
    model = model_of(Classification(), Preprocessing((64, 64), 3, stack=Stack(average=5)))
    assert peak(lambda: exhaust(predict_scans(model, [volume]))) < 4 * 4 * np.prod(VOLUME)


def test_the_masks_of_a_volume_are_made_slice_by_slice(volume):
    model = model_of(Segmentation(("background", "lesion")), Preprocessing((32, 32)))

    def masks():
        for prediction in predict_scans(model, [volume]):
            prediction.mask  # noqa: B018

    assert peak(masks) < 4 * 4 * np.prod(VOLUME)
