"""Volumes and their masks in files to Samples, with the labels that `dataset.json` names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from medzoo.data.samples import Samples
from medzoo.data.sources.checks import Patient, kept_splits
from medzoo.data.sources.masks import (
    MaskTarget,
    PictureTarget,
    SegmentationTarget,
    as_labels,
    mask_labels,
    picture_values,
)
from medzoo.data.sources.pairs import find_pairs, listed_pairs
from medzoo.data.sources.patients import patients_of
from medzoo.files import read_json
from medzoo.io import ChannelImage, DicomSeries, as_image, read_scan, restore
from medzoo.io.channels import Channels, check_channel_grids
from medzoo.io.dicom.annotations import segment_names
from medzoo.io.formats import DICOM, NIFTI, PICTURE, by_suffix
from medzoo.io.grid import Grid, display_axes
from medzoo.io.nifti import nifti_grid
from medzoo.task.segmentation import IGNORED


@dataclass(frozen=True)
class VolumeTarget(MaskTarget):
    """The mask of a volume: a NIfTI file in the grid of its image, stored in any axes.

    Args:
        path: The NIfTI file.
        names: Label names, background first: its values are indices into them.
        image: The image, NIfTI or DICOM, or one of channels, whose grid the mask must have.
        codes: What the values mean where they are not label indices, as in `MaskLabels`.
    """

    path: str
    names: tuple[str, ...]
    image: Any = None
    codes: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return self.path

    def own_file(self) -> str:
        """Return its path."""
        return self.path

    @cached_property
    def _grids(self) -> tuple[Grid, Grid | None]:
        return nifti_grid(self.path), None if self.image is None else as_image(self.image).grid()

    @cached_property
    def _axes(self) -> np.ndarray | None:
        """The orientation in which the image is displayed; None where no header says how the volume lies."""
        own, image = self._grids
        return display_axes(image or own)

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(depth, height, width) in display order, from the header."""
        width, height, depth = self._grids[0].turned(self._axes).shape
        return depth, height, width

    def mismatch(self) -> str | None:
        """Return how the grids of mask and image differ by their headers; None where they agree."""
        own, image = self._grids
        if image is None or own.agrees(image) or own.turned(self._axes).agrees(image.turned(self._axes)):
            return None
        return f"{self.path} has {own}, its image {self.image} {image}"

    def read(self) -> np.ndarray:
        """Return the label indices (depth, height, width), uint8, in the display order of the image."""
        mismatch = self.mismatch()
        if mismatch:
            raise ValueError(f"{mismatch}. Resample the mask to the image.")
        scan = read_scan(self.path)
        if scan.channels > 1:
            raise ValueError(f"{self.path} has {scan.channels} channels; expected one label for each voxel.")
        stored = restore(as_labels(scan.array[..., 0], self.names, self.path, self.codes), scan)
        return np.ascontiguousarray(self._grids[0].turn(stored, self._axes).T)


Labels = str | Sequence[str] | None


