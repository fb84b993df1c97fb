"""The model card: a rendering of recipe and evaluation, never edited by hand."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from huggingface_hub import ModelCard
from jinja2 import Environment

from medzoo.entry import CARD, FIGURES
from medzoo.evaluation.record import Evaluation
from medzoo.files import atomic_file
from medzoo.recipe import Recipe
from medzoo.zoo.card.metadata import card_metadata

# These would open a block that swallows the rest of the page, or run as a program where the page is shown.
_FENCES = re.compile(r"`{3,}|~{3,}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PROGRAMS = re.compile(r"(?i)(javascript|vbscript|data(?=\\?:\s*text))(?=\\?:)")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def words(value: object) -> Markdown:
    """Return paragraphs, in which Markdown is allowed and HTML is shown as it is written.

    Example:
        >>> words("children < 5 years, **never** adults")
        'children &lt; 5 years, **never** adults'
    """
    text = _plain(value).strip().replace("&", "&amp;").replace("<", "&lt;")
    return Markdown(_PROGRAMS.sub(r"\1 ", _FENCES.sub(lambda fence: fence[0][0], text)))


def line(value: object) -> Markdown:
    """Return one line that stays in its heading or in its cell of a table; Markdown is left as it is.

    A backslash before the bar would not do: the one that a text brings itself would undo it.

    Example:
        >>> line("fat|water")
        'fat&#124;water'
    """
    return value if isinstance(value, Markdown) else Markdown(words(_one_line(value)).replace("|", "&#124;"))


def python_text(value: object) -> Markdown:
    r"""Return a text as Python has it in a program, in one line.

    Example:
        >>> print(python_text('my "unet"'))
        "my \"unet\""
    """
    return Markdown(json.dumps(_one_line(value), ensure_ascii=False))


def shell_word(value: object) -> Markdown:
    """Return a text as one word of a command, in one line.

    Example:
        >>> shell_word("my unet")
        "'my unet'"
    """
    return Markdown(shlex.quote(_one_line(value)))


def _one_line(value: object) -> str:
    return " ".join(_plain(value).split())


def _plain(value: object) -> str:
    return _CONTROLS.sub("", str(value))


# With fewer patients a card warns of its intervals.
FEW = 30

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


def write_card(
    folder: Path, recipe: Recipe, evaluation: Evaluation | None, parameters: int, repo: str | None = None
) -> None:
    """Write `README.md` into a zoo entry.

    Args:
        folder: The entry; figures that stand in it are shown.
        recipe: Its recipe; `recipe.card` holds the words.
        evaluation: Scores on a test set, or None.
        parameters: Number of parameters of the network.
        repo: Repository on the Hub that the entry goes to, `"owner/name"`; None for one that stays here.
    """
    text = render_card(recipe, evaluation, parameters, sorted((folder / FIGURES).glob("*.png")), repo)
    with atomic_file(folder / CARD) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _few(evaluation: Evaluation | None) -> str | None:
    """Return how many patients there are, in words, if there are too few for good intervals."""
    if evaluation is None:
        return None
    unit = "images" if evaluation.n_patients is None else "patients"
    count = evaluation.n_patients or evaluation.n_cases
    return f"{count} {unit}" if count < FEW else None


def render_card(
    recipe: Recipe, evaluation: Evaluation | None, parameters: int, figures: list[Path], repo: str | None = None
) -> str:
    """Return the card as Markdown with the Hub's YAML front matter.

    Sections for which the recipe has no words are left out; publishing, not rendering, insists on them. What recipe and
    evaluation say is escaped: each value is one line that stays where it is, and words may hold Markdown, but no HTML.
    """
    template = files("medzoo.zoo.card").joinpath("card.md.jinja").read_text(encoding="utf-8")
    content = (
        _environment()
        .from_string(template)
        .render(
            metadata=Markdown(card_metadata(recipe, evaluation, parameters).to_yaml()),
            loads_as=repo or recipe.name,
            repo=repo,
            recipe=recipe,
            card=recipe.card,
            data=recipe.card.get("data") or {},
            evaluation=evaluation,
            scores=_score_rows(evaluation),
            changes=_change_rows(evaluation),
            few=_few(evaluation),
            parameters=parameters,
            figures=[(f"{FIGURES}/{figure.name}", CAPTIONS.get(figure.stem, figure.stem)) for figure in figures],
        )
    )
    return ModelCard(content).content


def _environment() -> Environment:
    """Return an environment in which every value is escaped by `line`, unless a filter of the template says more."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True, autoescape=False, finalize=line)
    environment.filters |= {"words": words, "python": python_text, "shell": shell_word}
    return environment


def _score_rows(evaluation: Evaluation | None) -> list[tuple[str, str, str]]:
    if evaluation is None:
        return []
    # With one foreground label its own Dice and IoU are the pooled ones.
    repeated = ("dice/", "iou/") if len(evaluation.labels) == 2 else ()
    return [_row(name, score) for name, score in evaluation.scores.items() if not name.startswith(repeated)]


def _change_rows(evaluation: Evaluation | None) -> list[tuple[str, str, str]]:
    if evaluation is None or evaluation.robustness is None:
        return []
    return [_row(row["change"], row) for row in evaluation.robustness["changes"]]


def _row(name: str, score: Mapping[str, float | None]) -> tuple[str, str, str]:
    bounds = [_number(score[name]) for name in ("low", "high")]
    return name, _number(score["value"]), "-" if score["low"] is None else " to ".join(bounds)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
