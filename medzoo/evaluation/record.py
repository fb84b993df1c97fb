"""The record of an evaluation, and the machine it was made on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from medzoo import __version__
from medzoo.errors import unknown_name


@dataclass(frozen=True)
class Evaluation:
    """What was measured, on what, and with what: everything that a model card says in numbers.

    All values are plain JSON values and no path leaves the machine: cases carry file names. A number that is not
    known is None.

    Args:
        task: Name of the task.
        labels: Names of the labels, background first.
        data: `name` of the data set and `split` as given or as the samples say.
        n_cases: Number of images.
        n_patients: Number of patients among them; None where the data set does not name its patients.
        scores: Name to `{"value", "low", "high"}`; see `medzoo.evaluation.scores.pooled_scores` for the names, and
            `dice_per_case` and `iou_per_case`, the means over cases.
        interval: `level`, `method`, `samples` and `seed` of the intervals.
        empty_cases: The `rule` for cases with an empty true mask, how many `cases` there are, how many were
            `predicted_empty`, that share as `specificity`, and the `false_positive_pixels` in them.
        confusion: Pixels, one row per true and one column per predicted label.
        cases: Rows of `source`, `patient`, `dice`, `iou`, `true_pixels`, `predicted_pixels` (foreground).
        threshold: Probability from which on a pixel counted as foreground; None with several foreground labels.
        versions: Versions of medzoo, Python and the libraries that were loaded.
        hardware: `cpu` and `cores`.
        date: Day in UTC, `2026-01-31`.
        seconds: Time that prediction and comparison took.

    Example:
        >>> evaluation = medzoo.evaluate(model, valid)
        >>> evaluation["dice"]
        0.741532
        >>> print(evaluation)
    """

    task: str
    labels: tuple[str, ...]
    data: dict[str, str | None]
    n_cases: int
    n_patients: int | None
    scores: dict[str, dict[str, float | None]]
    interval: dict[str, Any]
    empty_cases: dict[str, Any]
    confusion: list[list[int]]
    cases: list[dict[str, Any]]
    threshold: float | None
    versions: dict[str, str]
    hardware: dict[str, Any]
    date: str
    seconds: float

    def __getitem__(self, name: str) -> float | None:
        """Return the value of a score by its name; an unknown name lists near matches."""
        if name not in self.scores:
            raise unknown_name("score", name, self.scores)
        return self.scores[name]["value"]

    def __str__(self) -> str:
        """Return an aligned table of the scores with their intervals."""
        width = max(map(len, self.scores))
        level = f"{self.interval['level']:.0%} interval"
        patients = "patients not named" if self.n_patients is None else f"{self.n_patients} patients"
        lines = [f"{self.n_cases} cases, {patients}", f"{'':{width}}  value  {level}"]
        for name, score in self.scores.items():
            value, low, high = (f"{'-' if x is None else format(x, '.3f'):>5}" for x in score.values())
            lines.append(f"{name:{width}}  {value}  {low} - {high}")
        empty = self.empty_cases
        lines.append(f"Empty cases: {empty['cases']}, of which {empty['predicted_empty']} were predicted empty.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        return {**asdict(self), "labels": list(self.labels)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Evaluation:
        """Make an Evaluation of its JSON form.

        Raises:
            ValueError: A field is missing or unknown.
        """
        names = {field.name for field in fields(cls)}
        if value.keys() != names:
            raise ValueError(
                "An evaluation record must have exactly the fields of medzoo.evaluation.Evaluation. "
                f"Missing: {sorted(names - value.keys())}; unknown: {sorted(value.keys() - names)}. "
                "Write it again: medzoo evaluate NAME --data DIR -o RUN"
            )
        return cls(**{**deepcopy(dict(value)), "labels": tuple(value["labels"])})


def loaded_versions() -> dict[str, str]:
    """Return the versions of Python, medzoo and those libraries that are loaded and can change a score."""
    names = ("numpy", "cv2", "keras", "tensorflow", "jax", "torch", "onnxruntime")
    versions = {name: sys.modules[name].__version__ for name in names if name in sys.modules}
    if "keras" in sys.modules:
        versions["keras_backend"] = sys.modules["keras"].config.backend()
    return {"medzoo": __version__, "python": platform.python_version(), **versions}


def hardware() -> dict[str, Any]:
    """Return the model of the processor and the number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu_model(), "cores": cores}


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())