def from_volumes(
    source: str | os.PathLike | tuple[Sequence[str | DicomSeries], Sequence[str]],
    labels: Labels = None,
    patient: Patient = None,
    split: str | None = None,
    channels: Channels = None,
) -> Samples:
    """Read pairs of image and mask, NIfTI or DICOM volumes or pictures, as the rows of a segmentation.

    A folder holds `images/` and `labels/` (or `masks/`) with equal file names, also as `imagesTr/` and `labelsTr/`; or
    masks beside their images, `case.nii.gz` and `case_labels.nii.gz` (`_label`, `_mask`, `_seg`, `_gt`), at any depth.
    Folders train, valid and test, around such content or inside `images/` and `labels/`, become splits.

    Masks of volumes are NIfTI files in the grid of their image, in any axes. This is checked at once for NIfTI images,
    for DICOM when a mask is read. In two lists a DICOM series may also have a DICOM Segmentation that refers to it.
    Masks of pictures are pictures of label indices, or of 0 and 255.

    Args:
        source: The folder; or images and masks, two lists of paths in one order.
        labels: Label names, background first; or the name of the only structure. By default those of `dataset.json` in
            the folder (MSD, nnU-Net), or background and foreground where masks are pictures of 0 and 255. The value
            that nnU-Net's `dataset.json` ignores is ignored in either case.
        patient: As in `from_folders`, for a path below the folder of the images.
        split: "" leaves out the parts that folders name.
        channels: Names of the channels of an image, where they lie in several files: `case_flair.nii.gz`,
            `case-t1c.nii.gz`, `case/t2.nii.gz`, or numbered as `case_0000.nii.gz`. By default those of `dataset.json`
            (MSD's files of four dimensions, nnU-Net), or what stands behind the name of a mask in several file names.
            Give some of them to leave out the others.

    Returns:
        One row per image; `targets` are read when `.mask(size)` is called.

    Raises:
        FileNotFoundError: There is no such folder, or no pair in it.
        ValueError: Masks or images are missing, grids differ, labels are not known, or a patient is in two splits.

    Example:
        >>> data = medzoo.data.from_volumes("hippocampus", labels=("background", "anterior", "posterior"))
        >>> data[0].target.mask().shape == data[0].target.shape
        True
    """
    pairs = listed_pairs(*source) if isinstance(source, tuple) else find_pairs(os.fspath(source), channels)
    folder = None if isinstance(source, tuple) else os.fspath(source)
    names = None if labels is None else mask_labels(labels)
    described = described_labels(folder, names) if folder else None
    described = described or MaskLabels(names or guessed_labels(pairs[0].mask))
    targets = tuple(mask_target(pair.mask, described.names, pair.image, described.codes) for pair in pairs)
    images = tuple(pair.image for pair in pairs)
    check_channel_grids(images)
    check_grids(targets)
    splits = kept_splits([pair.split for pair in pairs], split) or ()
    patients = patients_of(images, [pair.name for pair in pairs], patient, folder, splits)
    return Samples(images, targets, patients, splits, described.names)


def mask_target(
    mask: str, names: tuple[str, ...], image: Any = None, codes: tuple[int, ...] | None = None
) -> VolumeTarget | PictureTarget | SegmentationTarget:
    """Return the target for a mask file, `codes` as in `MaskLabels`.

    Raises:
        ValueError: The file is neither NIfTI nor a picture nor DICOM.
    """
    if by_suffix(mask) is DICOM:
        return SegmentationTarget(mask, names, image)
    if by_suffix(mask) is NIFTI:
        return VolumeTarget(mask, names, image, codes)
    if by_suffix(mask) is PICTURE:
        return PictureTarget(mask, names, codes)
    raise ValueError(f"The mask {mask} is neither NIfTI, DICOM nor a picture. Convert it to .nii.gz or .png.")


def check_grids(targets: Sequence[MaskTarget]) -> None:
    """Refuse masks that are not in the grid of their NIfTI image.

    Raises:
        ValueError: There are some; the message holds both grids of the first.
    """
    volumes = [target for target in targets if isinstance(target, VolumeTarget) and _is_nifti(target.image)]
    odd = [mismatch for target in volumes if (mismatch := target.mismatch())]
    if odd:
        raise ValueError(f"{len(odd)} masks are not in the grid of their image. {odd[0]}. Resample them to the images.")


def _is_nifti(image: Any) -> bool:
    return by_suffix(image.parts[0] if isinstance(image, ChannelImage) else image) is NIFTI


def guessed_labels(mask: str) -> tuple[str, ...]:
    """Return background and foreground for a mask that is a picture of 0 and 255.

    Raises:
        ValueError: It is any other mask; the message shows its values.
    """
    if by_suffix(mask) is DICOM:
        return segment_names(mask)
    is_volume = by_suffix(mask) is NIFTI
    values = np.unique(read_scan(mask).array if is_volume else picture_values(mask)).tolist()
    if not is_volume and set(values) <= {0, 255}:
        return "background", "foreground"
    raise ValueError(
        f"The names of the labels are not known. '{mask}' holds the values {', '.join(f'{v:g}' for v in values[:20])}. "
        "Give `labels`, the background first, for example labels=('background', 'anterior', 'posterior')."
    )


