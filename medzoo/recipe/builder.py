"""The network of a recipe: a builder, its arguments, and the encoder among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.recipe.part import Named
from medzoo.recipe.values import FLAG, MAPPING, NOTHING, REGISTERED, TEXT, WIDTHS, Value, either, number, one_of, whole

# Builders without a function: of networks that only a `config.json` describes, and of estimators on deep features.
CONVERTED, ESTIMATOR = "converted", "estimator"

_DROPOUT = number(0, 1, ")")
_RESNET = {
    "depth": whole(1),
    "groups": whole(1),
    "width_per_group": whole(1),
    "dilated": either(FLAG, NOTHING),
    "shortcut": either(one_of(["A", "B"]), NOTHING),
}
_EFFICIENTNETS = tuple(f"efficientnetv2{size}" for size in ("b0", "b1", "b2", "b3", "s", "m", "l"))
# Encoders and their arguments; a test compares both tables with the functions in `medzoo.models`.
ENCODERS: dict[str, dict[str, Value]] = {
    "residual": {"filters": WIDTHS, "dropout": _DROPOUT},
    "plain": {"filters": WIDTHS, "normalization": FLAG, "dropout": _DROPOUT},
    **{f"resnet{depth}": _RESNET for depth in (10, 18, 34, 50, 101, 152, 200)},
    "resnext50": _RESNET,
    **{name: {} for name in ("vgg16", "vgg19", *_EFFICIENTNETS)},
    "mobilenetv2": {"form": one_of(["keras", "torch"])},
}
_ENCODER = either(TEXT, MAPPING)
# The names of `keras.activations`.
ACTIVATIONS = (
    *("celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish"),
    *("hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid"),
    *("silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax"),
    *("squareplus", "swish", "tanh", "tanh_shrink", "threshold"),
)
_HEAD = {
    "encoder": _ENCODER,
    "pooling": one_of(["avg", "max", "flatten"]),
    "hidden": WIDTHS,
    "hidden_activation": either(one_of(ACTIVATIONS), REGISTERED),
    "dropout": _DROPOUT,
    "stride": either(whole(1), NOTHING),
    "clusters": either(MAPPING, NOTHING),
}


@dataclass(frozen=True, eq=False)
class Builder(Named):
    """A builder of `medzoo.models` and its arguments, which describe the architecture only.

    Raises:
        ValueError: The builder, its encoder or an argument of either is unknown, or takes another value.

    Example:
        >>> Builder("unet", {"encoder": {"name": "residual", "filters": [8, 16]}}).encoder
        'residual'
    """

    FIELD = "builder"
    NAMES: ClassVar[Mapping[str, Mapping[str, Value] | None]] = {
        "unet": {"encoder": _ENCODER, "filters": either(WIDTHS, NOTHING)},
        "resunet_plus_plus": {"encoder": either(_ENCODER, NOTHING), "filters": WIDTHS},
        "classifier": _HEAD,
        "regressor": _HEAD,
        "ensemble": {"members": whole(1), "of": MAPPING},
        CONVERTED: None,
        ESTIMATOR: None,
    }

    def __post_init__(self) -> None:
        """Refuse arguments, also those of the encoder and of the members of an ensemble."""
        if "weights" in self.arguments and self.name in self.NAMES and self.NAMES[self.name] is not None:
            raise ValueError(
                f"The builder '{self.name}' must not hold weights, which are no part of the architecture. "
                f"Received: {self.arguments['weights']!r}. Set the recipe's own field: Recipe(weights=...)."
            )
        super().__post_init__()
        if self.NAMES[self.name] is None:
            return
        if self.arguments.get("encoder") is not None:
            _check_encoder(self.arguments["encoder"])
        if self.name == "ensemble" and "of" in self.arguments:
            Builder.from_json(self.arguments["of"])

    @property
    def encoder(self) -> str | None:
        """Name of the encoder, or None where the builder's own is taken."""
        encoder = self.arguments.get("encoder")
        return encoder["name"] if isinstance(encoder, Mapping) else encoder


def _check_encoder(encoder: Any) -> None:
    arguments = {"name": encoder} if isinstance(encoder, str) else dict(encoder)
    name = arguments.pop("name", None)
    if not isinstance(name, str) or name not in ENCODERS:
        raise unknown_name("encoder", name, ENCODERS, "List them with: medzoo.models.list()")
    refuse_unknown(f"field of the encoder '{name}'", arguments, ENCODERS[name])
    for argument, value in arguments.items():
        ENCODERS[name][argument].check(f"builder.encoder.{argument}", value)
