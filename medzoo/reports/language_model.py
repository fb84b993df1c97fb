"""Words of a language model for a report: asked at an endpoint that the user names, checked against the findings."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import cv2
import numpy as np

from medzoo.errors import printable
from medzoo.reports.words import PARTS, Words, write

# Changes with `prompt.txt`.
PROMPT = 1
_LANGUAGES = {"en": "English", "de": "German", "zh-TW": "Traditional Chinese"}
# What tells two languages apart that share their letters.
_FREQUENT = {
    "en": {"the", "and", "is", "of", "to", "this", "with", "not", "are", "it"},
    "de": {"der", "die", "das", "und", "ist", "nicht", "mit", "ein", "eine", "sie"},
}
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# Numbers in words that are no articles.
_ENGLISH = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_GERMAN = ("zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf")
_IN_WORDS = {word: number for words in (_ENGLISH, _GERMAN) for number, word in enumerate(words, 2)}
_IN_CHINESE = {"兩": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
# Diseases and judgements that a text may name only where the model has such a label.
_TERMS = (
    *("abscess", "benign", "bleeding", "cancer", "carcinoma", "cyst", "edema", "fracture", "glioblastoma", "glioma"),
    *("hemorrhage", "hyperplasia", "infarction", "lymphoma", "malignant", "meningioma", "metastases", "metastasis"),
    *("pituitary", "pneumonia", "stroke", "tumor", "tumour", "tumors", "tumours"),
    *("abszess", "blutung", "bösartig", "gliom", "glioblastom", "gutartig", "infarkt", "karzinom", "krebs", "lymphom"),
    *("meningeom", "metastase", "metastasen", "schlaganfall", "tumoren", "zyste", "ödem"),
)
_CHINESE_TERMS = (
    *("癌", "惡性", "良性", "轉移", "膠質瘤", "腦膜瘤", "淋巴瘤", "中風", "出血"),
    *("梗塞", "囊腫", "水腫", "膿瘍", "骨折", "肺炎", "腫瘤"),
)
# The words of a label in another language that stand for it.
_SAME = {
    "tumor": ("tumor", "tumour", "tumors", "tumours", "tumoren", "腫瘤"),
    "malignant": ("malignant", "bösartig", "惡性"),
    "benign": ("benign", "gutartig", "良性"),
    "glioma": ("glioma", "gliom", "膠質瘤"),
    "meningioma": ("meningioma", "meningeom", "腦膜瘤"),
}
# Numbers of findings that no sentence is made of: in a text they would stand for something else.
_UNTOLD = ("sha256", "format", "medzoo", "box", "shape")


@dataclass(frozen=True)
class Said:
    """What a language model said.

    Args:
        model: Its name.
        parts: Its text for each part of a report; empty where it was dropped.
        dropped: Why its text was dropped; None where it is used.
    """

    model: str
    parts: Mapping[str, str]
    dropped: str | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"model": self.model, "prompt": PROMPT, "parts": dict(self.parts), "dropped": self.dropped}


@dataclass(frozen=True)
class LanguageModel:
    """A language model behind an OpenAI-compatible endpoint.

    Only the findings are sent to it, which hold no name, path, id or date, and the words that templates made of them;
    with `send_image` the picture with the marks, too. No answer in time, a refused key, or a text that does not hold
    what the findings say costs its words, never the report.

    Args:
        url: The endpoint: of OpenAI, a provider of Hugging Face, vLLM, llama.cpp, Ollama, ... up to "/v1".
        model: Name of the model there.
        key: Key of the endpoint; None sends the word "none", never the token of the Hub.
        send_image: Whether to send the picture.
        seconds: Time for one answer.
        tokens: Length of an answer at most.
        tries: How often an endpoint that is down or busy is asked.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    send_image: bool = False
    seconds: float = 120.0
    tokens: int = 900
    tries: int = 3

    def say(self, findings: Mapping[str, Any], language: str, picture: np.ndarray) -> Said:
        """Ask for words on findings, and check them.

        Args:
            findings: What `medzoo.reports.findings.find` returns.
            language: One of `medzoo.reports.words.LANGUAGES`.
            picture: RGB picture of the scan with the marks, uint8.
        """
        words = write(findings, language)
        try:
            text = self._ask(_prompt(findings, words), picture)
        except Exception as error:
            # Whatever a server of strangers answers: its words are left out, and the reason is told.
            return Said(self.model, {}, _reason(error))
        parts = _parts(text)
        fault = "its answer has not the three parts that were asked for" if parts is None else None
        fault = fault or check(" ".join((parts or {}).values()), findings, words)
        return Said(self.model, {} if fault or parts is None else parts, fault)

    def _ask(self, prompt: str, picture: np.ndarray) -> str:
        from huggingface_hub import InferenceClient

        # Without a key it would take the token of the Hub from this machine, and send it to any endpoint.
        client = InferenceClient(base_url=self.url, api_key=self.key or "none", timeout=self.seconds)
        content: Any = prompt
        if self.send_image:
            data = base64.b64encode(cv2.imencode(".png", picture[..., ::-1])[1].tobytes()).decode()
            image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
            content = [{"type": "text", "text": prompt}, image]
        messages = [{"role": "user", "content": content}]
        for number in range(1, self.tries + 1):
            try:
                answer = client.chat_completion(
                    messages, model=self.model, max_tokens=self.tokens, temperature=0.0, stream=False
                )
            except Exception as error:
                if number == self.tries or not _may_pass(error):
                    raise
                time.sleep(2 ** (number - 1))
            else:
                choice = answer.choices[0]
                if choice.finish_reason == "length":
                    raise ValueError(f"its answer was cut off after {self.tokens} tokens")
                return choice.message.content or ""
        raise AssertionError("the last try raises")  # pragma: no cover


