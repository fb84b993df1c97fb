"""The command split, and its files in other commands."""

import cv2
import numpy as np
import pytest

from medzoo.cli import main
from medzoo.data import read


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten pictures; the first two of each are the same picture, once of them mirrored."""
    generator = np.random.default_rng(0)
    for label in ("benign", "malignant"):
        (tmp_path / "data" / label).mkdir(parents=True)
        pictures = generator.integers(0, 256, (10, 8, 8), np.uint8)
        pictures[1] = pictures[0] if label == "benign" else pictures[0][:, ::-1]
        for number, picture in enumerate(pictures):
            cv2.imwrite(str(tmp_path / "data" / label / f"{number}.png"), cv2.resize(picture, (64, 64)))
    return tmp_path / "data"


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code


def test_a_split_is_written_and_read_by_name(folder, tmp_path, capsys):
    path = tmp_path / "split.csv"
    assert run("split", folder, "-o", path, "--valid", 0.2, "--test", 0.2, "--no-group-duplicates") == 0
    out = capsys.readouterr().out
    assert out.startswith("train 12, valid 4, test 4 images, no patients are named, so each image counts as one")
    samples = read(f"{folder}:split_file={path}")
    assert [len(samples.part(name)) for name in ("train", "valid", "test")] == [12, 4, 4]


def test_near_duplicates_stay_in_one_part(folder, tmp_path, capsys):
    path = tmp_path / "split.csv"
    assert run("split", folder, "-o", path, "--valid", 0.5, "--seed", 1) == 0
    assert "near-duplicates together: 18 ->" in capsys.readouterr().out
    samples = read(folder, split_file=path)
    parts = dict(zip(samples.sources, samples.splits, strict=True))
    for label in ("benign", "malignant"):
        assert parts[str(folder / label / "0.png")] == parts[str(folder / label / "1.png")]


def test_folds_are_written_and_refused_where_one_split_is_expected(folder, tmp_path, capsys):
    path = tmp_path / "folds.csv"
    assert run("split", folder, "-o", path, "--folds", 2, "--test", 0.2) == 0
    assert capsys.readouterr().out.startswith("fold 1 8, fold 2 8, test 4 images")
    with pytest.raises(ValueError, match=r"folds\.csv' holds 2 folds; one set of parts is expected"):
        read(folder, split_file=path)


def test_more_folds_than_patients_are_wrong_input(folder, tmp_path, capsys):
    assert run("split", folder, "-o", tmp_path / "folds.csv", "--folds", 30) == 2
    assert "The number of folds must lie between 2 and the number of patients, 18" in capsys.readouterr().err
    assert not (tmp_path / "folds.csv").exists()


def test_the_named_patients_are_counted(folder, tmp_path, capsys):
    data = f"{folder}:patient=[0-9](?=.png)"
    assert run("split", data, "-o", tmp_path / "split.csv") == 0
    assert "10 patients are named ->" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--valid", 0.7, "--test", 0.4), "--valid 0.7 --test 0.4"),
        (("--valid", -1), "--valid -1"),
        (("--folds", 1), "--folds 1"),
        (("--folds", 2, "--test", 1.5), "--test 1.5"),
    ],
)
def test_wrong_shares_are_told_in_the_words_of_the_command(folder, tmp_path, capsys, options, words):
    assert run("split", folder, "-o", tmp_path / "split.csv", *options) == 2
    assert words in capsys.readouterr().err


def test_data_that_is_split_already_is_told_without_python(folder, tmp_path, capsys):
    path = tmp_path / "split.csv"
    assert run("split", folder, "-o", path, "--no-group-duplicates") == 0
    assert run("split", f"{folder}:split_file={path}", "-o", tmp_path / "again.csv") == 2
    message = capsys.readouterr().err
    assert "is split already" in message and "samples." not in message


def test_a_set_with_parts_is_split_anew_by_the_patients_of_its_table(folder, tmp_path, capsys):
    (folder.parent / "parted").mkdir()
    folder = folder.rename(folder.parent / "parted" / "train").parent
    numbers = [f"{label}/{number}.png" for label in ("benign", "malignant") for number in range(10)]
    for file in numbers[5:10]:
        (folder / "test" / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / "train" / file).rename(folder / "test" / file)
    rows = [f"{file},{file[-5]}" for file in numbers]
    (folder / "patients.csv").write_text("\n".join(["file,patient", *rows]))
    path = tmp_path / "split.csv"
    assert run("split", folder, "-o", path) == 2
    assert "DATA:split=" in capsys.readouterr().err
    assert run("split", f"{folder}:split=", "-o", path, "--no-group-duplicates") == 0
    assert "10 patients are named ->" in capsys.readouterr().out
    assert read(folder, split_file=path).part("valid").has_patients
