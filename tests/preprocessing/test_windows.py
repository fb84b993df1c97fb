"""Which inputs a scan makes, and how their answers become one in its grid."""

from dataclasses import replace

import numpy as np
import pytest

from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.answers import average
from medzoo.preprocessing.stack import Stack
from medzoo.preprocessing.windows import count_windows

FLAT = Preprocessing((4, 4), normalization=None)
STACKED = Preprocessing((4, 4), 3, normalization=None, stack=Stack())
SOLID = Preprocessing((5, 4, 4), normalization=None)


def scan_of(*shape):
    """A scan whose slices hold their own number."""
    array = np.zeros((*shape, 1), np.float32)
    if len(shape) == 3:
        array += np.arange(shape[0], dtype=np.float32)[:, None, None, None]
    return Scan(array, shape, source="scan")


class Mask:
    """A mask in memory of which each slice holds its own number."""

    def __init__(self, shape):
        self.shape, self.array = shape, scan_of(*shape).array[..., 0].astype(np.uint8)

    def mask(self, size=None):
        return self.array


KINDS = {
    "picture": (FLAT, (4, 4), (...,)),
    "volume as a whole": (SOLID, (5, 4, 4), (...,)),
    "every slice": (FLAT, (5, 4, 4), (0, 1, 2, 3, 4)),
    "every stack": (STACKED, (5, 4, 4), (0, 1, 2, 3, 4)),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def case(request):
    preprocessing, shape, places = request.param
    scan = scan_of(*shape)
    return scan, preprocessing.windows(scan, every_slice=True), places


def test_each_input_has_its_place(case):
    _, windows, places = case
    assert windows.places == places
    assert len(windows) == len(list(windows.inputs())) == len(places)


def test_the_number_of_inputs_is_known_from_the_shape(case):
    scan, windows, places = case
    assert count_windows(windows.preprocessing, scan.shape) == len(places)


def test_each_input_has_the_part_of_the_mask_that_it_is_about(case):
    scan, windows, _ = case
    targets = np.stack(list(windows.targets(Mask(scan.shape))))
    assert targets.reshape(scan.shape).tolist() == scan.array[..., 0].tolist()


def test_answers_become_one_in_the_grid_of_the_scan(case):
    scan, windows, _ = case
    middle = windows.preprocessing.channels // 2
    answers = np.stack([pixels[..., middle : middle + 1] for pixels in windows.inputs()])
    joined = windows.join((place, np.stack([*outputs], -1)) for place, outputs in windows.slabs(answers))
    assert joined.tolist() == scan.array.tolist()


def test_slabs_cover_the_scan_once(case):
    scan, windows, _ = case
    seen = np.zeros(scan.shape, int)
    answers = np.zeros((len(windows), *windows.preprocessing.size, 1), np.float32)
    for place, _ in windows.slabs(answers):
        seen[place] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("shape", [(9, 11, 7), (3, 4, 5), (6, 6, 6), (20, 3, 6)])
def test_slabs_of_a_volume_are_what_is_made_at_once(fit, shape, monkeypatch):
    monkeypatch.setattr("medzoo.preprocessing.windows._SLAB_BYTES", 4 * shape[1] * shape[2] * 2)
    steps = Preprocessing((6, 6, 6), fit=fit)
    answers = np.random.default_rng(0).random((1, 6, 6, 6, 3), dtype=np.float32)
    windows = steps.windows(scan_of(*shape))
    joined = windows.join((place, np.stack([*outputs], -1)) for place, outputs in windows.slabs(answers))
    assert len([*windows.slabs(answers)]) == -(-shape[0] // 2)
    assert np.abs(joined - steps.invert(answers[0], shape)).max() < 1e-6


def test_averaged_stacks_are_about_the_slices_in_their_middle():
    windows = replace(STACKED, stack=Stack(average=3)).windows(scan_of(5, 4, 4))
    assert windows.places == (1, 2, 3)


def test_an_answer_of_a_slice_is_scaled_to_the_slices_of_the_scan():
    windows = FLAT.windows(scan_of(3, 8, 6), index=1)
    assert windows.invert(np.ones((4, 4, 2), np.float32), 1).shape == (8, 6, 2)


def test_answers_are_averaged():
    assert average([np.float32([0, 1]), np.float32([1, 1])]).tolist() == [0.5, 1]
