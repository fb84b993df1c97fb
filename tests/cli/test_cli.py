import json
import shutil

import cv2
import numpy as np
import pytest

from medzoo.cli import main


def run(*arguments):
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


@pytest.fixture
def home(tiny_entry, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDZOO_HOME", str(tmp_path / "home"))
    shutil.copytree(tiny_entry, tmp_path / "home" / "tiny-unet")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "scan.png"
    cv2.imwrite(str(path), np.full((20, 24), 100, np.uint8))
    return path


def test_list_shows_a_row_for_every_model(home, capsys):
    assert run("list") == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["model", "task", "modality"]
    assert ["tiny-unet", "segmentation"] in [row.split()[:2] for row in rows]


def test_info_prints_the_card(home, capsys):
    assert run("info", "tiny-unet") == 0
    assert "# tiny-unet" in capsys.readouterr().out


def test_predict_writes_mask_overlay_and_json(home, picture, tmp_path, capsys):
    assert run("predict", "tiny-unet", picture, "-o", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "scan.json",
        "scan_mask.png",
        "scan_overlay.png",
    ]
    assert "lesion" in capsys.readouterr().out


def test_predict_of_a_folder_reports_what_it_could_not_read_and_goes_on(home, picture, tmp_path, capsys):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"not a picture")
    shutil.copy(picture, folder / "2.png")
    assert run("predict", "tiny-unet", folder, "-o", tmp_path / "out") == 1
    assert (tmp_path / "out" / "2_mask.png").exists()
    assert "1.png" in capsys.readouterr().err


@pytest.mark.usefixtures("without_onnx")
def test_train_evaluate_and_card_make_an_entry(tiny_recipe, coco_folder, tmp_path, capsys):
    tiny_recipe.save(tmp_path / "recipe.json")
    model = tmp_path / "run" / "model"
    assert run("train", tmp_path / "recipe.json", "--data", coco_folder, "-o", tmp_path / "run") == 0
    assert run("evaluate", model, "--data", coco_folder / "test", "-o", tmp_path / "test", "--data-name", "Drawn") == 0
    assert json.loads((tmp_path / "test" / "evaluation.json").read_text())["data"] == {"name": "Drawn", "split": "test"}
    assert (tmp_path / "test" / "overlays" / "worst.png").exists()
    assert run("card", model, "--evaluation", tmp_path / "test") == 0
    assert "On Drawn, test split" in (model / "README.md").read_text()
    assert not (model / "overlays").exists()


def test_evaluate_takes_one_split_of_a_folder(tiny_entry, coco_folder, tmp_path):
    arguments = ("evaluate", tiny_entry, "--data", coco_folder, "--engine", "onnx", "-o", tmp_path / "run")
    assert run(*arguments, "--split", "valid") == 0
    record = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert record["data"]["split"] == "valid"
    assert record["n_cases"] == 4


def test_evaluate_says_what_changed_and_healthy_scans_do_to_a_model(tiny_entry, coco_folder, tmp_path, capsys):
    more = ("--robustness", "--healthy", coco_folder / "test", "--healthy-name", "Volunteers", "--engine", "onnx")
    assert run("evaluate", tiny_entry, "--data", coco_folder, "--split", "test", "-o", tmp_path / "run", *more) == 0
    record = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert record["data"]["split"] == "test"
    assert record["robustness"]["split"] == "valid"
    assert len(record["robustness"]["changes"]) == 10
    assert (record["healthy"]["data"], record["healthy"]["cases"]) == ("Volunteers", 4)
    assert "mirrored" in capsys.readouterr().out


def test_split_names_a_coco_file_that_does_not_say_itself(tiny_entry, coco_folder, tmp_path):
    arguments = ("evaluate", tiny_entry, "--data", coco_folder / "valid", "--engine", "onnx", "-o", tmp_path / "run")
    assert run(*arguments, "--split", "test") == 0
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["data"]["split"] == "test"


BAD = {
    "not an image": (b"hello", "is not a scan"),
    "truncated": (None, "truncated"),
    "zero bytes": (b"", "is empty"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_ends_in_one_line_and_writes_nothing(case, home, picture, tmp_path, capsys):
    content, message = BAD[case]
    bad = tmp_path / "bad.png"
    bad.write_bytes(picture.read_bytes()[:40] if content is None else content)
    assert run("predict", "tiny-unet", bad, "-o", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert message in error
    assert "bad.png" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_lists_near_matches(home, picture, capsys):
    assert run("predict", "tiny-unett", picture) == 2
    assert "Did you mean 'tiny-unet'" in capsys.readouterr().err


def test_debug_shows_the_traceback(home):
    with pytest.raises(ValueError, match="Unknown model"):
        main(["predict", "nothing", "scan.png", "--debug"])


def test_an_unknown_recipe_field_names_file_and_near_match(tiny_recipe, coco_folder, tmp_path, capsys):
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps({**tiny_recipe.to_json(), "batchsize": 4}))
    assert run("train", path, "--data", coco_folder, "-o", tmp_path / "run") == 2
    error = capsys.readouterr().err
    assert "recipe.json" in error
    assert "Did you mean 'batch_size'" in error
    assert not (tmp_path / "run").exists()


def test_scans_of_one_name_do_not_overwrite_each_others_answers(home, picture, tmp_path):
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(picture, folder / "scan.png")
    shutil.copy(picture, folder / "sub" / "scan.png")
    assert run("predict", "tiny-unet", folder, "-o", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").glob("*.json")) == ["scan.json", "scan_2.json"]


def test_a_full_disk_ends_in_one_line_that_names_the_file(home, picture, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert run("predict", "tiny-unet", picture, "-o", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "scan_mask.png: No space left on device" in error
    assert error.count("\n") == 1
    assert list((tmp_path / "out").iterdir()) == []
