"""Checks of `input_shape`, with a shape that would do in the message."""

from __future__ import annotations

from collections.abc import Sequence

AXES = {2: "(height, width, channels)", 3: "(depth, height, width, channels)"}


def check_input_shape(input_shape: Sequence[int | None], stride: int, dimensions: Sequence[int] = (2, 3)) -> None:
    """Refuse a shape of the wrong rank, or one smaller than the total stride of a network.

    Args:
        input_shape: Shape of the input without the batch; sizes may be None.
        stride: Largest stride of the features.
        dimensions: Numbers of spatial dimensions that the network can have.

    Raises:
        ValueError: The shape does not fit; the message holds one that does.
    """
    shape = tuple(input_shape)
    if len(shape) - 1 not in dimensions or not shape[-1]:
        expected = " or ".join(AXES[number] for number in dimensions)
        raise ValueError(f"`input_shape` must be {expected}. Received: {shape}.")
    if any(side is not None and side < stride for side in shape[:-1]):
        fixed = (*(side and max(side, stride) for side in shape[:-1]), shape[-1])
        raise ValueError(
            f"`input_shape` must be at least {stride} in every dimension, the total stride of the encoder; "
            f"got {shape}. Pad or resize to {fixed}."
        )


def check_divisible(input_shape: Sequence[int | None], stride: int) -> None:
    """Refuse a shape that the total stride of an encoder does not divide, since its decoder would not meet it again.

    Raises:
        ValueError: A size is not divisible; the message holds the next shape that is.
    """
    shape = tuple(input_shape)
    if any(side is not None and side % stride for side in shape[:-1]):
        fixed = (*(side and -(-side // stride) * stride for side in shape[:-1]), shape[-1])
        raise ValueError(
            f"`input_shape` must be divisible by {stride}; got {shape}. "
            f"Pad to {fixed} or set Preprocessing(size={fixed[:-1]})."
        )
