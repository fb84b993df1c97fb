"""What the values of a preprocessing must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.transforms.intensity import NORMALIZATIONS, TYPE_RANGE
from medzoo.transforms.spatial import PLACEMENTS

if TYPE_CHECKING:
    from medzoo.preprocessing.preprocessing import Preprocessing

DATASET, TILE = "dataset", "tile"
BLENDINGS = ("gaussian", "constant")
# Axes of an input, from the one before the channels on.
AXES = ("horizontal", "vertical", "depth")


def check(preprocessing: Preprocessing) -> None:
    """Refuse values that are out of their range or do not go together.

    Raises:
        ValueError: There are some; the message says what was expected.
    """
    for part in (
        _check_input,
        _check_channel_names,
        _check_intensity,
        _check_statistics,
        _check_spacing,
        _check_tiles,
        _check_stack,
        _check_mirrors,
    ):
        part(preprocessing)


def _check_input(steps: Preprocessing) -> None:
    if not _is_size(steps.size) or not _is_count(steps.channels):
        raise ValueError(
            "`size` must be (height, width) or (depth, height, width) and `channels` one number, all whole and at "
            "least 1. "
            f"Received: size={steps.size!r}, channels={steps.channels!r}."
        )
    if steps.fit not in PLACEMENTS:
        raise unknown_name("fit", steps.fit, PLACEMENTS)


def _check_channel_names(steps: Preprocessing) -> None:
    names = steps.channel_names
    if names is not None and not (
        isinstance(names, tuple)
        and len(names) == len({str(name).lower() for name in names}) == steps.channels
        and all(isinstance(name, str) and name.strip() for name in names)
        and steps.stack is None
    ):
        raise ValueError(
            "`channel_names` must be one name for each of the `channels`, all different, and none in a model of stacks "
            f"(whose channels are slices). Received: channel_names={names!r}, channels={steps.channels}."
        )


def _check_normalization(steps: Preprocessing) -> None:
    if not isinstance(steps.normalization, tuple):
        if steps.normalization not in (None, TYPE_RANGE, DATASET, *NORMALIZATIONS):
            raise unknown_name("normalization", steps.normalization, (TYPE_RANGE, DATASET, *NORMALIZATIONS))
        return
    if not steps.channel_names or len(steps.normalization) != steps.channels:
        raise ValueError(
            "Several names of `normalization` are for channels that have names, one for each. "
            f"Received: normalization={list(steps.normalization)}, channel_names={steps.channel_names}."
        )
    names = [name for name in steps.normalization if name is not None]
    refuse_unknown("normalization of a channel", names, (TYPE_RANGE, *NORMALIZATIONS))


def _check_intensity(steps: Preprocessing) -> None:
    _check_normalization(steps)
    if steps.clip is not None and not 0 <= steps.clip[0] < steps.clip[1] <= 100:
        raise ValueError(f"`clip` must be two rising percentiles from 0 to 100. Received: clip={steps.clip}.")
    if steps.window is None:
        return
    if len(steps.window) != 2 or not steps.window[1] > 0:
        raise ValueError(f"`window` must be (centre, width), width above 0. Received: window={steps.window}.")
    if steps.normalization in ("rescale", TYPE_RANGE):
        raise ValueError(
            "`window` maps to [0, 1] by itself, which another rescaling would undo. Set normalization=None. "
            f"Received: normalization={steps.normalization!r}."
        )


def _check_statistics(steps: Preprocessing) -> None:
    if steps.mean is None and steps.std is None:
        return
    mean, std = (value if isinstance(value, tuple) else () for value in (steps.mean, steps.std))
    lengths = (1, steps.channels)
    if len(mean) not in lengths or len(std) not in lengths or not all(value > 0 for value in std):
        raise ValueError(
            "`mean` and `std` must be given together, each with one number or one for each channel, `std` above 0. "
            f"Received: mean={steps.mean}, std={steps.std}, channels={steps.channels}."
        )


def _check_spacing(steps: Preprocessing) -> None:
    spacing = steps.spacing
    if spacing and (steps.fit not in ("crop", TILE) or len(spacing) != len(steps.size) or min(spacing) <= 0):
        raise ValueError(
            "`spacing` must be one number of mm above 0 for each side of `size`, together with fit='crop' or "
            "fit='tile', since the other fits choose the scale themselves. "
            f"Received: spacing={spacing}, size={steps.size}, fit={steps.fit!r}."
        )


def _check_tiles(steps: Preprocessing) -> None:
    given = {"overlap": steps.overlap, "blending": steps.blending, "patches": steps.patches}
    given |= {"foreground": steps.foreground}
    if steps.fit != TILE:
        if wrong := [name for name, value in given.items() if value is not None]:
            raise ValueError(
                f"`{wrong[0]}` is for fit='tile'. Received: {wrong[0]}={given[wrong[0]]!r}, fit={steps.fit!r}."
            )
        return
    if steps.stack is not None:
        raise ValueError("fit='tile' does not go with a `stack`. Take another fit, or a size of three numbers.")
    for name, share in (("overlap", steps.overlap), ("foreground", steps.foreground)):
        if share is not None and not (_is_number(share) and 0 <= share <= 1 and (name, share) != ("overlap", 1)):
            most = "below 1" if name == "overlap" else "up to 1"
            raise ValueError(f"`{name}` must be a share from 0 to {most}. Received: {name}={share!r}.")
    if steps.blending is not None and steps.blending not in BLENDINGS:
        raise unknown_name("blending", steps.blending, BLENDINGS)
    if steps.patches is not None and not _is_count(steps.patches):
        raise ValueError(f"`patches` must be a whole number from 1 on. Received: patches={steps.patches!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_stack(steps: Preprocessing) -> None:
    if steps.stack is not None and (len(steps.size) != 2 or steps.channels % 2 == 0):
        raise ValueError(
            "`stack` needs a size (height, width) and an odd number of `channels`, the slices of a stack. "
            f"Received: size={steps.size}, channels={steps.channels}."
        )


def _check_mirrors(steps: Preprocessing) -> None:
    if steps.mirrors is None:
        return
    axes = AXES[: len(steps.size)]
    if not isinstance(steps.mirrors, tuple) or not steps.mirrors or len(set(steps.mirrors)) < len(steps.mirrors):
        raise ValueError(f"`mirrors` must be some of {axes}, each once, or None. Received: mirrors={steps.mirrors!r}.")
    refuse_unknown("axis of `mirrors`", steps.mirrors, axes)


def _is_size(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) in (2, 3) and all(map(_is_count, value))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
