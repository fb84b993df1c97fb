from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("tensorflow")

import tensorflow as tf

from medzoo.data import Samples, read
from medzoo.data.augment import Augmentation
from medzoo.data.feed.batches import make_batches, reader_errors
from medzoo.data.feed.reader import read_rows
from medzoo.data.sources.coco_annotations import CocoObject, CocoTarget
from medzoo.data.sources.masks import PictureTarget
from medzoo.io.read import FileImage
from medzoo.preprocessing import Preprocessing
from medzoo.task import Segmentation

SIZE = Preprocessing((16, 16))
TASK = Segmentation(("background", "synthetic lesion"))
TURNED = Augmentation(rotation=30, quarter_turns=True)
LEFT_HALF = CocoObject(1, ((0, 0, 4, 0, 4, 8, 0, 8),))
TOP_RIGHT = CocoObject(2, ((4, 0, 8, 0, 8, 4, 4, 4),))


@dataclass(frozen=True)
class Blank:
    height: int
    width: int

    @property
    def shape(self):
        return self.height, self.width

    def mask(self, size=None):
        return np.zeros(size or self.shape, np.uint8)


@pytest.fixture
def train(coco_folder):
    return read(coco_folder).part("train")


def read_only_row(*args):
    (row,) = read_rows(*args)
    return row


def make_dataset(*args, **kwargs):
    return make_batches(*args, **kwargs).tf_dataset()


def batches(*args, **kwargs):
    return [(images.numpy(), masks.numpy()) for images, masks in make_dataset(*args, **kwargs)]


def epoch(dataset):
    """Return all images and masks of one pass over a dataset."""
    columns = zip(*dataset.as_numpy_iterator(), strict=True)
    return tuple(np.concatenate(column) for column in columns)


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def one_picture(folder, target, labels, shape=(8, 8)):
    """Return Samples of one grey ramp whose annotation is `target`."""
    path = folder / "ramp.png"
    cv2.imwrite(str(path), np.arange(np.prod(shape), dtype=np.uint8).reshape(shape))
    return Samples((str(path),), (target,), ("a",), ("",), labels)


def test_batches_hold_float32_images_and_uint8_masks(train):
    images, masks = batches(train, SIZE, TASK, batch_size=4)[0]
    assert (images.shape, images.dtype) == ((4, 16, 16, 1), np.float32)
    assert (masks.shape, masks.dtype) == ((4, 16, 16, 1), np.uint8)


def test_the_last_batch_may_be_smaller(train):
    assert [len(images) for images, _ in batches(train, SIZE, TASK, batch_size=3)] == [3, 3, 2]


def test_shapes_and_length_are_known_before_the_first_batch(train):
    dataset = make_dataset(train, Preprocessing((16, 24), channels=3), TASK, batch_size=3, augment=Augmentation())
    images, masks = dataset.element_spec
    assert images == tf.TensorSpec((None, 16, 24, 3), tf.float32)
    assert masks == tf.TensorSpec((None, 16, 24, 1), tf.uint8)
    assert len(dataset) == 3


def test_without_shuffle_the_rows_keep_their_order(train):
    images, masks = epoch(make_dataset(train, SIZE, TASK, batch_size=3))
    read_one_by_one = [read_only_row(train, index, SIZE, TASK) for index in range(len(train))]
    assert same((images, masks), (np.stack(column) for column in zip(*read_one_by_one, strict=True)))


def test_the_image_is_what_predict_sees(train):
    from medzoo.io import read_scan

    images, _ = epoch(make_dataset(train[:1], SIZE, TASK))
    assert np.array_equal(images[0], SIZE(read_scan(train[0].image, at_least=SIZE.size).array))


@pytest.mark.parametrize(
    "options", [{"shuffle": True}, {"augment": Augmentation(rotation=90, brightness=0.5)}], ids=str
)
class TestSeed:
    def test_the_same_seed_gives_the_same_pixels_in_two_epochs(self, train, options):
        first, second = (make_dataset(train, SIZE, TASK, 3, seed=5, **options) for _ in range(2))
        assert same(epoch(first), epoch(second))
        assert same(epoch(first), epoch(second))

    def test_another_seed_gives_other_pixels(self, train, options):
        first, second = (make_dataset(train, SIZE, TASK, 3, seed=seed, **options) for seed in (5, 6))
        assert not same(epoch(first), epoch(second))

    def test_every_epoch_is_another(self, train, options):
        dataset = make_dataset(train, SIZE, TASK, 3, seed=5, **options)
        assert not same(epoch(dataset), epoch(dataset))


