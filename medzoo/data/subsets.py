"""Folds, fractions and groups of a data set that never separate the images of a patient."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from medzoo.data.samples import SPLITS, Samples
from medzoo.data.sources.checks import refuse
from medzoo.data.splits import grouped_folds, split_rows, strata_of


def folds(samples: Samples, count: int, seed: int = 0, holdout: float = 0.0) -> list[tuple[Samples, ...]]:
    """Cut a data set into folds for a cross-validation; each fold is the validation part once.

    Patients stay together, and all folds have about the same mix of classes, values or structures.

    Args:
        samples: The data set, or a part of it, not split yet.
        count: Number of folds, at least 2.
        seed: The same seed gives the same folds.
        holdout: Fraction of the images to set aside first as the test part of all folds; 0 for none.

    Returns:
        (train, valid) for each fold, or (train, valid, test) where `holdout` > 0.

    Raises:
        ValueError: There are fewer patients than folds, a class is missing in a training part, or the rows lie in
            several splits already.

    Example:
        >>> for train, valid in medzoo.data.folds(data, 5):
        ...     model.fit(model.dataset(train), validation_data=model.dataset(valid))
    """
    _refuse_splits(samples)
    strata = strata_of(samples.targets)
    rest, test = np.arange(len(samples)), np.arange(0)
    if holdout:
        rest, test = split_rows(samples.patients, strata, {"test": holdout}, seed).values()
    fold_of = grouped_folds([samples.patients[row] for row in rest], [strata[row] for row in rest], count, seed)
    parts = [(rest[fold_of != fold], rest[fold_of == fold], test)[: 3 if holdout else 2] for fold in range(count)]
    _check_training_parts(samples, [part[0] for part in parts])
    return [tuple(with_split(samples, rows, name) for rows, name in zip(part, SPLITS, strict=False)) for part in parts]


def fraction(samples: Samples, share: float, seed: int = 0) -> Samples:
    """Keep a fraction of the training rows, to see how much data is enough.

    Patients stay together. Each class, range of values or set of structures keeps about its share, and at least one
    patient. A larger fraction of the same seed contains all of a smaller one.

    Args:
        samples: The data set. All rows of valid and test are kept; without splits all rows count as training.
        share: Fraction of the training images to keep, above 0 and at most 1.
        seed: The same seed gives the same rows.

    Returns:
        The rows that are kept, in their order.

    Raises:
        ValueError: `share` is out of range, or there is no training row.

    Example:
        >>> tenth, fifth = fraction(data, 0.1), fraction(data, 0.2)
    """
    if not 0 < share <= 1:
        raise ValueError(f"`share` must lie above 0 and be at most 1. Received: share={share}.")
    train = [row for row, split in enumerate(samples.splits) if split in ("", "train")]
    if not train:
        raise ValueError(f"{samples!r} has no training rows to take a fraction of.")
    patients = [samples.patients[row] for row in train]
    strata = strata_of([samples.targets[row] for row in train])
    # With a tolerance, since 0.1 + 0.2 is more than 0.3.
    kept = {patient for patient, place in _places(patients, strata, seed).items() if place < share - 1e-9}
    is_kept = [split not in ("", "train") or patient in kept for split, patient in _pairs(samples)]
    return samples[np.flatnonzero(is_kept)]


def group(samples: Samples, groups: Sequence[Sequence[str]]) -> Samples:
    """Join all patients that share a group of images into one, so that no split separates near-duplicates.

    Args:
        samples: The data set, not split yet, or one part of it.
        groups: Groups of `samples.sources`, such as `audit.duplicate_groups`; sources of other images are ignored.

    Returns:
        The same rows; joined patients have the name of the first of them.

    Raises:
        ValueError: None of the images in `groups` is among the samples, or a group lies in two splits.

    Example:
        >>> audit = medzoo.data.audit("breast_ultrasound")
        >>> data = medzoo.data.group(data, audit.duplicate_groups)
    """
    names = list(dict.fromkeys(samples.patients))
    number = {name: index for index, name in enumerate(names)}
    patient_of = {source: number[name] for source, name in zip(samples.sources, samples.patients, strict=True)}
    joined = [[patient_of[source] for source in members if source in patient_of] for members in groups]
    if groups and not any(joined):
        raise ValueError(
            f"None of the images in `groups` is among the samples, such as '{groups[0][0]}' and "
            f"'{samples.sources[0]}'. Read both from the same path."
        )
    links = [(members[0], member) for members in joined for member in members[1:]]
    first = {names[index]: names[group[0]] for group in components(len(names), links) for index in group}
    return replace(samples, patients=tuple(first.get(name, name) for name in samples.patients))


def components(count: int, links: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return groups among the numbers below `count` that `links` connect, directly or through others, each sorted."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = np.array([*links], int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(count, count))
    _, names = connected_components(graph, directed=False)
    groups: dict[int, list[int]] = defaultdict(list)
    for index in np.unique([rows, columns]).tolist():
        groups[names[index]].append(index)
    return list(groups.values())


def _pairs(samples: Samples) -> list[tuple[str, str]]:
    return list(zip(samples.splits, samples.patients, strict=True))


def _places(patients: Sequence[str], strata: Sequence[Hashable], seed: int) -> dict[str, float]:
    """Put the patients in random order, and return for each which fraction of the rows of its stratum comes before."""
    of_patient: dict[str, Counter[Hashable]] = {}
    for patient, stratum in zip(patients, strata, strict=True):
        of_patient.setdefault(patient, Counter())[stratum] += 1
    main = {patient: counts.most_common(1)[0][0] for patient, counts in of_patient.items()}
    total: Counter[Hashable] = Counter()
    for patient, stratum in main.items():
        total[stratum] += of_patient[patient].total()
    before: Counter[Hashable] = Counter()
    places = {}
    for patient in np.random.default_rng(seed).permutation(list(of_patient)).tolist():
        places[patient] = before[main[patient]] / total[main[patient]]
        before[main[patient]] += of_patient[patient].total()
    return places


def with_split(samples: Samples, rows: Sequence[int] | np.ndarray, split: str) -> Samples:
    """Return some of the rows as the part `split`."""
    return replace(samples[rows], splits=(split,) * len(rows))


def _refuse_splits(samples: Samples) -> None:
    if len(set(samples.splits)) > 1:
        raise ValueError(
            f"{samples!r} is split already. Take one part: folds(samples.part('train'), ...). Or read "
            "the data without its parts, `split=''` (DATA:split=)."
        )


def _check_training_parts(samples: Samples, parts: Sequence[np.ndarray]) -> None:
    """Refuse a training part without a class."""
    if not samples.task_type.is_categorical:
        return
    classes = set(samples.targets)
    for number, rows in enumerate(parts, 1):
        absent = sorted(samples.labels[index] for index in classes - {samples.targets[row] for row in rows})
        refuse(
            absent,
            f"Fold {number} has {len(absent)} classes without an image in train",
            "Add patients, or take fewer folds.",
        )
