"""Models to zoo entries."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from medzoo.entry import CARD, EVALUATION, FIGURES, MANIFEST, RECIPE, read_entry, write_manifest
from medzoo.evaluation.plots import common as plots
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.save import save_report
from medzoo.features.estimator_model import EstimatorModel
from medzoo.hub.card import write_card
from medzoo.hub.network import FACTS, write_network
from medzoo.io.files import atomic_folder, read_json
from medzoo.zoo_model import ZooModel


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
        model: The model; its `evaluation`, if it has one, goes onto the card with its figures. Of an `EstimatorModel`
            bare Keras opens the network of the features; the estimator lies beside it, without pickle.
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
    folder = Path(folder)
    _refuse_foreign(folder)
    with atomic_folder(folder) as new:
        facts = write_network(model, new, exact)
        model.recipe.save(new / RECIPE)
        if model.evaluation is not None:
            save_report(model.evaluation, new)
        if history is not None:
            plots.save_figure(plots.curves_figure(history), new / FIGURES / "training.png")
        write_card(new, model.recipe, model.evaluation, facts["parameters"])
        write_manifest(new, model.recipe, facts)
    return folder


def attach_evaluation(folder: str | os.PathLike, run: str | os.PathLike | None = None) -> Path:
    """Write the card of a zoo entry anew, with the evaluation that `medzoo evaluate` left in `run`.

    Args:
        folder: The zoo entry.
        run: Folder with `evaluation.json` and `figures/`; None keeps what the entry has.

    Returns:
        Path of the card.

    Raises:
        FileNotFoundError: `folder` is no zoo entry, or `run` holds no evaluation.
        IntegrityError: A file of the entry was changed.
    """
    entry = read_entry(folder)
    with atomic_folder(entry.folder) as new:
        shutil.copytree(entry.folder, new, dirs_exist_ok=True)
        if run is not None:
            _copy_evaluation(Path(run), new)
        evaluation = Evaluation.from_json(read_json(new / EVALUATION)) if (new / EVALUATION).is_file() else None
        write_card(new, entry.recipe, evaluation, entry.manifest["parameters"])
        write_manifest(new, entry.recipe, {name: entry.manifest[name] for name in FACTS})
    return entry.folder / CARD


def _copy_evaluation(run: Path, folder: Path) -> None:
    if not (run / EVALUATION).is_file():
        raise FileNotFoundError(f"{run} has no {EVALUATION}. Write it with: medzoo evaluate NAME --data DIR -o {run}")
    shutil.copy(run / EVALUATION, folder / EVALUATION)
    for figure in (run / FIGURES).glob("*.png"):
        (folder / FIGURES).mkdir(exist_ok=True)
        shutil.copy(figure, folder / FIGURES / figure.name)


def _refuse_foreign(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} holds files that are no zoo entry. Choose a new folder, or empty this one.")
