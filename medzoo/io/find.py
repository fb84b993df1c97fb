"""The scans that a folder holds."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator

from medzoo.io.answers import is_answer, is_report
from medzoo.io.dicom.series import DicomSeries
from medzoo.io.formats import EXPECTED, Format, format_in_folder

OnError = Callable[[str, Exception], None]


def find_scans(folder: str | os.PathLike, on_error: OnError | None = None) -> list[str | DicomSeries]:
    """List what `read_scan` can read in a folder and its subfolders, in natural order (2 before 10).

    Nothing is decoded: files are recognised by their suffix, DICOM also by its magic bytes. DICOM slices are grouped by
    folder and series, one entry each. Links are followed, each folder is entered once. Hidden files are passed over,
    and so is what medzoo wrote as an answer; pipes and devices too, with a warning.

    Args:
        folder: The folder.
        on_error: Called with the path of a link that leads nowhere, of a file or folder that may not be read, and the
            error; None warns of it.

    Returns:
        Paths, and a `DicomSeries` for every series of several files.

    Raises:
        FileNotFoundError: There is no such folder, or no scan in it.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"There is no folder {folder}. Check the path.")
    folder, tell = os.fspath(folder), on_error or _warn
    files: dict[Format, list[str]] = {}
    answers = 0
    for path in _files(folder, tell):
        row = _format(path, tell)
        if row is not None and is_answer(path):
            answers += 1
        elif row is not None:
            files.setdefault(row, []).append(path)
    if answers:
        warnings.warn(f"{folder}: {answers} answers that medzoo wrote are no scans; passed over.", stacklevel=2)
    scans = [scan for row, paths in files.items() for scan in row.group(paths)]
    if not scans:
        raise FileNotFoundError(f"{folder} holds no scans. Expected {EXPECTED} files in it.")
    return sorted(scans, key=lambda scan: natural(str(scan)))


def missing(path: str | os.PathLike) -> str:
    """Return what is said of a path behind which there is no file."""
    if os.path.islink(path):
        return (
            f"{path} is a link to {os.readlink(os.fspath(path))}, which is not there. "
            "Fetch the file (with git-annex: git annex get), or delete the link."
        )
    return f"There is no file or folder {path}. Check the path; the working folder is {os.getcwd()}."


# What macOS, Windows and network drives put beside the files of a user; some of it is pictures.
_JUNK = frozenset(("__macosx", "@eadir", "thumbs.db", "desktop.ini", "$recycle.bin", "system volume information"))


def is_junk(name: str) -> bool:
    """Return whether a file or folder is hidden, or was put there by an operating system (`__MACOSX`, `Thumbs.db`)."""
    return name.startswith(".") or name.lower() in _JUNK


def natural(text: str) -> list[str | int]:
    """Return the key of natural order, in which 2 stands before 10."""
    return [int(part) if part.isdecimal() else part.lower() for part in re.split(r"(\d+)", text)]


def walk(folder: str, on_error: OnError | None = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk through a folder as `os.walk` does, without hidden names and junk, through links, into each folder once."""

    def unreadable(error: OSError) -> None:
        (on_error or _warn)(str(error.filename), error)

    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True, onerror=unreadable):
        # A link may lead back to a folder above it.
        if (place := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(place)
        # Folders before links to them, so that a scan has its own path.
        folders[:] = sorted(
            (name for name in folders if not is_junk(name)),
            key=lambda name: (os.path.islink(os.path.join(parent, name)), name),
        )
        yield parent, folders, sorted(name for name in names if not is_junk(name))


def _files(folder: str, tell: OnError) -> Iterator[str]:
    for parent, folders, names in walk(folder, tell):
        folders[:] = [name for name in folders if not is_report(os.path.join(parent, name))]
        yield from (os.path.join(parent, name) for name in names)


def _format(path: str, tell: OnError) -> Format | None:
    """Return the format of a file in a folder; None for what is none, and for what cannot be opened."""
    if not os.path.exists(path):
        tell(path, FileNotFoundError(missing(path)))
        return None
    # Opening a pipe would wait for somebody to write into it.
    if not os.path.isfile(path):
        warnings.warn(f"{path} is a pipe, socket or device, no scan; passed over.", stacklevel=2)
        return None
    try:
        return format_in_folder(path)
    except OSError as error:
        tell(path, error)
        return None


def _warn(path: str, error: Exception) -> None:
    text = str(error) if path in str(error) else f"{path}: {error}"
    warnings.warn(f"{text} It is passed over.", stacklevel=2)
