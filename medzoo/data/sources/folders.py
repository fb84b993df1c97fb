"""Images in folders, found by names: class folders to Samples, folders of splits, pairs of image and mask."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from medzoo.data.samples import SPLITS, Samples
from medzoo.data.sources.checks import (
    SPLIT_NAMES,
    Classes,
    Patient,
    check_classes,
    check_files,
    class_table,
    kept_splits,
    logger,
    refuse,
)
from medzoo.data.sources.patients import patients_of
from medzoo.io import DicomSeries, as_image, find_scans
from medzoo.io.find import is_junk, natural
from medzoo.io.formats import by_suffix, stem_of

# The name of a mask beside its image: that of the image and a word such as `_mask`.
MASK_NAME = re.compile(r"(.+)_(?:labels?|masks?|seg|segmentation|gt)(?:_\d+)?")


class ClassFolder(NamedTuple):
    """A folder with the images of one class, and the split that its parent is named after."""

    split: str
    name: str
    path: str


def from_folders(
    folder: str | os.PathLike, labels: Classes = None, patient: Patient = None, split: str | None = None
) -> Samples:
    """Read folders named after classes, whose images and volumes become the rows of a classification.

    The class folders lie in `folder`, or in folders of the splits: train (training), valid (val, validation) and test
    (testing), in upper or lower case. Subfolders are searched as well; a DICOM series is one image. Masks beside their
    images (`1_mask.png` beside `1.png`) are left out.

    Args:
        folder: The folder.
        labels: None: every class folder is a label, in natural order. A sequence: these class folders, in this order. A
            mapping of label to class folders: its folders become that label. Other class folders are left out.
        patient: Returns the patient for a file name (a path below the class folder); or a regular expression whose
            match is the patient. By default a CSV or Parquet table in the folder says it, with a column of files (file,
            image, filename: a name, or a path below the folder) and one of patients (group, patient, patient_id, ...),
            or the column that `patient` names; where there is none, the PatientID in the headers of DICOM files, by a
            hash of it. Else, and for "", each image is its own patient.
        split: "" leaves out the parts that folders name.

    Returns:
        One row per image, ordered by split, folder and name; `targets` are indices into `labels`.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: A class folder is empty, there are fewer than two classes, train lacks a class of another split, or
            a patient is in two splits.

    Example:
        >>> data = medzoo.data.from_folders("brain_mri")
        >>> data.labels
        ('glioma', 'meningioma', 'notumor', 'pituitary')
    """
    folder = os.fspath(folder)
    folders = class_folders(folder)
    names, index = class_table((place.name for place in folders), labels, folder)
    _warn_of_left_out(folder, [place for place in folders if place.name not in index])
    rows = [(place, scan) for place in folders if place.name in index for scan in _scans(place)]
    images = tuple(scan for _, scan in rows)
    sources = tuple(map(str, images))
    targets = tuple(index[place.name] for place, _ in rows)
    splits = kept_splits([place.split for place, _ in rows], split) or ()
    check_classes(targets, splits, names, folder)
    files = [os.path.relpath(source, place.path) for source, (place, _) in zip(sources, rows, strict=True)]
    return Samples(images, targets, patients_of(images, files, patient, folder, splits), splits, names)


def class_folders(folder: str) -> list[ClassFolder]:
    """List the class folders, in the order of splits and names.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    return [ClassFolder(split, name, path) for split, part in _parts(folder) for name, path in subfolders(part).items()]


def _parts(folder: str) -> list[tuple[str, str]]:
    return [part for part in split_folders(folder) if subfolders(part[1])] or [("", folder)]


