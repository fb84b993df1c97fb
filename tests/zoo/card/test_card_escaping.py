"""What a recipe or an evaluation of strangers says stays text on the card."""

import json
import re
from dataclasses import replace

import pytest
import yaml

from medzoo.evaluation.record import Evaluation
from medzoo.zoo.card.render import line, python_text, render_card, shell_word, words
from tests.zoo.card_records import LABELS, WORDS, make_evaluation

CRAFTED = (
    "a\n---\nlicense: mit\n---\n\n<script>alert(1)</script>\n```\n| x | \\| y | {{ 7 * 7 }} {% raw %}\n"
    "\"'; import os #\n[x](javascript:alert(1)) \x1b[2J"
)
# A task takes no label with other control characters than these.
LABEL = CRAFTED.replace("\x1b", "")


def poisoned(value):
    if isinstance(value, dict):
        return {key: poisoned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [poisoned(item) for item in value]
    return CRAFTED if isinstance(value, str) else value


@pytest.fixture
def card(tiny_recipe):
    values = make_evaluation().to_json()
    strings = {
        key: poisoned(values[key])
        for key in ("data", "versions", "hardware", "date", "empty_cases", "robustness", "healthy")
    }
    scores = {**values["scores"], CRAFTED: values["scores"]["dice"]}
    labels = ["background", LABEL]
    evaluation = Evaluation.from_json({**values, **strings, "labels": labels, "scores": scores})
    task = replace(LABELS["segmentation"], labels=tuple(labels))
    return render_card(replace(tiny_recipe, name=CRAFTED, task=task, card=poisoned(WORDS)), evaluation, 10, [])


def test_the_front_matter_is_what_medzoo_wrote(card):
    metadata = yaml.safe_load(re.split(r"^---$", card, flags=re.MULTILINE)[1])
    assert metadata["license"] == "other"
    assert metadata["medzoo"]["evaluation"]["labels"] == ["background", LABEL]


def test_no_html_outside_of_code(card):
    body = re.split(r"^---$", card, maxsplit=2, flags=re.MULTILINE)[2]
    text = re.sub(r"^```.*?^```$", "", body, flags=re.MULTILINE | re.DOTALL)
    assert "&lt;script>" in text
    assert "<" not in text
    assert "javascript:" not in text
    assert "\x1b" not in card


def test_code_blocks_open_and_close_where_the_template_does(card):
    assert re.findall(r"^```.*$", card, re.MULTILINE) == ["```python", "```", "```bash", "```"]


def test_code_is_still_the_same_calls(card):
    (code,) = re.findall(r"^```python\n(.*?)^```$", card, re.MULTILINE | re.DOTALL)
    assert [text.split("(")[0] for text in code.split("\n") if "medzoo." in text] == [
        "model = medzoo.load",
        "result = medzoo.predict",
    ]
    compile(code, "card", "exec")


def test_rows_of_tables_have_their_cells(card):
    rows = [text for text in card.splitlines() if text.startswith("| ") and "&lt;script>" in text]
    assert len(rows) == 8
    assert {row.count("|") for row in rows} == {3, 4}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("age < 5 & > 2", "age &lt; 5 &amp; > 2"),
        ("**bold**, [a link](https://example.org)", "**bold**, [a link](https://example.org)"),
        ("[x](JavaScript\\:alert(1))", "[x](JavaScript \\:alert(1))"),
        ("training data: 10 scans", "training data: 10 scans"),
        ("first\n\nsecond", "first\n\nsecond"),
        ("~~~~\nx", "~\nx"),
    ],
)
def test_words_keep_markdown_but_nothing_that_runs_or_swallows_the_page(text, shown):
    assert words(text) == shown


@pytest.mark.parametrize("text", ["a|b", "a\\|b", "a\nb|", "|"])
def test_a_line_has_neither_bars_nor_breaks(text):
    assert "|" not in line(text)
    assert "\n" not in line(text)


def test_a_line_that_is_markdown_already_stays():
    assert line(line("a|b")) == line("a|b")


def test_a_name_is_one_text_of_python_and_one_word_of_a_command():
    assert json.loads(python_text('a "b"\nc')) == 'a "b" c'
    assert shell_word("a; rm b") == "'a; rm b'"
