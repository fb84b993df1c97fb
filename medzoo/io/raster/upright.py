"""Pictures turned as their EXIF says: one decision for pixels and shape."""

from __future__ import annotations

import numpy as np

_TURNS = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: np.swapaxes(stored, 0, 1),
    6: lambda stored: np.swapaxes(stored[::-1], 0, 1),
    7: lambda stored: np.swapaxes(stored[::-1, ::-1], 0, 1),
    8: lambda stored: np.swapaxes(stored[:, ::-1], 0, 1),
}
ORIENTATION = 0x0112


def exif_orientation(exif: bytes | None) -> int:
    """Return the orientation, 1 to 8, that EXIF data hold; 1 where they are damaged or hold it as no whole number."""
    from PIL import Image

    found = Image.Exif()
    try:
        found.load(exif or b"")
        return as_orientation(found.get(ORIENTATION))
    except Exception:
        # Damaged EXIF is no damage of the picture; Pillow raises nearly anything for it.
        return 1


def as_orientation(value: object) -> int:
    """Return a value of the orientation tag if it is a whole number from 1 to 8, else 1: as stored."""
    return value if isinstance(value, int) and value in _TURNS else 1


def is_turned(orientation: int) -> bool:
    """Whether height and width change places."""
    return orientation >= 5


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return pixels `(height, width, ...)` as stored, turned by an EXIF orientation."""
    return np.ascontiguousarray(_TURNS[orientation](pixels)) if orientation in _TURNS else pixels
