"""Train and score every fold, in a folder that survives a kill."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from medzoo.data import Samples
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.record import Evaluation, save_report
from medzoo.files import atomic_folder, read_json
from medzoo.models.ensemble import MEMBER
from medzoo.progress import duration
from medzoo.recipe import Builder, Recipe
from medzoo.training.cross_validation.folds import claim, fold_parts
from medzoo.training.cross_validation.scores import CrossValidation, collect
from medzoo.training.history import HISTORY
from medzoo.training.train import check, fit_recipe, train
from medzoo.zoo.save import save as write_entry
from medzoo.zoo_model import ZooModel


def make_ensemble(recipe: Recipe, models: Iterable[ZooModel], count: int) -> ZooModel:
    """Give the members of an ensemble the weights of models, one after the other.

    Args:
        recipe: Recipe of the models.
        models: The models; only one of them needs to be in memory at a time.
        count: Number of the models.

    Returns:
        The model whose answer is the mean of theirs, compiled for fine-tuning.
    """
    ensemble = ZooModel.from_recipe(ensemble_recipe(recipe, count))
    for number, model in enumerate(models, 1):
        ensemble.get_layer(MEMBER.format(number)).set_weights(model.get_weights())
    ensemble.compile_from_recipe()
    return ensemble


def ensemble_recipe(recipe: Recipe, count: int) -> Recipe:
    """Return the recipe of an ensemble of so many models of a recipe."""
    builder = Builder("ensemble", {"members": count, "of": recipe.builder})
    return replace(recipe, name=f"{recipe.name}-ensemble", builder=builder, expected={})


RECORD, MODEL = "evaluation.json", "model"


def cross_validate(
    recipe: Recipe,
    samples: Samples,
    run: str | os.PathLike,
    folds: int | str | os.PathLike = 5,
    holdout: float = 0.0,
    verbose: int | str = "auto",
    save: Callable[..., Any] | bool | None = None,
) -> CrossValidation:
    """Train a recipe once for each fold, score every model, and make one model of all of them.

    Patients stay together, and the folds have about the same mix of classes or values. What a recipe leaves to its data
    (the scale of a regression, intensities of the data set) is fitted once, on all that is not held out, so that the
    models answer in one scale. Features of a frozen encoder are computed once for all folds. Finished folds are kept
    after a kill; run again to go on.

    The validation part of a fold also chooses its best epoch, so scores on it are a little too good; those on what is
    held out are not.

    Args:
        recipe: All values of the training; its seed chooses the folds.
        samples: The data set. A "test" part is held out, all other images are in the folds.
        run: Folder for `fold-1`, `fold-2`, ... (runs as of `medzoo.train`, with their evaluations in `valid` and
            `test`), `folds.csv`, `crossval.json`, `crossval.csv` and `figures`.
        folds: Number of folds, at least 2; or a CSV with the columns image and fold, as `save_split` and `medzoo split`
            write it: published folds, or such that keep near-duplicates together.
        holdout: Fraction of the images to hold out of data without a "test" part; 0 takes that of the recipe.
        verbose: Keras's progress: 0 silent, 1 bar, 2 a line an epoch.
        save: Whether to also write the zoo entries `fold-1/model`, ... and `ensemble`; or what writes them in place of
            `medzoo.save`.

    Returns:
        The scores, and the ensemble as `model`. `print(result)` shows a table.

    Raises:
        FileNotFoundError: There is no CSV of folds.
        ValueError: The folder holds another cross-validation, the data has a "test" part or its folds are given and
            `holdout` too, or there are fewer patients than folds.
        DivergenceError: The loss of a fold became NaN.

    Example:
        >>> result = medzoo.cross_validate(recipe, data, "runs/crossval", folds=5, holdout=0.2, save=True)
        >>> result.test.mean["auc/mutant"], result.test.std["auc/mutant"]
        (0.954, 0.014)
        >>> medzoo.predict(result.model, "scan.nii.gz")
    """
    run = Path(run)
    if holdout and isinstance(folds, str | os.PathLike):
        raise ValueError(f"`holdout` is for folds that are made here; '{folds}' says which images are held out.")
    recipe = _with_holdout(recipe, samples, holdout)
    samples = check(recipe, samples)
    parts = fold_parts(samples, recipe, folds)
    fitted = fit_recipe(recipe, parts[0][0] + parts[0][1])
    claim(run, recipe, parts)
    trainer = _Trainer(fitted, run, len(parts), verbose, save)
    evaluations = [trainer.scores(number, part) for number, part in enumerate(parts, 1)]
    # A generator, so that one of them is in memory at a time.
    models = (trainer.train(number, part) for number, part in enumerate(parts, 1))
    model = make_ensemble(trainer.recipe, models, len(parts))
    test = trainer.score_ensemble(model, parts[0][2] if len(parts[0]) > 2 else None)
    patients = [patient for part in parts for patient in part[1].patients]
    result = collect(recipe, evaluations, test, patients, run, model)
    result.save(run)
    return result


class _Trainer:
    """What all folds share."""

    def __init__(
        self, recipe: Recipe, run: Path, folds: int, verbose: int | str, save: Callable[..., Any] | bool | None
    ):
        self.recipe, self.run = recipe, run
        self._folds, self._verbose, self._save = folds, verbose, write_entry if save is True else save or None
        self._seconds: list[float] = []

    def train(self, number: int, parts: tuple[Samples, ...]) -> ZooModel:
        """Return the model of a fold; one that was trained before is only loaded."""
        recipe = replace(self.recipe, name=f"{self.recipe.name}-fold-{number}")
        cache = self.run / "features"
        return train(recipe, parts[0] + parts[1], self._folder(number), verbose=self._verbose, cache=cache)

    def scores(self, number: int, parts: tuple[Samples, ...]) -> dict[str, Evaluation]:
        """Return the evaluations of a fold on its validation part and on what is held out, made if they are missing."""
        folder = self._folder(number)
        paths = {part.splits[0]: folder / part.splits[0] for part in parts[1:]}
        if all((path / RECORD).is_file() for path in paths.values()) and self._is_saved(folder / MODEL):
            return {name: _read(path) for name, path in paths.items()}
        self._announce(number)
        start = time.perf_counter()
        model = self.train(number, parts)
        evaluations = {part.splits[0]: evaluate(model, part) for part in parts[1:]}
        model.evaluation = evaluations[parts[-1].splits[0]]
        self.save(model, folder / MODEL, history=folder / HISTORY)
        for name, path in paths.items():
            write_report(evaluations[name], path)
        self._seconds.append(time.perf_counter() - start)
        return evaluations

    def score_ensemble(self, model: ZooModel, test: Samples | None) -> Evaluation | None:
        """Return the evaluation of the ensemble on what is held out, and write its zoo entry."""
        path = self.run / "test"
        if test is not None and not (path / RECORD).is_file():
            write_report(evaluate(model, test), path)
        model.evaluation = _read(path) if test is not None else None
        if not self._is_saved(self.run / "ensemble"):
            self.save(model, self.run / "ensemble")
        return model.evaluation

    def save(self, model: ZooModel, folder: Path, **words: Any) -> None:
        """Write a zoo entry, if such are wanted."""
        if self._save is not None:
            self._save(model, folder, **words)

    def _announce(self, number: int) -> None:
        """Say on stderr which fold is on, and how long it and the others will take."""
        from rich.console import Console

        mean = sum(self._seconds) / max(len(self._seconds), 1)
        left = f", about {duration(mean * (self._folds - number + 1))} left" if mean else ""
        Console(stderr=True, quiet=self._verbose == 0).print(f"Fold {number} of {self._folds}{left}", style="bold")

    def _is_saved(self, folder: Path) -> bool:
        return self._save is None or folder.is_dir()

    def _folder(self, number: int) -> Path:
        return self.run / f"fold-{number}"


def write_report(evaluation: Evaluation, folder: Path) -> None:
    """Write an evaluation and its figures, all or nothing."""
    with atomic_folder(folder) as new:
        save_report(evaluation, new)


def _with_holdout(recipe: Recipe, samples: Samples, holdout: float) -> Recipe:
    if not holdout:
        return recipe
    if "test" in samples.splits:
        raise ValueError(
            f"`holdout` is for data without a test part; got holdout={holdout} and {samples!r}. Leave it out: the test "
            "part of the data is held out."
        )
    # In the recipe, so that `medzoo evaluate --split test` of a model finds the same images.
    return replace(recipe, split=replace(recipe.split, test=holdout))


def _read(folder: Path) -> Evaluation:
    return Evaluation.from_json(read_json(folder / RECORD))
