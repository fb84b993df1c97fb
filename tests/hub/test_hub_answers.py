"""A Hub that is slow, busy or none at all ends in one line, in limited time."""

import hashlib
import json
import time

import pytest
from huggingface_hub import get_session, hf_hub_download

from medzoo import hub_answers
from medzoo.hub.checkpoints.branch import Branch
from medzoo.weights.fetch import fetch
from medzoo.zoo.download.connection import hub_errors
from medzoo.zoo.download.fetch import Download
from medzoo.zoo.download.revisions import cache_of, resolve
from medzoo.zoo.listing.hub import hub_models

PORTAL = "<!DOCTYPE html><title>Hotel</title><form action=login>"
COMMIT = "0" * 40


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds between attempts, which nobody waits."""
    waited = []
    monkeypatch.setattr(hub_answers.time, "sleep", waited.append)
    monkeypatch.setattr(hub_answers, "WAITS", (1, 2, 4, 8))
    return waited


@pytest.fixture
def hurry(monkeypatch):
    for name in ("CONNECT", "SILENCE", "SILENCE_AFTER_SENDING"):
        monkeypatch.setattr(hub_answers, name, 0.2)


@pytest.fixture(scope="module")
def repo(hub):
    """Name of a repository with a manifest."""
    name = hub.new_repo("answers")
    hub.api.create_repo(name)
    hub.api.upload_file(path_or_fileobj=b"{}", path_in_repo="medzoo.json", repo_id=name)
    return name


def list_files(repo):
    with Download(repo, cache_of(repo) / COMMIT):
        pass


def download_file(repo):
    with hub_errors(repo, "Later."):
        hf_hub_download(repo, "medzoo.json", local_dir=cache_of(repo) / "files", force_download=True)


WAYS = {
    "info": resolve,
    "tree": list_files,
    "file": download_file,
    "models": lambda repo: hub_models(),
    "run": lambda repo: Branch(repo).look(),
}


@pytest.mark.parametrize("kind", ["hang", "drip"])
@pytest.mark.parametrize("way", WAYS)
def test_slow_hub_is_given_up(hub, repo, hurry, monkeypatch, way, kind):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_ETAG_TIMEOUT", 0.2)
    asked = "GET" if kind == "drip" else ""
    start = time.monotonic()
    with hub.fault(asked, kind), pytest.raises(ConnectionError, match=f"{hub.url} (did not answer in time|sends less)"):
        WAYS[way](repo)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("way", WAYS)
def test_busy_hub_is_asked_again(hub, repo, waits, way, status):
    with hub.fault(status=status, times=2):
        try:
            WAYS[way](repo)
        except (FileNotFoundError, ValueError) as error:
            # Of the way, not of the Hub.
            assert "public" in str(error) or "no such branch" in str(error)
    assert waits == [1, 2]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"RateLimit": '"api";r=0;t=9'}, 9),
        ({"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"Retry-After": "soon"}, 1),
    ],
)
def test_hub_says_how_long_to_wait(hub, repo, waits, headers, seconds):
    with hub.fault(status=429, headers=headers, times=1):
        resolve(repo)
    assert waits == [seconds]


@pytest.mark.parametrize("way", WAYS)
def test_patience_has_an_end(hub, repo, waits, way):
    with hub.fault(status=503, headers={"Retry-After": "50"}), pytest.raises(ConnectionError, match="answered 503"):
        WAYS[way](repo)
    assert sum(waits) <= hub_answers.LONGEST_WAIT


def test_hub_that_asks_for_an_hour_is_not_waited_for(hub, repo, waits):
    with hub.fault(status=429, headers={"Retry-After": "3600"}), pytest.raises(ConnectionError, match="3,600 s"):
        list_files(repo)
    assert waits == []


@pytest.mark.parametrize("status", [200, 401, 403, 511])
@pytest.mark.parametrize("way", WAYS)
def test_login_page_of_a_network_is_named(hub, repo, way, status):
    page = hub.fault(status=status, body=PORTAL, content_type="text/html; charset=utf-8")
    with page, pytest.raises(ConnectionError, match=f"{hub.url} answered a web page.*log in") as caught:
        WAYS[way](repo)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_login_page_elsewhere_is_named(hub, repo, way):
    # Another origin, as the portal of a network has.
    away = {"Location": hub.url.replace("127.0.0.1", "localhost") + "/login"}
    with (
        hub.fault("/api/|/resolve/", status=302, headers=away),
        pytest.raises(ConnectionError, match="login|answered 404"),
    ):
        WAYS[way](repo)


ODD = ["", "no JSON", PORTAL, "null", "5", '"text"', "[5]", "[[]]", '{"id": 5}', "{}", "[" * 100_000, "[{}]"]


@pytest.mark.parametrize("body", ODD)
@pytest.mark.parametrize("way", ["info", "tree", "run"])
def test_odd_json_is_a_connection_error(hub, repo, way, body):
    with hub.fault("/api/", body=body), pytest.raises(ConnectionError, match=f"{hub.url}.*HF_ENDPOINT") as caught:
        WAYS[way](repo)
    assert "\n" not in str(caught.value)


ROW = {"type": "file", "path": "medzoo.json", "oid": COMMIT, "size": 2}
REPOSITORY = {"id": "tester/x", "sha": COMMIT, "private": True, "siblings": [], "createdAt": "2026-01-01T00:00:00.000Z"}


@pytest.mark.parametrize("wrong", [None, "text", -1.5, [], {}, [5], {"a": []}], ids=str)
@pytest.mark.parametrize(
    ("way", "whole", "field"),
    [
        *(("tree", ROW, field) for field in ("type", "path", "oid", "size", "lfs", "lastCommit", "securityFileStatus")),
        *(("run", REPOSITORY, field) for field in REPOSITORY),
    ],
)
def test_field_of_another_type_raises_nothing_else(hub, repo, way, whole, field, wrong):
    content = {**whole, field: wrong}
    with hub.fault("/api/", body=json.dumps([content] if way == "tree" else content)):
        try:
            WAYS[way](repo)
        except ConnectionError as error:
            assert hub.url in str(error)
        except ValueError as error:
            # Not private, which `null` and nothing say, too.
            assert "public" in str(error)


def test_pinned_file_says_what_the_network_wants(hub, repo):
    with hub.fault(body=PORTAL, content_type="text/html"), pytest.raises(FileNotFoundError, match="web page.*Fetch"):
        fetch(repo, "medzoo.json", COMMIT, COMMIT)


def test_cached_file_needs_no_hub_that_answers(hub, repo):
    pin = (repo, "medzoo.json", "main", hashlib.sha256(b"{}").hexdigest())
    fetch(*pin)
    with hub.fault(status=503):
        assert fetch(*pin).read_bytes() == b"{}"


def test_limits_end_with_the_block(hub, repo):
    with hub_errors(repo), hub_errors(repo):
        assert "send" in vars(get_session())
    assert "send" not in vars(get_session())
