"""What the files of answers replace, and that they are no scans."""

import json
import os

import cv2
import numpy as np
import pytest

from medzoo.inference import predict_scans
from medzoo.inference.scans import save_each, save_summary, several
from medzoo.io import find_scans
from medzoo.io.answers import NameTakenError


@pytest.fixture
def scan(tmp_path):
    return write(tmp_path / "scans" / "a.png")


def write(path, value=200):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 8), value, np.uint8))
    return path


def save(model, sources, folder):
    return [paths for _, paths in save_each(predict_scans(model, sources), folder)]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["a_mask.png", "a_overlay.png", "a.json"])
def test_a_file_of_an_annotator_keeps_its_bytes_and_the_answer_takes_a_number(echo_model, scan, name):
    (scan.parent / name).write_bytes(b'{"shapes": []}')
    (paths,) = save(echo_model, [scan], scan.parent)
    assert (scan.parent / name).read_bytes() == b'{"shapes": []}'
    assert sorted(path.name for path in paths.values()) == ["a_2.json", "a_2_mask.png", "a_2_overlay.png"]
    before = contents(scan.parent)
    save(echo_model, [scan], scan.parent)
    assert contents(scan.parent) == before


def test_a_link_of_an_annotator_is_not_replaced(echo_model, scan):
    (scan.parent / "a_mask.png").symlink_to("nowhere")
    save(echo_model, [scan], scan.parent)
    assert os.readlink(scan.parent / "a_mask.png") == "nowhere"


@pytest.mark.parametrize("kind", ["mask", "json"])
def test_an_answer_that_was_changed_by_hand_is_kept(echo_model, scan, tmp_path, kind):
    (paths,) = save(echo_model, [scan], tmp_path / "out")
    if kind == "mask":
        write(paths["mask"], 0)
    else:
        paths["json"].write_text(json.dumps({**json.loads(paths["json"].read_text()), "reviewed": True}))
    changed = paths[kind].read_bytes()
    save(echo_model, [scan], tmp_path / "out")
    assert paths[kind].read_bytes() == changed
    assert (tmp_path / "out" / "a_2_mask.png").exists()


def test_an_earlier_answer_for_the_same_scan_is_replaced(echo_model, scan, tmp_path):
    save(echo_model, [scan], tmp_path / "out")
    write(scan, 0)
    (paths,) = save(echo_model, [scan], tmp_path / "out")
    assert paths["mask"].name == "a_mask.png"
    assert not cv2.imread(str(paths["mask"])).any()


def test_the_answer_for_another_scan_of_that_name_is_kept(echo_model, scan, tmp_path):
    save(echo_model, [scan], tmp_path / "out")
    (paths,) = save(echo_model, [write(tmp_path / "other" / "a.png")], tmp_path / "out")
    assert paths["json"].name == "a_2.json"


def test_a_name_that_is_asked_for_is_refused_where_it_is_taken(echo_model, scan, tmp_path):
    (tmp_path / "x_mask.png").write_bytes(b"truth")
    (result,) = predict_scans(echo_model, [scan])
    with pytest.raises(NameTakenError, match=r"x_mask\.png is not what medzoo wrote"):
        result.save_all(tmp_path, "x")
    assert result.save_all(tmp_path)["json"].name == "a.json"


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_an_answer_that_cannot_be_moved_leaves_all_as_it_was(echo_model, scan, tmp_path, monkeypatch, fails_at, before):
    out = tmp_path / "out"
    if before:
        save(echo_model, [scan], out)
    there = contents(out) if before else {}
    write(scan, 0)
    moves, replace = [], os.replace

    def failing(old, new):
        if os.path.dirname(new) == str(out):
            moves.append(new)
            if len(moves) == fails_at:
                raise OSError(28, "No space left on device")
        replace(old, new)

    monkeypatch.setattr("os.replace", failing)
    with pytest.raises(OSError, match="No space left"):
        save(echo_model, [scan], out)
    assert contents(out) == there


def test_answers_are_no_scans_of_the_next_run(echo_model, scan):
    save(echo_model, [scan], scan.parent)
    save(echo_model, [scan], scan.parent / "out")
    with pytest.warns(UserWarning, match="4 answers that medzoo wrote"):
        assert find_scans(scan.parent) == [str(scan)]


def test_a_mask_that_was_corrected_by_hand_is_a_scan_again(echo_model, scan):
    (paths,) = save(echo_model, [scan], scan.parent)
    write(paths["mask"], 0)
    with pytest.warns(UserWarning, match="1 answers"):
        assert len(several(scan.parent)) == 2


@pytest.mark.parametrize("record", ["evaluation.json", "crossval.json"])
def test_figures_of_a_run_are_no_scans(scan, record):
    write(scan.parent / "run" / "overlays" / "worst.png")
    assert len(find_scans(scan.parent)) == 2
    (scan.parent / "run" / record).write_text("{}")
    assert find_scans(scan.parent) == [str(scan)]


def test_a_long_name_is_shortened_and_all_files_appear(echo_model, tmp_path):
    names = ["x" * 246 + ".png", "x" * 245 + "y.png"]
    one, two = save(echo_model, [write(tmp_path / name) for name in names], tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 6
    assert one["json"] != two["json"]


def test_a_name_that_is_no_utf_8_is_answered(echo_model, tmp_path):
    source = os.fsdecode(bytes(write(tmp_path / "b.png").parent) + b"/a\xff.png")
    os.rename(tmp_path / "b.png", source)
    (paths,) = save(echo_model, [source], tmp_path / "out")
    assert json.loads(paths["json"].read_text())["source"] == source


def test_the_answer_for_the_working_folder_has_its_name(echo_model, scan, monkeypatch):
    monkeypatch.chdir(scan.parent)
    (result,) = predict_scans(echo_model, ["."])
    assert result.name == "a"
    assert type(result).name.fget(type("Of", (), {"source": "."})) == "scans"


def test_a_summary_of_others_is_kept_and_an_earlier_one_is_replaced(tmp_path):
    (tmp_path / "summary.csv").write_text("mine\n")
    for value in (1, 2):
        path = save_summary([{"source": "a", "value": value}], tmp_path)
        assert path.name == "summary_2.csv"
        assert path.read_text() == f"source,value\na,{value}\n"
    assert (tmp_path / "summary.csv").read_text() == "mine\n"


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate"), ZeroDivisionError("x"), ValueError("x")])
def test_what_one_scan_raises_does_not_end_the_others(echo_model, scan, tmp_path, monkeypatch, error):
    def fails(*_):
        raise error

    other = write(scan.parent / "b.png")
    results = list(predict_scans(echo_model, [scan, other]))
    monkeypatch.setattr(results[0], "overlay", fails)
    failed = []
    done = list(save_each(results, tmp_path / "out", lambda *row: failed.append(row)))
    assert [result.name for result, _ in done] == ["b"]
    assert failed == [(str(scan), error)]
    assert not list((tmp_path / "out").glob("a*"))