def _may_pass(error: Exception) -> bool:
    """Whether an error may be gone at the next try: not a refused key or request."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status is None or status == 429 or status >= 500


def _reason(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"the endpoint refused the key ({status})"
    if status is not None:
        return f"the endpoint answered {status}"
    first = (printable(str(error)).splitlines() or [""])[0][:200]
    return first if isinstance(error, ValueError) and first else f"the endpoint did not answer ({type(error).__name__})"


def _prompt(findings: Mapping[str, Any], words: Words) -> str:
    template = files("medzoo.reports").joinpath("prompt.txt").read_text(encoding="utf-8")
    model = findings["model"] and {key: value for key, value in findings["model"].items() if key != "sha256"}
    told = json.dumps({**findings, "model": model}, ensure_ascii=False)
    said = "\n".join((*words.seen, *words.next))
    values = {"{language}": _LANGUAGES[words.language], "{findings}": told, "{words}": said}
    return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], template)


def _parts(text: str) -> dict[str, str] | None:
    """Return the parts in an answer; None where it is not the JSON object that was asked for."""
    match = re.search(r"\{.*\}", text, re.DOTALL)
    try:
        found = json.loads(match[0]) if match else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or set(found) != set(PARTS):
        return None
    if not all(isinstance(value, str) and value.strip() for value in found.values()):
        return None
    return {part: printable(found[part]).strip() for part in PARTS}


def check(text: str, findings: Mapping[str, Any], words: Words) -> str | None:
    """Return why a text may not stand in a report: another language, a number or a label that the findings lack."""
    if not _is_in(text, words.language):
        return f"it is not in {_LANGUAGES[words.language]}"
    known = [*_numbers_of(findings), *_stated(" ".join((*words.seen, *words.next)))]
    for token, values in _tokens(text):
        if not any(_is_rounded(value, token, number) for value in values for number in known):
            return f"the number {token} is not in the findings"
    labels = {str(label).lower() for label in (findings["model"] or {}).get("labels", [])} | _labels_of(findings)
    allowed = labels | {word for label in labels for word in _SAME.get(label, ())}
    data = json.dumps(findings, ensure_ascii=False).lower()
    lower = text.lower()
    named = [term for term in _TERMS if re.search(rf"\b{re.escape(term)}\b", lower)]
    named += [term for term in _CHINESE_TERMS if term in text]
    for term in named:
        if not any(term in label for label in allowed) and not re.search(rf"\b{re.escape(term)}\b", data):
            return f"the label {term!r} is not in the findings"
    return None


def _is_in(text: str, language: str) -> bool:
    letters = re.findall(r"\w", text)
    chinese = len(_CHINESE.findall(text)) / max(len(letters), 1)
    if language.startswith("zh"):
        return chinese > 0.3
    found = re.findall(r"[^\W\d_]+", text.lower())
    counts = {name: sum(word in frequent for word in found) for name, frequent in _FREQUENT.items()}
    return chinese < 0.05 and counts[language] > 0 and counts[language] == max(counts.values())


def _labels_of(findings: Mapping[str, Any]) -> set[str]:
    labels = {str(found["label"]).lower() for found in findings.get("structures", ())}
    return labels | {str(label).lower() for label in findings.get("probabilities", ())}


def _tokens(text: str) -> list[tuple[str, list[float]]]:
    """Return the numbers in a text as they stand there, each with what it may mean: "1,234" is two numbers."""
    tokens = [(token, _meanings(token)) for token in _NUMBER.findall(text)]
    tokens += [(word, [float(_IN_WORDS[word])]) for word in re.findall(r"\w+", text.lower()) if word in _IN_WORDS]
    return tokens + [
        (sign, [float(number)]) for sign, number in _IN_CHINESE.items() if re.search(f"{sign}(?=[個处處張次位])", text)
    ]


def _meanings(token: str) -> list[float]:
    plain = re.sub(r"[.,]", "", token)
    meanings = [float(plain)] if re.fullmatch(r"\d{1,3}([.,]\d{3})+", token) else []
    parts = re.split(r"[.,]", token)
    return meanings + [float(".".join(parts[:2]))] if len(parts) <= 2 else meanings


def _stated(text: str) -> list[float]:
    return [value for token in _NUMBER.findall(text) for value in _meanings(token)]


def _numbers_of(value: Any) -> Iterable[float]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield float(value)
        # Shares may be told as percentages.
        if 0 < abs(value) < 1:
            yield 100.0 * value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _UNTOLD:
                yield from _numbers_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _numbers_of(item)
    elif isinstance(value, str):
        yield from _stated(value)


def _is_rounded(value: float, token: str, number: float) -> bool:
    """Whether a value is a number of the findings, or that number rounded to two digits or more."""
    if value == number:
        return True
    digits = re.sub(r"[^\d]", "", token).lstrip("0")
    decimals = len(re.split(r"[.,]", token)[1]) if re.search(r"[.,]", token) else 0
    return len(digits) >= 2 and abs(round(number, decimals) - value) < 1e-9
