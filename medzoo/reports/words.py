"""Findings in words, by templates: a file for each language, which holds all that is said in it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from medzoo.errors import printable, unknown_name

if TYPE_CHECKING:
    from jinja2 import Template

LANGUAGES = ("en", "de", "zh-TW")
PARTS = ("seen", "meaning", "next")


@dataclass(frozen=True)
class Words:
    """What a report says in one language.

    Args:
        language: One of `LANGUAGES`.
        seen: What is seen, paragraphs.
        meaning: What it may mean, for the patient.
        next: What a physician should check.
        ui: Headings and other short texts by name.
    """

    language: str
    seen: tuple[str, ...]
    meaning: tuple[str, ...]
    next: tuple[str, ...]
    ui: Mapping[str, str]

    def number(self, value: float) -> str:
        """Return a number as it is written in this language."""
        return _number(value, self.ui["point"])

    def percent(self, value: float | None) -> str:
        """Return a share as a percentage."""
        return _percent(value, self.ui["point"])

    def size(self, found: Mapping[str, Any]) -> str:
        """Return the size of a structure or region with its unit."""
        return _size(found, self.ui["point"])


def write(findings: Mapping[str, Any], language: str = "en") -> Words:
    """Say findings in a language.

    Args:
        findings: What `medzoo.reports.findings.find` returns.
        language: "en", "de" or "zh-TW".

    Raises:
        ValueError: There are no templates for the language.

    Example:
        >>> write({"structures": [], "warnings": [], "model": None, "uncertainty": None}, "de").ui["notice"]
        'Nur für die Forschung. Keine Diagnose.'
    """
    if language not in LANGUAGES:
        raise unknown_name("language", language, LANGUAGES)
    template = _template(language)
    module: Any = template.module
    parts = {part: _paragraphs(getattr(module, part)(_cleaned(findings))) for part in PARTS}
    return Words(language, **parts, ui={**module.ui, "point": module.point})


@functools.cache
def _template(language: str) -> Template:
    from jinja2 import Environment, StrictUndefined

    source = files("medzoo.reports").joinpath("words", f"{language}.jinja").read_text(encoding="utf-8")
    environment = Environment(undefined=StrictUndefined, autoescape=False)
    said: dict[str, Any] = {}
    environment.filters |= {
        "n": lambda value: _number(value, said["point"]),
        "percent": lambda value: _percent(value, said["point"]),
        "size": lambda found: _size(found, said["point"]),
        "score": lambda name: _score(name, said["scores"]),
    }
    template = environment.from_string(source)
    module: Any = template.module
    said |= {"point": module.point, "scores": module.scores}
    return template


def _number(value: float, point: str) -> str:
    """Return a number with three digits, and whole ones whole."""
    text = f"{value:.0f}" if value == round(value) or abs(value) >= 100 else f"{value:.3g}"
    return text.replace(".", point)


def _percent(value: float | None, point: str) -> str:
    return "-" if value is None else f"{_number(100 * value, point)} %"


def _size(found: Mapping[str, Any], point: str) -> str:
    if "volume_mm3" in found:
        return f"{_number(found['volume_mm3'] / 1000, point)} ml"
    if "area_mm2" in found:
        return f"{_number(found['area_mm2'] / 100, point)} cm²"
    return f"{found['pixels']} px"


def _score(name: str, names: Mapping[str, str]) -> str:
    kind, _, label = name.partition("/")
    return names.get(kind, kind) + (f" ({label})" if label else "")


def _cleaned(value: Any) -> Any:
    """Return findings whose texts, labels of strangers among them, are one line without control characters."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(key)): _cleaned(item) for key, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value


def _paragraphs(text: str) -> tuple[str, ...]:
    paragraphs = (re.sub(r"\s+", " ", paragraph).strip() for paragraph in re.split(r"\n\s*\n", text))
    return tuple(paragraph for paragraph in paragraphs if paragraph)
