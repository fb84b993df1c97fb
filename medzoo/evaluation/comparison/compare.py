"""Two models on the same cases."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from medzoo.evaluation.comparison.paired import compare_cases, compare_scores
from medzoo.evaluation.comparison.record import Comparison
from medzoo.evaluation.evaluate import collect, facts

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel

RULE = (
    "Differences are the second model minus the first. Their intervals and two-sided p come from drawing the same "
    "{unit} for both models. Means over cases take the cases in which both models have the score. Wilcoxon's "
    "signed-rank test compares the means of the {unit}; DeLong's test, which takes cases as independent, is left out "
    "where a patient has several. Nothing is corrected for the number of scores."
)


def compare(
    first: ZooModel,
    second: ZooModel,
    samples: Samples,
    names: tuple[str, str] | None = None,
    split: str | None = None,
    data_name: str | None = None,
    batch_size: int = 8,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same labelled images: every score of both, the difference, and how sure it is.

    What is hard for one model is often hard for the other, so a paired difference is surer than two intervals side by
    side. The models predict one after the other; masks are scored one by one and dropped.

    Args:
        first: A model.
        second: Another one of the same task and labels.
        samples: Images, targets and patients; all of them are used.
        names: What to call the models; default: the names in their recipes. Equal ones get an A and a B.
        split: Name of the split for the record; default: what the samples say.
        data_name: Name of the data set for the record.
        batch_size: Images in one step.
        seed: Seed of the bootstrap.

    Returns:
        The record. `print(comparison)` shows a table; `comparison["dice"]` is a difference, above 0 where the second
        model has more.

    Raises:
        ValueError: The models differ in task or labels, or the samples do not fit them.

    Example:
        >>> comparison = medzoo.compare(medzoo.load("brain-tumor-unet"), model, test)
        >>> print(comparison)
    """
    _refuse_different(first, second)
    started = time.perf_counter()
    cases = collect(first, samples, batch_size), collect(second, samples, batch_size)
    return Comparison(
        models=_apart(names or (first.recipe.name, second.recipe.name)),
        task=first.task.name,
        labels=first.task.labels,
        scores=compare_scores(*cases, samples.patients, seed),
        tests=compare_cases(*cases, samples.patients),
        rule=RULE.format(unit="patients" if samples.has_patients else "images"),
        seconds=round(time.perf_counter() - started, 2),
        **facts(samples, split, data_name, seed),
    )


def _refuse_different(first: ZooModel, second: ZooModel) -> None:
    answers = [(task.name, task.labels, getattr(task, "unit", None)) for task in (first.task, second.task)]
    if answers[0] == answers[1]:
        return
    words = [f"{name} of {', '.join(labels)}{f' in {unit}' if unit else ''}" for name, labels, unit in answers]
    raise ValueError(
        f"Models can be compared where they answer the same; got {words[0]} and {words[1]}. "
        "Evaluate each by itself: medzoo evaluate NAME --data DIR -o RUN"
    )


def _apart(names: tuple[str, str]) -> tuple[str, str]:
    return names if names[0] != names[1] else (f"A: {names[0]}", f"B: {names[1]}")
