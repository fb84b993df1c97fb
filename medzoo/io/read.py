"""One door for every kind of scan."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.io.arrays import ArrayImage, ReadImage
from medzoo.io.find import find_scans, missing
from medzoo.io.formats import EXPECTED, Format, format_of, stem_of
from medzoo.io.grid import Grid, check_same_grid
from medzoo.io.image import Image, Scan, check_pixels, damaged, files_below
from medzoo.io.nifti import read_vectors
from medzoo.io.tensors import as_array

if TYPE_CHECKING:
    from medzoo.preprocessing import Preprocessing
    from medzoo.preprocessing.windows import Windows

# What stands between the name of a case and that of its channel.
SEPARATORS = "_-. /"


def read_scan(source: str | os.PathLike | Image | np.ndarray, at_least: tuple[int, ...] | None = None) -> Scan:
    """Read a picture, a DICOM file or series, a NIfTI file, or take an array.

    Args:
        source: Path of a PNG, JPEG, TIFF, BMP, DICOM or NIfTI file; several paths with commas between them, whose files
            are the channels of one image; a folder that holds exactly one scan; an entry of `find_scans`; a Scan, which
            is returned; an object with a method `read(at_least)` that returns one; or an array `(height, width)`,
            `(height, width, channels)`, `(depth, height, width)` or `(depth, height, width, channels)`. In three axes a
            last one of up to 4 means channels.
        at_least: Height and width in pixels that the caller needs; large JPEGs are then decoded at reduced scale.

    Returns:
        The pixels, channels last, as uint8, uint16, int16 or float32, with what leads back to the file's own grid.

    Raises:
        FileNotFoundError: There is no such file, or no scan in the folder.
        ValueError: The content cannot be used; the message names the file and the fix.
        TypeError: `source` is neither a path nor an array.
        ImportError: A compressed DICOM file needs a package that is not installed.

    Example:
        >>> read_scan(numpy.zeros((64, 48))).array.shape
        (64, 48, 1)
    """
    return as_image(source).read(at_least)


def as_image(source: Any) -> Image:
    """Return the image for what a user passed: the one place that tells paths, arrays and images apart.

    Args:
        source: What `read_scan` takes.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        files = path.split(",")
        if len(files) > 1 and not os.path.exists(path) and any(map(os.path.exists, files)):
            return ChannelImage(tuple(files))
        return FileImage(path)
    if isinstance(source, Image):
        return source
    if hasattr(source, "read"):
        return ReadImage(source)
    if hasattr(source, "__array__"):
        return ArrayImage(as_array(source))
    raise TypeError(f"A scan must be a path or an array; got {type(source).__name__}. Convert it with numpy.asarray.")


