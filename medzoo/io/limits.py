"""How large a scan may be: asked of its header, before memory is taken for its pixels."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

MOST_PIXELS = 2**29
VARIABLE = "MEDZOO_MAX_PIXELS"
_PLAIN = 4


def check_size(shape: Sequence[int], source: object, pixel_bytes: float = _PLAIN) -> None:
    """Refuse a scan whose header declares more pixels than the limit, 2**29 (a CT of 512 x 512 x 2048).

    A pixel of more than 4 bytes counts as several. The environment variable `MEDZOO_MAX_PIXELS` sets another limit.

    Args:
        shape: The declared size, without channels.
        source: What messages call the scan.
        pixel_bytes: The declared bytes of a pixel, all its channels together.

    Raises:
        ValueError: It is larger, or the variable is no whole number.

    Example:
        >>> check_size((512, 512), "scan.png")
    """
    limit = _limit()
    pixels = math.ceil(math.prod(map(int, shape)) * max(1.0, pixel_bytes / _PLAIN))
    if pixels > limit:
        declared = " x ".join(map(str, shape))
        raise ValueError(
            f"{source} declares {declared} pixels of {pixel_bytes:g} bytes; the limit is {limit} pixels of {_PLAIN}. "
            f"If the file is right and the memory suffices, set {VARIABLE}={pixels}; else copy or download it again."
        )


def _limit() -> int:
    text = os.environ.get(VARIABLE) or str(MOST_PIXELS)
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{VARIABLE} must be a whole number of pixels. Received: {text!r}.") from None
