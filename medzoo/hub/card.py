"""The model card: a rendering of recipe and evaluation, never edited by hand."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from jinja2 import Environment

from medzoo.entry import CARD, FIGURES
from medzoo.evaluation.record import Evaluation
from medzoo.io.files import atomic_file
from medzoo.recipe import Recipe

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

CAPTIONS = {
    "confusion": "Confusion matrix.",
    "dice_per_case": "Dice of each case.",
    "roc": "ROC curves.",
    "precision_recall": "Precision-recall curves.",
    "reliability": "Reliability: how often answers of a confidence are right.",
    "predicted": "Predicted against true values.",
    "residuals": "Residuals.",
    "bland_altman": "Bland-Altman: difference of predicted and true values against their mean.",
    "training": "Training and validation curves.",
}


def write_card(folder: Path, recipe: Recipe, evaluation: Evaluation | None, parameters: int) -> None:
    """Write `README.md` into a zoo entry.

    Args:
        folder: The entry; figures that stand in it are shown.
        recipe: Its recipe; `recipe.card` holds the words.
        evaluation: Scores on a test set, or None.
        parameters: Number of parameters of the network.
    """
    text = render_card(recipe, evaluation, parameters, sorted((folder / FIGURES).glob("*.png")))
    with atomic_file(folder / CARD) as temporary:
        temporary.write_text(text, encoding="utf-8")


def render_card(recipe: Recipe, evaluation: Evaluation | None, parameters: int, figures: list[Path]) -> str:
    """Return the card as Markdown with the Hub's YAML front matter.

    Sections for which the recipe has no words are left out; publishing, not rendering, insists on them.
    """
    template = files("medzoo.hub").joinpath("card.md.jinja").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
    content = environment.from_string(template).render(
        metadata=card_metadata(recipe, evaluation).to_yaml(),
        recipe=recipe,
        card=recipe.card,
        data=recipe.card.get("data", {}),
        evaluation=evaluation,
        scores=_score_rows(evaluation),
        parameters=parameters,
        figures=[(f"{FIGURES}/{figure.name}", CAPTIONS.get(figure.stem, figure.stem)) for figure in figures],
    )
    return ModelCard(content).content


def card_metadata(recipe: Recipe, evaluation: Evaluation | None) -> ModelCardData:
    """Return the metadata that the Hub reads, with the scores as `model-index`."""
    card = recipe.card
    return ModelCardData(
        library_name="keras",
        license=card.get("license"),
        pipeline_tag=recipe.task.pipeline_tag,
        tags=["medzoo", "medical-imaging", *card.get("tags", [])],
        metrics=[name for name in HUB_SCORES if evaluation and name in evaluation.scores] or None,
        model_name=recipe.name,
        eval_results=_eval_results(recipe, evaluation) if evaluation else None,
    )


def _eval_results(recipe: Recipe, evaluation: Evaluation) -> list[EvalResult]:
    level = f"{evaluation.interval['level']:.0%}"
    name_of_data = evaluation.data["name"] or "unnamed data"
    results = []
    for name, title in HUB_SCORES.items():
        score = evaluation.scores.get(name)
        if score is None or score["value"] is None:
            continue
        results.append(
            EvalResult(
                task_type=recipe.task.pipeline_tag,
                dataset_type=_slug(name_of_data),
                dataset_name=name_of_data,
                dataset_split=evaluation.data["split"],
                metric_type=name,
                metric_value=score["value"],
                metric_name=title,
                metric_args={"interval": [score["low"], score["high"]], "level": level},
            )
        )
    return results


def _score_rows(evaluation: Evaluation | None) -> list[tuple[str, str, str]]:
    if evaluation is None:
        return []
    # With one foreground label its own Dice and IoU are the pooled ones.
    repeated = ("dice/", "iou/") if len(evaluation.labels) == 2 else ()
    return [
        (name, _number(score["value"]), f"{_number(score['low'])} to {_number(score['high'])}")
        for name, score in evaluation.scores.items()
        if not name.startswith(repeated)
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
