"""The command split, and its files in other commands."""

import cv2
import numpy as np
import pytest

from medzoo.cli import main
from medzoo.data import read


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten pictures; the first two of each are the same picture."""
    generator = np.random.default_rng(0)
    for label in ("benign", "malignant"):
        (tmp_path / "data" / label).mkdir(parents=True)
        pictures = generator.integers(0, 256, (10, 8, 8), np.uint8)
        pictures[1] = pictures[0]
        for number, picture in enumerate(pictures):
            cv2.imwrite(str(tmp_path / "data" / label / f"{number}.png"), cv2.resize(picture, (64, 64)))
    return tmp_path / "data"


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    return end.value.code


def test_a_split_is_written_and_read_by_name(folder, tmp_path, capsys):
    path = tmp_path / "split.csv"
    assert run("split", folder, "-o", path, "--valid", 0.2, "--test", 0.2) == 0
    assert capsys.readouterr().out.startswith("train 12, valid 4, test 4 images, 20 patients ->")
    samples = read(f"{folder}:split_file={path}")
    assert [len(samples.part(name)) for name in ("train", "valid", "test")] == [12, 4, 4]


def test_near_duplicates_stay_in_one_part(folder, tmp_path, capsys):
    path = tmp_path / "split.csv"
    assert run("split", folder, "-o", path, "--valid", 0.5, "--group-duplicates", "--seed", 1) == 0
    assert "18 patients" in capsys.readouterr().out
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
    assert "The number of folds must lie between 2 and the number of patients, 20" in capsys.readouterr().err
    assert not (tmp_path / "folds.csv").exists()
