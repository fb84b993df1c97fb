"""The table of builders, and networks by the words of a recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from medzoo.models.classifier import classifier, regressor
from medzoo.models.ensemble import ensemble
from medzoo.models.resunet_plus_plus import resunet_plus_plus
from medzoo.models.unet import unet
from medzoo.recipe import CONVERTED, ESTIMATOR, Builder


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
