import pytest

from medzoo.models import BUILDERS
from medzoo.models.encoders import ENCODERS

# Arguments that keep the tests quick. A row of a table that is missing here is tested with its defaults.
SMALL_ENCODERS = {"residual": {"filters": (4, 6, 8), "dropout": 0.1}}
SMALL_BUILDERS = {"unet": {"encoder": {"name": "residual", **SMALL_ENCODERS["residual"]}}}


@pytest.fixture(params=sorted(ENCODERS))
def small_encoder(request):
    """Function from an input shape to one of the encoders."""
    arguments = SMALL_ENCODERS.get(request.param, {})
    return lambda input_shape: ENCODERS[request.param](input_shape, **arguments)


@pytest.fixture(params=[*sorted(BUILDERS), *(f"unet over {name}" for name in sorted(ENCODERS))])
def small_network(request):
    """Function from an input shape, outputs and activation to a network of one of the builders."""
    builder, _, encoder = request.param.partition(" over ")
    encoder = {"encoder": {"name": encoder, **SMALL_ENCODERS.get(encoder, {})}} if encoder else {}
    arguments = SMALL_BUILDERS.get(builder, {}) | encoder

    def make(input_shape=(32, 32, 1), outputs=1, activation="sigmoid"):
        return BUILDERS[builder](input_shape, outputs=outputs, activation=activation, **arguments)

    return make
