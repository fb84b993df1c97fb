"""What a cross-validation found."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medzoo.evaluation.plots.common import save_figure
from medzoo.evaluation.plots.folds import fold_figures
from medzoo.evaluation.record import Evaluation
from medzoo.files import write_json, write_rows
from medzoo.recipe import Recipe
from medzoo.training.cross_validation.scores import FoldScores, pool
from medzoo.training.history import HISTORY
from medzoo.zoo_model import ZooModel

TITLES = {
    "valid": "Each fold on its own validation part, of {cases} cases in all",
    "test": "All folds on the held-out set of {cases} cases",
}


@dataclass(frozen=True)
class CrossValidation:
    """The scores of all folds, and the ensemble of their models.

    Args:
        name: Name of the recipe.
        valid: Scores of each fold on the part that it did not learn from.
        test: Scores on what no fold has seen; None where nothing is held out.
        histories: `history.csv` of each fold.
        model: The ensemble.

    Example:
        >>> result = medzoo.cross_validate(recipe, data, "runs/crossval")
        >>> print(result)
    """

    name: str
    valid: FoldScores
    test: FoldScores | None
    histories: tuple[Path, ...]
    model: ZooModel = field(repr=False, compare=False)

    @property
    def parts(self) -> tuple[FoldScores, ...]:
        """What was scored, the held-out set last."""
        return (self.valid,) if self.test is None else (self.valid, self.test)

    def __str__(self) -> str:
        """Return an aligned table for each part."""
        task = self.model.task
        blocks = [[TITLES[scores.part].format(cases=scores.n_cases), *scores.table(task)] for scores in self.parts]
        return "\n\n".join("\n".join(block) for block in blocks)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        first = self.valid.evaluations[0]
        facts = {name: getattr(first, name) for name in ("task", "interval", "versions", "hardware", "date")}
        scores = {part.part: part.to_json() for part in self.parts}
        return {"name": self.name, **facts, "labels": list(first.labels), **scores}

    def save(self, folder: str | os.PathLike) -> list[Path]:
        """Write `crossval.json`, `crossval.csv` and `figures/*.png`, and return the paths of the figures."""
        folder = Path(folder)
        write_json(folder / "crossval.json", self.to_json())
        write_rows(folder / "crossval.csv", [row for part in self.parts for row in part.rows()])
        figures = fold_figures({part.part: part.evaluations for part in self.parts}, self.histories)
        return [save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]


def collect(
    recipe: Recipe,
    found: Sequence[Mapping[str, Evaluation]],
    test: Evaluation | None,
    patients: Sequence[str],
    run: Path,
    model: ZooModel,
) -> CrossValidation:
    """Put the evaluations of the folds together.

    Args:
        recipe: The recipe of the cross-validation.
        found: Record of each fold by part.
        test: Record of the ensemble on what is held out, if anything is.
        patients: Patient of each case of the validation parts, fold by fold.
        run: Folder of the folds.
        model: The ensemble.
    """
    valid = tuple(one["valid"] for one in found)
    return CrossValidation(
        name=recipe.name,
        valid=FoldScores("valid", valid, "pooled", pool(recipe.task, valid, patients, recipe.seed)),
        test=test and FoldScores("test", tuple(one["test"] for one in found), "ensemble", test.scores),
        histories=tuple(run / f"fold-{index}" / HISTORY for index in range(1, len(found) + 1)),
        model=model,
    )
