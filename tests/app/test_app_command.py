"""The command that serves the page, and the page as a Space."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from huggingface_hub import RepoCard

from medzoo.cli import main

ROOT = Path(__file__).resolve().parents[2]
SPACE = ROOT / "examples/space"


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--port", "0"], "--port must be from 1 to 65535"),
        (["--port", "70000"], "--port must be from 1 to 65535"),
        (["--max-upload", "0"], "--max-upload at least 1 MB"),
        (["--host", "no.such.host.invalid"], "no.such.host.invalid"),
    ],
)
def test_wrong_options_are_told_before_anything_starts(options, sentence, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["app", *options])
    assert exit_.value.code == 2 and sentence in capsys.readouterr().err


def test_a_taken_port_is_named(capsys):
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit):
            main(["app", "--port", str(port)])
    assert f"--port {port} is taken" in capsys.readouterr().err


def test_the_space_serves_the_page_and_leaves_nothing(tmp_path):
    pytest.importorskip("gradio", reason="pip install '.[app]'")
    port = free_port()
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, SPACE / "app.py"], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert "medzoo" in _page(process, port)
    finally:
        process.terminate()
        process.wait(20)
    # A process that is terminated leaves its folder to the next one, which deletes it.
    assert all(path.name.startswith("medzoo-app-") for path in tmp_path.iterdir())


def _page(process, port):
    for _ in range(600):
        assert process.poll() is None, process.stderr.read()
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
        except OSError:
            time.sleep(0.1)
    raise AssertionError("The page did not start.")


def test_the_card_of_the_space_says_what_the_hub_asks_for():
    data = RepoCard.load(SPACE / "README.md").data
    assert data.sdk == "gradio" and (SPACE / data.app_file).is_file() and data.license == "apache-2.0"
    assert (SPACE / "requirements.txt").read_text().split() == ["medzoo[app]"]
