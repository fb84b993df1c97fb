"""What the stand-in asks git for. The processes are what its answers cost, so commits and files are asked for once."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.hub_server.messages import HttpError

# What stands in git for a large file.
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
POINTER_PATTERN = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (\d+)\n")
POINTER_SIZES = range(120, 160)
# The settings of this machine's user take no part.
ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@dataclass(frozen=True)
class Row:
    """A file or folder of a commit.

    Args:
        path: Path in the repository.
        type: `"file"` or `"directory"`.
        oid: Its id in git; of a large file that of its pointer.
        size: Bytes of the content.
        lfs: Of a large file `oid` (the sha256), `size` and `pointerSize`.
    """

    path: str
    type: str
    oid: str
    size: int
    lfs: Mapping[str, Any] | None = None

    @property
    def etag(self) -> str:
        """What is equal for equal content."""
        return self.lfs["oid"] if self.lfs else self.oid


def git(folder: Path, *arguments: str, stdin: bytes | None = None, check: bool = True) -> bytes:
    """Run git on a repository, and return what it prints."""
    command = ["git", f"--git-dir={folder}", *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, env=ENVIRONMENT, check=False)
    if check and done.returncode:
        raise HttpError(400, f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()[:500]}")
    return done.stdout


def find_commit(folder: Path, ref: str) -> str | None:
    """Return the commit that a full name stands for, or None."""
    found = git(folder, "rev-parse", "--quiet", "--verify", f"{ref}^{{commit}}", check=False)
    return found.decode().strip() or None


@cache
def is_commit(folder: Path, commit: str) -> bool:
    """Return whether there is a commit of this id."""
    return find_commit(folder, commit) is not None


@cache
def read_history(folder: Path, commit: str, path: str) -> tuple[dict[str, str], ...]:
    """Return the commits that led to one and touched a path, latest first."""
    fields = ("id", "time", "author", "title", "message")
    text = git(folder, "log", "-z", "--format=%H%x01%ct%x01%an%x01%s%x01%b", commit, "--", path).decode()
    return tuple(dict(zip(fields, line.split("\x01"), strict=True)) for line in text.split("\0") if line)


@cache
def read_rows(folder: Path, commit: str) -> tuple[Row, ...]:
    """Return all files and folders of a commit."""
    lines = git(folder, "ls-tree", "-r", "-t", "-l", "-z", commit).decode().split("\0")
    return tuple(_row(folder, line) for line in lines if line)


def _row(folder: Path, line: str) -> Row:
    head, _, path = line.partition("\t")
    _, kind, oid, size = head.split()
    if kind == "tree":
        return Row(path, "directory", oid, 0)
    row = Row(path, "file", oid, int(size))
    pointer = POINTER_PATTERN.fullmatch(read_blob(folder, oid)) if row.size in POINTER_SIZES else None
    if pointer is None:
        return row
    lfs = {"oid": pointer[1].decode(), "size": int(pointer[2]), "pointerSize": row.size}
    return replace(row, size=lfs["size"], lfs=lfs)


@cache
def read_blob(folder: Path, oid: str) -> bytes:
    """Return the content of a file."""
    return git(folder, "cat-file", "blob", oid)


def write_commit(
    folder: Path, ref: str, parent: str | None, changes: Mapping[str, bytes | None], message: str, author: str
) -> str:
    """Commit files, where None deletes a file or a folder, let `ref` point at the commit, and return it."""
    stream = b"".join(_import(ref, parent, changes, message, author))
    return git(folder, "fast-import", "--quiet", stdin=stream).decode().strip()


def _import(
    ref: str, parent: str | None, changes: Mapping[str, bytes | None], message: str, author: str
) -> Iterator[bytes]:
    yield f"commit {ref}\nmark :1\ncommitter {author} <{author}@hub> {time.time():.0f} +0000\n".encode()
    yield _data(message.encode())
    if parent:
        yield f"from {parent}\n".encode()
    for path, content in changes.items():
        if content is None:
            yield f"D {path}\n".encode()
        else:
            yield f"M 100644 inline {path}\n".encode() + _data(content)
    yield b"\nget-mark :1\n"


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)
