"""Predict a labelled data set and score the answers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from medzoo.data.samples import check_task
from medzoo.evaluation.cases import Cases
from medzoo.evaluation.classification import ClassificationCases
from medzoo.evaluation.intervals import LEVEL, METHOD, intervals
from medzoo.evaluation.record import Evaluation, hardware, loaded_versions
from medzoo.evaluation.regression import RegressionCases
from medzoo.evaluation.segmentation import SegmentationCases
from medzoo.evaluation.tables import score_json
from medzoo.inference import predict_scans
from medzoo.progress import track

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.inference.model import Model

# What scores the answers of each task.
CASES: dict[str, type[Cases]] = {
    "segmentation": SegmentationCases,
    "classification": ClassificationCases,
    "regression": RegressionCases,
}


def evaluate(
    model: Model,
    samples: Samples,
    split: str | None = None,
    data_name: str | None = None,
    batch_size: int = 8,
    seed: int = 0,
) -> Evaluation:
    """Score a model on labelled images, with 95 % intervals over patients.

    Every image is predicted as `medzoo.predict` does, and a mask is compared in the grid of its file: the score is that
    of the answer a user gets, not of the network's smaller image. Masks are compared and dropped one by one.

    Args:
        model: A model with `.task` and `.preprocessing`.
        samples: Images, targets and patients, all of which are used; `samples.part("test")` is one split.
        split: Name of the split for the record; by default that of the samples.
        data_name: Name of the data set for the record.
        batch_size: Images in one step.
        seed: Which patients are left out together, where there are more than 1000.

    Returns:
        The record. `print(evaluation)` shows the scores; `evaluation["dice"]` is one of them.

    Raises:
        ValueError: There are no samples, they are for another task, their labels do not fit the model's, or a mask does
            not have the size of its image.

    Example:
        >>> evaluation = medzoo.evaluate(model, valid, data_name="Brain tumours")
        >>> print(evaluation)
    """
    started = time.perf_counter()
    cases = collect(model, samples, batch_size)
    scores = intervals(cases.statistic, samples.patients, seed)
    return Evaluation(
        task=model.task.name,
        labels=model.task.labels,
        scores={name: score_json(*values) for name, values in scores.items()},
        cases=[name | row for name, row in zip(_case_names(samples), cases.rows(), strict=True)],
        seconds=round(time.perf_counter() - started, 2),
        **facts(samples, split, data_name, seed),
        **cases.details(),
    )


def collect(model: Model, samples: Samples, batch_size: int = 8) -> Cases:
    """Predict the samples, and keep of each the few numbers that scores are made of.

    Raises:
        ValueError: There are no samples, or they do not fit the model.
    """
    if not len(samples):
        raise ValueError("`samples` must hold at least one image; got none. Check the split that was chosen.")
    check_task(samples, model.task)
    predictions = predict_scans(model, samples.images, batch_size=batch_size, slices=samples.slices)
    return CASES[model.task.name].collect(model.task, samples, track(predictions, "Evaluating", len(samples)))


def facts(samples: Samples, split: str | None, data_name: str | None, seed: int) -> dict[str, Any]:
    """Return the fields of a record about the data, the intervals and the machine."""
    # In a data set that names no patients every image counts as one; the record must not call images patients.
    unit = "patients" if samples.has_patients else "images"
    return {
        "data": {"name": data_name, "split": split or "+".join(sorted(set(samples.splits) - {""})) or None},
        "n_cases": len(samples),
        "n_patients": len(set(samples.patients)) if samples.has_patients else None,
        "interval": {"level": LEVEL, "method": METHOD.format(unit=unit), "seed": seed},
        "versions": loaded_versions(),
        "hardware": hardware(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _case_names(samples: Samples) -> list[dict[str, str | int | None]]:
    """Return the `source` and the `patient` of each row, and its `slice` where the samples choose one."""
    rows = zip(samples.names, samples.sources, samples.patients, samples.slices, strict=True)
    return [
        {"source": name, "patient": None if patient == source else patient}
        | ({} if index is None else {"slice": int(index)})
        for name, source, patient, index in rows
    ]
