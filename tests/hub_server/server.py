"""The HTTP side of the stand-in: from a connection to the function that answers, and back."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.hub_server.messages import Answer, Download, HttpError, Request
from tests.hub_server.repository import Repository
from tests.hub_server.routes import find_route

# Closing the connection then discards what was not sent, and the other side gets an error.
ABORT = struct.pack("ii", 1, 0)


class Server(ThreadingHTTPServer):
    """The stand-in.

    Args:
        descriptor: Number of the socket to listen at.
        folder: Where repositories, large files, log and mode lie.
        users: Names by token.
    """

    daemon_threads = True

    def __init__(self, descriptor: int, folder: Path, users: Mapping[str, str]):
        listening = socket.socket(fileno=descriptor)
        super().__init__(listening.getsockname(), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.folder, self.users = folder, users
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        # Another origin, where a client must not send its token.
        self.files_url = self.url.replace("127.0.0.1", "localhost") + "/cdn"
        self.lock = threading.RLock()
        self.seed, self.chance = None, Random()
        self.faults: Counter[str] = Counter()
        self.server_activate()

    def repository(self, kind: str, name: str) -> Repository:
        """Return a repository, which may not exist."""
        return Repository(self.folder / "git", kind, name)

    def large_file(self, sha256: str) -> Path:
        """Return where a large file lies, if it was sent."""
        return self.folder / "lfs" / sha256

    def log(self, line: str) -> None:
        """Keep a request for the tests."""
        with self.lock, open(self.folder / "requests.log", "a") as file:
            file.write(line + "\n")

    def mode(self) -> dict[str, Any]:
        """Return how the tests want it to misbehave."""
        try:
            return json.loads((self.folder / "mode.json").read_text())
        except FileNotFoundError:
            return {}

    def drops(self, mode: Mapping[str, Any]) -> bool:
        """Return whether the next download is to be broken: every other one."""
        if mode.get("drop") != self.seed:
            self.seed = mode.get("drop")
            self.chance = Random(self.seed)
        return self.seed is not None and self.chance.random() < 1 / 2

    def fault(self, mode: Mapping[str, Any], asked: str) -> Mapping[str, Any] | None:
        """Return how to answer instead, as often as the tests want it."""
        fault = mode.get("fault")
        if fault is None or not re.search(fault["asked"], asked):
            return None
        with self.lock:
            self.faults[fault["name"]] += 1
            return fault if self.faults[fault["name"]] <= fault["times"] else None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong, but for clients that went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # Else the body of an answer waits for the client to acknowledge the headers.
    disable_nagle_algorithm = True
    server: Server

    def answer(self) -> None:
        """Answer a request."""
        body = self._body()
        self.server.log(f"{self.command} {self.path}")
        mode = self.server.mode()
        if "down" in mode:
            self.close_connection = True
        elif fault := self.server.fault(mode, f"{self.command} {self.path}"):
            self._fail(fault)
        else:
            self._send(self._answer(body), mode)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = answer  # noqa: N815

    def _answer(self, body: bytes) -> Answer:
        url = urlsplit(self.path)
        request = Request(self.server, parse_qs(url.query, keep_blank_values=True), self.headers, body)
        try:
            function, parts = find_route(self.command, url.path)
            with self.server.lock:
                answer = function(request, *(part and unquote(part) for part in parts))
            return answer if isinstance(answer, Answer) else Answer.of(answer)
        except HttpError as error:
            return error.answer
        except Exception as error:
            traceback.print_exc()
            return Answer.of({"error": repr(error)}, 500)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, answer: Answer, mode: Mapping[str, Any]) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(answer.body)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if isinstance(answer, Download) and self.server.drops(mode):
            self._cut(answer.body)
        elif "kill" in mode and self.path.startswith("/cdn/"):
            self._kill(answer.body, mode["kill"])
        else:
            self.wfile.write(answer.body)

    def _fail(self, fault: Mapping[str, Any]) -> None:
        """Say nothing, one byte after the other, or something else than a Hub says."""
        if fault["kind"] == "hang":
            # Until the client goes.
            self.rfile.read(1)
            self.close_connection = True
            return
        answer = Answer(fault["status"], fault["body"].encode(), fault["headers"], fault["content_type"])
        if fault["kind"] == "answer":
            return self._send(answer, {})
        self._send(replace(answer, body=b"", headers={"Content-Length": "100000", **answer.headers}), {})
        while True:
            self.wfile.write(b" ")
            time.sleep(0.01)

    def _kill(self, content: bytes, process: int) -> None:
        """Send half of a file, and end the process that reads it."""
        self.wfile.write(content[: len(content) // 2])
        os.kill(process, signal.SIGKILL)
        self.close_connection = True

    def _cut(self, content: bytes) -> None:
        """Break the connection at a random byte, in order as often as not."""
        self.wfile.write(content[: int(self.server.chance.random() * len(content))])
        self.close_connection = True
        if self.server.chance.random() < 1 / 2:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            os.close(self.connection.detach())

    def log_message(self, *arguments: Any) -> None:
        """Print nothing."""
