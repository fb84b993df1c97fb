"""Files and folders that are written whole or not at all, and a folder that one process keeps to itself."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def cache_folder() -> Path:
    """Return where medzoo keeps what it makes or fetches: `MEDZOO_HOME`, or `~/.cache/medzoo`."""
    return Path(os.environ.get("MEDZOO_HOME") or Path.home() / ".cache" / "medzoo")


@contextmanager
def atomic_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its name when the block succeeds.

    The temporary name keeps the suffix of `path`, so that writers which look at it work. If the block raises, `path`
    is as it was before.

    Example:
        >>> with atomic_file("mask.png") as temporary:
        ...     temporary.write_bytes(b"...")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    suffix = "".join(path.suffixes[-2:])
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:32]}-", suffix=suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        _name(error, path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that takes its place when the block succeeds.

    A folder that stood there is kept until the new one is complete. If the block raises, `path` is as it was before.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name[:32]}-", dir=path.parent))
    try:
        yield temporary
        os.chmod(temporary, 0o777 & ~_umask())
        if path.exists():
            previous = temporary.with_name(temporary.name + "-previous")
            os.replace(path, previous)
            os.replace(temporary, path)
            shutil.rmtree(previous, ignore_errors=True)
        else:
            os.replace(temporary, path)
    except OSError as error:
        _name(error, path)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def locked(folder: str | os.PathLike) -> Iterator[None]:
    """Keep a folder to this process, and make it where there is none; the lock ends with the process, however it ends.

    Raises:
        RuntimeError: Another process works in the folder.
    """
    from filelock import FileLock, Timeout

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise RuntimeError(
            f"Another process works in {folder}. Wait for it, stop it, or choose another folder."
        ) from None


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN is refused, since other readers of JSON do."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not JSON; the message names it and the place.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid JSON: {error}. Restore the file or write it again.") from error


def _name(error: OSError, path: Path) -> None:
    """Let the error of a full disk name the file that was to be written, as the system does not."""
    if error.errno is not None and error.filename is None:
        error.filename = os.fspath(path)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
