import numpy as np
import pytest
from states import resnet_state

from medzoo.models.encoders.resnet import resnet_encoder
from medzoo.weights.torch_checkpoints import load_state
from medzoo.weights.transfer import fit_channels, fit_statistics


@pytest.fixture
def kernel():
    """Function that returns a kernel for a number of input channels."""
    return lambda channels: np.random.default_rng(0).standard_normal((3, 3, channels, 4))


@pytest.mark.parametrize("source", [1, 3])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 6])
def test_grey_gives_what_it_gives_the_source(source, channels, kernel):
    fitted = fit_channels(kernel(source), channels)
    assert fitted.shape == (3, 3, channels, 4)
    assert fitted.sum(-2) == pytest.approx(kernel(source).sum(-2))


@pytest.mark.parametrize("channels", [1, 3])
def test_own_number_of_channels_changes_nothing(channels, kernel):
    assert np.array_equal(fit_channels(kernel(channels), channels), kernel(channels))


def test_three_channels_become_their_sum(kernel):
    assert fit_channels(kernel(3), 1)[:, :, 0] == pytest.approx(kernel(3).sum(2))


def test_repeated_channels_share_their_kernel(kernel):
    red, green, blue = np.moveaxis(kernel(3), 2, 0)
    expected = np.stack([red / 2, green, blue, red / 2], axis=2)
    assert fit_channels(kernel(3), 4) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("channels", "expected"), [(1, (2,)), (2, (2,)), (3, (1, 2, 3)), (4, (1, 2, 3, 1)), (6, (1, 2, 3, 1, 2, 3))]
)
def test_statistics_follow_the_kernels(channels, expected):
    assert fit_statistics((1, 2, 3), channels) == expected


def test_one_statistic_serves_any_number_of_channels():
    assert fit_statistics((0.5,), 3) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("source", [1, 3])
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_encoder_of_other_channels_gives_the_features_of_its_source_for_grey(source, channels, run, images):
    state = resnet_state(channels=source)
    encoders = [resnet_encoder((32, 32, count), depth=10) for count in (source, channels)]
    grey = images(1, 32, 32, 1)
    outputs = []
    for encoder in encoders:
        load_state(encoder, "resnet10", state, "file")
        outputs.append(run(encoder, np.repeat(grey, encoder.input_shape[-1], axis=-1))["stride_2"])
    assert outputs[1] == pytest.approx(outputs[0], abs=1e-4 * float(np.abs(outputs[0]).max()))
