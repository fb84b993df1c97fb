"""What is accepted of a Hub: how long it may take, how often it is asked again, and what an answer looks like."""

from __future__ import annotations

import importlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import Any

from medzoo.errors import printable

_log = logging.getLogger("medzoo")

# Seconds until a connection stands, and of silence: of an answer to a question, and of one to what was sent, which the
# Hub first stores. Whatever huggingface_hub or its environment variables limit keeps that limit.
CONNECT, SILENCE, SILENCE_AFTER_SENDING = 10.0, 30.0, 120.0
# An answer has the seconds of silence, and one more for each of these bytes.
SLOWEST = 1024
# Seconds before a request is sent once more, and how long `Retry-After` may make them in all.
WAITS = (1.0, 2.0, 4.0, 8.0)
LONGEST_WAIT = 60.0
# Bytes of an answer that is no file.
LARGEST = 64 * 2**20

_BUSY = {408, 429, 500, 502, 503, 504}
# What was not even begun, so that sending it once more does nothing twice.
_NOT_BEGUN = {429, 503}
_HARMLESS = {"GET", "HEAD", "PUT", "DELETE"}
_SENDS = {"POST", "PUT"}
# Seconds of a wait of which nothing is said.
_SHORT = 3
_NETWORK_LOGIN = 511
_WAIT_HEADERS = ("Retry-After", "RateLimit")

_REPO = r"/api/(?:models|datasets|spaces)/[^/]+/[^/]+"
_REF = {"name": str, "ref": str, "targetCommit": str}
_SIZED = {"oid": str, "size": int}
# Of each path the least that an answer has: fields of a dict ("?": may be missing or null), or [rows of a list].
_SHAPES: tuple[tuple[str, Any], ...] = (
    ("/api/whoami-v2", {"name": str}),
    ("/api/repos/create", {"url": str}),
    ("/api/(?:models|datasets|spaces)", [dict]),
    (
        f"{_REPO}(?:/revision/[^/]+)?",
        {"id": str, "sha?": str, "private?": bool, "siblings?": [{"rfilename": str, "size?": int}]},
    ),
    (f"{_REPO}/tree/.+", [{"type": str, "path": str, **_SIZED, "lfs?": _SIZED}]),
    (f"{_REPO}/refs", {"branches": [_REF], "tags?": [_REF]}),
    (f"{_REPO}/preupload/.+", {"files": [{"path": str, "uploadMode": str}]}),
    (f"{_REPO}/commit/.+", {"commitUrl": str, "commitOid": str, "pullRequestUrl?": str}),
    (f"{_REPO}/discussions", {"discussions": [{"title": str, "num": int}]}),
    (r"/.+\.git/info/lfs/objects/batch", {"objects": [{"oid": str}]}),
)


class HubError(ConnectionError):
    """The Hub, or what stands in its place, does not answer as it should; the message says who, and what is wrong."""


@contextmanager
def patient() -> Iterator[None]:
    """Limit the requests of huggingface_hub while the block works; repeat them where the Hub is busy; check answers.

    huggingface_hub leaves many without a limit, asks only some of them again, and waits as long as `Retry-After` says.

    Raises:
        HubError: There was no answer in time, or the Hub asks for more patience than there is; or the answer is a web
            page, such as the login page of a network, or no JSON of a Hub.
    """
    from huggingface_hub import get_session

    session = get_session()
    with _LOCK:
        sender = vars(session).setdefault("send", _Sender(session.send))
        sender.blocks += 1
    try:
        yield
    finally:
        with _LOCK:
            sender.blocks -= 1
            if not sender.blocks:
                vars(session).pop("send", None)


_LOCK = threading.Lock()


