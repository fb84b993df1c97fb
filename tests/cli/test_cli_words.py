"""Messages of commands in the words of the command line."""

import argparse

import cv2
import numpy as np
import pytest

from medzoo.cli import main
from medzoo.cli.words import in_cli_words

MESSAGES = {
    "a text": ("Name one, for example label='dx'.", "Name one, for example DATA:label=dx."),
    "a list": ("Give labels=('background', 'tumor').", "Give DATA:labels=background,tumor."),
    "a call": (
        "Give them in order, for example medzoo.data.read(path, labels=['a', 'b']).",
        "Give them in order, for example DATA:labels=a,b.",
    ),
    "a flag": ("Or allow_outside=True.", "Or DATA:allow_outside=true."),
    "no value": ("or say that there is none: patient=''.", "or say that there is none: DATA:patient=."),
    "an option of the command": ("`holdout` is wrong; got holdout=0.2", "--holdout is wrong; got --holdout 0.2"),
    "an option in ticks": ("unless `labels` names them", "unless DATA:labels=... names them"),
    "a method": ("Samples.split() makes the parts.", "`medzoo split` makes the parts."),
    "a part": (
        "It is split. Take one part first: samples.part('train').split(...).",
        "It is split. Give data without splits.",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_a_message_speaks_of_options(case):
    message, expected = MESSAGES[case]
    options = argparse.Namespace(data="t.csv", holdout=0.2, command=None, debug=False)
    assert in_cli_words(message, options) == expected


def test_a_command_without_data_has_no_options_of_data():
    assert in_cli_words("Give label='x'.", argparse.Namespace(name="m")) == "Give label='x'."


def test_errors_and_warnings_of_a_command_are_lines_in_its_words(tmp_path, capsys):
    for number in range(6):
        picture = np.random.default_rng(number).integers(0, 256, (16, 16), np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    rows = [f"{number}.png,{'ab'[number % 2]},s{number // 2}" for number in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["image,dx,StudyInstanceUID", *rows]))
    with pytest.raises(SystemExit) as end:
        main(["split", str(tmp_path / "t.csv"), "-o", str(tmp_path / "s.csv")])
    assert end.value.code == 2
    assert "for example DATA:label=dx." in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["split", f"{tmp_path / 't.csv'}:label=dx", "-o", str(tmp_path / "s.csv"), "--valid", "0.34"])
    warning = capsys.readouterr().err
    assert end.value.code == 0
    assert "medzoo: warning: " in warning and "'StudyInstanceUID' is taken" in warning and "DATA:patient=" in warning
