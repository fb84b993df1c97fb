import functools
from typing import NamedTuple

import pytest

from medzoo.models import BUILDERS

# What the contract of the builders is tested on: a builder, and arguments that keep it quick. Squeeze-and-excitation
# has few rectified units, an eighth of the channels: in a narrow network all of them are silent by chance.
SMALL_BUILDERS = {
    "unet": ("unet", {"encoder": {"name": "residual", "filters": (4, 4), "dropout": 0.1}}),
    "unet over resnet10": ("unet", {"encoder": {"name": "resnet10", "width_per_group": 4}}),
    "resunet_plus_plus": ("resunet_plus_plus", {"filters": (64, 64, 16)}),
    "classifier": ("classifier", {"encoder": {"name": "plain", "filters": (4, 4)}, "hidden": (4,), "dropout": 0.1}),
    "regressor": ("regressor", {"encoder": {"name": "plain", "filters": (4, 4)}}),
    "ensemble": (
        "ensemble",
        {"members": 2, "of": {"name": "classifier", "encoder": {"name": "plain", "filters": (4, 4)}}},
    ),
}


class SmallNetwork(NamedTuple):
    """A row of SMALL_BUILDERS, or a builder of the table with its defaults."""

    name: str

    @property
    def segments(self):
        """Whether it answers for every position, or once."""
        return len(self((32, 32, 1)).output_shape) > 2

    @functools.cache  # noqa: B019, what is kept are a few small networks
    def __call__(self, input_shape, outputs=1, activation="sigmoid"):
        """Return a network that is built once and not to be changed."""
        return self.new(input_shape, outputs, activation)

    def new(self, input_shape, outputs=1, activation="sigmoid"):
        """Build a network."""
        builder, arguments = SMALL_BUILDERS.get(self.name, (self.name, {}))
        return BUILDERS[builder].build(input_shape, outputs=outputs, activation=activation, **arguments)

    def output_shape(self, input_shape, outputs=1):
        """Return the shape of its answer without the batch."""
        return (*input_shape[:-1], outputs) if self.segments else (outputs,)


@pytest.fixture(params=[*SMALL_BUILDERS, *(set(BUILDERS) - set(SMALL_BUILDERS))])
def small_network(request):
    """Function from an input shape, outputs and activation to a network of one of the builders."""
    return SmallNetwork(request.param)
