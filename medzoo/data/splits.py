"""Parts and folds of a data set that never separate the images of a patient."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.data.sources.masks import as_mask

if TYPE_CHECKING:
    from medzoo.data.samples import Samples

_PUBLISHED = (
    "These parts are kept as they were published, and each image counts as its own patient: scores on them are too "
    "good. Leave the parts out, `split=''` (DATA:split=), and divide the data anew to have patients apart; or say that "
    "you know, patient=''."
)

_MOST_FOLDS = 20
# Number of ranges of values that a split spreads evenly.
_BINS = 5


def grouped_folds(patients: Sequence[str], strata: Sequence[Hashable], folds: int, seed: int = 0) -> np.ndarray:
    """Return the fold of each row, so that each patient is in one fold and all folds have about the same strata.

    Strata with fewer rows than folds cannot be spread over all folds; together they count as one stratum.

    Args:
        patients: Patient of each row.
        strata: What to spread evenly, for each row; for example the labels in an image.
        folds: Number of folds, at least 2.
        seed: The same seed gives the same folds.

    Returns:
        Integers in [0, folds), shape (rows,). No fold is empty.

    Raises:
        ValueError: There are fewer patients than folds.

    Source: `sklearn.model_selection.StratifiedGroupKFold`, `StratifiedKFold`
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    patient_count = len(set(patients))
    if not 2 <= folds <= patient_count:
        raise ValueError(
            f"The number of folds must lie between 2 and the number of patients, {patient_count}; got {folds}."
        )
    counts = Counter(strata)
    index = {stratum: row for row, stratum in enumerate(counts, 1)}
    classes = [index[stratum] if counts[stratum] >= folds else 0 for stratum in strata]
    # With one row for each patient both splitters do the same, but StratifiedKFold a thousand times faster.
    is_plain = patient_count == len(patients)
    splitter = (StratifiedKFold if is_plain else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    groups = None if is_plain else np.asarray(patients)
    fold_of = np.zeros(len(patients), int)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class")
        for fold, (_, rows) in enumerate(splitter.split(classes, classes, groups)):
            fold_of[rows] = fold
    return fold_of


def split_rows(
    patients: Sequence[str], strata: Sequence[Hashable], fractions: Mapping[str, float], seed: int = 0
) -> dict[str, np.ndarray]:
    """Return the rows of "train" and of each part named in `fractions`, in their order.

    The rows are cut into folds, and folds are pooled into parts. Of the numbers of folds up to 20 the one is taken
    that comes nearest to the fractions; of several the smallest, since large folds are the most alike.

    Args:
        patients: Patient of each row.
        strata: What to spread evenly, for each row.
        fractions: Fraction of rows by part; a part of fraction 0 is left out, the rest is "train".
        seed: The same seed gives the same parts.

    Raises:
        ValueError: There are fewer patients than parts, or the fractions leave nothing for train.
    """
    shares = {name: fraction for name, fraction in fractions.items() if fraction != 0}
    if not shares or min(shares.values()) < 0 or not sum(shares.values()) < 1:
        raise ValueError(f"The fractions must be >= 0 with a sum above 0 and below 1; got {dict(fractions)}.")
    patient_count = len(set(patients))
    if patient_count <= len(shares):
        raise ValueError(
            f"{len(shares) + 1} parts need at least {len(shares) + 1} patients; got {patient_count} in "
            f"{len(patients)} images. Add patients or ask for fewer parts."
        )
    fold_count, counts = _fold_counts(tuple(shares.values()), patient_count)
    fold_of = grouped_folds(patients, strata, fold_count, seed)
    # A fold that one large patient fills goes to train, since the other parts take the folds nearest to the mean size.
    sizes = np.bincount(fold_of, minlength=fold_count)
    order = np.argsort(np.abs(sizes - len(patients) / fold_count), kind="stable")
    chosen = np.split(order, np.cumsum(counts))
    parts = {"train": chosen[-1], **dict(zip(shares, chosen, strict=False))}
    return {name: np.flatnonzero(np.isin(fold_of, folds)) for name, folds in parts.items()}


def _fold_counts(fractions: tuple[float, ...], patient_count: int) -> tuple[int, list[int]]:
    """Return the number of folds, and how many of them each fraction gets."""
    choices = []
    for folds in range(len(fractions) + 1, min(_MOST_FOLDS, patient_count) + 1):
        counts = [max(1, round(fraction * folds)) for fraction in fractions]
        error = sum(abs(count / folds - fraction) for count, fraction in zip(counts, fractions, strict=True))
        if sum(counts) < folds:
            choices.append((round(error, 9), folds, counts))
    return min(choices)[1:]


def check_no_leak(*parts: Samples) -> None:
    """Refuse parts if a patient is in two of them.

    Args:
        parts: The parts, for example train and valid.

    Raises:
        ValueError: A patient is in two parts; the message names the first three.

    Example:
        >>> medzoo.data.check_no_leak(train, valid)
    """
    patients = [patient for part in parts for patient in part.patients]
    names = [f"part {number}" for number, part in enumerate(parts, 1) for _ in part.patients]
    check_patients(patients, names)


def check_patients(
    patients: Sequence[str], parts: Sequence[str], fix: str = "Keep all images of a patient in one part."
) -> None:
    """Refuse a patient whose rows are in two parts; rows of the part "" are ignored.

    Raises:
        ValueError: A patient is in two parts; the message names the first three.
    """
    if words := separated_patients(patients, parts):
        raise ValueError(f"{words}. {fix}")


def unless_separated(patients: Sequence[str], parts: Sequence[str], source: object) -> list[str]:
    """Return the patients; where published parts separate some, nobody for each row, with a warning."""
    words = separated_patients(patients, parts)
    if words:
        warnings.warn(f"'{source}': {words}. {_PUBLISHED}", stacklevel=4)
    return [""] * len(patients) if words else list(patients)


def separated_patients(patients: Sequence[str], parts: Sequence[str]) -> str:
    """Return in words how many patients are in several parts and three of them; "" if there are none."""
    parts_of: dict[str, dict[str, None]] = {}
    for patient, part in zip(patients, parts, strict=True):
        if patient and part:
            parts_of.setdefault(patient, {})[part] = None
    leaks = [f"'{patient}' in {' and '.join(names)}" for patient, names in parts_of.items() if len(names) > 1]
    return f"{len(leaks)} patients are in more than one part: {', '.join(leaks[:3])}" if leaks else ""


def named_patients(samples: Samples) -> int:
    """Return how many patients the source names; an image that is its own patient is not named."""
    rows = zip(samples.patients, samples.sources, strict=True)
    return len({patient for patient, source in rows if patient != source})


def strata_of(targets: Sequence[Any]) -> list[Hashable]:
    """Return what a split spreads evenly: the label, the fifth of the values, or the labels of a mask."""
    if targets and isinstance(targets[0], float | np.floating):
        edges = np.quantile(targets, np.linspace(0, 1, _BINS + 1)[1:-1])
        return np.searchsorted(edges, targets, side="right").tolist()
    return [_labels_of(target) for target in targets]


def _labels_of(target: Any) -> Hashable:
    """Return the label, or the label indices of a mask; masks that do not list them are read, which is slow."""
    mask = as_mask(target)
    return target if mask is None else tuple(mask.labels)
