import argparse
import json

import cv2
import numpy as np
import pytest

from medzoo.cli import data as command
from medzoo.data.audit import audit


def write(path, seed):
    noise = np.random.default_rng(seed).standard_normal((6, 8)).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.normalize(cv2.resize(noise, (64, 48)), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8))


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "data" / "train" / "[bold]cat" / "1.png", 1)
    write(tmp_path / "data" / "train" / "dog" / "2.png", 2)
    write(tmp_path / "data" / "test" / "[bold]cat" / "3.png", 3)
    write(tmp_path / "data" / "test" / "dog" / "4.png", 4)
    return tmp_path / "data"


@pytest.fixture
def leaky(folder):
    write(folder / "test" / "dog" / "5.png", 2)
    return folder


def run(*arguments):
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers())
    options = parser.parse_args(["audit", *map(str, arguments)])
    options.command(options)


def test_the_tables_show_counts_and_findings(leaky):
    text = str(audit(leaky))
    assert "[bold]cat" in text
    assert "exact duplicates between splits" in text
    assert "test 1 of 3" in " ".join(text.split())


def test_json_round_trips_through_text(leaky):
    value = audit(leaky).to_json()
    assert json.loads(json.dumps(value)) == value
    assert value["has_leak"]


def test_save_writes_record_and_contact_sheet(leaky, tmp_path):
    paths = audit(leaky).save(tmp_path / "out")
    assert [path.name for path in paths] == ["audit.json", "suspects.png"]
    sheet = cv2.imread(str(paths[1]), cv2.IMREAD_GRAYSCALE)
    # One tile with two equal pictures, side by side.
    assert np.array_equal(sheet[2:146, 2:194], sheet[2:146, 194:386])
    assert sheet[2:146, 2:194].std() > 0


def test_the_contact_sheet_shows_both_images_of_a_pair(folder, tmp_path):
    picture = cv2.imread(str(folder / "train" / "dog" / "2.png"), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(folder / "test" / "dog" / "blurred.png"), cv2.GaussianBlur(picture, (0, 0), 2))
    sheet = cv2.imread(str(audit(folder).save(tmp_path / "out")[1]), cv2.IMREAD_GRAYSCALE)
    pair = sheet[2:146, 2:194], sheet[2:146, 194:386]
    assert not np.array_equal(*pair)
    assert np.corrcoef(*(half.ravel() for half in pair))[0, 1] > 0.9


def test_without_suspects_there_is_no_sheet(folder, tmp_path):
    assert [path.name for path in audit(folder).save(tmp_path / "out")] == ["audit.json"]


def test_a_sheet_of_unreadable_images_is_none(folder, tmp_path):
    (folder / "train" / "dog" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert len(audit(folder).save(tmp_path / "out")) == 1


def test_strict_exits_with_1_on_a_leak(leaky):
    with pytest.raises(SystemExit) as exit_:
        run(leaky, "--strict")
    assert exit_.value.code == 1


def test_strict_passes_without_a_leak(folder, capsys):
    run(folder, "--strict")
    assert "No leak" in capsys.readouterr().out


def test_a_leak_without_strict_is_only_shown(leaky, capsys):
    run(leaky)
    assert "LEAK" in capsys.readouterr().out


def test_output_is_written_and_named(leaky, tmp_path, capsys):
    run(leaky, "-o", tmp_path / "out")
    assert f"-> {tmp_path / 'out' / 'suspects.png'}" in capsys.readouterr().out


def test_the_pattern_of_the_patient_is_taken(folder):
    with pytest.raises(SystemExit):
        run(folder, "--strict", "--patient", "(cat|dog)")
