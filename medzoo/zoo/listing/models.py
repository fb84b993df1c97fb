"""Which models there are: on this machine, in the registry, on the Hub."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from medzoo.entry import CARD, EVALUATION, WEIGHTS, entry_folders, read_manifest
from medzoo.errors import printable, refuse_unknown
from medzoo.files import read_json
from medzoo.task import TASKS
from medzoo.zoo import find
from medzoo.zoo.find import Row, registry_rows
from medzoo.zoo.listing.licenses import allows_commercial, find_license, normalise

COLUMNS = ("model", "task", "modality", "test score", "parameters", "weights", "licence")

_logger = logging.getLogger("medzoo")


@dataclass(frozen=True)
class ModelInfo:
    """A row of `list_models`; what is not known is None.

    Args:
        name: Name to load it by: that of its folder, or of its repository on the Hub.
        task: `"segmentation"`.
        modality: What kind of images it reads.
        score: Value of the main score on the test set.
        score_name: Which score that is.
        interval: Its lower and upper bound.
        size: Bytes of the Keras weights.
        parameters: Number of parameters.
        license: Licence of the weights.
        data_license: Licence of the data that it was trained on.
        repo: Repository on the Hub.
        revision: Commit at which it is loaded, where the registry pins one.
    """

    name: str
    task: str | None = None
    modality: str | None = None
    score: float | None = None
    score_name: str | None = None
    interval: tuple[float, float] | None = None
    size: int | None = None
    parameters: int | None = None
    license: str | None = None
    data_license: str | None = None
    repo: str | None = None
    revision: str | None = None

    @classmethod
    def from_row(cls, row: Row) -> ModelInfo:
        """Return the row of a model of the registry."""
        interval = tuple(row["interval"]) if row["interval"] else None
        size = row["files"].get(WEIGHTS, {}).get("size")
        return cls(**{**{key: row[key] for key in row if key != "files"}, "interval": interval, "size": size})

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `COLUMNS`."""
        cells = (
            self.name,
            self.task,
            self.modality,
            f"{self.score_name} {self.score:.3f}" if self.score is not None else None,
            f"{self.parameters / 1e6:.1f} M" if self.parameters is not None else None,
            f"{self.size / 1e6:.1f} MB" if self.size is not None else None,
            self.license,
        )
        return tuple(cell or "-" for cell in cells)


def models_table(models: Iterable[ModelInfo]) -> str:
    """Return models as a table for a terminal, a line each, without what a card could do to it.

    Example:
        >>> print(models_table(medzoo.list_models(task="segmentation")).splitlines()[0].split()[0])
        model
    """
    rows = [COLUMNS, *(tuple(map(printable, info.cells())) for info in models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def list_models(
    task: str | None = None,
    modality: str | None = None,
    license: str | None = None,
    commercial: bool = False,
    hub: bool = False,
) -> list[ModelInfo]:
    """List the models that load by name.

    Args:
        task: Keep those of this task only, for example `"segmentation"`.
        modality: Keep those of this modality only, for example `"MRI"`.
        license: Keep those whose weights have this licence only, for example `"cc-by-4.0"`.
        commercial: Keep those only whose weights and training data both have a licence that is known to allow
            commercial use. What a card on the Hub says of it is the word of its author.
        hub: Whether to ask the Hub, too, for all models with the tag `medzoo`.

    Returns:
        The models of this machine and of the registry, then those of the Hub.

    Raises:
        ValueError: The task or the licence is unknown; near matches are in the message.
        ConnectionError: The Hub was not reached.

    Example:
        >>> "brain-tumor-unet" in {info.name for info in medzoo.list_models(task="segmentation")}
        True
    """
    refuse_unknown("task", [task] if task else [], TASKS)
    identifier = normalise(license) if license else None
    return [
        row
        for row in [*_local_models(), *(_hub_models() if hub else ())]
        if task in (None, row.task)
        and (modality is None or (row.modality or "").casefold() == modality.casefold())
        and identifier in (None, find_license(row.license))
        and not (commercial and not (allows_commercial(row.license) and allows_commercial(row.data_license)))
    ]


def entry_row(folder: Path) -> Row:
    """Return the row of the zoo entry in `folder`.

    Raises:
        FileNotFoundError: The folder is no zoo entry.
        ValueError: A file of it cannot be read.
    """
    manifest = read_manifest(folder)
    scores = read_json(folder / EVALUATION)["scores"] if EVALUATION in manifest["files"] else {}
    score = scores.get(manifest.get("score")) or {}
    is_scored = score.get("value") is not None
    return {
        "name": folder.name,
        "repo": None,
        "revision": None,
        "task": manifest["task"]["type"],
        "modality": manifest.get("modality"),
        "score": score["value"] if is_scored else None,
        "score_name": manifest["score"] if is_scored else None,
        "interval": [score["low"], score["high"]] if is_scored and score["low"] is not None else None,
        "parameters": manifest["parameters"],
        "license": _license(manifest["license"]["weights"]),
        "data_license": _license(manifest["license"]["data"]),
        # Publishing renders the card anew for its repository.
        "files": {name: facts for name, facts in manifest["files"].items() if name != CARD},
    }


def _local_models() -> Iterator[ModelInfo]:
    """Yield the models of the registry and those of other folders; one that cannot be read is left out."""
    rows, folders = registry_rows(), entry_folders()
    for name in {**rows, **folders}:
        folder = folders.get(name)
        try:
            is_registered = name in rows and (folder is None or folder.parent == find.REGISTRY.parent)
            yield ModelInfo.from_row(rows[name] if is_registered else entry_row(folders[name]))
        except (OSError, ValueError, TypeError, KeyError) as error:
            _logger.warning("medzoo: %s is left out: %s", folder, error)


def _hub_models() -> list[ModelInfo]:
    from medzoo.zoo.listing.hub import hub_models

    registered = {row["repo"] for row in registry_rows().values()}
    return [row for row in hub_models() if row.name not in registered]


def _license(text: str | None) -> str | None:
    return find_license(text) or text
