"""Which changes after the network make the masks of a segmentation better, tried on validation data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from medzoo.data.samples import check_task
from medzoo.evaluation.segmentation import true_mask, without_ignored
from medzoo.evaluation.tables import align, number
from medzoo.inference.scans import predict_scans
from medzoo.progress import track
from medzoo.task.refinement import Refinement

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.inference import MaskPrediction
    from medzoo.inference.model import Model
    from medzoo.task import Segmentation

# Shares of the median true piece that are tried as the least size.
_SHARES = (0.01, 0.03, 0.1, 0.3)
# A gain of less mean Dice than this is no reason to change masks.
_GAIN = 0.001


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen for one label; as text a row of a table.

    Args:
        label: Its name.
        refinement: The steps, or None where none helps.
        before: Mean Dice over the cases without any.
        after: Mean Dice with them.
    """

    label: str
    refinement: Refinement | None
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class Search:
    """The task with the chosen steps, and what each label gained; as text a table.

    Args:
        task: The new task.
        choices: One for each label but the background.
    """

    task: Segmentation
    choices: tuple[Choice, ...]

    def __str__(self) -> str:
        rows = [
            (choice.label, _words(choice.refinement), number(choice.before), number(choice.after))
            for choice in self.choices
        ]
        return "\n".join(align([("label", "steps", "dice before", "after"), *rows]))


@dataclass(frozen=True, eq=False)
class _Case:
    true: np.ndarray
    predicted: np.ndarray
    pixel_size: float | None


def search(model: Model, samples: Samples, batch_size: int = 8) -> Search:
    """Choose for each label the steps that raise the mean Dice over cases most.

    A case where neither mask has the label counts as 1, so that the removal of false alarms counts. A label keeps its
    masks as they are where no step gains 0.001.

    Args:
        model: A segmentation; steps that it has already are left out.
        samples: Images for neither training nor testing: the validation part.
        batch_size: Images in one step.

    Raises:
        ValueError: The model is no segmentation, or there are no samples.

    Example:
        >>> print(search(model, valid))
    """
    if not model.task.is_dense:
        raise ValueError(f"Only masks can be post-processed; this model is for {model.task.name}.")
    if not len(samples):
        raise ValueError("`samples` must hold at least one image; got none. Check the split that was chosen.")
    task = replace(model.task, postprocess=())
    samples = check_task(samples, task)
    cases = list(_cases(model, task, samples, batch_size))
    choices = tuple(_choose(label, index, cases) for index, label in enumerate(task.labels[1:], 1))
    steps = tuple((choice.label, choice.refinement) for choice in choices if choice.refinement is not None)
    return Search(replace(task, postprocess=steps), choices)


def _cases(model: Model, task: Segmentation, samples: Samples, batch_size: int) -> Iterator[_Case]:
    predictions = predict_scans(model, samples.images, batch_size=batch_size, slices=samples.slices)
    for index, prediction in enumerate(track(predictions, "Evaluating", len(samples))):
        true, mask = true_mask(task, samples, index), cast("MaskPrediction", prediction).unrefined_mask
        true, mask, _ = without_ignored(true, mask, len(task.labels))
        yield _Case(true, mask, prediction.scan.pixel_size)


def _choose(label: str, index: int, cases: Sequence[_Case]) -> Choice:
    """Try each step by itself, then all that gained together."""
    before = _dice(index, cases, None)
    tried = [(_dice(index, cases, refinement), refinement) for refinement in _candidates(index, cases)]
    gained = [refinement for dice, refinement in sorted(tried, key=lambda row: row[0]) if dice - before >= _GAIN]
    joined = Refinement()
    for refinement in gained:
        joined = replace(joined, **refinement.to_json())
    options = [*((refinement, dice) for dice, refinement in tried), (joined, _dice(index, cases, joined))]
    best, after = max(options, key=lambda row: row[1])
    return Choice(label, best, before, after) if after - before >= _GAIN else Choice(label, None, before, before)


def _candidates(index: int, cases: Sequence[_Case]) -> list[Refinement]:
    from scipy import ndimage

    in_mm = all(case.pixel_size for case in cases)
    sizes: list[float] = []
    for case in cases:
        pieces, _ = ndimage.label(case.true == index, np.ones((3,) * case.true.ndim))
        counts = np.bincount(pieces.ravel())[1:]
        sizes += (counts * (case.pixel_size if in_mm and case.pixel_size else 1.0)).tolist()
    median = float(np.median(sizes)) if sizes else 0.0
    least = [share * median for share in _SHARES if share * median > 0]
    if in_mm:
        smallest = [Refinement(min_size_mm=round(size, 3)) for size in least]
    else:
        smallest = [Refinement(min_pixels=max(2, round(size))) for size in least]
    return [Refinement(fill_holes=True), Refinement(largest=True), *smallest]


def _dice(index: int, cases: Sequence[_Case], refinement: Refinement | None) -> float:
    values = []
    for case in cases:
        mask = case.predicted if refinement is None else refinement(case.predicted, index, case.pixel_size)
        true, found = case.true == index, mask == index
        both = np.count_nonzero(true) + np.count_nonzero(found)
        values.append(2 * np.count_nonzero(true & found) / both if both else 1.0)
    return float(np.mean(values))


def _words(refinement: Refinement | None) -> str:
    if refinement is None:
        return "none"
    return ", ".join(name if value is True else f"{name} {value:g}" for name, value in refinement.to_json().items())
