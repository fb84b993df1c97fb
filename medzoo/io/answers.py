"""The files of an answer: they appear together, replace only what medzoo wrote, and are no scans of the next run."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from medzoo.files import read_json, write_json
from medzoo.io.formats import stem_of

# How the names of pictures and volumes end, and that of the JSON which names them.
RECORDS = {
    "_mask": ".json",
    "_overlay": ".json",
    "_heatmap": "_explanation.json",
    "_explanation": "_explanation.json",
}
# What other commands leave: folders of figures beside their records, and the contact sheet of an audit.
_FIGURES = ("figures", "overlays")
_REPORTS = ("evaluation.json", "comparison.json", "crossval.json", "estimators.json", "trials.csv", "medzoo.json")
_SHEET, _AUDIT = "suspects.png", "audit.json"

# Names of files have 255 bytes at most on most disks; endings and numbers need some of them.
_LONGEST, _KEPT = 225, 200
_KEY = "medzoo"

Write = Callable[[Path], Any]


class NameTakenError(FileExistsError):
    """Files of this name are not medzoo's, were changed since, or are the answer for another scan."""


def numbered(name: str) -> Iterator[str]:
    """Yield `name`, then `name_2`, `name_3` and so on.

    Example:
        >>> names = numbered("a")
        >>> next(names), next(names)
        ('a', 'a_2')
    """
    yield name
    yield from (f"{name}_{number}" for number in count(2))


def file_name(source: str) -> str:
    """Return the last part of a path, short enough that the endings of answers fit behind it.

    Example:
        >>> file_name("scans/series/")
        'series'
    """
    name = os.path.basename(os.path.abspath(source)) or "scan"
    data = os.fsencode(name)
    if len(data) <= _LONGEST:
        return name
    # Two long names that begin alike stay two names.
    return f"{os.fsdecode(data[:_KEPT])}-{hashlib.sha256(data).hexdigest()[:12]}"


def write_together(
    folder: str | os.PathLike,
    name: str,
    files: Mapping[str, tuple[str, Write]],
    record: str,
    facts: Callable[[], Mapping[str, Any]],
) -> dict[str, Path]:
    """Write the files of one answer and the JSON that names them: all, or none.

    They are written into a hidden folder first and then moved, the JSON before the others, so that none of them stands
    without it. The JSON holds their sha256 and one of itself, by which the next run knows what is medzoo's own.

    Args:
        folder: Where to write.
        name: Start of the file names.
        files: For each kind how its name ends, and a function that writes it to a path.
        record: How the name of the JSON ends.
        facts: Returns what the JSON says.

    Returns:
        The paths by kind, that of the JSON as `"json"`.

    Raises:
        NameTakenError: Files of these names would be lost; nothing is written.
        OSError: The disk is full or not writable; all is as it was before.
    """
    folder = Path(folder)
    paths = {kind: folder / f"{name}{ending}" for kind, (ending, _) in files.items()}
    json_path = folder / f"{name}{record}"
    said = dict(facts()) if _known(json_path) else None
    _check_free(json_path, [*paths.values()], said)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".medzoo-", dir=folder) as staging:
        new = {kind: Path(staging) / f"new{ending}" for kind, (ending, _) in files.items()}
        for kind, (_, write) in files.items():
            _write(write, new[kind], paths[kind])
        digests = {paths[kind].name: _sha256(path) for kind, path in new.items()}
        value = signed(dict(facts()) if said is None else said, digests)
        new["json"] = Path(staging) / "new.json"
        _write(lambda path: write_json(path, value), new["json"], json_path)
        paths["json"] = json_path
        _move([(new[kind], paths[kind]) for kind in ("json", *files)], Path(staging))
    return paths


def write_file(path: str | os.PathLike, write: Write) -> Path:
    """Write one file of a run, beside one that is not medzoo's under the next free number; return its path.

    Its sha256 lies in a hidden file beside it.
    """
    path = Path(path)
    for stem in numbered(path.stem):
        name = path.with_name(stem + path.suffix)
        try:
            record = f".{name.name}.medzoo"
            write_together(path.parent, "", {"file": (name.name, write)}, record, dict)
            return name
        except NameTakenError:
            continue
    raise AssertionError("numbers do not end")  # pragma: no cover