# Larger than any value of a mask: label images have 16 bits at most.
_MOST = 2**16
_IGNORE = "ignore"


class MaskLabels(NamedTuple):
    """What the values in masks mean.

    Args:
        names: Label names, background first.
        codes: Label index of each value from 0 on, 255 for a value to ignore, -1 for a value that no label has; None
            where the values are the indices.
    """

    names: tuple[str, ...]
    codes: tuple[int, ...] | None = None


def described_labels(folder: str, names: tuple[str, ...] | None = None) -> MaskLabels | None:
    """Return the labels in the `dataset.json` of MSD ({"0": "background"}) or nnU-Net ({"background": 0}).

    nnU-Net's regions, `"vessels": [1, 2]`, become one label where no two of them hold the same value. The pixels of
    its label "ignore" count neither in the loss nor in the scores.

    Args:
        folder: The folder.
        names: Label names that win over those in the file; the file still says which value is ignored.

    Returns:
        The labels; None where neither `names` nor a file gives them.

    Raises:
        ValueError: The file is damaged, regions overlap, or there is not one name for each of the values.

    Source: https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/region_based_training.md and ignore_label.md
    """
    file = os.path.join(folder, "dataset.json")
    content = read_json(file) if os.path.isfile(file) else {}
    table = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(table, dict):
        return None if names is None else MaskLabels(names)
    pairs = [(str(name), _index(key)) for key, name in table.items()] if "0" in table else list(table.items())
    rows = [(name, _values(file, name, entry)) for name, entry in pairs if names is None or name == _IGNORE]
    indices = {value: IGNORED for name, values in rows if name == _IGNORE for value in values}
    if names is not None:
        return MaskLabels(names, _codes(file, indices | {index: index for index in range(len(names))}, names))
    names = _names(file, table, rows)
    indices |= {value: names.index(name) for name, values in rows if name != _IGNORE for value in values}
    return MaskLabels(names, _codes(file, indices, names))


def _values(file: str, name: str, entry: Any) -> tuple[int, ...]:
    """Return the values of a label: one, or those of a region."""
    values = entry if isinstance(entry, list) and name != _IGNORE else [entry]
    # Not `isinstance`, since True is an int as well.
    if not values or not all(type(value) is int and 0 <= value < _MOST for value in values):
        raise ValueError(
            f"{file}: the label '{name}' must have one whole number from 0 on"
            f"{'' if name == _IGNORE else ', or a list of them for a region'}. Received: {entry!r}. Correct the file."
        )
    return tuple(values)


def _index(key: str) -> int | str:
    return int(key) if key.isdecimal() else key


def _names(file: str, table: dict[str, Any], rows: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[str, ...]:
    """Return the names of the labels in the order of their smallest value."""
    owner: dict[int, str] = {}
    for name, values in rows:
        for value in values:
            if owner.setdefault(value, name) != name:
                raise ValueError(
                    f"{file}: the labels '{owner[value]}' and '{name}' both hold the value {value}. A mask gives each "
                    "pixel one label, so regions must not overlap. Give one name for each value in the masks by "
                    "`labels`, for example labels=('background', 'edema', 'core', 'enhancing')."
                )
    if sorted(owner) != list(range(len(owner))):
        raise ValueError(f"{file} has the labels {table}; expected one name for each of 0, 1, 2, ... Give `labels`.")
    return mask_labels([name for name, values in sorted(rows, key=lambda row: min(row[1])) if name != _IGNORE])


def _codes(file: str, indices: dict[int, int], names: tuple[str, ...]) -> tuple[int, ...] | None:
    if IGNORED in indices.values() and len(names) > IGNORED:
        raise ValueError(f"{file}: with values to ignore there can be {IGNORED} labels at most; got {len(names)}.")
    codes = tuple(indices.get(value, -1) for value in range(max(indices) + 1))
    return None if codes == tuple(range(len(names))) else codes
