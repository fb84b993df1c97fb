"""The page as a program that listens: who may reach it, what it hands out, and what it leaves behind."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from medzoo.app.page import CSS, make_page
from medzoo.app.sessions import Sessions
from medzoo.errors import require
from medzoo.leftovers import scratch_folder
from medzoo.task import TASKS
from medzoo.zoo.listing.models import list_models
from medzoo.zoo.load import open_entry

# Megabytes of an upload.
MOST_UPLOAD = 2048
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@contextmanager
def application(
    max_upload: int = MOST_UPLOAD, models: Sequence[str] | None = None, hosts: Sequence[str] = ()
) -> Iterator[Any]:
    """Yield the page as an ASGI application; at the end all that its users sent is deleted.

    Args:
        max_upload: Largest upload in MB.
        models: Names of the zoo entries to offer; all on this machine by default.
        hosts: Names under which the page answers, without ports; all by default.

    Raises:
        ValueError: A name is unknown, or there is no model.
        ImportError: Gradio is not installed.

    Example:
        >>> with application() as app:
        ...     uvicorn.run(app, host="127.0.0.1", port=7860)
    """
    # Those that mark something first.
    dense = [name for name, task in TASKS.items() if task.is_dense]
    found = sorted(list_models(), key=lambda info: info.task not in dense) if models is None else ()
    names = [info.name for info in found] if models is None else list(models)
    for name in names:
        open_entry(name, engine=None)
    if not names:
        raise ValueError("There is no model on this machine. `medzoo list --hub` shows those that can be fetched.")
    # Asked before it is imported: nothing is sent to anybody.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with scratch_folder("app") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
        gradio = require("gradio", "app")
        fastapi = require("fastapi", "app")
        sessions = Sessions(folder)
        server = fastapi.FastAPI(title="medzoo", docs_url=None, redoc_url=None, openapi_url=None)
        _add_downloads(server, sessions)
        page = make_page(gradio, sessions, names, max_upload)
        mounted = gradio.mount_gradio_app(
            server,
            page,
            path="/",
            max_file_size=f"{max_upload}mb",
            show_error=False,
            footer_links=[],
            # A list of earlier runs in the browser would outlive the session.
            run_history=False,
            css=CSS,
            ssr_mode=False,
            theme=gradio.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        )
        yield _guarded(mounted, hosts)


# What a page of ours may load or ask: itself only, whatever a part of Gradio names.
_POLICY = b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"


def _guarded(app: Any, hosts: Sequence[str]) -> Any:
    """Return the application for requests to these hosts only, that fetches nothing for others and names a policy."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"content-security-policy", _POLICY)]
            await send(message)

        if scope["type"] != "http":
            await app(scope, receive, send)
        elif refused := _refused(scope, hosts):
            await send({"type": "http.response.start", "status": refused, "headers": []})
            await send({"type": "http.response.body", "body": b"This page does not answer that."})
        else:
            await app(scope, receive, with_policy)

    return guarded


def _refused(scope: Any, hosts: Sequence[str]) -> int | None:
    """Return the status with which a request is refused: of another name of this machine, or for another address."""
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    if hosts and host.rpartition(":")[0] not in hosts and host not in hosts:
        return 400
    # Gradio would fetch what stands there.
    return 404 if re.search(r"file=\w+:", unquote(scope["path"])) else None


def _add_downloads(server: Any, sessions: Sessions) -> None:
    from fastapi.responses import FileResponse, PlainTextResponse

    @server.get("/answers/{token}/{kind}")
    def download(token: str, kind: str) -> Any:
        path = sessions.file(token, kind)
        if path is None or not path.is_file():
            return PlainTextResponse("This answer is no longer here. Drop the scan again.", status_code=404)
        # No proxy or browser keeps the picture of a patient.
        return FileResponse(path, filename=path.name, headers={"Cache-Control": "no-store"})


def run(
    host: str = "127.0.0.1",
    port: int = 7860,
    max_upload: int = MOST_UPLOAD,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until it is stopped.

    Args:
        host: Address to listen at; "127.0.0.1" is this machine only.
        port: Port.
        max_upload: Largest upload in MB.
        on_ready: Called with the address of the page before it is served.

    Raises:
        ImportError: Gradio is not installed.
        ValueError: The port is taken, or this machine has no such address.
    """
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(f"port={port} is taken by another program. Choose another one.") from error
        raise ValueError(f"The page cannot listen at host={host!r}: {error.strerror}. Choose another one.") from error
    # Of a name that leads here from a page elsewhere nothing is answered.
    with application(max_upload, hosts=_LOOPBACK if host in _LOOPBACK else ()) as app:
        uvicorn = require("uvicorn", "app")
        if on_ready is not None:
            on_ready(f"http://{host}:{port}")
        # An open page would keep it running for ever.
        uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=3)
