"""How a command ends, and what it leaves on the terminal."""

import json
import os
import subprocess
import sys

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.cli import main
from tests.cli.test_cli import run


@pytest.fixture
def folder(tmp_path):
    """Three scans."""
    (tmp_path / "in").mkdir()
    for name in "abc":
        cv2.imwrite(str(tmp_path / "in" / f"{name}.png"), np.full((20, 24), 100, np.uint8))
    return tmp_path / "in"


def predict(entry, folder):
    return run("predict", entry, folder, "-o", folder.parent / "out", "--engine", "onnx")


def test_all_well_is_0_and_the_summary_has_a_row_for_every_scan(saved_entry, folder):
    assert predict(saved_entry, folder) == 0
    header, *rows = (folder.parent / "out" / "summary.csv").read_text().splitlines()
    assert header == "source,task,lesion pixels,lesion confidence,lesion regions,answer,error"
    assert [row.split(",")[0] for row in rows] == [str(folder / f"{name}.png") for name in "abc"]


def damaged(path):
    path.with_suffix(".png").write_bytes(b"no picture")


def link(path):
    path.with_suffix(".png").symlink_to("nowhere")


def huge(path):
    header = nibabel.Nifti1Header()
    header.set_data_shape((32767, 32767, 32767))
    header.set_data_dtype(np.float32)
    path.with_suffix(".nii").write_bytes(header.binaryblock + b"\0" * 500)


@pytest.mark.parametrize("make", [damaged, link, huge])
def test_an_odd_file_is_named_and_the_others_are_predicted(make, saved_entry, folder, capsys):
    make(folder / "odd")
    assert predict(saved_entry, folder) == 1
    assert "odd" in capsys.readouterr().err
    assert len(list((folder.parent / "out").glob("?_mask.png"))) == 3
    assert "odd" in (folder.parent / "out" / "summary.csv").read_text().splitlines()[-1]


@pytest.mark.filterwarnings("ignore:.*is a pipe")
def test_a_pipe_is_no_scan_that_failed(saved_entry, folder):
    os.mkfifo(folder / "odd")
    assert predict(saved_entry, folder) == 0


@pytest.mark.parametrize("arguments", [["predict"], ["nothing"], ["predict", "no-such-model", "x.png"]])
def test_wrong_usage_is_2(arguments):
    assert run(*arguments) == 2


@pytest.mark.parametrize("command", [["predict", "ENTRY", "DIR", "-o", "OUT"], ["audit", "DIR"], ["list"], ["--help"]])
def test_a_closed_pipe_ends_without_a_traceback(command, saved_entry, folder):
    words = {"ENTRY": saved_entry, "DIR": folder, "OUT": folder.parent / "out"}
    read, write = os.pipe()
    os.close(read)
    arguments = [sys.executable, "-m", "medzoo", *(str(words.get(word, word)) for word in command)]
    done = subprocess.run(arguments, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode in (0, 141)
    assert not done.stderr


def test_list_as_json_has_what_is_known_of_each_model(capsys):
    assert run("list", "--json") == 0
    (model,) = [row for row in json.loads(capsys.readouterr().out) if row["name"] == "brain-tumor-unet"]
    assert (model["task"], model["score_name"]) == ("segmentation", "dice")


def test_names_of_files_cannot_steer_the_terminal(saved_entry, folder, capsys):
    os.rename(folder / "a.png", folder / "a\x1b[2J.png")
    assert predict(saved_entry, folder) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_what_tensorflow_writes_while_it_is_imported_is_not_seen(tmp_path):
    (tmp_path / "tensorflow.py").write_text("import os\nos.write(2, b'Could not find cuda drivers')\nvalue = 1\n")
    code = (
        "import importlib.util, sys; from medzoo.cli.quiet import quiet_import; quiet_import(); "
        "importlib.util.find_spec('tensorflow'); import tensorflow; "
        "print(tensorflow.value); print('after', file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"1\n", b"after\n")


@pytest.mark.parametrize(("seconds", "lines"), [(0.3, 1), (0, 0)])
def test_a_line_says_that_keras_starts_if_it_lasts(tmp_path, seconds, lines):
    (tmp_path / "keras.py").write_text(f"import time, tensorflow\ntime.sleep({seconds})\n")
    (tmp_path / "tensorflow.py").write_text(f"import os, time\nos.write(2, b'cuda')\ntime.sleep({seconds})\n")
    code = "from medzoo.cli import quiet; quiet.PATIENCE = 0.2; quiet.quiet_import(); import keras"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stderr == b"medzoo: starting Keras and its backend ...\n" * lines


def test_debug_keeps_the_traceback_of_wrong_usage(folder):
    with pytest.raises(ValueError, match="Unknown model"):
        main(["predict", "no-such-model", str(folder), "--debug"])
