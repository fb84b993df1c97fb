"""Which files of a folder are the channels of one image."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medzoo.files import read_json
from medzoo.io.find import OnError, find_scans, natural
from medzoo.io.formats import NIFTI, by_suffix, stem_of
from medzoo.io.grid import display_axes
from medzoo.io.nifti import nifti_grid
from medzoo.io.read import SEPARATORS, ChannelImage, as_image

logger = logging.getLogger("medzoo")

# nnU-Net numbers the channels of a case: liver_012_0000.nii.gz, liver_012_0001.nii.gz.
_NUMBERED = re.compile(r"(.+)_(\d{4})", re.DOTALL)


def case_and_channel(path: object, names: Sequence[str]) -> tuple[str, int] | None:
    """Return the case that a file belongs to, and which channel of it the file is; None where its name does not say.

    The name of a channel stands at the end, behind the case: `case_flair.nii.gz`, `BraTS-001-t1c.nii.gz`,
    `case/t2.nii.gz`; or its number does, in four digits: `case_0001.nii.gz`.

    Args:
        path: Path of a file, or of the folder of a series.
        names: Names of the channels.

    Example:
        >>> case_and_channel("brain_0001.nii.gz", ("flair", "t1")), case_and_channel("brain-T1.nii", ("flair", "t1"))
        (('brain', 1), ('brain', 1))
    """
    stem = stem_of(path)
    for number, name in enumerate(names):
        case = stem[: len(stem) - len(name)]
        if stem.lower().endswith(name.lower()) and case.endswith(tuple(SEPARATORS)) and case.rstrip(SEPARATORS):
            return case[:-1], number
    match = _NUMBERED.fullmatch(stem)
    return (match[1], int(match[2])) if match and int(match[2]) < len(names) else None


def join_channels(scans: Iterable[Any], names: Sequence[str]) -> tuple[dict[str, ChannelImage], list[Any]]:
    """Join the files that are the channels of one case.

    Args:
        scans: Entries of `find_scans`.
        names: Names of the channels.

    Returns:
        The images by their case, in natural order of the scans, and the scans that are no channel.

    Raises:
        FileNotFoundError: A case lacks a channel; the message names both.
        ValueError: Two files are the same channel of a case.
    """
    cases: dict[str, dict[int, Any]] = {}
    others = []
    for scan in scans:
        place = case_and_channel(scan, names)
        if place is None:
            others.append(scan)
            continue
        case, number = place
        if number in cases.setdefault(case, {}):
            raise ValueError(
                f"{cases[case][number]} and {scan} are both the channel {names[number]} of {case}. Keep one of them."
            )
        cases[case][number] = scan
    return {case: _image(case, found, names) for case, found in cases.items()}, others


def _image(case: str, found: dict[int, Any], names: Sequence[str]) -> ChannelImage:
    lacking = [f"{names[number]} ({case}_{number:04d})" for number in range(len(names)) if number not in found]
    if lacking:
        present = ", ".join(str(scan) for scan in found.values())
        raise FileNotFoundError(
            f"The case {case} lacks {len(lacking)} of its {len(names)} channels: {', '.join(lacking)}. "
            f"It has {present}. Add the files, or leave the case out."
        )
    return ChannelImage(tuple(found[number] for number in range(len(names))), tuple(names), case)


def cases_in(folder: str | os.PathLike, names: Sequence[str], on_error: OnError | None = None) -> list[Any]:
    """Return what a model of several channels can predict in a folder: the cases, or else the scans as they are.

    Other scans beside cases, such as their masks, are passed over with a warning.

    Raises:
        FileNotFoundError: There is no scan, or a case lacks a channel.
    """
    scans = find_scans(folder, on_error)
    cases, others = join_channels(scans, names)
    if not cases:
        return scans
    if others:
        warnings.warn(
            f"{folder}: {len(others)} scans are no channel of a case ({', '.join(names)}), such as {others[0]}; "
            "passed over.",
            stacklevel=2,
        )
    return list(cases.values())


def with_channels(source: Any, names: Sequence[str]) -> Any:
    """Return the image of all channels for one of its files, for the folder of a case, or for a file that holds them.

    Anything else is returned as it is.

    Args:
        source: What `medzoo.read_scan` takes.
        names: Names of the channels that the model takes.

    Raises:
        FileNotFoundError: The case lacks a channel.
    """
    if not isinstance(source, str | os.PathLike) or len(names) < 2 or not os.path.exists(source):
        return source
    path = os.fspath(source)
    if os.path.isdir(path):
        cases = cases_in(path, names)
        return cases[0] if len(cases) == 1 and isinstance(cases[0], ChannelImage) else source
    if by_suffix(path) is NIFTI and len(nifti_grid(path).shape) > 3:
        return ChannelImage((path,), tuple(names), stem_of(path))
    place = case_and_channel(path, names)
    if place is None:
        return source
    beside = [os.path.join(os.path.dirname(path), name) for name in sorted(os.listdir(os.path.dirname(path) or "."))]
    own = [file for file in beside if by_suffix(file) and (case_and_channel(file, names) or ("",))[0] == place[0]]
    return join_channels(own, names)[0][place[0]]


Channels = str | Sequence[str] | None


def stated_channels(folder: str | None, channels: Channels) -> tuple[str, ...]:
    """Return the names of the channels of the images in a folder; none where nothing says that there are several.

    Args:
        folder: The folder, whose `dataset.json` may name them (nnU-Net's `channel_names`, `modality` of MSD).
        channels: What the user says; it wins.

    Raises:
        ValueError: Names are empty or equal, or the file is damaged.
    """
    if channels is not None:
        names = (channels,) if isinstance(channels, str) else tuple(channels)
        if len({name.lower() for name in names}) < len(names) or not all(names) or not names:
            raise ValueError(f"`channels` must be different names. Received: {channels!r}.")
        return names
    file = os.path.join(folder or "", "dataset.json")
    content = read_json(file) if folder is not None and os.path.isfile(file) else {}
    table = content.get("channel_names", content.get("modality")) if isinstance(content, dict) else None
    if not isinstance(table, dict):
        return ()
    if sorted(table) != sorted(map(str, range(len(table)))):
        raise ValueError(f"{file}: the channels must be numbered 0, 1, 2, ... Received: {table!r}. Correct the file.")
    names = tuple(str(table[str(number)]) for number in range(len(table)))
    # nnU-Net names channels by how they are normalised, so that several may have one name.
    is_unique = len({name.lower() for name in names}) == len(names)
    return names if is_unique else tuple(f"{number}_{name}" for number, name in enumerate(names))


def join_images(
    images: Mapping[str, Any], cases: Iterable[str], stated: Sequence[str], is_asked_for: bool
) -> dict[str, Any]:
    """Join the images of a folder that are the channels of one case.

    Args:
        images: The images by their path in the folder without suffix.
        cases: The names of the masks, each of which is a case.
        stated: Names of the channels, as of `stated_channels`; where there are none, the files beside or behind the
            name of a case say them: `case_0000`, `case_0001`; `case_flair`, `case_t1`; `case/flair`, `case/t1`.
        is_asked_for: Whether the user named them.

    Returns:
        The images by the names of their cases; as they are where there are no channels.

    Raises:
        FileNotFoundError: A case lacks a channel.
        ValueError: Two files are the same channel of a case.
    """
    names = tuple(stated) or _found_channels(images, cases)
    if len(names) < 2 and not is_asked_for:
        return dict(images)
    several = [name for name, image in images.items() if _has_channels(image)]
    numbers = {place[1] for image in images.values() if (place := case_and_channel(image, names))}
    if not several and numbers <= {0} and not is_asked_for:
        return dict(images)
    joined, others = join_channels([image for name, image in images.items() if name not in several], names)
    if others:
        logger.warning("%d images are no channel (%s), such as %s; left out.", len(others), ", ".join(names), others[0])
    paths = {str(image): name for name, image in images.items()}
    named = {_case(paths[str(image.parts[0])], names): image for image in joined.values()}
    return named | {name: ChannelImage((images[name],), names) for name in several}


def _case(name: str, names: Sequence[str]) -> str:
    place = case_and_channel(name, names)
    return place[0] if place else name


def _found_channels(images: Mapping[str, Any], cases: Iterable[str]) -> tuple[str, ...]:
    """Return what stands behind the name of a case in the names of its images, where these are several."""
    for case in cases:
        behind = [match[1] for name in images if (match := re.fullmatch(re.escape(case) + r"[_\-./ ](\w+)", name))]
        if len(behind) > 1:
            return tuple(sorted(behind, key=natural))
    return ()


def _has_channels(image: Any) -> bool:
    return by_suffix(image) is NIFTI and len(nifti_grid(str(image)).shape) > 3


def check_channel_grids(images: Iterable[Any]) -> None:
    """Refuse images whose channels have several sizes, by the headers of their files.

    Raises:
        ValueError: There are some; the message has both grids of the first.
    """
    odd = [text for image in images if isinstance(image, ChannelImage) and (text := _mismatch(image))]
    if odd:
        raise ValueError(
            f"{len(odd)} images have channels in several grids. {odd[0]}. Register and resample them to the first one."
        )


def _mismatch(image: ChannelImage) -> str | None:
    (first, grid), *others = [(part, as_image(part).grid()) for part in image.parts]
    axes = None if grid is None else display_axes(grid)
    for part, other in others:
        # Files may store one grid in several axes; where it lies in mm is compared when they are read.
        if grid is not None and other is not None and other.turned(axes).shape != grid.turned(axes).shape:
            return f"{part} has {other}, {first} {grid}"
    return None
