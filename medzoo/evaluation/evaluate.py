"""Predict a labelled data set and score the answers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation import scores
from medzoo.evaluation.intervals import bootstrap
from medzoo.evaluation.record import Evaluation, hardware, loaded_versions
from medzoo.inference import predict_scans

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel

SAMPLES, LEVEL = 1000, 0.95


def evaluate(
    model: ZooModel,
    samples: Samples,
    split: str | None = None,
    data_name: str | None = None,
    batch_size: int = 8,
    seed: int = 0,
) -> Evaluation:
    """Score a segmentation model on labelled images, with 95 % intervals over patients.

    Every image is predicted as `medzoo.predict` does and compared with its mask in the grid of the file, so the score
    is that of the answer a user gets, not of the network's input size. Masks are counted one by one and dropped.

    Args:
        model: A model with `.task` and `.preprocessing`.
        samples: Images, masks and patients; all of them are used. Take one split with `samples.part("test")`.
        split: Name of the split for the record; default: what the samples say.
        data_name: Name of the data set for the record.
        batch_size: Images in one step.
        seed: Seed of the bootstrap.

    Returns:
        The record. `print(evaluation)` shows the scores; `evaluation["dice"]` is one of them.

    Raises:
        ValueError: There are no samples, the labels do not fit the model's, or a mask has not the size of its image.

    Example:
        >>> evaluation = medzoo.evaluate(model, valid, data_name="Brain tumours")
        >>> print(evaluation)
    """
    if not len(samples):
        raise ValueError("`samples` must hold at least one image; got none. Check the split that was chosen.")
    started = time.perf_counter()
    confusions = np.stack(list(_confusions(model, samples, batch_size)))
    labels = model.task.labels
    # A data set that names no patients makes every image its own; the record must not call images patients.
    unit = "images" if samples.patients == samples.images else "patients"
    return Evaluation(
        task=model.task.name,
        labels=labels,
        data={"name": data_name, "split": split or "+".join(sorted(set(samples.splits) - {""})) or None},
        n_cases=len(samples),
        n_patients=len(set(samples.patients)) if unit == "patients" else None,
        scores=score_record(confusions, samples.patients, labels, seed),
        interval={"level": LEVEL, "method": f"percentile bootstrap over {unit}", "samples": SAMPLES, "seed": seed},
        empty_cases=_empty_cases(confusions),
        confusion=confusions.sum(axis=0).tolist(),
        cases=_case_rows(confusions, samples),
        threshold=model.task.threshold if model.task.is_binary else None,
        versions=loaded_versions(),
        hardware=hardware(),
        date=datetime.now(UTC).date().isoformat(),
        seconds=round(time.perf_counter() - started, 2),
    )


def true_mask(model: ZooModel, samples: Samples, index: int) -> np.ndarray:
    """Return the label indices of one image at full size, in the labels of the model."""
    mask = samples.targets[index].mask(None)
    return (mask > 0).astype(np.uint8) if model.task.adopt(samples.labels) else mask


def case_names(samples: Samples) -> list[str]:
    """Return the file name of each image."""
    return [os.path.basename(source) for source in samples.images]


def score_record(
    confusions: np.ndarray, patients: Iterable[str], labels: Iterable[str], seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """Return every score with its interval by name, from the confusion matrices `(cases, labels, labels)`."""
    draw = partial(bootstrap, groups=patients, samples=SAMPLES, seed=seed, level=LEVEL)
    pooled = draw(confusions, statistic=partial(scores.pooled_scores, labels=labels))
    per_case = draw(scores.case_sums(confusions), statistic=scores.mean_case_scores)
    return {
        name: dict(zip(("value", "low", "high"), map(_number, values), strict=True))
        for name, values in (pooled | per_case).items()
    }


def _confusions(model: ZooModel, samples: Samples, batch_size: int) -> Iterator[np.ndarray]:
    model.task.adopt(samples.labels)
    predictions = predict_scans(model, samples.images, batch_size=batch_size)
    for index, prediction in enumerate(_progress(predictions, len(samples))):
        mask = true_mask(model, samples, index)
        if mask.shape != prediction.mask.shape:
            raise ValueError(
                f"{samples.images[index]}: the annotated mask must have the size of the image {prediction.mask.shape}; "
                f"got {mask.shape}. Correct the width and height in the annotation file."
            )
        yield scores.confusion(mask, prediction.mask, model.task.labels)


def _progress(predictions: Iterable[Any], total: int) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    return track(predictions, "Evaluating", total=total, console=Console(stderr=True), transient=True)


def _empty_cases(confusions: np.ndarray) -> dict[str, Any]:
    empty = confusions[confusions[:, 1:].sum((1, 2)) == 0]
    false_positives = empty[:, :, 1:].sum((1, 2))
    predicted_empty = int((false_positives == 0).sum())
    return {
        "rule": scores.EMPTY_RULE,
        "cases": len(empty),
        "predicted_empty": predicted_empty,
        "specificity": _number(predicted_empty / len(empty)) if len(empty) else None,
        "false_positive_pixels": int(false_positives.sum()),
    }


def _case_rows(confusions: np.ndarray, samples: Samples) -> list[dict[str, Any]]:
    case = scores.case_scores(confusions)
    return [
        {
            "source": source,
            "patient": None if patient == image else patient,
            "dice": _number(case["dice"][index]),
            "iou": _number(case["iou"][index]),
            "true_pixels": int(confusions[index, 1:].sum()),
            "predicted_pixels": int(confusions[index, :, 1:].sum()),
        }
        for index, (source, image, patient) in enumerate(
            zip(case_names(samples), samples.images, samples.patients, strict=True)
        )
    ]


def _number(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
