"""Downloads, with the real client of the Hub against a server on the loopback."""

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from medzoo.errors import IntegrityError
from medzoo.weights.fetch import Pin, fetch
from medzoo.weights.medicalnet import converted

CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789" * 4
PIN = Pin("org/name", "model.safetensors", COMMIT, SHA256)


class Hub(BaseHTTPRequestHandler):
    """Serves one file of one repository."""

    def do_GET(self):
        found = self.path == f"/{PIN.repo}/resolve/{COMMIT}/{PIN.file}"
        self.server.requests.append((self.command, found))
        self.send_response(200 if found else 404)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{SHA256}"')
        self.send_header("Content-Length", str(len(self.server.content) if found else 0))
        if not found:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.end_headers()
        if found and self.command == "GET":
            self.wfile.write(self.server.content)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *arguments):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A Hub on the loopback, and an empty cache; the client reads its settings when it is imported."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.content, server.requests = CONTENT, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_file_is_fetched_once(hub, sha256):
    paths = [fetch(*PIN._replace(sha256=sha256)) for _ in range(2)]
    assert [path.read_bytes() for path in paths] == [CONTENT] * 2
    assert hub.requests.count(("GET", True)) == 1


def test_cached_file_needs_no_network(hub, monkeypatch):
    fetch(*PIN)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch(*PIN).read_bytes() == CONTENT


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_other_bytes_are_refused_until_they_are_deleted(hub, sha256):
    hub.content = b"poisons"
    pin = PIN._replace(sha256=sha256)
    with pytest.raises(IntegrityError, match=f"is not the file model.safetensors .*{SHA256}.*Delete the file") as error:
        fetch(*pin)
    hub.content = CONTENT
    with pytest.raises(IntegrityError):
        fetch(*pin)
    Path(str(error.value).partition(" is not")[0]).unlink()
    assert fetch(*pin).read_bytes() == CONTENT


def test_another_version_than_the_pinned_one_is_refused(hub):
    with pytest.raises(IntegrityError, match="sha256 0000"):
        fetch(*PIN._replace(sha256="0" * 64))


def test_offline_without_a_cache_says_what_to_fetch(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError) as error:
        fetch(*PIN)
    message = str(error.value)
    assert f"Fetch {constants.ENDPOINT}/org/name/resolve/{COMMIT}/model.safetensors" in message
    assert "weights='model.safetensors'" in message
    assert "\n" not in message


def test_no_network_and_no_cache_says_what_to_fetch(hub, monkeypatch):
    hub.shutdown()
    hub.server_close()
    # The client waits between its attempts.
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with pytest.raises(FileNotFoundError, match="could not be fetched .*Fetch http://127.0.0.1.*/model.safetensors "):
        fetch(*PIN)


def test_file_that_the_hub_lacks_is_named(hub):
    with pytest.raises(FileNotFoundError, match="gone.safetensors of org/name is not in the cache .*404"):
        fetch(*PIN._replace(file="gone.safetensors"))


@pytest.fixture
def reads():
    """A function that counts how often it reads arrays."""

    def read():
        read.count += 1
        return {"conv1.weight": np.arange(3, dtype=np.float32)}

    read.count = 0
    return read


def test_checkpoint_is_converted_once(home, reads):
    arrays = [converted("resnet10", "a" * 64, reads) for _ in range(2)]
    assert reads.count == 1
    assert np.array_equal(arrays[1]["conv1.weight"], [0, 1, 2])


def test_another_checkpoint_is_converted_anew(home, reads):
    for sha256 in ("a" * 64, "b" * 64):
        converted("resnet10", sha256, reads)
    assert reads.count == 2


def test_damaged_copy_is_made_anew(home, reads):
    converted("resnet10", "a" * 64, reads)
    (copy,) = (home / "weights").iterdir()
    copy.write_bytes(copy.read_bytes()[:-1] + b"!")
    assert np.array_equal(converted("resnet10", "a" * 64, reads)["conv1.weight"], [0, 1, 2])
    assert reads.count == 2
    assert list((home / "weights").iterdir()) == [copy]
