"""The Hub of the tests as its user sees it: the environment that leads every client there, and a handle on the server.

A port is taken when the tests start, and handed to the server when a test first asks for it; until then whoever tries
to reach the Hub is refused. So no test reaches the real one.
"""

from __future__ import annotations

import atexit
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from huggingface_hub import HfApi

ROOT = Path(__file__).resolve().parents[2]
# The user of the tests, and one who has no right to what is theirs.
USERS = {"hf_test": "tester", "hf_stranger": "stranger"}


@cache
def port() -> socket.socket:
    """Return the socket at the port of this process, which the server listens at as soon as there is one."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


@cache
def environment() -> dict[str, str]:
    """Return the variables that lead this process, and those that it starts, to the port and to empty caches.

    They are to be set before `huggingface_hub` is imported, which reads them then.
    """
    home = tempfile.mkdtemp(prefix="medzoo-tests-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return {
        "HF_ENDPOINT": f"http://127.0.0.1:{port().getsockname()[1]}",
        "HF_HOME": f"{home}/huggingface",
        "HF_HUB_CACHE": f"{home}/huggingface/hub",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "",
        "HF_TOKEN": next(iter(USERS)),
        "HF_TOKEN_PATH": f"{home}/huggingface/token",
        "HUGGING_FACE_HUB_TOKEN": "",
        "MEDZOO_HOME": f"{home}/medzoo",
        "NO_PROXY": "127.0.0.1,localhost",
    }


class Hub:
    """A running server, and what tests ask of it.

    Args:
        folder: Where it keeps its repositories, log and mode.
    """

    def __init__(self, folder: Path):
        self.url = environment()["HF_ENDPOINT"]
        self.folder = folder
        self._numbers = count(1)
        self.forget()
        users = [f"{token}={name}" for token, name in USERS.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hub_server", str(port().fileno()), str(folder), *users],
            cwd=ROOT,
            pass_fds=[port().fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        # With a copy of it here, clients would wait for an answer after the end of the server.
        port().close()
        self._process.stdout.readline()

    @cached_property
    def api(self) -> HfApi:
        """The client of the tests' own user."""
        from huggingface_hub import HfApi

        return HfApi(self.url, token=next(iter(USERS)))

    def new_repo(self, prefix: str = "model") -> str:
        """Return a name that no repository has yet."""
        return f"tester/{prefix}-{next(self._numbers)}"

    def requests(self) -> list[str]:
        """Return what was asked for since `forget`, as `"GET /path"`."""
        return self._log.read_text().splitlines()

    def forget(self) -> None:
        """Forget the requests so far."""
        self._log.write_text("")

    def drop(self, seed: int = 0) -> AbstractContextManager:
        """Break the connection at a random byte of a download, for every other of them."""
        return self._mode({"drop": seed})

    def down(self) -> AbstractContextManager:
        """Close every connection without an answer."""
        return self._mode({"down": True})

    def kill(self, process: int) -> AbstractContextManager:
        """Send a process that asks for a large file the first half, and SIGKILL."""
        return self._mode({"kill": process})

    def fault(
        self,
        asked: str = "",
        kind: str = "answer",
        status: int = 200,
        body: str = "",
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
        times: int = 10**6,
    ) -> AbstractContextManager:
        """Answer requests in another way, the first times: `asked` is found in `"GET /path"`.

        Kinds are "answer", "hang" (never answers) and "drip" (sends one byte after the other, without an end).
        """
        values = {"kind": kind, "status": status, "body": body, "headers": headers or {}, "content_type": content_type}
        return self._mode({"fault": {"name": f"{next(self._numbers)}", "asked": asked, "times": times, **values}})

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.communicate()

    @property
    def _log(self) -> Path:
        return self.folder / "requests.log"

    @contextmanager
    def _mode(self, mode: dict) -> Iterator[None]:
        path = self.folder / "mode.json"
        # By rename, since the server may be reading.
        path.with_suffix(".new").write_text(json.dumps(mode))
        path.with_suffix(".new").replace(path)
        try:
            yield
        finally:
            path.unlink()
