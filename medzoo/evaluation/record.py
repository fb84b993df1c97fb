"""The record of an evaluation, its folder, and the machine it was made on."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo import __version__
from medzoo.errors import unknown_name
from medzoo.evaluation.tables import align, number, with_interval
from medzoo.files import write_json, write_rows

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.inference.model import Model


@dataclass(frozen=True)
class Evaluation:
    """What was measured, on what, and with what: everything that a model card says in numbers.

    All values are plain JSON values and hold no path: cases carry file names. An undefined number is None.

    Args:
        task: Name of the task.
        labels: Names of the labels, those of a segmentation with the background first; for a regression the name of its
            target.
        data: `name` of the data set, and `split` of the samples.
        n_cases: Number of images.
        n_patients: Number of patients among them; None where the data set does not name its patients.
        scores: Name to `{"value", "low", "high"}`; the names are those of `statistic` in
            `medzoo.evaluation.segmentation`, `classification` and `regression`.
        interval: `level`, `method` and `seed` of the intervals; of a bootstrap its `samples` too.
        cases: Rows of `source`, `patient` and what the task says of each case.
        versions: Versions of medzoo, Python and the libraries that were loaded.
        hardware: `cpu` and `cores`.
        date: Day in UTC, `2026-01-31`.
        seconds: Time that prediction and comparison took.
        confusion: Pixels, or cases of a classification, one row per true and one column per predicted label.
        threshold: Smallest probability of a positive pixel or case; None with more than two labels.
        empty_cases: Segmentation: the `rule` for cases with an empty true mask, the number of these `cases`, how many
            were `predicted_empty`, that share as `specificity`, and the `false_positive_pixels` in them.
        distances: Segmentation: the `rule` for structures without a surface, and for each label the number of cases in
            which it was `missed`, `invented`, or truly `absent`.
        curves: Classification: `roc` and `pr` by label, each a list for either axis; None for a label without both
            positive and negative cases.
        calibration: Classification: `temperature` and, for each bin that holds cases, `confidence`, `accuracy` and
            `cases`; what the confidence is `of`.
        operating_points: Binary classification: threshold, recall, specificity and precision by rule.
        unit: Regression: unit of the target.
        robustness: Scores on changed scans: what `medzoo.evaluation.robustness.robustness` returns.
        healthy: Segmentation: false alarms on healthy scans: what `false_alarms` of the same module returns.

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
    cases: list[dict[str, Any]]
    versions: dict[str, str]
    hardware: dict[str, Any]
    date: str
    seconds: float
    confusion: list[list[int]] | None = None
    threshold: float | None = None
    empty_cases: dict[str, Any] | None = None
    distances: dict[str, Any] | None = None
    curves: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None
    operating_points: list[dict[str, Any]] | None = None
    unit: str | None = None
    robustness: dict[str, Any] | None = None
    healthy: dict[str, Any] | None = None

    @property
    def anonymous(self) -> Evaluation:
        """The same record with numbers instead of the names of files and patients, as zoo entries hold it."""
        patients: dict[str | None, str | None] = {None: None}
        for row in self.cases:
            patients.setdefault(row["patient"], f"patient {len(patients)}")
        cases = [
            {**row, "source": f"case {number}", "patient": patients[row["patient"]]}
            for number, row in enumerate(self.cases, 1)
        ]
        return replace(self, cases=cases)

    def __getitem__(self, name: str) -> float | None:
        """Return the value of a score by its name; an unknown name lists near matches."""
        if name not in self.scores:
            raise unknown_name("score", name, self.scores)
        return self.scores[name]["value"]

    def detail(self, field: str) -> Any:
        """Return a field that only the records of some tasks have, such as `curves`.

        Raises:
            ValueError: This record does not have it.
        """
        value = getattr(self, field)
        if value is None:
            raise ValueError(f"This record of a {self.task} has no `{field}`. Write it again with: medzoo evaluate")
        return value

    def __str__(self) -> str:
        """Return an aligned table of the scores with their intervals."""
        patients = "patients not named" if self.n_patients is None else f"{self.n_patients} patients"
        rows = [("", "value", f"{self.interval['level']:.0%} interval")]
        rows += [(name, *with_interval(score)) for name, score in self.scores.items()]
        lines = [f"{self.n_cases} cases, {patients}", *align(rows)]
        if self.operating_points:
            lines += ["", *_operating_table(self.operating_points)]
        if self.empty_cases:
            empty = self.empty_cases
            lines.append(f"Empty cases: {empty['cases']}, of which {empty['predicted_empty']} were predicted empty.")
        if self.robustness:
            part = f"change of the {self.robustness['split'] or 'same'} part"
            rows = [(row["change"], *with_interval(row)) for row in self.robustness["changes"]]
            lines += ["", *align([(part, self.robustness["score"], ""), *rows])]
        if self.healthy:
            rate = " (".join(with_interval(self.healthy["rate"]))
            lines.append(f"Healthy scans: an alarm in {self.healthy['alarms']} of {self.healthy['cases']}, {rate}).")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back, without the fields that the task does not have."""
        optional = {item.name for item in fields(self) if item.default is None}
        values = {name: value for name, value in asdict(self).items() if value is not None or name not in optional}
        return {**values, "labels": list(self.labels)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Evaluation:
        """Make an Evaluation of its JSON form.

        Raises:
            ValueError: A field is missing or unknown.
        """
        needed = {item.name for item in fields(cls) if item.default is MISSING}
        missing, unknown = needed - value.keys(), value.keys() - {item.name for item in fields(cls)}
        if missing or unknown:
            raise ValueError(
                "An evaluation record must have the fields of medzoo.evaluation.Evaluation. "
                f"Missing: {sorted(missing)}; unknown: {sorted(unknown)}. "
                "Write it again: medzoo evaluate NAME --data DIR -o RUN"
            )
        return cls(**{**deepcopy(dict(value)), "labels": tuple(value["labels"])})


def _operating_table(points: list[dict[str, Any]]) -> list[str]:
    names = [name for name in points[0] if name != "rule"]
    rows = [(point["rule"], *(number(point[name]) for name in names)) for point in points]
    return align([("operating point", *names), *rows])


def save_report(
    evaluation: Evaluation,
    folder: str | os.PathLike,
    history: str | os.PathLike | None = None,
    model: Model | None = None,
    samples: Samples | None = None,
) -> list[Path]:
    """Write `evaluation.json`, `figures/*.png` and, with model and samples, the cases; each file whole or not at all.

    The figures show no images and may be published with the model. `cases.csv` and the pictures in `overlays` are about
    single patients and stay with the run.

    Args:
        evaluation: The record.
        folder: Where to write; made if there is none. Other files in it are kept.
        history: `history.csv` of the training, for the curves.
        model: The evaluated model, for the pictures.
        samples: The samples it was evaluated on, for the pictures.

    Returns:
        Paths of the pictures.

    Example:
        >>> save_report(evaluation, "run", history="run/history.csv", model=model, samples=test)
    """
    from medzoo.evaluation.plots import common as plots
    from medzoo.evaluation.plots.figures import case_sheets, draw_figures

    folder = Path(folder)
    write_json(folder / "evaluation.json", evaluation.to_json())
    figures = draw_figures(evaluation)
    if history is not None:
        figures["training"] = plots.curves_figure(history)
    paths = [plots.save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]
    if model is None or samples is None:
        return paths
    write_rows(folder / "cases.csv", evaluation.cases)
    for name, figure in case_sheets(model, samples, evaluation).items():
        paths.append(plots.save_figure(figure, folder / "overlays" / f"{name}.png", colours=128))
    return paths


def loaded_versions() -> dict[str, str]:
    """Return the versions of Python, medzoo, and the loaded libraries that can change a score."""
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
