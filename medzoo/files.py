"""Files and folders that are written whole or not at all, JSON, CSV, and whom a folder belongs to."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medzoo.leftovers import PREVIOUS, owned_prefix, put_back, remove_leftovers, sweep


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
    remove_leftovers(path.parent.absolute())
    suffix = "".join(path.suffixes[-2:])
    handle, name = tempfile.mkstemp(prefix=owned_prefix(path.name), suffix=suffix, dir=path.parent)
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

    A folder that stood there is kept until the new one is complete. If the block raises, `path` is as it was before; if
    the process is killed, the next one that asks for `path` by `put_back`, as loading does, finds the former or the new
    one, and the next one that writes there removes what is left.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    put_back(path)
    sweep(path.parent)
    temporary = Path(tempfile.mkdtemp(prefix=owned_prefix(path.name), dir=path.parent))
    try:
        yield temporary
        os.chmod(temporary, 0o777 & ~_umask())
        if path.exists():
            _replace(temporary, path)
        else:
            os.replace(temporary, path)
    except OSError as error:
        _name(error, path)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(temporary: Path, path: Path) -> None:
    previous = temporary.with_name(temporary.name + PREVIOUS)
    os.replace(path, previous)
    try:
        os.replace(temporary, path)
    except BaseException:
        if not path.exists():
            os.replace(previous, path)
        raise
    shutil.rmtree(previous, ignore_errors=True)


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
        # A path need not be UTF-8; what is not becomes an escape that JSON has.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not JSON; the message names it and the place.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except RecursionError as error:
        raise ValueError(
            f"{path} is not valid JSON: it is nested too deep. Restore the file or write it again."
        ) from error
    except ValueError as error:
        # Also of bytes that are no text, and of a number with too many digits.
        raise ValueError(f"{path} is not valid JSON: {error}. Restore the file or write it again.") from error


def write_rows(path: str | os.PathLike, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV, atomically, with the columns of all of them in the order they come; None is an empty cell.

    Example:
        >>> write_rows("history.csv", [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_dice": 0.3}])
    """
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (
        atomic_file(path) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: str | os.PathLike) -> list[dict[str, str]]:
    """Return the rows of a CSV file with a header as texts by column.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is no CSV; the message names it.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{path} is not valid CSV: {error}. Restore the file or write it again.") from error
    # Cells beyond the header, or fewer than it has.
    if number := next((number for number, row in enumerate(rows, 2) if None in row or None in row.values()), None):
        raise ValueError(f"{path} is not valid CSV: line {number} has another number of cells than the header.")
    return rows


# Differences that a message tells, and letters of a value in it.
_TOLD, _LONGEST = 3, 40


def claim(
    path: str | os.PathLike,
    what: str,
    value: Any,
    ignore: Sequence[str] = (),
    read: Callable[[Path], Any] = read_json,
) -> None:
    """Let the folder of a file belong to what `value` describes, or go on in a folder that belongs to it already.

    Args:
        path: File of the description in the folder; both are made if they are not there.
        what: What a folder of another description holds; `{}` stands for the first field that differs.
        value: The description: anything that JSON has. Fields that are null or empty are as good as absent.
        ignore: Fields that may change.
        read: Reads the description that is there.

    Raises:
        ValueError: The folder belongs to another description; nothing is written.

    Example:
        >>> claim(run / "plan.json", "a search with another {}", {"grid": {"epochs": [5, 10]}, "seed": 0})
    """
    path = Path(path)
    if path.exists():
        refuse_other(path.parent, what, value, read(path), ignore)
    write_json(path, value)


def refuse_other(folder: str | os.PathLike, what: str, value: Any, other: Any, ignore: Sequence[str] = ()) -> None:
    """Refuse a folder whose description is not `value`, as `claim` does, whatever file it was read from.

    Raises:
        ValueError: `other`, the description of the folder, differs.
    """
    mine, other = (dict(_leaves(json.loads(json.dumps(one)), ignore)) for one in (value, other))
    names = [name for name in mine | other if mine.get(name) != other.get(name)]
    if names:
        told = filter(None, (_difference(name, other.get(name), mine.get(name)) for name in names[:_TOLD]))
        more = ", ..." if len(names) > _TOLD else ""
        raise ValueError(
            f"{folder} holds {what.format(names[0].partition('.')[0])}. Choose another folder, or delete this one "
            f"first. Different: {', '.join(told) or 'all'}{more}."
        )


def _leaves(value: Any, ignore: Sequence[str] = (), path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a description with their dotted paths."""
    if not isinstance(value, dict):
        yield path, value
        return
    for name, inner in value.items():
        if name not in ignore:
            yield from _leaves(inner, path=f"{path}.{name}" if path else name)


def _difference(name: str, other: Any, mine: Any) -> str:
    texts = [json.dumps(one, ensure_ascii=False) for one in (other, mine)]
    return name if not name or max(map(len, texts)) > _LONGEST else f"{name} ({texts[0]} there, {texts[1]} now)"


def _name(error: OSError, path: Path) -> None:
    """Let the error of a full disk name the file that was to be written, as the system does not."""
    if error.errno is not None and error.filename is None:
        error.filename = os.fspath(path)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
