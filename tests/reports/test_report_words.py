"""Findings in three languages."""

import re

import pytest

from medzoo.reports.findings import find
from medzoo.reports.words import LANGUAGES, PARTS, write


def said(words):
    return " ".join(text for part in PARTS for text in getattr(words, part))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["outlines", "classes", "values"])
@pytest.mark.parametrize("model", [None, "brain-tumor-unet"])
def test_every_task_is_said_in_every_language(language, kind, model, picture, answer, request):
    words = write(find(answer(request.getfixturevalue(kind), picture), model), language)
    assert all(getattr(words, part) for part in PARTS)
    text = said(words)
    # No rest of a template, and no sentence that begins with a blank or a comma.
    assert not re.search(r"[{}%]{2}|None|undefined| ,|  |\.\.", text)
    chinese = len(re.findall(r"[\u3400-\u9fff]", text))
    assert (chinese > 100) == (language == "zh-TW")


def test_all_languages_have_the_same_texts():
    empty = {"structures": [], "warnings": [], "model": None, "uncertainty": None}
    names = {language: set(write(empty, language).ui) for language in LANGUAGES}
    assert names["en"] == names["de"] == names["zh-TW"]


@pytest.mark.parametrize(("language", "number"), [("en", "7.21"), ("de", "7,21"), ("zh-TW", "7.21")])
def test_numbers_are_written_as_the_language_does(language, number, outlines, picture, answer):
    assert f"{number} px" in said(write(find(answer(outlines, picture)), language))


def test_nothing_found_is_no_all_clear(outlines, picture, answer):
    outlines.predict_on_batch = lambda inputs: inputs * 0
    words = write(find(answer(outlines, picture)), "en")
    assert "nothing" in words.seen[0]
    assert "does not mean that nothing is there" in said(words)
    assert "no all-clear" in said(words)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "warning",
    [
        {"code": "modality", "scan": "CT", "model": "MRI"},
        {"code": "small", "scan": [8, 9], "model": [160, 160]},
        {"code": "shape", "scan": [8, 9], "model": [160, 160]},
        {"code": "colour"},
        {"code": "empty", "share": 0.999},
    ],
    ids=lambda warning: warning["code"],
)
def test_each_warning_is_said(language, warning, outlines, picture, answer):
    findings = find(answer(outlines, picture))
    before, after = write(findings, language), write({**findings, "warnings": [warning]}, language)
    assert len(after.seen) == len(before.seen) + 1


def test_labels_of_strangers_are_one_line_without_control_characters(outlines, picture, answer):
    findings = find(answer(outlines, picture))
    findings["structures"][0]["label"] = "tu\x1b[2Jmor\n<b>{{ 1 + 1 }}"
    assert 'tumor <b>{{ 1 + 1 }}"' in said(write(findings, "en"))


def test_an_unknown_language_lists_those_that_there_are():
    with pytest.raises(ValueError, match="Unknown language 'fr'"):
        write({}, "fr")
