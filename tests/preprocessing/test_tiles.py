"""Overlapping tiles of large scans, and the answer that theirs become."""

import tracemalloc

import numpy as np
import pytest

from medzoo import Preprocessing
from medzoo.inference import predict_scans
from medzoo.io import Scan, read_scan
from medzoo.preprocessing import tiles
from medzoo.preprocessing.tiles import Patches, starts
from medzoo.task import Segmentation


class Echo:
    """Answers with its input: what is bright is foreground."""

    def __init__(self, labels=2, **steps):
        self.task = Segmentation(("background", *map(str, range(1, labels))))
        self.preprocessing = Preprocessing(fit="tile", normalization=None, **steps)
        self.seen = 0

    def predict_on_batch(self, inputs):
        self.seen += len(inputs)
        outputs = self.task.outputs
        return inputs if outputs == 1 else np.stack([inputs[..., 0] == index for index in range(outputs)], -1) * 1.0


class Mask:
    """A mask in memory."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def mask(self, size):
        assert size is None or tuple(size) == self.shape
        return self.array


def answer(model, scan, **options):
    return next(predict_scans(model, [scan], **options))


@pytest.mark.parametrize(
    ("side", "tile", "overlap"), [(100, 40, 0.5), (41, 40, 0.5), (40, 40, 0.9), (7, 3, 0), (9, 4, 0.99)]
)
def test_tiles_cover_an_axis_with_their_overlap(side, tile, overlap):
    first = starts(side, tile, overlap)
    assert first[0] == 0 and first[-1] == side - tile
    assert max(np.diff(first), default=0) <= max(1, tile * (1 - overlap))


@pytest.mark.parametrize("blending", ["gaussian", "constant"])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("shape", [(11, 9, 13), (4, 4, 4), (3, 9, 5), (2, 2, 2)])
def test_an_answer_that_is_the_scan_itself_comes_back_as_it_was(shape, overlap, blending):
    volume = np.random.default_rng(0).random(shape).astype(np.float32)
    result = answer(Echo(size=(4, 4, 4), overlap=overlap, blending=blending), volume[..., None])
    assert np.abs(result.probabilities[..., 0] - volume).max() < 1e-3
    assert (result.mask == (result.probabilities[..., 0] >= 0.5)).all()


@pytest.mark.parametrize("labels", [3, 30])
def test_many_labels_come_back(labels):
    volume = np.random.default_rng(0).integers(0, labels, (9, 10, 11))
    assert (answer(Echo(labels, size=(4, 6, 5)), volume).mask == volume).all()


def test_pictures_and_slices_of_volumes_are_tiled_as_well():
    picture = np.random.default_rng(0).random((23, 17)).astype(np.float32)
    assert np.abs(answer(Echo(size=(8, 8)), picture).probabilities[..., 0] - picture).max() < 1e-3
    volume = np.random.default_rng(0).random((3, 23, 17)).astype(np.float32)
    result = answer(Echo(size=(8, 8)), read_scan(volume[..., None]))
    assert np.abs(result.probabilities[..., 0] - volume).max() < 1e-3


def test_one_tile_is_what_the_whole_scan_is():
    volume = np.random.default_rng(0).random((6, 6, 6)).astype(np.float32)
    whole = Preprocessing((6, 6, 6), normalization="standardize")
    tiled = Preprocessing((6, 6, 6), fit="tile", normalization="standardize")
    (first,), (second,) = (steps.windows(read_scan(volume), every_slice=True).inputs() for steps in (whole, tiled))
    assert np.abs(first - second).max() < 1e-5


def test_tiles_are_cut_at_the_spacing_of_the_model_and_answers_lie_in_the_file():
    volume = np.zeros((8, 12, 12, 1), np.float32)
    volume[2:6, 4:8, 4:8] = 1
    scan = Scan(volume, volume.shape[:3], (4.0, 2.0, 2.0))
    model = Echo(size=(8, 8, 8), spacing=(2.0, 2.0, 2.0))
    windows = model.preprocessing.windows(scan, every_slice=True)
    assert windows.grid == (16, 12, 12) and len(windows) == 3 * 2 * 2
    assert (answer(model, scan).mask == volume[..., 0]).all()


def test_intensities_are_those_of_the_whole_scan():
    volume = np.zeros((4, 4, 8), np.float32)
    volume[..., 4:] = 100
    steps = Preprocessing((4, 4, 4), fit="tile", overlap=0.0)
    dark, bright = steps.windows(read_scan(volume[..., None]), every_slice=True).inputs()
    assert dark.max() == 0 and bright.min() == 1


def test_batches_may_hold_tiles_of_several_scans():
    scans = [np.random.default_rng(seed).random((9, 9)).astype(np.float32) for seed in range(3)]
    answers = list(predict_scans(Echo(size=(4, 4)), scans, batch_size=7))
    for scan, result in zip(scans, answers, strict=True):
        assert np.abs(result.probabilities[..., 0] - scan).max() < 1e-3


def test_answers_that_are_too_large_for_the_memory_lie_in_a_file(monkeypatch):
    monkeypatch.setattr(tiles, "_IN_MEMORY", 100)
    volume = np.random.default_rng(0).random((9, 8, 7)).astype(np.float32)
    result = answer(Echo(size=(4, 4, 4)), volume)
    assert isinstance(result._answer, np.memmap) and np.abs(result.probabilities[..., 0] - volume).max() < 1e-3


def test_memory_does_not_grow_with_the_number_of_tiles(monkeypatch):
    monkeypatch.setattr(tiles, "_IN_MEMORY", 100)
    monkeypatch.setattr("medzoo.preprocessing.windows._SLAB_BYTES", 2**15)
    monkeypatch.setattr("medzoo.inference.scans._BLOCK", 2**15)
    volume = np.zeros((160, 24, 24), np.uint8)
    model = Echo(20, size=(8, 8, 8), overlap=0.0)
    tracemalloc.start()
    answer(model, volume, batch_size=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert model.seen == 20 * 9 and peak < volume.size * 20 * 4 / 2


def test_answers_that_are_not_finite_are_refused_by_name():
    model = Echo(size=(4, 4))
    model.predict_on_batch = lambda inputs: inputs * np.nan
    with pytest.raises(ValueError, match="array: .* not finite"):
        answer(model, np.ones((9, 9)))


@pytest.fixture
def marked():
    """Return a volume with two labels in it, one of them a single voxel, and its mask."""
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[2:8, 2:8, 2:8] = 1
    mask[15, 16, 17] = 2
    return read_scan(mask[..., None].astype(np.float32)), Mask(mask)


def patches(marked, **steps):
    scan, mask = marked
    windows = Patches(scan, Preprocessing((6, 6, 6), fit="tile", normalization=None, **steps), mask, 3)
    return np.stack([*windows.inputs()]), np.stack([*windows.targets(mask)])


def test_patches_show_all_labels_in_the_share_that_is_asked_for(marked):
    images, targets = patches(marked, patches=8, foreground=1.0)
    assert len(images) == 8 and (images[..., 0] == targets).all()
    assert [2 in target for target in targets].count(True) >= 4 and all(target.any() for target in targets)
    _, targets = patches(marked, patches=40, foreground=0.0)
    assert [2 in target for target in targets].count(True) < 10


def test_one_patch_a_scan_is_around_a_mark_as_often_as_is_asked_for():
    around = 0
    for seed in range(60):
        mask = np.zeros((30, 30, 30), np.uint8)
        mask[15, 15, 15] = 1
        noise = np.random.default_rng(seed).random((30, 30, 30, 1))
        (target,) = patches((read_scan(noise), Mask(mask)))[1]
        around += target.any()
    assert 10 <= around <= 32


def test_scans_of_one_name_and_size_are_not_cut_alike(marked):
    scan, mask = marked
    other = read_scan(scan.array + 1)
    places = [
        [tile.corner for tile in Patches(one, Preprocessing((6, 6, 6), fit="tile", patches=4), mask, 3).tiles]
        for one in (scan, other)
    ]
    assert places[0] != places[1]


def test_ignored_pixels_are_no_label():
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[0:2], mask[18, 18, 18] = 255, 1
    scan = read_scan(np.zeros((20, 20, 20, 1)))
    windows = Patches(scan, Preprocessing((4, 4, 4), fit="tile", patches=9, foreground=1.0), Mask(mask), 2)
    assert all((target == 1).any() for target in windows.targets(Mask(mask)))


def test_a_wrong_spacing_is_named_before_millions_of_tiles_are_made():
    scan = Scan(np.zeros((8, 8, 8, 1), np.float32), (8, 8, 8), (900.0, 900.0, 900.0), source="a.nii.gz")
    with pytest.raises(ValueError, match=r"a\.nii\.gz makes .* tiles.*spacing is \(900\.0, 900\.0, 900\.0\) mm"):
        Preprocessing((8, 8, 8), fit="tile", spacing=(1.0, 1.0, 1.0)).windows(scan, every_slice=True)


def test_patches_are_drawn_once_and_lie_inside_the_scan(marked):
    first, again = (patches(marked, patches=6)[0] for _ in range(2))
    assert (first == again).all() and first.shape == (6, 6, 6, 6, 1)


def test_scans_without_a_mark_and_smaller_than_a_patch_are_patches_too():
    empty = np.zeros((3, 9, 4), np.uint8)
    images, targets = patches((read_scan(empty[..., None]), Mask(empty)), patches=2)
    assert images.shape == (2, 6, 6, 6, 1) and not targets.any()


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ({"fit": "tile", "overlap": 1}, "`overlap` must be a share from 0 to below 1"),
        ({"fit": "tile", "overlap": -0.1}, "overlap=-0.1"),
        ({"fit": "tile", "overlap": "0.5"}, "overlap='0.5'"),
        ({"fit": "tile", "foreground": 1.5}, "`foreground` must be a share"),
        ({"fit": "tile", "blending": "gausian"}, "Did you mean 'gaussian'"),
        ({"fit": "tile", "patches": 0}, "`patches` must be a whole number"),
        ({"overlap": 0.5}, "`overlap` is for fit='tile'"),
        ({"fit": "crop", "patches": 2}, "`patches` is for fit='tile'"),
    ],
)
def test_wrong_values_are_refused(steps, text):
    with pytest.raises(ValueError, match=text):
        Preprocessing((4, 4), **steps)


def test_a_recipe_keeps_the_fields_and_older_ones_have_none():
    steps = Preprocessing((4, 4), fit="tile", overlap=0.25, patches=3)
    assert Preprocessing.from_json(steps.to_json()) == steps
    assert set(Preprocessing((4, 4)).to_json()) == {"size", "channels", "fit", "clip", "normalization"}


def test_a_picture_on_a_model_of_volumes_is_refused_by_name():
    with pytest.raises(ValueError, match="array: a model with fit='tile'.*this is something else"):
        answer(Echo(size=(4, 4, 4)), np.zeros((9, 9)))
