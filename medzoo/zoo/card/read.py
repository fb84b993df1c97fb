"""A model card back to what it says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.evaluation.record import Evaluation

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

# Cards of the zoo have some 10 kB.
LARGEST = 1_000_000


@dataclass(frozen=True)
class CardContent:
    """What a model card says to programs.

    Args:
        metadata: Its YAML front matter.
        evaluation: The evaluation that was published, without `cases` and `curves`, which stand in `evaluation.json`
            only; None without one.
    """

    metadata: ModelCardData
    evaluation: Evaluation | None


def read_card(path_or_text: str | os.PathLike) -> CardContent:
    r"""Read a model card.

    Args:
        path_or_text: Path of a `README.md`, or its text, which has more than one line.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no card that medzoo wrote, or too large to be one.

    Example:
        >>> read_card("zoo_cards/brain-tumor-unet/README.md").evaluation["dice"]
        0.779268
    """
    is_text = isinstance(path_or_text, str) and "\n" in path_or_text
    where = "the card" if is_text else os.fspath(path_or_text)
    text = path_or_text if is_text else _read(Path(path_or_text))
    if len(text) > LARGEST:
        raise ValueError(f"{where} is too large for a model card: expected at most {LARGEST} characters.")
    try:
        return _parse(text)
    except Exception as error:
        # Whatever YAML and huggingface_hub raise, which has no common class: the text may come from anywhere.
        raise ValueError(f"{where} is no card of a zoo entry that can be read: {error}") from error


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(LARGEST + 1)


def _parse(text: str) -> CardContent:
    from huggingface_hub import ModelCard

    metadata = ModelCard(text).data
    record = metadata.get("medzoo")
    if not isinstance(record, Mapping):
        raise ValueError("its front matter has no 'medzoo'. Write the card with: medzoo card FOLDER")
    evaluation = record.get("evaluation")
    return CardContent(metadata, Evaluation.from_json({**evaluation, "cases": []}) if evaluation else None)
