"""What a process that was killed leaves behind: whose it is, what is put back, and what is removed."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

PREVIOUS = "-previous"
_OWNED = re.compile(r"-(\d+)-([0-9a-f]{8})-[a-z0-9_]{8}")


def owned_prefix(name: str) -> str:
    """Return how a temporary name begins that stands for `name` and says which process made it."""
    return f"{_key(name)}-{os.getpid()}-{_machine()}-"


def is_alive(pid: int) -> bool:
    """Return whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # The process of another user.
        return True
    return True


def put_back(path: Path) -> None:
    """Give a folder its name again where a process was killed while it replaced it."""
    if path.exists() or not path.parent.is_dir():
        return
    for previous in sorted(path.parent.glob(f"{_escaped(_key(path.name))}-*{PREVIOUS}")):
        if _is_left(previous.name):
            # Another process may be faster.
            with suppress(OSError):
                os.rename(previous, path)
            return


@cache
def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder; looked at once in the life of this process."""
    sweep(folder)


def sweep(folder: Path, start: str = ".") -> None:
    """Remove the temporary files and folders in a folder whose process is gone.

    The former of a folder that is not there is kept, for `put_back`.
    """
    with suppress(OSError), os.scandir(folder) as rows:
        left = [row for row in rows if row.name.startswith(start) and _is_left(row.name)]
        names = {_key(row) for row in os.listdir(folder)} if any(row.name.endswith(PREVIOUS) for row in left) else set()
        for row in left:
            if row.name.endswith(PREVIOUS) and not row.name.startswith(tuple(names)):
                continue
            if row.is_dir(follow_symlinks=False):
                shutil.rmtree(row.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(row.path)


@contextmanager
def scratch_folder(kind: str) -> Iterator[Path]:
    """Yield a folder of the system's temporary ones that is deleted at the end; those of killed processes are, too."""
    start = f"medzoo-{kind}-"
    sweep(Path(tempfile.gettempdir()), start)
    with tempfile.TemporaryDirectory(prefix=f"{start}{os.getpid()}-{_machine()}-") as folder:
        yield Path(folder)


def _key(name: str) -> str:
    return f".{name[:32]}-{zlib.crc32(os.fsencode(name)):08x}"


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _is_left(name: str) -> bool:
    """Return whether the process of this machine that made a temporary name is gone."""
    found = _OWNED.search(name)
    return found is not None and found[2] == _machine() and not is_alive(int(found[1]))


@cache
def _machine() -> str:
    """Return what tells machines apart, and containers on one, in which processes have other numbers."""
    container = ""
    with suppress(OSError):
        container = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{platform.node()} {container}".encode()).hexdigest()[:8]
