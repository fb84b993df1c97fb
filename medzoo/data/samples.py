"""A data set as rows of image, target, patient and split."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, overload

import numpy as np

from medzoo.data.label_order import reorder
from medzoo.data.sources.masks import as_mask
from medzoo.data.sources.names import MISSING_TEXT, patient_name
from medzoo.data.splits import check_patients, split_rows, strata_of
from medzoo.errors import unknown_name
from medzoo.io import as_image
from medzoo.task import Classification, Regression, Segmentation, Task

SPLITS = ("train", "valid", "test")
# What can be done where the parts that a source names separate patients.
_OTHER_PARTS = (
    "Keep all images of a patient in one part: leave out the parts of the data, `split=''` (DATA:split=), and divide "
    "it anew, or name other parts by split_file. To keep these, with each image as its own patient: patient=''."
)
COLUMNS = ("images", "targets", "patients", "splits", "slices")


class Sample(NamedTuple):
    """One row: the image, its target, the patient and split that it belongs to, and the slice to take of a volume."""

    image: Any
    target: Any
    patient: str
    split: str
    slice: int | None


@dataclass(frozen=True, repr=False)
class Samples:
    """The rows of a data set as parallel columns; nothing is decoded before a pipeline asks for it.

    Args:
        images: What `medzoo.read_scan` takes: the path of each image, or an `Image`, such as a `DicomSeries`, a `Scan`
            or any object with a `source` and a method `read` that returns a Scan.
        targets: What the model is to answer. Segmentation: objects with a `shape` ([depth,] height, width) and a method
            `mask(size)` that returns label indices as uint8, at full size for None. Classification: label indices, int.
            Regression: numbers, float.
        patients: Patient of each image; the image itself, as in `sources`, where the source names no patient. No split
            separates the images of a patient.
        splits: "train", "valid", "test", or "" where the source names no split.
        labels: Label names, of a segmentation the background first; of a regression the name of the target.
        slices: For 2.5D, the index of the slice in the middle of the stack, foot to head; None leaves it to the model,
            as for all images by default.

    Raises:
        ValueError: The columns differ in length, the targets are of several kinds, a split is unknown, or a patient is
            in two splits.

    Example:
        >>> data = medzoo.data.from_coco("train/_annotations.coco.json")
        >>> train, valid = data.split(valid=0.2, seed=0)
        >>> train[0].target.mask((160, 160)).shape
        (160, 160)
    """

    images: tuple[Any, ...]
    targets: tuple[Any, ...]
    patients: tuple[str, ...]
    splits: tuple[str, ...]
    labels: tuple[str, ...]
    slices: tuple[int | None, ...] = ()

    def __post_init__(self) -> None:
        """Refuse columns that do not belong together."""
        if not self.slices:
            object.__setattr__(self, "slices", (None,) * len(self.images))
        lengths = {name: len(getattr(self, name)) for name in COLUMNS}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"The columns of Samples must have one length; got {lengths}.")
        kinds = {task_type(target).name for target in self.targets}
        if len(kinds) > 1:
            raise ValueError(f"The targets of Samples must be of one kind; got {', '.join(sorted(kinds))} together.")
        for split in set(self.splits) - {"", *SPLITS}:
            raise unknown_name("split", split, SPLITS)
        object.__setattr__(self, "patients", self._patient_names())
        check_patients(self.patients, self.splits, _OTHER_PARTS)

    def _patient_names(self) -> tuple[str, ...]:
        """Return the patients by the one rule of `patient_name`; an image that is its own patient keeps its path."""
        name_of = {patient: patient_name(patient) for patient in set(self.patients)}
        odd = {patient for patient, name in name_of.items() if name != patient or not name}
        if not odd:
            return self.patients
        rows = zip(self.images, self.patients, strict=True)
        own = [patient in odd and as_image(image).source == patient for image, patient in rows]
        names = tuple(
            patient if is_own else name_of[patient] for patient, is_own in zip(self.patients, own, strict=True)
        )
        nameless = [row for row, name in enumerate(names) if not name]
        if nameless:
            raise ValueError(
                f"{len(nameless)} of {len(names)} rows of Samples have no patient ({MISSING_TEXT}), the first is row "
                f"{nameless[0]}. Give each its patient, or the path of its image where none is known."
            )
        return names

    @property
    def kind(self) -> str | None:
        """Name of the task that the targets are for; None without rows."""
        return self.task_type.name if self.targets else None

    @property
    def task_type(self) -> type[Task]:
        """Type of the task that the targets are for; there must be rows."""
        return task_type(self.targets[0])

    @property
    def task(self) -> Task:
        """The task that the targets are for, with the labels of the data; there must be rows."""
        if self.task_type.is_dense:
            return Segmentation(self.labels)
        return Classification(self.labels) if self.task_type.is_categorical else Regression(self.labels[0])

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Path of each image, or what stands for it."""
        return tuple(as_image(image).source for image in self.images)

    @property
    def names(self) -> tuple[str, ...]:
        """File name of each image, without the folders of this machine."""
        return tuple(os.path.basename(source.rstrip("/")) for source in self.sources)

    @property
    def has_patients(self) -> bool:
        """Whether the source names patients; else every image is its own patient."""
        return self.patients != self.sources

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice | Sequence[int] | np.ndarray) -> Samples: ...

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> Sample | Samples:
        """Return one row for an int, and Samples for a slice, a sequence of ints or a mask of bools."""
        rows = np.arange(len(self))[index]
        columns = {name: getattr(self, name) for name in COLUMNS}
        if rows.ndim == 0:
            return Sample(*(column[rows] for column in columns.values()))
        return replace(self, **{name: tuple(column[row] for row in rows) for name, column in columns.items()})

    def __add__(self, other: Samples) -> Samples:
        """Return the rows of both; the same labels in another order are mapped by name.

        Raises:
            ValueError: The labels differ, or a patient would be in two splits.
        """
        other = other.in_order(self.labels)
        if self.labels != other.labels:
            raise ValueError(f"Samples with different labels cannot be joined: {self.labels} and {other.labels}.")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in COLUMNS})

    def __repr__(self) -> str:
        """Return the count of images per split, and the labels."""
        counts = ", ".join(f"{split or 'no split'} {count}" for split, count in Counter(self.splits).items())
        return f"Samples({len(self)} images: {counts or 'none'}; labels: {', '.join(self.labels)})"

    def in_order(self, labels: Sequence[str]) -> Samples:
        """Return the same rows with the targets of `labels`, if these are its labels in another order.

        Other labels are left to whoever compares them; the background of a segmentation stays the first.

        Args:
            labels: Label names in the order that is wanted.
        """
        order = tuple(labels)
        is_other = order != self.labels and sorted(order) == sorted(self.labels) and len(set(order)) == len(order)
        if not is_other or not self.targets or (self.task_type.is_dense and order[0] != self.labels[0]):
            return self
        return replace(self, targets=reorder(self.targets, self.labels, order), labels=order)

    def part(self, split: str) -> Samples:
        """Return the rows of one split.

        Args:
            split: "train", "valid" or "test".

        Raises:
            ValueError: There is no such split, or it holds no image.
        """
        if split not in self.splits or not split:
            present = [name for name in SPLITS if name in self.splits]
            raise unknown_name("split", split, present, f"Received: {self!r}. Samples.split() makes the parts.")
        return self[np.array(self.splits) == split]

    def split(self, valid: float = 0.2, test: float = 0.0, seed: int = 0) -> tuple[Samples, ...]:
        """Split into train and valid, or train, valid and test.

        Patients stay together, every part gets about the same mix of labels, and the rows keep their order.

        Args:
            valid: Fraction of images for the validation part.
            test: Fraction of images for the test part; 0 for no such part.
            seed: The same seed gives the same split.

        Returns:
            (train, valid), or (train, valid, test) where `test` > 0. No part is empty.

        Raises:
            ValueError: There are fewer patients than parts, a fraction is out of range, or the rows lie in several
                splits already.
        """
        if len(set(self.splits)) > 1:
            raise ValueError(f"{self!r} is split already. Take one part first: samples.part('train').split(...).")
        parts = split_rows(self.patients, strata_of(self.targets), {"valid": valid, "test": test}, seed)
        return tuple(replace(self[rows], splits=(name,) * len(rows)) for name, rows in parts.items())


