"""Many processes share one cache, and one that is killed spoils nothing for the others."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from medzoo.zoo.load import load_onnx

ROOT = Path(__file__).resolve().parents[3]

# All wait for one another, and then load; forked, so that what they import is imported once.
RACE = """
import multiprocessing, sys
import huggingface_hub.hf_api, numpy, onnxruntime
from medzoo.zoo.load import load_onnx

repo, golden, count = sys.argv[1], dict(numpy.load(sys.argv[2])), int(sys.argv[3])
processes = multiprocessing.get_context("fork")
start = processes.Barrier(count)

def load(_):
    start.wait()
    return abs(load_onnx(repo).predict_on_batch(golden["input"]) - golden["output"]).max() < 1e-3

with processes.Pool(count) as pool:
    print(sum(pool.map(load, range(count), chunksize=1)))
"""

# It begins when it is told to, and writes at once what arrives.
LOAD = """
import sys
input()
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 100
from medzoo.zoo.load import load_onnx
load_onnx(sys.argv[1])
"""


@pytest.fixture
def repo(hub, saved_entry):
    name = hub.new_repo("processes")
    hub.api.create_repo(name)
    hub.api.upload_folder(repo_id=name, folder_path=saved_entry)
    return name


def _start(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, env=environment, text=True, **pipes)


def test_eight_processes_load_one_model_and_download_each_file_once(hub, repo, saved_entry, home):
    hub.forget()
    process = _start(RACE, repo, saved_entry / "golden.npz", 8)
    output, errors = process.communicate()
    assert (output.strip(), process.returncode) == ("8", 0), errors
    downloads = Counter(line for line in hub.requests() if line.startswith(("GET /cdn/", "GET /api/resolve-cache/")))
    assert set(downloads.values()) == {1}
    assert {path.rpartition("/")[2] for path in downloads} >= {"medzoo.json", "recipe.json"}


def test_a_process_killed_in_the_middle_of_a_download_spoils_nothing(hub, repo, saved_entry, home):
    process = _start(LOAD, repo)
    with hub.kill(process.pid):
        _, errors = process.communicate("\n")
    assert process.returncode == -signal.SIGKILL, errors
    assert list(home.rglob("medzoo.json"))
    assert not list(home.rglob("model.onnx"))
    with np.load(saved_entry / "golden.npz") as golden:
        assert np.abs(load_onnx(repo).predict_on_batch(golden["input"]) - golden["output"]).max() < 1e-3