def split_folders(folder: str) -> list[tuple[str, str]]:
    """Return (split, path) of the folders in `folder` that are named after splits, in the order train, valid, test.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"There is no folder '{folder}'. Check the path; the working folder is {os.getcwd()}.")
    named = [
        (SPLIT_NAMES[name.lower()], path) for name, path in subfolders(folder).items() if name.lower() in SPLIT_NAMES
    ]
    return sorted(named, key=lambda part: SPLITS.index(part[0]))


def subfolders(folder: str) -> dict[str, str]:
    """Return the paths of the folders in a folder by their names, in natural order, without `__MACOSX` and its like."""
    with os.scandir(folder) as entries:
        paths = {entry.name: entry.path for entry in entries if entry.is_dir() and not is_junk(entry.name)}
    return {name: paths[name] for name in sorted(sorted(paths), key=natural)}


def _scans(place: ClassFolder) -> list[str | DicomSeries]:
    try:
        scans = find_scans(place.path)
    except FileNotFoundError as error:
        raise ValueError(
            f"The class folder '{place.path}' is empty. Add images to it, or name the other classes with `labels`."
        ) from error
    stems = {stem_of(scan) for scan in scans}
    kept = [scan for scan in scans if not ((mask := MASK_NAME.fullmatch(stem_of(scan))) and mask[1] in stems)]
    if len(kept) < len(scans):
        logger.warning("%s: %d masks beside their images are left out.", place.path, len(scans) - len(kept))
    return kept


def _warn_of_left_out(folder: str, unnamed: list[ClassFolder]) -> None:
    """Warn of what becomes no row: images beside the class folders, folders beside the splits, unnamed classes."""
    parts = _parts(folder)
    loose = [name for part in {folder, *(path for _, path in parts)} for name in os.listdir(part)]
    loose = [name for name in loose if by_suffix(name) and not is_junk(name)]
    used = {path for _, path in parts}
    beside = [] if folder in used else [path for path in subfolders(folder).values() if path not in used]
    if loose:
        logger.warning("%s: %d images beside the class folders are left out.", folder, len(loose))
    for path in (*beside, *(place.path for place in unnamed)):
        logger.warning("The folder %s is left out.", path)


_IMAGES, _MASKS = "images", ("labels", "masks")
# Names of nnU-Net and the Medical Segmentation Decathlon: imagesTr, labelsTr.
_ENDINGS = {"tr": "train", "ts": "test"}
_ACCEPTED = (
    "Expected images/ and labels/ (or masks/; imagesTr/ and labelsTr/) with equal file names, or masks beside their "
    "images: case.nii.gz and case_labels.nii.gz (_label, _mask, _seg, _gt)"
)


class Pair(NamedTuple):
    """An image, its mask, their split, and the path of the image below its folder."""

    image: str | DicomSeries
    mask: str
    split: str
    name: str


def find_pairs(folder: str) -> list[Pair]:
    """List the pairs in a folder.

    Raises:
        FileNotFoundError: There is no such folder, or no pair in it.
        ValueError: Images have no mask, or masks no image; the message names them.
    """
    parts = [(split, path) for split, path in split_folders(folder) if has_pairs(path)] or [("", folder)]
    if not has_pairs(parts[0][1]):
        raise FileNotFoundError(f"'{folder}' holds no pairs of image and mask. {_ACCEPTED}.")
    return [pair for split, path in parts for pair in _pairs_in(path, split)]


def has_pairs(folder: str) -> bool:
    """Return whether a folder is laid out as pairs of image and mask; only names are looked at."""
    if _paired_folders(folder):
        return True
    stems: set[str] = set()
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_junk(name)]
        # A folder may be an image as well: a DICOM series.
        names = [*folders, *(stem_of(file) for file in files if by_suffix(file) and not is_junk(file))]
        stems.update(os.path.join(parent, name) for name in names)
    return any((mask := MASK_NAME.fullmatch(stem)) and mask[1] in stems for stem in stems)


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


def _pairs_in(folder: str, split: str) -> list[Pair]:
    folders = _paired_folders(folder)
    if not folders:
        scans = _by_name(folder)
        image_of = {name: match[1] for name in scans if (match := MASK_NAME.fullmatch(name))}
        several = [name for name, count in Counter(image_of.values()).items() if count > 1]
        refuse(several, f"{len(several)} images in '{folder}' have several masks", "Join the masks of an image in one.")
        masks = {image: scans[mask] for mask, image in image_of.items()}
        return _match({name: scan for name, scan in scans.items() if name not in image_of}, masks, folder, split)
    return [
        pair
        for ending, (images, masks) in folders.items()
        for pair in _match(
            _by_name(images), _by_name(masks), images, split or (_ENDINGS.get(ending, "") if len(folders) > 1 else "")
        )
    ]


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


def _match(
    images: Mapping[str, str | DicomSeries], masks: Mapping[str, str | DicomSeries], folder: str, split: str
) -> list[Pair]:
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