def check_task(samples: Samples, task: Task) -> Samples:
    """Refuse samples whose targets or labels are not those of a task.

    Returns:
        The samples, with their labels in the order of the task.

    Raises:
        ValueError: They are not; the message says what the task needs.
    """
    # Features have no targets at all, which is what their check of labels says.
    if task.labels and samples.kind != task.name:
        raise ValueError(
            f"The samples have targets of {samples.kind}, the task is {task.name}. Read the data with its targets of "
            f"{task.name}, or take another model or recipe."
        )
    samples = _with_names_of(task, samples).in_order(task.labels)
    task.check_labels(samples.labels)
    return samples


def _with_names_of(task: Task, samples: Samples) -> Samples:
    """Return samples of arrays, whose classes are only numbers, with the classes that these stand for in the task."""
    count = len(task.labels)
    is_numbered = task.is_categorical and samples.labels == tuple(map(str, range(count))) != task.labels
    if not is_numbered or any(as_image(image).in_memory() is None for image in samples.images):
        return samples
    return replace(samples, labels=tuple(task.labels))


def task_type(target: Any) -> type[Task]:
    """Return the type of the task that a target is for.

    Raises:
        ValueError: It is a target of no task.
    """
    if as_mask(target) is not None:
        return Segmentation
    if isinstance(target, int | np.integer):
        return Classification
    if isinstance(target, float | np.floating):
        return Regression
    raise ValueError(
        "A target must be a label index (int), a number (float), or an object with a method `mask`. "
        f"Received: {target!r:.80}."
    )