def test_shuffled_images_keep_their_masks(train):
    images, masks = epoch(make_dataset(train, SIZE, TASK, shuffle=True))
    mask_of = {image.tobytes(): mask for image, mask in zip(*epoch(make_dataset(train, SIZE, TASK)), strict=True)}
    assert all(np.array_equal(mask, mask_of[image.tobytes()]) for image, mask in zip(images, masks, strict=True))


@pytest.fixture
def reads(monkeypatch):
    """Paths in the order in which the pipeline opens them."""
    opened = []
    original = FileImage.read
    monkeypatch.setattr(FileImage, "read", lambda image, *args: opened.append(image.source) or original(image, *args))
    return opened


@pytest.mark.parametrize(("cache", "times"), [("memory", 1), ("file", 1), (None, 2)])
def test_every_file_is_read_once_with_a_cache_and_every_epoch_without(train, reads, tmp_path, cache, times):
    dataset = make_dataset(train, SIZE, TASK, cache=tmp_path / "cache" / "train" if cache == "file" else cache)
    assert same(epoch(dataset), epoch(dataset))
    assert sorted(reads) == sorted(train.images * times)


def test_every_kind_of_cache_gives_the_same_pixels(train, tmp_path):
    options = {"augment": Augmentation(rotation=30), "shuffle": True}
    caches = ("memory", None, tmp_path / "cache")
    first, *others = (make_dataset(train, SIZE, TASK, 3, cache=cache, **options) for cache in caches)
    for _ in range(2):
        pixels = epoch(first)
        assert all(same(pixels, epoch(other)) for other in others)


def test_a_cache_file_outlives_the_dataset(train, reads, tmp_path):
    first, second = (epoch(make_dataset(train, SIZE, TASK, cache=tmp_path / "cache")) for _ in range(2))
    assert same(first, second)
    assert len(reads) == len(train)


def test_a_cache_file_is_not_taken_for_other_samples_or_steps(train, tmp_path):
    cache = tmp_path / "cache"
    whole = epoch(make_dataset(train, SIZE, TASK, cache=cache))
    assert len(epoch(make_dataset(train[:3], SIZE, TASK, cache=cache))[0]) == 3
    other = epoch(make_dataset(train, replace(SIZE, normalization=None), TASK, cache=cache))
    assert not np.array_equal(whole[0], other[0])


def test_a_binary_task_merges_the_labels_of_the_data(tmp_path):
    samples = one_picture(tmp_path, CocoTarget(8, 8, (LEFT_HALF, TOP_RIGHT)), ("background", "edema", "core"))
    _, mask = read_only_row(samples, 0, Preprocessing((8, 8)), Segmentation(("background", "tumor")))
    assert np.array_equal(mask[..., 0], np.pad(np.ones((4, 8), np.uint8), ((0, 4), (0, 0))) | (np.arange(8) < 4))


def test_a_task_with_the_labels_of_the_data_keeps_them(tmp_path):
    labels = ("background", "edema", "core")
    samples = one_picture(tmp_path, CocoTarget(8, 8, (LEFT_HALF, TOP_RIGHT)), labels)
    _, mask = read_only_row(samples, 0, Preprocessing((8, 8)), Segmentation(labels))
    assert mask[0, :, 0].tolist() == [1, 1, 1, 1, 2, 2, 2, 2]


def test_labels_of_another_task_are_an_error_before_anything_is_read(train, reads):
    with pytest.raises(ValueError, match=r"'synthetic lesion'.*'edema', 'core'.*labels="):
        make_dataset(train, SIZE, Segmentation(("background", "edema", "core")))
    assert not reads


def test_no_samples_are_an_error(train):
    with pytest.raises(ValueError, match="no samples"):
        make_dataset(train[[]], SIZE, TASK)


def test_stretch_gives_image_and_mask_the_whole_input(tmp_path):
    target = CocoTarget(8, 16, (CocoObject(1, ((0, 0, 8, 0, 8, 8, 0, 8),)),))
    samples = one_picture(tmp_path, target, TASK.labels, (8, 16))
    _, mask = read_only_row(samples, 0, Preprocessing((16, 16)), TASK)
    assert np.array_equal(mask[..., 0], np.tile(np.arange(16) < 8, (16, 1)))


