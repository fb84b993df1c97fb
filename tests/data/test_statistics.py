"""Mean and deviation of a data set for a preprocessing to store."""

import numpy as np
import pytest

from medzoo.data.samples import Samples
from medzoo.data.statistics import fit_preprocessing
from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack


def make_samples(arrays):
    images = tuple(Scan(array, array.shape[:-1], source=str(row)) for row, array in enumerate(arrays))
    names = tuple(map(str, range(len(images))))
    return Samples(images, tuple(0 for _ in images), names, ("",) * len(images), ("a", "b"))


def test_every_channel_gets_the_mean_and_deviation_of_all_pixels():
    arrays = np.random.default_rng(0).normal(5, 3, (6, 4, 4, 3)).astype(np.float32)
    fitted = fit_preprocessing(Preprocessing((4, 4), 3, normalization="dataset"), make_samples(arrays))
    assert fitted.mean == pytest.approx(arrays.mean(axis=(0, 1, 2)), rel=1e-5)
    assert fitted.std == pytest.approx(arrays.std(axis=(0, 1, 2)), rel=1e-5)
    inputs = np.stack([fitted(array) for array in arrays])
    assert (inputs.mean(), inputs.std()) == pytest.approx((0, 1), abs=1e-5)


def test_channels_of_a_stack_share_their_statistics():
    arrays = np.random.default_rng(0).normal(5, 3, (3, 7, 4, 4, 1)).astype(np.float32)
    preprocessing = Preprocessing((4, 4), 3, normalization="dataset", stack=Stack())
    fitted = fit_preprocessing(preprocessing, make_samples(arrays))
    assert fitted.mean == pytest.approx([arrays[:, 2:5].mean()], rel=1e-5)


@pytest.mark.parametrize(
    "preprocessing",
    [Preprocessing((4, 4)), Preprocessing((4, 4), normalization="dataset", mean=(1.0,), std=(2.0,))],
)
def test_what_needs_no_measuring_stays(preprocessing):
    assert fit_preprocessing(preprocessing, make_samples([])) is preprocessing


def test_constant_images_are_an_error():
    samples = make_samples([np.full((4, 4, 1), 7, np.float32)] * 2)
    with pytest.raises(ValueError, match="All pixels of the 2 training images are 7"):
        fit_preprocessing(Preprocessing((4, 4), normalization="dataset"), samples)
