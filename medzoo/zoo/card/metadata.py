"""What a model card says to programs: its YAML front matter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from medzoo.evaluation.record import Evaluation
from medzoo.recipe import Recipe
from medzoo.zoo.listing.index import registry_rows
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
# These are about single cases: they stand in evaluation.json.
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


def _license(card: dict[str, Any]) -> dict[str, str]:
    """Return the fields of the licence; one that the Hub does not know has a name."""
    text = card.get("license")
    if not text:
        return {}
    found = find_license(text) or "other"
    if found != "other":
        return {"license": found}
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
    known = {name: evaluation.scores[name] for name in HUB_SCORES if name in evaluation.scores}
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
        for score_name, score in known.items()
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
    known = {name: value for name, value in record.items() if value is not None}
    if evaluation is None:
        return known
    values = {name: value for name, value in evaluation.to_json().items() if name not in LEFT_OUT}
    return {**known, "evaluation": json.loads(json.dumps(values))}


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