class _Sender:
    """The method `send` of a client of HTTP, with patience that ends."""

    def __init__(self, send: Callable[..., Any]):
        self._send, self.blocks = send, 0
        self._meters: dict[str, _Meter] = {}

    def __call__(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
        _limit(request)
        left = LONGEST_WAIT
        for wait in (*WAITS, None):
            response = self._once(request, wait, options)
            if response is not None:
                if response.status_code not in _BUSY:
                    break
                seconds = _asked_to_wait(response, wait or 0)
                if wait is None or seconds > left:
                    response.close()
                    raise HubError(_busy(response, seconds))
                if not _may_repeat(request, response.status_code):
                    break
                response.close()
                wait = seconds
            left -= wait or 0
            _log.log(
                logging.WARNING if (wait or 0) > _SHORT else logging.INFO,
                "%s is asked again in %.0f s.",
                _host(request),
                wait,
            )
            time.sleep(wait or 0)
        for name in _WAIT_HEADERS:
            # huggingface_hub would wait as often and as long as they say.
            response.headers.pop(name, None)
        return self._received(request, response, stream)

    def _once(self, request: Any, wait: float | None, options: Mapping[str, Any]) -> Any:
        """Return the answer, or None where the connection broke and it may be tried again."""
        client = _client()
        try:
            return self._send(request, stream=True, **options)
        except client.TimeoutException as error:
            raise HubError(f"{_host(request)} did not answer in time.") from error
        except client.ConnectError as error:
            raise HubError(f"{_host(request)} was not reached.") from error
        except (client.NetworkError, client.RemoteProtocolError):
            if wait is None or not _may_repeat(request):
                raise
            return None

    def _received(self, request: Any, response: Any, stream: bool) -> Any:
        _refuse_page(response)
        url = str(request.url)
        # A download that goes on after a break has the time of the whole.
        if "range" not in request.headers or url not in self._meters:
            self._meters[url] = _Meter(_host(request), None if stream else LARGEST)
        response.stream = _metered(response.stream, self._meters[url])
        if not stream:
            response.read()
            _refuse_odd(response)
        return response


class _Meter:
    """How many bytes of an answer came, and in how much time."""

    def __init__(self, host: str, most: int | None):
        self._host, self._most = host, most
        self._begin, self._bytes = time.monotonic(), 0

    def count(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        if time.monotonic() - self._begin > SILENCE + self._bytes / SLOWEST:
            raise HubError(f"{self._host} sends less than {SLOWEST:,} bytes a second.")
        if self._most is not None and self._bytes > self._most:
            raise HubError(f"{self._host} sent more than {self._most:,} bytes where a Hub sends a few.")


def _metered(stream: Any, meter: _Meter) -> Any:
    class Metered(_client().SyncByteStream):  # type: ignore[name-defined, misc]
        def __iter__(self) -> Iterator[bytes]:
            for chunk in stream:
                meter.count(chunk)
                yield chunk

        def close(self) -> None:
            stream.close()

    return Metered()


def _client() -> ModuleType:
    """Return the package that huggingface_hub sends with: httpx or httpx2, by its version."""
    from huggingface_hub import errors

    return importlib.import_module(errors.HTTPError.__module__.partition(".")[0])


def _limit(request: Any) -> None:
    silence = SILENCE_AFTER_SENDING if request.method in _SENDS else SILENCE
    least = {"connect": CONNECT, "read": silence, "write": silence, "pool": silence}
    given = {name: value for name, value in request.extensions.get("timeout", {}).items() if value is not None}
    request.extensions = {**request.extensions, "timeout": least | given}


def _may_repeat(request: Any, status: int | None = None) -> bool:
    try:
        _ = request.content
    except _client().RequestNotRead:
        # What is read from an open file while it is sent cannot be sent twice from here; huggingface_hub rewinds it.
        return False
    return request.method in _HARMLESS or status in _NOT_BEGUN


def _asked_to_wait(response: Any, otherwise: float) -> float:
    """Return the seconds that an answer asks to wait: as a number, as a date, or as the Hub says it."""
    asked, limits = (response.headers.get(name, "").strip() for name in _WAIT_HEADERS)
    if asked.isdecimal():
        return float(asked)
    if reset := re.search(r"\br\s*=\s*0\s*;\s*t\s*=\s*(\d+)", limits):
        return float(reset[1])
    try:
        return max(parsedate_to_datetime(asked).timestamp() - time.time(), 0)
    except (ValueError, OverflowError):
        return otherwise


def _busy(response: Any, seconds: float) -> str:
    said = printable(response.headers.get("X-Error-Message", ""))[:300]
    when = f" and asks to wait {seconds:,.0f} s" if seconds > LONGEST_WAIT else ""
    return f"{_host(response)} answered {response.status_code} ({response.reason_phrase}){when}. {said}".strip()


def _refuse_page(response: Any) -> None:
    """Refuse a page for people in place of data, as networks that want a login send, with whatever status."""
    status, is_page = response.status_code, "html" in response.headers.get("Content-Type", "").lower()
    # Stores of files call their empty answer to an upload a page, too; the Hub names its errors in a header.
    is_answer = response.request.method == "PUT" or response.has_redirect_location or "X-Error-Code" in response.headers
    if status == _NETWORK_LOGIN or (is_page and not is_answer and (status in (401, 403, 407) or status < 400)):
        response.close()
        raise HubError(
            f"{_host(response)} answered a web page instead of data: the login page of a network, or a filter. Open "
            "it in a browser and log in; else check HF_ENDPOINT and the proxy."
        )


def _refuse_odd(response: Any) -> None:
    """Refuse what no Hub answers where huggingface_hub expects JSON of a certain shape."""
    path = response.request.url.path
    shape = next((shape for pattern, shape in _SHAPES if re.fullmatch(pattern, path)), None)
    if not response.is_success or response.request.method == "HEAD" or shape is None:
        return
    try:
        wrong = _wrong(response.json(), shape, "the answer")
    except (ValueError, RecursionError):
        page = response.content.lstrip()[:1] == b"<"
        wrong = "a web page, such as the login page of a network" if page else "no JSON"
    if wrong:
        raise HubError(f"{_host(response)} gave no answer of a Hub for {path}: {wrong}. Check HF_ENDPOINT.")


def _wrong(value: Any, shape: Any, where: str) -> str | None:
    """Return what is wrong with a value of JSON, or None."""
    kind: Any = shape if isinstance(shape, type) else type(shape)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return f"{where} is {type(value).__name__} instead of {kind.__name__}"
    if isinstance(shape, list):
        return next(filter(None, (_wrong(item, shape[0], f"{where}[{i}]") for i, item in enumerate(value))), None)
    if not isinstance(shape, dict):
        return None
    for field, inner in shape.items():
        name = field.removesuffix("?")
        if name == field and name not in value:
            return f"{where} has no '{name}'"
        if (name == field or value.get(name) is not None) and (wrong := _wrong(value[name], inner, f"'{name}'")):
            return wrong
    return None


def _host(message: Any) -> str:
    """Return who was asked, or who answered in the end."""
    return f"{message.url.scheme}://{message.url.netloc.decode('ascii', 'replace')}"