def test_pad_leaves_a_border_around_image_and_mask(tmp_path):
    target = CocoTarget(8, 16, (CocoObject(1, ((0, 0, 8, 0, 8, 8, 0, 8),)),))
    samples = one_picture(tmp_path, target, TASK.labels, (8, 16))
    image, mask = read_only_row(samples, 0, Preprocessing((16, 16), fit="pad"), TASK)
    expected = np.zeros((16, 16), bool)
    expected[4:12, :8] = True
    assert np.array_equal(mask[..., 0], expected)
    assert not image[:4].any()
    assert not image[12:].any()
    assert image[11].all()


@pytest.fixture
def partly_labelled(tmp_path):
    """One picture of background, two labels and pixels to ignore, a quarter each."""
    cv2.imwrite(str(tmp_path / "mask.png"), np.kron([[0, 1], [2, 3]], np.ones((4, 4))).astype(np.uint8))
    names = ("background", "edema", "core")
    return one_picture(tmp_path, PictureTarget(str(tmp_path / "mask.png"), names, (0, 1, 2, 255)), names)


def test_ignored_pixels_stay_so_where_labels_are_merged(partly_labelled):
    _, mask = read_only_row(partly_labelled, 0, Preprocessing((2, 2)), TASK)
    assert mask[..., 0].tolist() == [[0, 1], [1, 255]]


def test_ignored_pixels_move_along_and_have_no_weight(partly_labelled):
    task, balance = Segmentation(partly_labelled.labels), {"class_weights": [1, 2, 3]}
    _, mask, weights = epoch(make_dataset(partly_labelled, SIZE, task, augment=TURNED, balance=balance))
    assert set(np.unique(mask)) == {0, 1, 2, 255}
    assert weights.tolist() == np.select([mask == 0, mask == 1, mask == 2], [1, 2, 3])[..., 0].tolist()


def test_an_annotation_of_another_size_than_its_picture_is_an_error_with_both(tmp_path):
    samples = one_picture(tmp_path, Blank(16, 8), TASK.labels, (8, 16))
    with pytest.raises(ValueError, match=r"ramp\.png has the size \(8, 16\), its annotation \(16, 8\)"):
        read_only_row(samples, 0, SIZE, TASK)


def test_a_large_jpeg_decoded_at_reduced_scale_still_fits_its_annotation(tmp_path):
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), np.zeros((64, 130), np.uint8))
    samples = Samples((str(path),), (Blank(64, 130),), ("a",), ("",), TASK.labels)
    image, mask = read_only_row(samples, 0, SIZE, TASK)
    assert image.shape == mask.shape == (16, 16, 1)


def test_a_volume_with_the_mask_of_a_picture_is_an_error_that_names_it(tmp_path):
    import nibabel

    path = tmp_path / "volume.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.uint8), np.eye(4)), path)
    samples = Samples((str(path),), (Blank(4, 4),), ("a",), ("",), TASK.labels)
    with pytest.raises(ValueError, match=r"volume\.nii\.gz has the size \(4, 4, 4\), its annotation \(4, 4\)"):
        read_only_row(samples, 0, SIZE, TASK)


def test_a_broken_file_is_named_by_its_own_error(train):
    Path(train.images[5]).write_bytes(b"no picture")
    batches = make_batches(train, SIZE, TASK)
    with pytest.raises(ValueError, match=r"synthetic_0005\.png is not a scan") as caught, reader_errors(batches):
        epoch(batches.tf_dataset())
    assert "\n" not in str(caught.value)


def test_a_broken_file_is_named_in_what_tensorflow_raises(train):
    Path(train.images[5]).write_bytes(b"no picture")
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"synthetic_0005\.png is not a scan"):
        epoch(make_dataset(train, SIZE, TASK))


def test_an_older_error_of_a_reader_is_not_taken_for_a_new_one(train):
    Path(train.images[0]).write_bytes(b"no picture")
    batches = make_batches(train, SIZE, TASK)
    with pytest.raises(tf.errors.OpError):
        epoch(batches.tf_dataset())
    with pytest.raises(tf.errors.OutOfRangeError), reader_errors(batches):
        raise tf.errors.OutOfRangeError(None, None, "of another kind")


def test_the_error_of_other_batches_is_not_taken_for_that_of_these(train):
    Path(train.images[0]).write_bytes(b"no picture")
    mine, others = make_batches(train, SIZE, TASK), make_batches(train, SIZE, TASK)
    with pytest.raises(tf.errors.OutOfRangeError), reader_errors(mine):
        with pytest.raises(ValueError, match="is not a scan"), reader_errors(others):
            epoch(others.tf_dataset())
        raise tf.errors.OutOfRangeError(None, None, "of another kind")
