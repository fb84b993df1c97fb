"""Pictures: PNG, JPEG, TIFF and BMP."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from medzoo.files import atomic_file
from medzoo.io.image import Scan, check_pixels, damaged
from medzoo.io.limits import check_size
from medzoo.io.raster.jpeg import is_cut_jpeg, read_jpeg
from medzoo.io.raster.tiff import checked_tags, read_tiff
from medzoo.io.raster.upright import exif_orientation, is_turned, upright

_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}


def read_raster(path: str | os.PathLike, at_least: tuple[int, ...] | None = None) -> Scan:
    """Read a picture upright (EXIF orientation applied, if it is a whole number).

    Grey files, with or without alpha, give one channel; colour and palette files give three in RGB order. Alpha is
    dropped: the colours are those in the file, also where they are transparent.

    Damage is refused wherever the format shows it. PNG and TIFF strips with deflate have checksums. BMP, JPEG and TIFF
    strips with another compression or none have not: damage after which they still decode gives other pixels.

    Args:
        path: PNG, JPEG, TIFF (one page) or BMP; the content decides, not the suffix.
        at_least: Height and width in pixels that the caller needs; a JPEG is then decoded at 1/2, 1/4 or 1/8 if
            both sides stay at least that long.

    Returns:
        `array` `(height, width, 1 or 3)`; `shape` is the full height and width, whatever was decoded.

    Raises:
        ValueError: Not a picture, truncated, damaged, larger than the limit of `check_size`, several pages, or numbers
            that float32 does not hold; the message names the file and the fix.
    """
    data, kind = _whole(path)
    shape = None
    if kind == "JPEG":
        pixels, shape = read_jpeg(data, path, at_least)
    elif kind == "TIFF":
        pixels = read_tiff(data, path)
    else:
        pixels = _decode(data, kind, path)
    pixels = check_pixels(pixels, path)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return Scan(pixels, shape or pixels.shape[:2], source=os.fspath(path), kind="raster")


def read_values(path: str | os.PathLike) -> np.ndarray:
    """Read a picture upright without turning its palette into colours, as masks need it; checked as in `read_raster`.

    Returns:
        `(height, width)`, or `(height, width, channels)` as the file has them.

    Raises:
        ValueError: As in `read_raster`.
    """
    data, kind = _whole(path)
    if kind == "JPEG":
        pixels = read_jpeg(data, path)[0]
        return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    if kind == "TIFF":
        checked_tags(data, path)
    try:
        picture = _plugin(kind)(io.BytesIO(data))
        orientation = exif_orientation(picture.info.get("exif"))
        return upright(np.asarray(picture), orientation)
    except Exception as error:
        # Pillow raises nearly anything for damaged data.
        raise damaged(path, error) from error


def upright_size(path: str | os.PathLike) -> tuple[int, int]:
    """Return the height and width of a picture, as `read_values` has them, from its header.

    Raises:
        ValueError: It is damaged.
    """
    with open(path, "rb") as file:
        kind = _kind(file.read(8), path)
        file.seek(0)
        try:
            picture = _plugin(kind)(file)
        except (OSError, SyntaxError, ValueError) as error:
            raise damaged(path, error) from error
        width, height = picture.size
        orientation = exif_orientation(picture.info.get("exif"))
    return (width, height) if is_turned(orientation) else (height, width)


def is_picture(path: str | os.PathLike) -> bool:
    """Whether a file is a picture by its first bytes."""
    with open(path, "rb") as file:
        return file.read(8).startswith(tuple(_MAGIC))


def _whole(path: str | os.PathLike) -> tuple[bytes, str]:
    """Return the bytes and the kind of a picture that is complete and not too large."""
    data = Path(path).read_bytes()
    kind = _kind(data, path)
    # Decoders would fill up with grey.
    if kind in _IS_CUT and _IS_CUT[kind](data):
        raise ValueError(f"{path} is truncated: its {kind} data ends too early. Copy or download the file again.")
    if kind == "PNG":
        _check_png(data, path)
    if kind == "BMP":
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
        check_size((abs(height), abs(width)), path, bits / 8)
    return data, kind


def _kind(data: bytes, path: str | os.PathLike) -> str:
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    raise ValueError(
        f"{path} is not a scan that medzoo can read: it is no PNG, JPEG, TIFF or BMP, whatever its suffix says. "
        "Give it the suffix of its format, or convert the file to one of them."
    )


_IS_CUT = {
    "JPEG": is_cut_jpeg,
    "PNG": lambda data: data.rfind(b"IEND\xaeB`\x82") < 0,
    "BMP": lambda data: len(data) < 54 or int.from_bytes(data[2:6], "little") > len(data),
}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}


def _check_png(data: bytes, path: str | os.PathLike) -> None:
    """Refuse a PNG that is too large, or one of whose checksums is wrong: decoders pass over some of them."""
    # Without Pillow, which a prediction through ONNX does not load.
    content, place, kind = memoryview(data), 8, b""
    try:
        width, height, bits, colours = struct.unpack_from(">IIBB", data, 16)
        check_size((height, width), path, bits * _PNG_CHANNELS.get(colours, 4) / 8)
        while kind != b"IEND":
            length, kind = struct.unpack_from(">I4s", data, place)
            end = place + 8 + length
            if struct.unpack_from(">I", data, end)[0] != zlib.crc32(content[place + 4 : end]):
                raise damaged(path, f"the checksum of its part {kind.decode('latin-1')!r} is wrong")
            place = end + 4
    except struct.error as error:
        raise damaged(path, f"its PNG data is damaged: {error}") from error


def _plugin(kind: str) -> type:
    from PIL.BmpImagePlugin import BmpImageFile
    from PIL.JpegImagePlugin import JpegImageFile
    from PIL.PngImagePlugin import PngImageFile
    from PIL.TiffImagePlugin import TiffImageFile

    # Not Image.open, which has a limit of its own.
    return {"BMP": BmpImageFile, "JPEG": JpegImageFile, "PNG": PngImageFile, "TIFF": TiffImageFile}[kind]


def _decode(data: bytes, kind: str, path: str | os.PathLike) -> np.ndarray:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise damaged(path, error) from error
    if pixels is None:
        raise damaged(path, f"its {kind} data is damaged or of a kind that OpenCV does not decode")
    if kind == "PNG" and data[25] in (0, 4):
        # Colour types grey and grey with alpha; OpenCV returns the latter as three equal channels.
        return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., :1])
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])


def write_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write uint8 `(height, width, 3)` in RGB order, or `(height, width)`, as PNG."""
    data = cv2.imencode(".png", image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    with atomic_file(Path(path)) as temporary:
        temporary.write_bytes(data)


def write_png_mask(path: str | os.PathLike, mask: np.ndarray, scan: Scan, count: int) -> None:
    """Write label `i` of `count` as the grey value `i * (255 // (count - 1))`."""
    write_png(path, mask.astype(np.uint8) * (255 // max(1, count - 1)))


def write_png_heatmap(path: str | os.PathLike, heatmap: np.ndarray, scan: Scan) -> None:
    """Write 0 to 1 as the grey values 0 to 255."""
    write_png(path, np.rint(255 * heatmap).astype(np.uint8))
