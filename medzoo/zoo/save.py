"""Models to zoo entries."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.entry import CARD, EVALUATION, FIGURES, MANIFEST, RECIPE, read_entry, write_manifest
from medzoo.evaluation.record import Evaluation, save_report
from medzoo.files import atomic_folder, read_json, write_json
from medzoo.inference.model import check_model
from medzoo.recipe import Recipe
from medzoo.zoo.card.render import write_card

if TYPE_CHECKING:
    from medzoo.estimators.model import EstimatorModel
    from medzoo.zoo_model import ZooModel

# What the manifest keeps of how the network was written.
FACTS = ("medzoo", "versions", "score", "parameters")


def save(
    model: ZooModel | EstimatorModel,
    folder: str | os.PathLike,
    history: str | os.PathLike | None = None,
    exact: bool = False,
) -> Path:
    """Write a model as a zoo entry: exactly the folder that is published.

    The folder appears whole or not at all. It also opens with bare Keras: `keras.saving.load_model(folder)`. An ONNX
    copy for fast prediction is added where the extra `medzoo[onnx]` is installed.

    Args:
        model: The model; its `evaluation`, if it has one, goes onto the card with its figures. The names of its files
            and patients stay here, numbers take their place. Of an `EstimatorModel` bare Keras opens the network of the
            features; the estimator lies beside it, without pickle.
        folder: Where to write; an entry that stands there is replaced.
        history: `history.csv` of the training, for the curves on the card.
        exact: Whether to keep every kernel as it is; else kernels are stored in half precision as long as the golden
            output moves by no more than 1e-3.

    Returns:
        The folder.

    Raises:
        ValueError: `folder` holds something that is no zoo entry.

    Example:
        >>> medzoo.save(model, "my-tumor-unet")
    """
    check_model(model)
    folder = Path(folder)
    _refuse_foreign(folder)
    with atomic_folder(folder) as new:
        write_model(model, new, model.evaluation, history, exact)
    return folder


def write_model(
    model: ZooModel | EstimatorModel,
    folder: Path,
    evaluation: Evaluation | None,
    history: str | os.PathLike | None = None,
    exact: bool = False,
    repo: str | None = None,
) -> None:
    """Write the files of a zoo entry into an empty folder; as `save`, with these scores, for this repository."""
    from medzoo.evaluation.plots import common as plots
    from medzoo.zoo.network import write_network

    facts = write_network(model, folder, exact)
    if history is not None:
        plots.save_figure(plots.curves_figure(history), folder / FIGURES / "training.png")
    write_words(folder, model.recipe, facts, evaluation, repo)


def write_words(
    folder: Path,
    recipe: Recipe,
    facts: Mapping[str, Any],
    evaluation: Evaluation | None = None,
    repo: str | None = None,
) -> None:
    """Write what stands around the network of a zoo entry: recipe, scores with figures, card and manifest.

    Args:
        folder: The entry.
        recipe: Its recipe.
        facts: What the manifest keeps of how the network was written; of another manifest only that is taken.
        evaluation: Scores on a test set; None keeps those of the folder.
        repo: The repository on the Hub that the card names, `"owner/name"`.
    """
    if repo is not None and recipe.weights:
        # Of a path on this machine only the name of the file is told.
        recipe = replace(recipe, weights=Path(recipe.weights).name)
    recipe.save(folder / RECIPE)
    if evaluation is not None:
        save_report(evaluation.anonymous, folder)
    elif (folder / EVALUATION).is_file():
        evaluation = read_evaluation(folder)
        write_json(folder / EVALUATION, evaluation.anonymous.to_json())
    write_card(folder, recipe, evaluation, facts["parameters"], repo)
    write_manifest(folder, recipe, {name: facts[name] for name in FACTS})


def attach_evaluation(
    folder: str | os.PathLike,
    run: str | os.PathLike | None = None,
    words: Mapping[str, Any] | str | os.PathLike | None = None,
) -> Path:
    """Write the card of a zoo entry anew, with the evaluation that `medzoo evaluate` left in `run`, and with new words.

    Args:
        folder: The zoo entry.
        run: Folder with `evaluation.json`; None keeps what the entry has.
        words: What to set in the `card` of its recipe, such as `license` and `intended_use`, or a JSON file of that;
            fields of `data` are set one by one.

    Returns:
        Path of the card.

    Raises:
        FileNotFoundError: `folder` is no zoo entry, or `run` holds no evaluation.
        IntegrityError: A file of the entry was changed.
        ValueError: `words` is no JSON object.

    Example:
        >>> attach_evaluation("my-tumor-unet", words={"license": "cc-by-4.0", "data": {"license": "cc0-1.0"}})
    """
    entry = read_entry(folder)
    evaluation = None if run is None else read_evaluation(run)
    with atomic_folder(entry.folder) as new:
        shutil.copytree(entry.folder, new, dirs_exist_ok=True)
        write_words(new, _with_words(entry.recipe, words), entry.manifest, evaluation)
    return entry.folder / CARD


def read_evaluation(run: str | os.PathLike) -> Evaluation:
    """Read the evaluation that `medzoo evaluate` left in a folder.

    Raises:
        FileNotFoundError: There is none.
        ValueError: It is no evaluation.
    """
    path = Path(run) / EVALUATION
    if not path.is_file():
        raise FileNotFoundError(f"{run} has no {EVALUATION}. Write it with: medzoo evaluate NAME --data DIR -o {run}")
    return Evaluation.from_json(read_json(path))


def _with_words(recipe: Recipe, words: Mapping[str, Any] | str | os.PathLike | None) -> Recipe:
    if words is None:
        return recipe
    values = words if isinstance(words, Mapping) else read_json(words)
    if not isinstance(values, Mapping) or not isinstance(values.get("data", {}), Mapping):
        raise ValueError(f'`words` must be a JSON object such as {{"license": "cc-by-4.0"}}. Received: {words}.')
    data = {**recipe.card.get("data", {}), **values.get("data", {})}
    return replace(recipe, card={**recipe.card, **values, **({"data": data} if data else {})})


def _refuse_foreign(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} holds files that are no zoo entry. Choose a new folder, or empty this one.")
