"""What a model card must say before the model is published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from medzoo.evaluation.record import Evaluation
from medzoo.recipe import Recipe
from medzoo.zoo.listing.licenses import normalise

# What a reader must know, and where a recipe says it.
NEEDED = {
    ("data", "source"): "where the training data comes from",
    ("data", "license"): "licence of the training data",
    ("intended_use",): "what the model is meant for",
}
HEAD = (
    "The model card is not complete. Write what is missing into `card` of the recipe, or of a saved model into a JSON "
    "file: medzoo card FOLDER --words words.json --evaluation RUN. Missing:"
)
SEEN = {"train", "training", "valid", "validation", "val", "dev"}

_PLACEHOLDER = re.compile(r"\b(TODO|TBD|TBA|FIXME|XXX)\b|(?i:more information needed|lorem ipsum)|\{\{|\}\}")
_NOTHING = ("", "-", "?", "...", "n/a", "na", "none", "null", "todo", "tbd", "tba", "unknown")


def check_card(recipe: Recipe, evaluation: Evaluation | None) -> None:
    """Refuse a model whose card lacks what a reader must know.

    Args:
        recipe: Its recipe; `recipe.card` holds the words.
        evaluation: Scores on a test set, which a model of features alone cannot have.

    Raises:
        ValueError: Something is missing, or a placeholder stands for it; the message lists all of it, each with where
            to write it.

    Example:
        >>> check_card(model.recipe, medzoo.evaluate(model, data.part("test")))
    """
    missing = [*_licence(recipe.card), *_words(recipe.card), *_placeholders(recipe.card), *_scores(recipe, evaluation)]
    if missing:
        raise ValueError("\n".join([HEAD, *(f"- {item}" for item in missing)]))


def _licence(card: Mapping[str, Any]) -> Iterator[str]:
    text, where = card.get("license"), "`card.license`: licence of the weights"
    if _is_nothing(text):
        yield f"{where}, for example cc-by-4.0"
        return
    try:
        identifier = normalise(text)
    except ValueError as error:
        yield f"{where} that the Hub knows, or 'other' with its name in `card.license_name`. {error}"
        return
    if identifier == "other" and _is_nothing(card.get("license_name")):
        yield "`card.license_name`: name of the licence of the weights, which is 'other'"


def _words(card: Mapping[str, Any]) -> Iterator[str]:
    for keys, meaning in NEEDED.items():
        value: Any = card
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if _is_nothing(value):
            yield f"`card.{'.'.join(keys)}`: {meaning}"


def _placeholders(value: Any, where: str = "card") -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _placeholders(item, f"{where}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _placeholders(item, where)
    elif isinstance(value, str) and (placeholder := _PLACEHOLDER.search(value)):
        yield f"`{where}`: words in place of {placeholder[0]!r}"


def _scores(recipe: Recipe, evaluation: Evaluation | None) -> Iterator[str]:
    if recipe.task.main_score is None:
        return
    command = "Write them with: medzoo evaluate FOLDER --data DIR --split test -o RUN"
    if evaluation is None:
        yield f"evaluation: scores on a test split. {command}"
        return
    split = evaluation.data.get("split")
    if split is None or _is_nothing(split) or SEEN & set(re.findall(r"[a-z]+", split.casefold())):
        yield f"evaluation: scores on a test split; these are of the split {split!r}. {command}"


def _is_nothing(value: Any) -> bool:
    return not isinstance(value, str) or value.strip().casefold() in _NOTHING
