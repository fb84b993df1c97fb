import functools

import pytest

from medzoo.models.encoders import ENCODERS

# One encoder of every kind, small enough to run. EfficientNetV2 is run by test_applications.py.
SMALL = {
    "residual": ("residual", {"filters": (4, 6, 8), "dropout": 0.1}),
    "plain": ("plain", {"filters": (4, 6)}),
    "plain without normalization": ("plain", {"filters": (4, 6), "normalization": False, "dropout": 0.1}),
    "resnet10": ("resnet10", {"width_per_group": 4, "dilated": False}),
    "dilated resnet10 of shortcut A": ("resnet10", {"dilated": True, "shortcut": "A"}),
    "vgg16": ("vgg16", {}),
    "mobilenetv2": ("mobilenetv2", {}),
    "mobilenetv2 of torch": ("mobilenetv2", {"form": "torch"}),
}


def strides_of(encoder):
    """Return the strides of the features, which Keras does not keep in order on every backend."""
    return sorted(int(name.removeprefix("stride_")) for name in encoder.output)


class SmallEncoder:
    """A row of SMALL in 2 or 3 dimensions."""

    def __init__(self, name, dimensions):
        self.name, self.dimensions = name, dimensions

    def unknown(self, channels=3):
        """Return a shape without sizes."""
        return (*[None] * self.dimensions, channels)

    def odd(self, channels=3):
        """Return a shape whose sizes no stride divides."""
        return (*(self.stride + more for more in (1, 3, 2)[: self.dimensions]), channels)

    def new(self, input_shape):
        """Build it."""
        name, arguments = SMALL[self.name]
        return ENCODERS[name].build(input_shape, **{**ENCODERS[name].arguments, **arguments})

    @property
    def stride(self):
        """Total stride."""
        return strides_of(self.model)[-1]

    @functools.cached_property
    def model(self):
        """The encoder of unknown sizes and 3 channels; not to be changed."""
        return self.new(self.unknown())


@functools.cache
def _small(name, dimensions):
    return SmallEncoder(name, dimensions)


# Of each family the deepest, whose graph takes many seconds to build; a smaller one has the same code.
DEEPEST = ("resnet152", "resnet200", "efficientnetv2m", "efficientnetv2l")


def _rows_of(name, dimensions):
    marks = [pytest.mark.release] if name in DEEPEST else []
    return [pytest.param((name, number), id=f"{name} {number}D", marks=marks) for number in dimensions]


@pytest.fixture(params=[row for name, (row, _) in SMALL.items() for row in _rows_of(name, ENCODERS[row].dimensions)])
def small_encoder(request):
    """An encoder that is quick to run."""
    return _small(*request.param)


@pytest.fixture(scope="module", params=[row for name in ENCODERS for row in _rows_of(name, ENCODERS[name].dimensions)])
def row(request):
    """Name and number of dimensions of every row of the table."""
    return request.param


@pytest.fixture(scope="module")
def strides(encoder):
    """Strides of its features, from the finest."""
    return strides_of(encoder)


@pytest.fixture(scope="module")
def encoder(row):
    """That row of unknown sizes, 3 channels in 2D and 1 in 3D; built once and not to be changed."""
    name, dimensions = row
    shape = (*[None] * dimensions, {2: 3, 3: 1}[dimensions])
    return ENCODERS[name].build(shape, **ENCODERS[name].arguments)