@dataclass(frozen=True)
class FileImage(Image):
    """An image in a file, or the only one in a folder."""

    source: str

    def __str__(self) -> str:
        return self.source

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Read the file by the reader of its format."""
        path = Path(self.source)
        if not path.exists():
            raise FileNotFoundError(missing(path))
        if path.is_dir():
            return _only_scan(path).read(at_least)
        if not path.is_file():
            raise ValueError(f"{path} is a pipe, socket or device; expected a file. Write its content to a file first.")
        if path.stat().st_size == 0:
            raise ValueError(f"{path} is empty (0 bytes). Copy or download the file again.")
        row = format_of(path)
        if row is None:
            raise ValueError(
                f"{path} is not a scan that medzoo can read. Expected {EXPECTED}; convert the file to one of them."
            )
        return _read(row, path, at_least)

    def paths(self) -> tuple[str, ...]:
        """Return its path, or those of the files in the folder."""
        return files_below(self.source)

    def grid(self) -> Grid | None:
        """Return the grid of a volume, as its format has it."""
        if os.path.isdir(self.source):
            return _only_scan(Path(self.source)).grid()
        row = format_of(self.source)
        return row.grid(self.source) if row and row.grid else None

    def patient(self) -> str:
        """Return the patient that the header names, where its format has one."""
        if os.path.isdir(self.source):
            return _only_scan(Path(self.source)).patient()
        row = format_of(self.source)
        return row.patient(self.source) if row and row.patient else ""


@dataclass(frozen=True)
class ChannelImage(Image):
    """One image whose channels lie in several files that have one grid: the sequences of an MR scan, PET beside CT.

    Args:
        parts: What `read_scan` takes, one for each channel; or one NIfTI file of four dimensions, which holds them all.
        names: Names of the channels; empty where nobody named them.
        source: What messages and answers call it; by default what the names of the files have in common.

    Raises:
        ValueError: There is not one name for each of several parts.

    Example:
        >>> image = ChannelImage(("case/flair.nii.gz", "case/t1.nii.gz"), ("flair", "t1"))
        >>> image.source
        'case'
    """

    parts: tuple[Any, ...]
    names: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self):
        object.__setattr__(self, "parts", tuple(self.parts))
        object.__setattr__(self, "names", tuple(self.names))
        if not self.parts or (self.names and len(self.parts) not in (1, len(self.names))):
            raise ValueError(f"A channel needs one file and one name. Received: {self.parts} for {self.names}.")
        if not self.source:
            object.__setattr__(self, "source", _common_name([as_image(part).source for part in self.parts]))

    def __str__(self) -> str:
        return self.source

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return the channels side by side, in the grid of the first file.

        Raises:
            ValueError: A file has another grid than the first or several channels; the message names it.
        """
        if len(self.parts) == 1 and self.names:
            return read_vectors(self.parts[0], len(self.names))
        first, *others = scans = [as_image(part).read(at_least) for part in self.parts]
        for scan in others:
            check_same_grid(scan, first)
        # The type of one file in all of them would cut off what another one holds.
        pixels = check_pixels(np.concatenate([_only_channel(scan) for scan in scans], axis=-1), self.source)
        paddings = [scan.padding for scan in scans if scan.padding is not None]
        padding = np.logical_or.reduce(paddings) if paddings else None
        return replace(first, array=pixels, source=self.source, padding=padding)

    def windows(self, preprocessing: Preprocessing, index: int | None = None, every_slice: bool = False) -> Windows:
        """Read the channels that a model takes, in its order, and say which inputs they make."""
        # What the files are called counts only where both have names.
        wanted = preprocessing.channel_names if self.names else None
        scan = self.read(preprocessing.at_least)
        if wanted and wanted != self.names:
            lacking = [name for name in wanted if name not in self.names]
            if lacking:
                raise ValueError(
                    f"{self.source} has no channel {', '.join(lacking)}, which the model takes; it has "
                    f"{', '.join(self.names)}. Name the channels of the data as the model does, by `channels`."
                )
            scan = replace(scan, array=scan.array[..., [self.names.index(name) for name in wanted]])
        if scan.channels != preprocessing.channels:
            raise ValueError(
                f"{self.source} has {scan.channels} channels; the model takes {preprocessing.channels}. "
                "Give the files of just these channels, in their order."
            )
        return preprocessing.windows(scan, index, every_slice)

    def paths(self) -> tuple[str, ...]:
        """Return the paths of the files of all channels."""
        return tuple(path for part in self.parts for path in as_image(part).paths())

    def contents(self) -> Sequence[bytes | memoryview]:
        """Return the digests of the channels in their order, which tells images of exchanged channels apart."""
        return [content for part in self.parts for content in as_image(part).contents()]

    def patient(self) -> str:
        """Return the patient that the headers of the files name.

        Raises:
            ValueError: They name several.
        """
        people = {person for part in self.parts if (person := as_image(part).patient())}
        if len(people) > 1:
            raise ValueError(f"The channels of {self.source} are of {len(people)} patients. Put together those of one.")
        return next(iter(people), "")

    def grid(self) -> Grid | None:
        """Return the grid of the first channel."""
        grid = as_image(self.parts[0]).grid()
        return replace(grid, shape=grid.shape[:3]) if grid else None


def _read(row: Format, path: Path, at_least: tuple[int, ...] | None) -> Scan:
    """Read a file; whatever a library raises becomes an error that names the file."""
    try:
        return row.read(path, at_least)
    except MemoryError as error:
        reason = str(error) or "too large"
        raise ValueError(f"{path} does not fit into memory: {reason}. Crop or resample it first.") from error
    except (ValueError, OSError, ImportError):
        raise
    except Exception as error:
        # Decoders raise nearly anything for damaged data.
        raise damaged(path, error) from error


def _only_channel(scan: Scan) -> np.ndarray:
    """Return the only channel of a scan, of a grey picture that was saved in colours the first.

    Raises:
        ValueError: It has several.
    """
    first = scan.array[..., :1]
    if scan.channels > 1 and not (scan.array[..., :3] == first).all():
        raise ValueError(
            f"{scan.source} has {scan.channels} channels; expected one, as it is itself a channel of an image. "
            "Save each channel in a file of its own."
        )
    return first


def _common_name(sources: Sequence[str]) -> str:
    """Return what the sources of several channels have in common, without half of a word behind it."""
    stems = [stem_of(source.rstrip("/")) for source in sources]
    common = os.path.commonprefix(stems)  # noqa: RUF071
    if not all(stem == common or stem[len(common)] in SEPARATORS for stem in stems):
        common = common[: 1 + max(common.rfind(separator) for separator in SEPARATORS)]
    common = common.rstrip(SEPARATORS)
    return common or "+".join(os.path.basename(stem) for stem in stems)


def _only_scan(path: Path) -> Image:
    scans = find_scans(path)
    if len(scans) > 1:
        raise ValueError(
            f"{path} holds {len(scans)} scans; expected one. Pass one of medzoo.io.find_scans({str(path)!r}), or all."
        )
    return as_image(scans[0])
