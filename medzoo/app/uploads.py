"""What a user of the page sends: files and archives, laid into a folder without harm."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from medzoo.io.answers import file_name
from medzoo.io.find import is_junk

# So many files has a study of several series.
MOST_FILES = 20_000
# An archive may unpack to so many times the size of an upload: pixels shrink to a half or a third of their size.
_GROWTH = 8
_ARCHIVES = (".zip", ".tar", ".gz", ".7z", ".rar")
_BLOCK = 2**20


def lay_out(files: Iterable[str | os.PathLike], folder: Path, most_bytes: int) -> None:
    """Lay the files of an upload into a new folder; an archive is unpacked there. What came stays where it is.

    Args:
        files: Paths of the files that came.
        folder: An empty folder.
        most_bytes: Largest size of all files together; an archive may unpack to eight times as much.

    Raises:
        ValueError: There is no file, or too much of them, or an archive holds a path that leads out of it, a link,
            another archive, files with a password, or more than a scan can have. The message names it; nothing was
            written outside `folder`.
    """
    paths = [Path(file) for file in files]
    if not paths:
        raise ValueError("No file came. Drop a PNG, JPEG, TIFF, DICOM or NIfTI file, or a zip archive of a series.")
    if (size := sum(path.stat().st_size for path in paths)) > most_bytes:
        raise ValueError(f"The files have {size:,} bytes; at most {most_bytes:,} are taken. Drop one scan.")
    for path in paths:
        if path.suffix.lower() == ".zip":
            _unpack(path, folder, most_bytes * _GROWTH)
        else:
            _link(path, _free(folder / file_name(str(path))))


def _link(path: Path, target: Path) -> None:
    """Give a file a second name, which takes no space; where links are not known, copy it."""
    try:
        os.link(path, target)
    except OSError:
        shutil.copy2(path, target)


def _free(path: Path) -> Path:
    """Return a path that is not taken: slices of several folders may have one name."""
    number = 2
    while path.exists():
        path = path.with_name(f"{number}_{path.name.removeprefix(f'{number - 1}_')}")
        number += 1
    return path


def _unpack(path: Path, folder: Path, most_bytes: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            kept = [member for member in members if not any(map(is_junk, PurePosixPath(member.filename).parts))]
            _check(path.name, members, kept, most_bytes)
            left = most_bytes
            for member in kept:
                left -= _write(archive, member, folder, left)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, zipfile.LargeZipFile) as error:
        raise ValueError(f"{path.name} cannot be unpacked: {error}. Pack the files once more as a zip.") from error


def _check(name: str, members: list[zipfile.ZipInfo], kept: list[zipfile.ZipInfo], most_bytes: int) -> None:
    """Refuse an archive by what it says of its members, before any of them is read."""
    for member in members:
        if fault := _fault(member):
            raise ValueError(
                f"{name} holds {member.filename!r}, {fault}. Pack the files of one scan anew, as they lie."
            )
    if not kept:
        raise ValueError(f"{name} holds no files. Pack the files of a scan into it.")
    if len(members) > MOST_FILES:
        raise ValueError(f"{name} holds {len(members)} files; at most {MOST_FILES} are taken. Pack one series.")
    if (size := sum(member.file_size for member in members)) > most_bytes:
        raise ValueError(f"{name} unpacks to {size:,} bytes; at most {most_bytes:,} are taken. Pack one series.")


def _fault(member: zipfile.ZipInfo) -> str | None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return "a path that leads out of the archive"
    mode = member.external_attr >> 16
    if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode):
        return "which is a link or a device"
    if member.flag_bits & 1:
        return "which has a password"
    if path.suffix.lower() in _ARCHIVES and not path.name.lower().endswith(".nii.gz"):
        return "which is itself an archive"
    return None


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, left: int) -> int:
    """Write a member, and return its bytes; they are counted as they come, since what an archive says may be wrong."""
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    path = _free(folder.joinpath(*(file_name(part) for part in parts)))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(member) as source, open(path, "xb") as target:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > left:
                raise ValueError(f"{archive.filename} unpacks to more than it says. Pack the files of one scan anew.")
            target.write(block)
    return written
