"""What a model card says to programs: its YAML front matter, written and read back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import CardData, EvalResult, ModelCard, ModelCardData

from medzoo.evaluation.record import Evaluation
from medzoo.recipe import Recipe
from medzoo.zoo.find import registry_rows
from medzoo.zoo.listing.licenses import find_license

# Scores that go into the Hub's `model-index`, with the names that it shows.
HUB_SCORES = {
    "dice": "Dice (pooled)",
    "dice_per_case": "Dice (mean over cases)",
    "iou": "IoU (pooled)",
    "pixel_accuracy": "Pixel accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "auc_macro": "ROC AUC (macro)",
    "f1_macro": "F1 (macro)",
    "f1_weighted": "F1 (weighted)",
    "ece": "Expected calibration error",
    "r2": "R2",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "pearson": "Pearson correlation",
}
# These are about single cases; only evaluation.json has them.
LEFT_OUT = ("cases", "curves")
# Where a name has no letter that an identifier may have.
UNNAMED = "unnamed"

_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(@.*)?", re.ASCII)


def card_metadata(recipe: Recipe, evaluation: Evaluation | None, parameters: int) -> ModelCardData:
    """Return the metadata that the Hub reads, and under `medzoo` what `medzoo list --hub` and `read_card` need more."""
    card, data = recipe.card, recipe.card.get("data") or {}
    return ModelCardData(
        base_model=list(_repositories(card.get("base_model"))) or None,
        datasets=[_dataset(data)] if data.get("name") else None,
        library_name="keras",
        metrics=[result.metric_type for result in _eval_results(recipe, evaluation)] or None,
        pipeline_tag=recipe.task.pipeline_tag,
        tags=list(_tags(recipe)),
        model_name=recipe.name,
        eval_results=_eval_results(recipe, evaluation) or None,
        medzoo=_record(recipe, evaluation, parameters),
        **_license(card),
    )


def _license(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the licence; one that the Hub does not know has a name."""
    text = card.get("license")
    if not text:
        return {}
    identifier = find_license(text) or "other"
    if identifier != "other":
        return {"license": identifier}
    link = {"license_link": card["license_link"]} if card.get("license_link") else {}
    return {"license": "other", "license_name": slug(card.get("license_name") or text) or UNNAMED, **link}


def _tags(recipe: Recipe) -> Iterator[str]:
    card, dimensions = recipe.card, len(recipe.preprocessing.size)
    words = (recipe.task.name, card.get("modality"), f"{dimensions}d", *card.get("tags", []))
    yield from ("medzoo", "medical", "medical-imaging")
    yield from filter(None, (slug(str(word)) for word in words if word))


def _repositories(base: Any) -> Iterator[str]:
    """Yield the repositories of `"owner/name@commit"` and of names of the registry; the Hub knows no others."""
    rows = registry_rows()
    for name in [base] if isinstance(base, str) else base or ():
        match = _REPOSITORY.fullmatch(rows.get(name, {}).get("repo") or name)
        if match:
            yield match[1]


def _eval_results(recipe: Recipe, evaluation: Evaluation | None) -> list[EvalResult]:
    if evaluation is None:
        return []
    scores = {name: evaluation.scores[name] for name in HUB_SCORES if name in evaluation.scores}
    name, data = evaluation.data["name"] or UNNAMED, recipe.card.get("data") or {}
    return [
        EvalResult(
            task_type=recipe.task.pipeline_tag,
            dataset_type=_dataset(data if data.get("name") == name else {"name": name}),
            dataset_name=name,
            dataset_split=evaluation.data["split"],
            metric_type=score_name,
            metric_value=score["value"],
            metric_name=HUB_SCORES[score_name],
            metric_args=_interval(score, evaluation),
        )
        for score_name, score in scores.items()
        if score["value"] is not None
    ]


def _interval(score: dict[str, Any], evaluation: Evaluation) -> dict[str, Any] | None:
    if score["low"] is None or score["high"] is None:
        return None
    return {"interval": [score["low"], score["high"]], "level": f"{evaluation.interval['level']:.0%}"}


def _record(recipe: Recipe, evaluation: Evaluation | None, parameters: int) -> dict[str, Any]:
    data_license = (recipe.card.get("data") or {}).get("license")
    record = {
        "task": recipe.task.name,
        "modality": recipe.card.get("modality"),
        "parameters": parameters,
        "data_license": find_license(data_license) or data_license,
        "score": recipe.task.main_score,
    }
    record = {name: value for name, value in record.items() if value is not None}
    if evaluation is None:
        return record
    values = {name: value for name, value in evaluation.to_json().items() if name not in LEFT_OUT}
    return {**record, "evaluation": json.loads(json.dumps(values))}


def _dataset(data: dict[str, Any]) -> str:
    """Return the identifier of a data set: that on the Hub where the recipe names it in `data.id`."""
    match = _REPOSITORY.fullmatch(str(data.get("id")))
    return match[1] if match else slug(data["name"]) or UNNAMED


def slug(name: str) -> str:
    """Return a name in lower case, with dashes for what is neither a letter nor a digit of ASCII.

    Example:
        >>> slug("CT, liver (LiTS)")
        'ct-liver-lits'
    """
    return "-".join(re.findall(r"[a-z0-9.]*[a-z0-9]", str(name).lower()))


# Cards of the zoo have some 10 kB.
LARGEST = 1_000_000


@dataclass(frozen=True)
class CardContent:
    """What a model card says to programs.

    Args:
        metadata: Its YAML front matter.
        evaluation: The evaluation that was published, without `cases` and `curves`, which only
            `evaluation.json` has; None without one.
    """

    metadata: CardData
    evaluation: Evaluation | None


def read_card(path_or_text: str | os.PathLike) -> CardContent:
    r"""Read a model card.

    Args:
        path_or_text: Path of a `README.md`, or its text, which has more than one line.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no card that medzoo wrote, or too large to be one.

    Example:
        >>> read_card("zoo_cards/brain-tumor-box-unet/README.md").evaluation["dice"]
        0.779279
    """
    if isinstance(path_or_text, str) and "\n" in path_or_text:
        where, text = "the card", path_or_text
    else:
        where, text = os.fspath(path_or_text), _read(Path(path_or_text))
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
    metadata = ModelCard(text).data
    record = metadata.get("medzoo")
    if not isinstance(record, Mapping):
        raise ValueError("its front matter has no 'medzoo'. Write the card with: medzoo card FOLDER")
    evaluation = record.get("evaluation")
    return CardContent(metadata, Evaluation.from_json({**evaluation, "cases": []}) if evaluation else None)
