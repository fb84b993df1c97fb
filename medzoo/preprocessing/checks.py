"""What the values of a preprocessing must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medzoo.errors import unknown_name
from medzoo.transforms.intensity import NORMALIZATIONS, TYPE_RANGE
from medzoo.transforms.spatial import FITS

if TYPE_CHECKING:
    from medzoo.preprocessing.preprocessing import Preprocessing

DATASET = "dataset"


def check(preprocessing: Preprocessing) -> None:
    """Refuse values that are out of their range or do not go together.

    Raises:
        ValueError: There are some; the message says what was expected.
    """
    for part in (_check_input, _check_intensity, _check_statistics, _check_spacing, _check_stack):
        part(preprocessing)


def _check_input(given: Preprocessing) -> None:
    if not _is_size(given.size) or not _is_count(given.channels):
        raise ValueError(
            "`size` must be (height, width) or (depth, height, width) and `channels` one number, all whole and at "
            "least 1. "
            f"Received: size={given.size!r}, channels={given.channels!r}."
        )
    if given.fit not in FITS:
        raise unknown_name("fit", given.fit, FITS)


def _check_intensity(given: Preprocessing) -> None:
    if given.normalization not in (None, TYPE_RANGE, DATASET, *NORMALIZATIONS):
        raise unknown_name("normalization", given.normalization, (TYPE_RANGE, DATASET, *NORMALIZATIONS))
    if given.clip is not None and not 0 <= given.clip[0] < given.clip[1] <= 100:
        raise ValueError(f"`clip` must be two rising percentiles from 0 to 100. Received: clip={given.clip}.")
    if given.window is None:
        return
    if len(given.window) != 2 or not given.window[1] > 0:
        raise ValueError(f"`window` must be (centre, width), width above 0. Received: window={given.window}.")
    if given.normalization in ("rescale", TYPE_RANGE):
        raise ValueError(
            "`window` maps to [0, 1] by itself, which another rescaling would undo. Set normalization=None. "
            f"Received: normalization={given.normalization!r}."
        )


def _check_statistics(given: Preprocessing) -> None:
    if given.mean is None and given.std is None:
        return
    mean, std = (value if isinstance(value, tuple) else () for value in (given.mean, given.std))
    lengths = (1, given.channels)
    if len(mean) not in lengths or len(std) not in lengths or not all(value > 0 for value in std):
        raise ValueError(
            "`mean` and `std` must be given together, each with one number or one for each channel, `std` above 0. "
            f"Received: mean={given.mean}, std={given.std}, channels={given.channels}."
        )


def _check_spacing(given: Preprocessing) -> None:
    spacing = given.spacing
    if spacing and (given.fit != "crop" or len(spacing) != len(given.size) or min(spacing) <= 0):
        raise ValueError(
            "`spacing` must be one number of mm above 0 for each side of `size`, together with fit='crop', since "
            "the other fits choose the scale themselves. "
            f"Received: spacing={spacing}, size={given.size}, fit={given.fit!r}."
        )


def _check_stack(given: Preprocessing) -> None:
    if given.stack is not None and (len(given.size) != 2 or given.channels % 2 == 0):
        raise ValueError(
            "`stack` needs a size (height, width) and an odd number of `channels`, the slices of a stack. "
            f"Received: size={given.size}, channels={given.channels}."
        )


def _is_size(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) in (2, 3) and all(map(_is_count, value))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
