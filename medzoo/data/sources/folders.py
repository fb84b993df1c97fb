"""Images in folders: class folders to Samples, folders of splits."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from medzoo.data.samples import SPLITS, Samples
from medzoo.data.sources.checks import (
    SPLIT_NAMES,
    Classes,
    Patient,
    check_classes,
    class_table,
    kept_splits,
    logger,
)
from medzoo.data.sources.patients import patients_of
from medzoo.io import DicomSeries, find_scans
from medzoo.io.channels import Channels, check_channel_grids, join_images, stated_channels
from medzoo.io.find import is_junk, natural
from medzoo.io.formats import by_suffix, stem_of

# The name of a mask beside its image: that of the image and a word such as `_mask`.
MASK_NAME = re.compile(r"(.+)[_\-](?:labels?|masks?|seg|segmentation|gt)(?:_\d+)?")


class ClassFolder(NamedTuple):
    """A folder with the images of one class, and the split that its parent is named after."""

    split: str
    name: str
    path: str


def from_folders(
    folder: str | os.PathLike,
    labels: Classes = None,
    patient: Patient = None,
    split: str | None = None,
    channels: Channels = None,
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
        channels: Names of the channels of an image, where they lie in several files: `case_flair.nii.gz`,
            `case_t1.nii.gz`, or numbered as `case_0000.nii.gz`.

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
    rows = [(place, scan) for place in folders if place.name in index for scan in _images(place, channels)]
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


def _images(place: ClassFolder, channels: Channels) -> list[Any]:
    scans = _scans(place)
    if channels is None:
        return scans
    joined = list(
        join_images(dict(zip(map(str, scans), scans, strict=True)), (), stated_channels(None, channels), True).values()
    )
    check_channel_grids(joined)
    return joined


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
