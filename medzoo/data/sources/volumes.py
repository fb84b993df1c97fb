"""Volumes and their masks in files to Samples."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medzoo.data.samples import Samples
from medzoo.data.sources.checks import Patient, patients_of
from medzoo.data.sources.dataset_json import MaskLabels, described_labels
from medzoo.data.sources.masks import MaskTarget, PictureTarget, as_labels, mask_labels, picture_values
from medzoo.data.sources.pairs import find_pairs, listed_pairs
from medzoo.io import DicomSeries, as_image, read_scan, restore
from medzoo.io.formats import NIFTI, PICTURE, by_suffix
from medzoo.io.grid import Grid, display_axes
from medzoo.io.nifti import nifti_grid


@dataclass(frozen=True)
class VolumeTarget(MaskTarget):
    """The mask of a volume: a NIfTI file in the grid of its image, in whatever axes it is stored.

    Args:
        path: The NIfTI file.
        names: Label names, background first: its values are indices into them.
        image: The image, NIfTI or DICOM, whose grid the mask must have.
        codes: What the values mean where they are no label indices, as in `MaskLabels`.
    """

    path: str
    names: tuple[str, ...]
    image: str | DicomSeries | None = None
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
    def _axes(self) -> np.ndarray:
        """The orientation in which the image is displayed."""
        own, image = self._grids
        return display_axes(image or own)

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(depth, height, width) in display order, from the header."""
        return self._grids[0].turned(self._axes).shape[::-1]

    def mismatch(self) -> str | None:
        """Return what differs between the grids of mask and image, which headers tell; None where they agree."""
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
) -> Samples:
    """Read pairs of image and mask, NIfTI or DICOM volumes or pictures, as the rows of a segmentation.

    A folder holds `images/` and `labels/` (or `masks/`) with equal file names, also as `imagesTr/` and `labelsTr/`; or
    masks beside their images, `case.nii.gz` and `case_labels.nii.gz` (`_label`, `_mask`, `_seg`, `_gt`), at any depth.
    Folders train, valid and test, around such content or inside `images/` and `labels/`, become splits.

    Masks of volumes are NIfTI files in the grid of their image, in any axes; this is checked now for NIfTI images, at
    reading for DICOM. Masks of pictures are pictures of label indices, or of 0 and 255.

    Args:
        source: The folder; or images and masks, two lists of paths in one order.
        labels: Label names, background first; or the name of the only structure. By default those of `dataset.json` in
            the folder (MSD, nnU-Net), or background and foreground where masks are pictures of 0 and 255. Which value
            nnU-Net's `dataset.json` ignores counts in either case.
        patient: Returns the patient for a file name (a path below the folder); or a regular expression whose match is
            the patient. By default each image is its own patient.

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
    pairs = listed_pairs(*source) if isinstance(source, tuple) else find_pairs(os.fspath(source))
    folder = None if isinstance(source, tuple) else os.fspath(source)
    names = mask_labels(labels)
    described = (folder and described_labels(folder, names)) or MaskLabels(names or guessed_labels(pairs[0].mask))
    targets = tuple(mask_target(pair.mask, described.names, pair.image, described.codes) for pair in pairs)
    check_grids(targets)
    images = tuple(pair.image for pair in pairs)
    patients = patients_of([pair.name for pair in pairs], list(map(str, images)), patient)
    return Samples(images, targets, patients, tuple(pair.split for pair in pairs), described.names)


def mask_target(
    mask: str, names: tuple[str, ...], image: str | DicomSeries | None = None, codes: tuple[int, ...] | None = None
) -> VolumeTarget | PictureTarget:
    """Return the target for a mask file, `codes` as in `MaskLabels`.

    Raises:
        ValueError: The file is neither NIfTI nor a picture.
    """
    if by_suffix(mask) is NIFTI:
        return VolumeTarget(mask, names, image, codes)
    if by_suffix(mask) is PICTURE:
        return PictureTarget(mask, names, codes)
    raise ValueError(f"The mask {mask} is neither NIfTI nor a picture. Convert it to .nii.gz or .png.")


def check_grids(targets: Sequence[VolumeTarget | PictureTarget]) -> None:
    """Refuse masks that are not in the grid of their NIfTI image.

    Raises:
        ValueError: There are some; the message holds both grids of the first.
    """
    volumes = [target for target in targets if isinstance(target, VolumeTarget) and by_suffix(target.image) is NIFTI]
    odd = [mismatch for target in volumes if (mismatch := target.mismatch())]
    if odd:
        raise ValueError(f"{len(odd)} masks are not in the grid of their image. {odd[0]}. Resample them to the images.")


def guessed_labels(mask: str) -> tuple[str, ...]:
    """Return background and foreground for a mask that is a picture of 0 and 255.

    Raises:
        ValueError: It is anything else; the message shows the values in it.
    """
    is_volume = by_suffix(mask) is NIFTI
    values = np.unique(read_scan(mask).array if is_volume else picture_values(mask)).tolist()
    if not is_volume and set(values) <= {0, 255}:
        return "background", "foreground"
    raise ValueError(
        f"The names of the labels are not known. '{mask}' holds the values {', '.join(f'{v:g}' for v in values[:20])}. "
        "Give `labels`, the background first, for example labels=('background', 'anterior', 'posterior')."
    )
