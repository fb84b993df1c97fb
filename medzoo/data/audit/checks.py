"""The checks: each takes all images, as rows with their facts, and yields what it finds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from medzoo.data.audit.facts import Facts
from medzoo.data.audit.record import Finding
from medzoo.data.audit.rows import Row
from medzoo.data.samples import SPLITS
from medzoo.io.formats import stem_of

_AXES = ("depth", "height", "width")
_SIGMA = 3


class Inspected(NamedTuple):
    """A row, the facts of its image, and those of its masks."""

    row: Row
    facts: Facts
    masks: tuple[Facts, ...] = ()

    @property
    def source(self) -> str:
        """Path of the image, or what stands for it."""
        return self.row.source

    @property
    def patient(self) -> str:
        """Patient by the data set, or by the DICOM header."""
        return self.row.patient or self.facts.patient


Images = Sequence[Inspected]


def unreadable(images: Images) -> Iterator[Finding]:
    """Images and masks that cannot be read, and why; NaN is one reason."""
    for image in images:
        if image.facts.error:
            kind = "NaN pixels" if "NaN" in image.facts.error else "unreadable"
            yield Finding(kind, "error", (image.source,), image.facts.error)
        for mask in image.masks:
            if mask.error:
                yield Finding("unreadable mask", "error", (image.source,), mask.error)


def constant(images: Images) -> Iterator[Finding]:
    """Images without content."""
    for image in images:
        if image.facts.is_constant:
            yield Finding("constant", "error", (image.source,), "All its pixels have one value.")


def odd_sizes(images: Images) -> Iterator[Finding]:
    """Sizes and spacings that lie more than 3 standard deviations from the mean, pictures and volumes apart."""
    for axes in (_AXES[1:], _AXES):
        alike = [image for image in images if len(image.facts.shape) == len(axes)]
        yield from _outliers([(image.source, image.facts.shape) for image in alike], axes, "px")
        spacings = [(image.source, image.facts.spacing) for image in alike if image.facts.spacing is not None]
        yield from _outliers(spacings, axes, "mm")


def _outliers(rows: Sequence[tuple[str, tuple[float, ...]]], axes: tuple[str, ...], unit: str) -> Iterator[Finding]:
    """Yield a finding for each source whose values, one for each axis, lie far from the mean."""
    if not rows:
        return
    table = np.array([values for _, values in rows], float)
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    # Equal spacings may deviate by rounding, which does not count.
    distances = np.abs(table - mean) / np.where(deviation > 1e-6 * np.abs(mean), deviation, np.inf)
    kind = "odd size" if unit == "px" else "odd spacing"
    for row in np.flatnonzero((distances > _SIGMA).any(axis=1)).tolist():
        far = [
            f"{axes[axis]} {table[row, axis]:g} {unit} (mean {mean[axis]:.4g}, {distances[row, axis]:.1f} sigma)"
            for axis in np.flatnonzero(distances[row] > _SIGMA)
        ]
        yield Finding(kind, "warning", (rows[row][0],), ", ".join(far))


def minor_modes(images: Images) -> Iterator[Finding]:
    """Types of pixels, channels and files other than the most common ones."""
    sources = _by(images, lambda image: image.facts.mode)
    (common, *_), *others = sorted(sources.items(), key=lambda item: -len(item[1])) or [("", ())]
    for mode, members in others:
        text = f"{len(members)} images are {mode}; most, {len(sources[common])}, are {common}."
        yield Finding("mixed modes", "warning", members, text)
    grey = tuple(image.source for image in images if image.facts.is_grey_in_rgb)
    if grey:
        yield Finding("grey in RGB", "note", grey, f"{len(grey)} images hold the same in three channels.")


def same_names(images: Images) -> Iterator[Finding]:
    """Images of one name, which only their folders tell apart in tables and predictions."""
    named = _by(images, lambda image: stem_of(image.source).rpartition("/")[2])
    twice = {name: sources for name, sources in named.items() if len(sources) > 1}
    if twice:
        name, first = next(iter(twice.items()))
        text = f"Used more than once: {len(twice)} names, such as '{name}' by {', '.join(first[:3])}."
        yield Finding("same name", "note", tuple(source for sources in twice.values() for source in sources), text)


def patients_in_two_splits(images: Images) -> Iterator[Finding]:
    """Patients with images in two splits."""
    of_patient: dict[str, list[Inspected]] = defaultdict(list)
    for image in images:
        if image.patient and image.row.split:
            of_patient[image.patient].append(image)
    for patient, members in of_patient.items():
        splits = Counter(image.row.split for image in members)
        if len(splits) > 1:
            text = f"Patient {patient}: " + ", ".join(f"{split} {count}" for split, count in splits.items())
            yield Finding("patient in two splits", "leak", tuple(image.source for image in members), text)


def missing_classes(images: Images) -> Iterator[Finding]:
    """Classes that one split has and another lacks; no model can learn a class without training images."""
    of_label = _by(images, lambda image: image.row.label)
    present = {(image.row.split, image.row.label) for image in images}
    for split in [split for split in SPLITS if any(split == name for name, _ in present)]:
        missing = [label for label in of_label if (split, label) not in present]
        if missing:
            severity = "error" if split == "train" else "warning"
            text = f"{split} has no image of {', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}."
            sources = tuple(source for label in missing for source in of_label[label])
            yield Finding("class missing in a split", severity, sources, text)


def wrong_masks(images: Images) -> Iterator[Finding]:
    """Masks, or sizes in an annotation, that do not fit the image, and masks with one value."""
    for image in images:
        sizes = [mask.shape for mask in image.masks if mask.shape]
        sizes += [] if image.row.grid is None else [tuple(image.row.grid)]
        for size in sizes:
            if image.facts.shape and size != image.facts.shape:
                text = f"The image has the size {image.facts.shape}, its label {size}."
                yield Finding("label of another size", "error", (image.source,), text)
    empty = tuple(image.source for image in images if any(mask.is_constant for mask in image.masks))
    if empty:
        yield Finding("mask with one value", "note", empty, f"{len(empty)} images have a mask with one value only.")


CHECKS = (
    unreadable,
    constant,
    odd_sizes,
    minor_modes,
    same_names,
    patients_in_two_splits,
    missing_classes,
    wrong_masks,
)


def _by(images: Images, key: Callable[[Inspected], str]) -> dict[str, tuple[str, ...]]:
    """Return the sources of the images grouped by a key; images whose key is "" are left out."""
    groups: dict[str, list[str]] = defaultdict(list)
    for image in images:
        groups[key(image)].append(image.source)
    return {name: tuple(sources) for name, sources in groups.items() if name}