def earlier(folder: str | os.PathLike, name: str, record: str) -> dict[str, Any] | None:
    """Return the JSON of an answer that `write_together` wrote and that lies there whole and unchanged; else None."""
    path = Path(folder) / f"{name}{record}"
    known = _known(path)
    if known is None or not _is_unchanged(known):
        return None
    whole = all(_sha256(path.with_name(file)) == digest for file, digest in known[_KEY]["files"].items())
    return known if whole else None


def signed(facts: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    """Return what a JSON says, with the digests of the files of its answer and of itself."""
    return {**facts, _KEY: {"files": dict(digests), "sha256": _sha256_of(facts, digests)}}


def is_answer(path: str) -> bool:
    """Whether medzoo wrote a picture or volume as an answer, and nobody changed it since."""
    folder, name = os.path.split(path)
    if name == _SHEET:
        return os.path.exists(os.path.join(folder, _AUDIT))
    stem = stem_of(name)
    records = [stem.removesuffix(end) + record for end, record in RECORDS.items() if stem.endswith(end)]
    known = [value for record in records if (value := _known(Path(folder, record)))]
    return any(value[_KEY]["files"].get(name) == _sha256(Path(path)) for value in known)


def is_report(folder: str) -> bool:
    """Whether a folder holds the figures of an evaluation or another command, which are no scans."""
    parent, name = os.path.split(folder)
    return name in _FIGURES and any(os.path.exists(os.path.join(parent, file)) for file in _REPORTS)


def _check_free(record: Path, paths: Sequence[Path], facts: Mapping[str, Any] | None) -> None:
    """Raise NameTakenError if a file stands in the way that is not the earlier answer for the same scan."""
    there = [path for path in (record, *paths) if os.path.lexists(path)]
    if not there:
        return
    known = _known(record)
    digests = known[_KEY]["files"] if known else {}
    own = [path for path in there if path in paths and digests.get(path.name) == _sha256(path)]
    if known and record in there and _is_unchanged(known) and not _is_of_another(known, facts):
        own.append(record)
    if foreign := [path for path in there if path not in own]:
        raise NameTakenError(
            f"{foreign[0]} is not what medzoo wrote for this scan, so it is kept. "
            "Choose another folder or name, or move the file."
        )


def _is_of_another(known: Mapping[str, Any], facts: Mapping[str, Any] | None) -> bool:
    """Whether a record is the answer for another file; what is there no more cannot be told apart."""
    try:
        return not os.path.samefile(known["source"], (facts or {})["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _known(record: Path) -> dict[str, Any] | None:
    """Return the JSON of an answer; None where there is none, or another program's."""
    try:
        value = read_json(record) if record.is_file() else {}
        return value if isinstance(value[_KEY]["files"], dict) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _is_unchanged(known: Mapping[str, Any]) -> bool:
    facts = {key: value for key, value in known.items() if key != _KEY}
    return known[_KEY].get("sha256") == _sha256_of(facts, known[_KEY]["files"])


def _sha256_of(facts: Mapping[str, Any], digests: Mapping[str, str]) -> str:
    # As it will be read back: tuples are lists there.
    return hashlib.sha256(json.dumps([facts, dict(digests)], sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _write(write: Write, path: Path, final: Path) -> None:
    """Write a file in the hidden folder; an error of the disk names the place where it was to lie."""
    try:
        write(path)
    except OSError as error:
        if error.errno is not None:
            error.filename = os.fspath(final)
        raise


def _move(moves: Sequence[tuple[Path, Path]], staging: Path) -> None:
    """Move files to their places; if one cannot be moved, the places are as they were before."""
    earlier: dict[Path, Path] = {}
    moved: list[Path] = []
    try:
        for number, (new, path) in enumerate(moves):
            if path.exists():
                earlier[path] = staging / f"earlier-{number}"
                shutil.copyfile(path, earlier[path])
            os.replace(new, path)
            moved.append(path)
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
            if path in earlier:
                shutil.copyfile(earlier[path], path)
        raise
