"""Classifier and regressor over any encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import KerasTensor, layers

from medzoo.errors import unknown_name
from medzoo.models.blocks import features_by_stride, spatial
from medzoo.models.clusters import append_cluster
from medzoo.models.encoders import build_encoder
from medzoo.models.fast import accelerate
from medzoo.recipe.values import REGISTERED, registered

POOLINGS = ("avg", "max", "flatten")


def classifier(
    input_shape: tuple[int | None, ...],
    outputs: int = 1,
    activation: str = "sigmoid",
    encoder: str | Mapping[str, Any] | keras.Model = "resnet18",
    weights: str | None = None,
    pooling: str = "avg",
    hidden: Sequence[int] = (),
    hidden_activation: str = "relu",
    dropout: float = 0.0,
    stride: int | None = None,
    clusters: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Build a classifier: an encoder, a pooling of one of its features, and dense layers.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)` of the input; sizes may be
            None unless the pooling is "flatten".
        outputs: Number of outputs; 0 ends the network with what the output layer would see.
        activation: Activation of the output layer.
        encoder: Name of an encoder, its name and arguments `{"name": "resnet10", "dilated": False}`, or a backbone of
            another Keras library.
        weights: Weights of the encoder, as `build_encoder` takes them.
        pooling: `"avg"` or `"max"` over all positions, or `"flatten"` to keep every position.
        hidden: Widths of the dense layers in front of the output.
        hidden_activation: Activation of these: a name of `keras.activations`, or a function's registered name.
        dropout: Fraction dropped in training behind each of them; without any, behind the pooling.
        stride: Stride of the feature that is pooled, None for the deepest.
        clusters: Which cluster of images an image belongs to is appended to the pooled features, as
            `medzoo.models.clusters.append_cluster` takes it; a recipe says `{"of": "intensity", "count": 4}`, and
            training measures the rest. None for no such input.

    Returns:
        Model from `(batch, [depth,] height, width, channels)` to `(batch, outputs)` in float32.

    Raises:
        ValueError: The encoder, pooling or stride is unknown, an input of unknown size is to be flattened, or the
            clusters are not fitted.

    Example:
        >>> classifier((64, 64, 3), outputs=4, activation="softmax", hidden=(256,), dropout=0.2).output_shape
        (None, 4)
        >>> classifier((16, 32, 32, 1), encoder="resnet10").output_shape
        (None, 1)

    Source: He et al., 2016 (arXiv 1512.03385), for the pooling; Simonyan and Zisserman, 2015 (arXiv 1409.1556), for
    the flattening and hidden layers.
    """
    backbone = build_encoder(encoder, input_shape, weights)
    x = _pool(_feature(backbone, stride), pooling)
    if clusters is not None:
        x = append_cluster(x, backbone.input, clusters)
    # Keras looks up names of its own only.
    inner = registered(hidden_activation) if REGISTERED.accepts(hidden_activation) else hidden_activation
    for number, width in enumerate(hidden, start=1):
        x = layers.Dense(width, activation=inner, name=f"head_{number}_dense")(x)
        x = _drop(x, dropout, f"head_{number}_dropout")
    if not hidden:
        x = _drop(x, dropout, "head_dropout")
    if outputs:
        x = layers.Dense(outputs, activation=activation, dtype="float32", name="predictions")(x)
    return accelerate(keras.Model(backbone.input, x, name="classifier"))


def regressor(
    input_shape: tuple[int | None, ...], outputs: int = 1, activation: str = "linear", **arguments: Any
) -> keras.Model:
    """Build a regressor: a `classifier` whose outputs are not bounded.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)` of the input.
        outputs: Number of outputs.
        activation: Activation of the output layer.
        **arguments: As of `classifier`.

    Returns:
        Model from `(batch, [depth,] height, width, channels)` to `(batch, outputs)` in float32.

    Raises:
        ValueError: As of `classifier`.

    Example:
        >>> regressor((64, 64, 3), dropout=0.3).output_shape
        (None, 1)
    """
    return classifier(input_shape, outputs, activation, **arguments)


def _feature(encoder: keras.Model, stride: int | None) -> KerasTensor:
    features = features_by_stride(encoder)
    stride = max(features) if stride is None else stride
    if stride not in features:
        raise unknown_name("stride", stride, map(str, features))
    return features[stride]


def _pool(x: KerasTensor, pooling: str) -> KerasTensor:
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    if pooling != "flatten":
        kind = {"avg": "GlobalAveragePooling", "max": "GlobalMaxPooling"}[pooling]
        return spatial(kind, x)(name="head_pool")(x)
    if None in x.shape[1:]:
        raise ValueError(
            'pooling="flatten" must know the size of the input. Received: features of shape '
            f'{tuple(x.shape)}. Give `input_shape` numbers in the place of None, or use pooling="avg".'
        )
    return layers.Flatten(name="head_pool")(x)


def _drop(x: KerasTensor, dropout: float, name: str) -> KerasTensor:
    return layers.Dropout(dropout, name=name)(x) if dropout else x
