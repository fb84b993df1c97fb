"""The table of builders, networks by the words of a recipe, and the list of all that can be built."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import keras

from medzoo.files import read_json, write_json
from medzoo.graph.walk import multiply_adds, parameters
from medzoo.models.classifier import classifier, regressor
from medzoo.models.encoders import ENCODERS, build_encoder
from medzoo.models.ensemble import ensemble
from medzoo.models.resunet_plus_plus import resunet_plus_plus
from medzoo.models.unet import unet
from medzoo.recipe import CONVERTED, ESTIMATOR, Builder
from medzoo.weights import available


class Row(NamedTuple):
    """A row of the table of builders: the function, and its paper."""

    build: Callable[..., keras.Model]
    source: str


BUILDERS = {
    "unet": Row(unet, "Ronneberger et al. 2015, arXiv 1505.04597"),
    "resunet_plus_plus": Row(resunet_plus_plus, "Jha et al. 2019, arXiv 1911.07067"),
    "classifier": Row(classifier, "He et al. 2016, arXiv 1512.03385"),
    "regressor": Row(regressor, "He et al. 2016, arXiv 1512.03385"),
    "ensemble": Row(ensemble, "Lakshminarayanan et al. 2017, arXiv 1612.01474"),
}


def build(
    builder: Mapping[str, Any],
    input_shape: tuple[int | None, ...],
    outputs: int,
    activation: str,
    weights: str | None = None,
) -> keras.Model:
    """Build the network that a recipe names.

    Args:
        builder: Name of a builder and its arguments. These describe the architecture only, so `weights` is not among
            them: a trained network is built again without fetching what its training began with.
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)` of the input.
        outputs: Number of output channels.
        activation: Activation of the output layer.
        weights: Weights that the encoder begins with, or None for random ones.

    Returns:
        Model from `(batch, *input_shape)` to `(batch, ..., outputs)` in float32.

    Raises:
        ValueError: The builder is unknown, or refuses its arguments.

    Example:
        >>> build({"name": "unet", "encoder": {"name": "residual", "filters": [8, 16]}}, (32, 32, 1), 1, "sigmoid").name
        'unet'
    """
    arguments = {name: value for name, value in Builder.from_json(builder).items() if name != "name"}
    name = builder["name"]
    if name == CONVERTED:
        raise ValueError(
            "The network of this recipe was converted from another library, so no builder has it. Load the model with "
            "medzoo.load and call its `fit`, or set another builder."
        )
    if name == ESTIMATOR:
        raise ValueError(
            "The recipe is of an estimator on the features of a network, which no builder makes. Load it with "
            "medzoo.load, or fit it anew: medzoo features RECIPE_OR_MODEL --data DIR -o RUN"
        )
    try:
        return BUILDERS[name].build(input_shape, outputs=outputs, activation=activation, weights=weights, **arguments)
    except TypeError as error:
        raise ValueError(f"The builder '{name}' does not take these arguments: {error}.") from error


# Counting needs every network built, which takes minutes, so the counts are kept: python -m tools.architectures
TABLE = Path(__file__).with_name("architectures.json")
REFERENCE_SHAPES = {2: (224, 224, 3), 3: (64, 128, 128, 1)}


@dataclass(frozen=True)
class Architecture:
    """A row of `medzoo.models.list()`.

    Args:
        name: Name of an encoder or builder.
        kind: `"encoder"` or `"builder"`; builders are listed over their default encoder.
        dimensions: 2 for images, 3 for volumes.
        parameters: Number of trainable parameters at the reference shape.
        gflops: Multiply-adds of one forward pass at the reference shape, in 10^9.
        weights: Names of the published weights.
        source: Paper.
    """

    name: str
    kind: str
    dimensions: int
    parameters: int
    gflops: float
    weights: tuple[str, ...]
    source: str


def list_architectures(dimensions: int | None = None) -> list[Architecture]:
    """List the encoders and builders.

    Args:
        dimensions: Keep those for images (2) or volumes (3) only.

    Example:
        >>> [row.name for row in list_architectures(dimensions=3)][:2]
        ['residual', 'plain']
    """
    rows = [Architecture(**{**row, "weights": tuple(row["weights"])}) for row in read_json(TABLE)]
    return [row for row in rows if dimensions in (None, row.dimensions)]


def write_table() -> None:
    """Build every network and write down what it costs."""
    write_json(TABLE, [asdict(row) for row in count_all()])


def count_all() -> Iterator[Architecture]:
    """Yield the rows of the table, counted anew."""
    for dimensions in REFERENCE_SHAPES:
        for name in (*ENCODERS, *BUILDERS):
            if name in BUILDERS or dimensions in ENCODERS[name].dimensions:
                yield count_one(name, dimensions)


def count_one(name: str, dimensions: int) -> Architecture:
    """Build an encoder or builder at the reference shape and return its row."""
    shape = REFERENCE_SHAPES[dimensions]
    if name in ENCODERS:
        kind, model, source = "encoder", build_encoder(name, shape), ENCODERS[name].source
        weights = available(name, dimensions)
    else:
        kind, model, source, weights = "builder", BUILDERS[name].build(shape), BUILDERS[name].source, ()
    gflops = round(multiply_adds(model) / 1e9, 2)
    return Architecture(name, kind, dimensions, parameters(model), gflops, weights, source)
