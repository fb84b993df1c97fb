"""What huggingface_hub raises comes as Python's own exceptions, in one line, with what to do."""

import json

import pytest
from huggingface_hub import errors
from huggingface_hub.utils import get_session, hf_raise_for_status

from medzoo.zoo.download.connection import hub_errors


def answer(status, code=None, said=None):
    """Return a function that raises what huggingface_hub makes of an answer of the Hub."""

    def refuse():
        request = get_session().build_request(
            "GET", "https://hub/api/models/me/tumor", headers={"Authorization": "hf_secret"}
        )
        headers = {"X-Error-Code": code, "X-Error-Message": said}
        response = errors.Response(
            status, request=request, headers={name: value for name, value in headers.items() if value}
        )
        hf_raise_for_status(response)

    return refuse


def raises(error, cause=None):
    def fail():
        raise error from cause

    return fail


LOST = errors.HTTPError("connection reset")


@pytest.mark.parametrize(
    ("fail", "kind", "words"),
    [
        (answer(401, said="Invalid credentials in Authorization header"), PermissionError, "hf auth login"),
        (answer(403, said="No write access"), PermissionError, "No write access"),
        (answer(403, "GatedRepo"), PermissionError, "is gated"),
        (answer(404, "RepoNotFound"), FileNotFoundError, "no repository me/tumor .* or it is private.*hf auth login"),
        (answer(404, "RevisionNotFound"), FileNotFoundError, "no such branch, tag or commit"),
        (answer(400, said="`license` is unknown"), ValueError, "`license` is unknown"),
        (answer(500), ConnectionError, "answered 500.*Try later"),
        (answer(429), ConnectionError, "answered 429.*Try later"),
        (raises(LOST), ConnectionError, "broke.*Try later"),
        (raises(RuntimeError("Error while uploading"), LOST), ConnectionError, "broke.*Try later"),
        (raises(errors.LocalEntryNotFoundError("no file"), LOST), ConnectionError, "broke.*Try later"),
        (raises(errors.LocalTokenNotFoundError("no token")), PermissionError, "hf auth login"),
        (raises(errors.OfflineModeIsEnabled("offline")), ConnectionError, "HF_HUB_OFFLINE.*Try later"),
        (
            raises(ConnectionError("of hf_xet: https://storage/?signature=hf_secret")),
            ConnectionError,
            "broke.*Try later",
        ),
        (raises(OSError("Consistency check failed")), ConnectionError, "broke.*Try later"),
        (raises(json.JSONDecodeError("no JSON", "<html>", 0)), ConnectionError, "broke.*Try later"),
    ],
)
def test_error_of_the_hub_is_plain_and_in_one_line(fail, kind, words):
    with pytest.raises(kind, match=words) as caught, hub_errors("me/tumor", "Try later."):
        fail()
    assert not isinstance(caught.value, errors.HTTPError)
    assert "\n" not in str(caught.value)
    assert "hf_secret" not in str(caught.value)


OTHERS = (
    ValueError("a bug"),
    RuntimeError("a bug"),
    OSError(28, "No space left", "file"),
    ConnectionError("Already plain. Try later."),
)


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as caught, hub_errors("me/tumor", "Try later."):
        raise error
    assert caught.value is error
