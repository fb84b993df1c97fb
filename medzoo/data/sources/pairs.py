"""Pairs of image and mask, found by the names of files and folders."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medzoo.data.sources.checks import SPLIT_NAMES, check_files, refuse
from medzoo.data.sources.folders import MASK_NAME, split_folders, subfolders
from medzoo.io import DicomSeries, as_image, find_scans
from medzoo.io.channels import Channels, join_images, stated_channels
from medzoo.io.find import is_junk
from medzoo.io.formats import NIFTI, by_suffix, stem_of

_IMAGES, _MASKS = "images", ("labels", "masks")
# Names of nnU-Net and the Medical Segmentation Decathlon: imagesTr, labelsTr.
_ENDINGS = {"tr": "train", "ts": "test"}
_ACCEPTED = (
    "Expected images/ and labels/ (or masks/; imagesTr/ and labelsTr/) with equal file names, or masks beside their "
    "images: case.nii.gz and case_labels.nii.gz (_label, _mask, _seg, _gt)"
)


class Pair(NamedTuple):
    """An image, its mask, their split, and the path of the image below its folder."""

    image: Any
    mask: str
    split: str
    name: str


def find_pairs(folder: str, channels: Channels = None) -> list[Pair]:
    """List the pairs in a folder.

    Args:
        folder: The folder.
        channels: Names of the channels, where those of an image lie in several files.

    Raises:
        FileNotFoundError: There is no such folder, or no pair in it.
        ValueError: Images have no mask, or masks no image; the message names them.
    """
    parts = [(split, path) for split, path in split_folders(folder) if has_pairs(path)] or [("", folder)]
    if not has_pairs(parts[0][1]):
        raise FileNotFoundError(f"'{folder}' holds no pairs of image and mask. {_ACCEPTED}.")
    stated = stated_channels(folder, channels), channels is not None
    return [pair for split, path in parts for pair in _pairs_in(path, split, *stated)]


def has_pairs(folder: str) -> bool:
    """Return whether a folder is laid out as pairs of image and mask; only names are looked at."""
    if _paired_folders(folder):
        return True
    stems: set[str] = set()
    files_of_cases: set[str] = set()
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_junk(name)]
        # A folder may be an image as well: a DICOM series.
        names = [*folders, *(stem_of(file) for file in files if by_suffix(file) and not is_junk(file))]
        stems.update(os.path.join(parent, name) for name in names)
        files_of_cases.update(os.path.join(parent, stem_of(file)) for file in files if by_suffix(file) is NIFTI)
    if any((mask := MASK_NAME.fullmatch(stem)) and mask[1] in stems for stem in stems):
        return True
    masks = {match[1] for stem in files_of_cases if (match := mask_name(stem))}
    return any((place := _SEQUENCE.fullmatch(stem)) and place[1] in masks for stem in files_of_cases - masks)


# A mask in the folder of a case, beside its sequences: case/seg.nii.gz.
_CASE_MASK = re.compile(r"(.+)/(?:labels?|masks?|seg|segmentation|gt)")
# A sequence of a case: case_flair, case-t1c, case/t2.
_SEQUENCE = re.compile(r"(.+)[_\-/](?!(?:labels?|masks?|seg|segmentation|gt)$)[^_\-/]+")


def mask_name(stem: str) -> re.Match[str] | None:
    """Return the match of the path of a mask, whose first group is its image or its case; None for other paths."""
    return MASK_NAME.fullmatch(stem) or _CASE_MASK.fullmatch(stem)


def listed_pairs(images: Sequence[str | DicomSeries], masks: Sequence[str]) -> list[Pair]:
    """Return the pairs of two lists in one order.

    Raises:
        FileNotFoundError: Files are missing.
        ValueError: One list is longer.
    """
    if len(images) != len(masks) or not len(images):
        raise ValueError(f"Images and masks must be as many; got {len(images)} images and {len(masks)} masks.")
    images = [os.fspath(image) if isinstance(image, os.PathLike) else image for image in images]
    files = [*(path for image in images for path in as_image(image).paths()), *map(os.fspath, masks)]
    check_files(files, "the lists")
    rows = zip(images, masks, strict=True)
    return [Pair(image, os.fspath(mask), "", Path(str(image)).name) for image, mask in rows]


def _paired_folders(folder: str) -> dict[str, tuple[str, str]]:
    """Return the folders of images and of masks by the ending of their names: "" for `images`, "tr" for `imagesTr`."""
    inner = {name.lower(): path for name, path in subfolders(folder).items()}
    pairs = {}
    for name, path in inner.items():
        ending = name.removeprefix(_IMAGES)
        masks = next((inner[word + ending] for word in _MASKS if word + ending in inner), None)
        if name.startswith(_IMAGES) and masks:
            pairs[ending] = path, masks
    return pairs


def _pairs_in(folder: str, split: str, channels: Sequence[str], is_asked_for: bool) -> list[Pair]:
    folders = _paired_folders(folder)
    if not folders:
        scans = _by_name(folder)
        image_of = {name: match[1] for name in scans if (match := mask_name(name))}
        several = [name for name, count in Counter(image_of.values()).items() if count > 1]
        refuse(several, f"{len(several)} images in '{folder}' have several masks", "Join the masks of an image in one.")
        masks = {image: scans[mask] for mask, image in image_of.items()}
        images = {name: scan for name, scan in scans.items() if name not in image_of}
        return _match(join_images(images, masks, channels, is_asked_for), masks, folder, split)
    pairs = []
    for ending, (place, masks_place) in folders.items():
        part = split or (_ENDINGS.get(ending, "") if len(folders) > 1 else "")
        masks = _by_name(masks_place)
        pairs += _match(join_images(_by_name(place), masks, channels, is_asked_for), masks, place, part)
    return pairs


def _by_name(folder: str) -> dict[str, str | DicomSeries]:
    """Return the scans of a folder by their path in it without suffix."""
    scans: dict[str, str | DicomSeries] = {}
    twice = []
    for scan in find_scans(folder):
        name = os.path.relpath(stem_of(scan), folder)
        twice += [f"{scans[name]} and {scan}"] if name in scans else []
        scans[name] = scan
    refuse(twice, f"{len(twice)} names in '{folder}' stand for two files", "Keep one of each.")
    return scans


def _match(images: Mapping[str, Any], masks: Mapping[str, str | DicomSeries], folder: str, split: str) -> list[Pair]:
    # nnU-Net appends the number of the channel to the name of an image.
    named = {name if name in masks else name.removesuffix("_0000"): image for name, image in images.items()}
    bare = [str(image) for name, image in named.items() if name not in masks]
    refuse(bare, f"{len(bare)} of {len(named)} images in '{folder}' have no mask", "Add the masks, or move the images.")
    lost = [str(mask) for name, mask in masks.items() if name not in named]
    refuse(lost, f"{len(lost)} masks have no image in '{folder}'", "Add the images, or move the masks.")
    return [
        Pair(image, str(masks[name]), split or _split_in(name), os.path.relpath(str(image), folder))
        for name, image in named.items()
    ]


def _split_in(name: str) -> str:
    """Return the split that the first folder of a path is named after, as in images/train and labels/train."""
    return SPLIT_NAMES.get(Path(name).parts[0].lower(), "") if len(Path(name).parts) > 1 else ""
