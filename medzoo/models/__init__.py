"""Builders: functions that return functional Keras models of stock layers."""

from medzoo.graph.walk import multiply_adds, parameters
from medzoo.models.builders import BUILDERS, build
from medzoo.models.builders import list_architectures as list
from medzoo.models.classifier import classifier, regressor
from medzoo.models.encoders import ENCODERS, build_encoder
from medzoo.models.fast import accelerate
from medzoo.models.resunet_plus_plus import resunet_plus_plus
from medzoo.models.unet import unet

__all__ = [
    "BUILDERS",
    "ENCODERS",
    "accelerate",
    "build",
    "build_encoder",
    "classifier",
    "list",
    "multiply_adds",
    "parameters",
    "regressor",
    "resunet_plus_plus",
    "unet",
]
