"""A data set as rows of image, target, patient and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from medzoo.data.splits import check_patients, split_rows
from medzoo.errors import unknown_name

SPLITS = ("train", "valid", "test")


class Sample(NamedTuple):
    """One row: the path of the image, its target, and the patient and split that it belongs to."""

    image: str
    target: Any
    patient: str
    split: str


@dataclass(frozen=True, repr=False)
class Samples:
    """The rows of a data set as parallel columns; nothing is decoded before a pipeline asks for it.

    Args:
        images: Path of each image.
        targets: Target of each image: an object whose `.mask(size)` returns label indices (height, width) as uint8.
        patients: Patient of each image. No split separates the images of a patient.
        splits: "train", "valid", "test", or "" where the source does not say.
        labels: Label names, background first.

    Raises:
        ValueError: The columns differ in length, a split is unknown, or a patient is in two splits.

    Example:
        >>> data = medzoo.data.from_coco("train/_annotations.coco.json")
        >>> train, valid = data.split(valid=0.2, seed=0)
        >>> train[0].target.mask((160, 160)).shape
        (160, 160)
    """

    images: tuple[str, ...]
    targets: tuple[Any, ...]
    patients: tuple[str, ...]
    splits: tuple[str, ...]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        lengths = {name: len(getattr(self, name)) for name in ("images", "targets", "patients", "splits")}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"The columns of Samples must have one length; got {lengths}.")
        for split in set(self.splits) - {"", *SPLITS}:
            raise unknown_name("split", split, SPLITS)
        check_patients(self.patients, self.splits)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> Sample | Samples:
        """Return one row for an int, and Samples for a slice, a sequence of ints or a mask of bools."""
        rows = np.arange(len(self))[index]
        columns = (self.images, self.targets, self.patients, self.splits)
        if rows.ndim == 0:
            return Sample(*(column[rows] for column in columns))
        return Samples(*(tuple(column[row] for row in rows) for column in columns), self.labels)

    def __add__(self, other: Samples) -> Samples:
        """Return the rows of both.

        Raises:
            ValueError: The labels differ, or a patient would be in two splits.
        """
        if self.labels != other.labels:
            raise ValueError(f"Samples with different labels cannot be joined: {self.labels} and {other.labels}.")
        names = ("images", "targets", "patients", "splits")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in names})

    def __repr__(self) -> str:
        """Return the count of images per split, and the labels."""
        counts = ", ".join(f"{split or 'no split'} {count}" for split, count in Counter(self.splits).items())
        return f"Samples({len(self)} images: {counts or 'none'}; labels: {', '.join(self.labels)})"

    def part(self, split: str) -> Samples:
        """Return the rows of one split.

        Args:
            split: "train", "valid" or "test".

        Raises:
            ValueError: There is no such split, or it holds no image.
        """
        if split not in self.splits or not split:
            known = [name for name in SPLITS if name in self.splits]
            raise unknown_name("split", split, known, f"Received: {self!r}. Samples.split() makes the parts.")
        return self[np.array(self.splits) == split]

    def split(self, valid: float = 0.2, test: float = 0.0, seed: int = 0) -> tuple[Samples, ...]:
        """Split into train and valid, or train, valid and test.

        Patients stay together, every part gets about the same mix of labels, and the rows keep their order.

        Args:
            valid: Wanted fraction of images in the validation part.
            test: Wanted fraction of images in the test part; 0 for no such part.
            seed: The same seed gives the same split.

        Returns:
            (train, valid), or (train, valid, test) where `test` > 0. No part is empty.

        Raises:
            ValueError: There are fewer patients than parts, a fraction is out of range, or the rows lie in several
                splits already.
        """
        if len(set(self.splits)) > 1:
            raise ValueError(f"{self!r} is split already. Take one part first: samples.part('train').split(...).")
        strata = [_labels_of(target) for target in self.targets]
        parts = split_rows(self.patients, strata, {"valid": valid, "test": test}, seed)
        return tuple(replace(self[rows], splits=(name,) * len(rows)) for name, rows in parts.items())


def _labels_of(target: Any) -> tuple[int, ...]:
    """Return the label indices of a target; reading its mask is the slow way for targets that do not list them."""
    listed = getattr(target, "labels", None)
    return tuple(np.unique(target.mask(None))) if listed is None else tuple(listed)
