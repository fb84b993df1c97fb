"""Names to zoo entries."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.entry import EVALUATION, MANIFEST, WEIGHTS, read_manifest
from medzoo.errors import unknown_name
from medzoo.io.files import cache_folder, read_json

# Where the folders of a run keep its zoo entry: of a training, a search, a cross-validation.
RUN_MODELS = ("model", "best", "ensemble")

COLUMNS = ("model", "task", "modality", "test score", "parameters", "weights", "licence")


@dataclass(frozen=True)
class ModelInfo:
    """A row of `list_models`.

    Args:
        name: Name to load it by, that of its folder.
        task: `"segmentation"`.
        modality: What kind of images it reads.
        score: Value of the main score on the test set, or None.
        score_name: Which score that is.
        size: Bytes of the Keras weights.
        parameters: Number of parameters.
        license: Licence of the weights.
    """

    name: str
    task: str
    modality: str | None
    score: float | None
    score_name: str | None
    size: int
    parameters: int
    license: str | None

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `COLUMNS`."""
        return (
            self.name,
            self.task,
            self.modality or "-",
            f"{self.score_name} {self.score:.3f}" if self.score is not None else "-",
            f"{self.parameters / 1e6:.1f} M",
            f"{self.size / 1e6:.1f} MB",
            self.license or "-",
        )


def entry_folders() -> dict[str, Path]:
    """Return the folders of the zoo entries on this machine by name: of the checkout, the wheel and the cache."""
    package = Path(__file__).resolve().parent.parent
    found: dict[str, Path] = {}
    for root in (package.parent / "zoo_cards", package / "zoo_cards", cache_folder()):
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return found


def find_entry(name: str | os.PathLike) -> Path:
    """Return the folder of a zoo entry.

    Args:
        name: Folder of an entry or of a run, or the name of an entry on this machine.

    Returns:
        The folder; for what looks like a path it is left to the reader to find that no entry lies there.

    Raises:
        ValueError: There is no entry of this name; near matches are in the message.
    """
    path = Path(name)
    for folder in (path, *(path / model for model in RUN_MODELS)):
        if (folder / MANIFEST).is_file():
            return folder
    folders = entry_folders()
    if os.fspath(name) in folders:
        return folders[os.fspath(name)]
    if path.is_dir() or len(path.parts) > 1:
        return path
    raise unknown_name("model", name, folders, "List them with: medzoo list")


def list_models(task: str | None = None, modality: str | None = None) -> list[ModelInfo]:
    """List the models that load by name on this machine.

    Args:
        task: Keep those of this task only, for example `"segmentation"`.
        modality: Keep those of this modality only, for example `"MRI"`.

    Example:
        >>> [info.name for info in medzoo.list_models(task="segmentation")]
        ['brain-tumor-unet']
    """
    rows = [model_info(folder) for folder in entry_folders().values()]
    return [row for row in rows if task in (None, row.task) and modality in (None, row.modality)]


def model_info(folder: Path) -> ModelInfo:
    """Return the row of one entry."""
    manifest = read_manifest(folder)
    score_name = manifest.get("score")
    scores: dict[str, Any] = read_json(folder / EVALUATION)["scores"] if EVALUATION in manifest["files"] else {}
    score = scores.get(score_name, {}).get("value") if score_name else None
    return ModelInfo(
        name=folder.name,
        task=manifest["task"]["type"],
        modality=manifest.get("modality"),
        score=score,
        score_name=score_name if score is not None else None,
        size=manifest["files"][WEIGHTS]["size"],
        parameters=manifest["parameters"],
        license=manifest["license"]["weights"],
    )
