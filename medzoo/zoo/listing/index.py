"""The registry: what is known of the zoo's models without opening them, generated from `zoo_cards/`.

`python -m medzoo.zoo.listing.index` writes it anew, with the table in README.md. `python -m medzoo.zoo.listing.index
NAME=owner/name@COMMIT` also says where a model was published, so that it loads by its name where its folder is not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medzoo.entry import CARD, EVALUATION, MANIFEST, read_manifest
from medzoo.errors import unknown_name
from medzoo.files import atomic_file, read_json, write_json
from medzoo.zoo.listing.licenses import find_license

Row = dict[str, Any]

_PACKAGE = Path(__file__).resolve().parents[2]
# In a checkout beside the package, in the wheel inside of it.
REGISTRY = next(
    (path for root in (_PACKAGE.parent, _PACKAGE) if (path := root / "zoo_cards" / "registry.json").is_file()),
    _PACKAGE.parent / "zoo_cards" / "registry.json",
)
README = _PACKAGE.parent / "README.md"
START, END = "<!-- models -->", "<!-- /models -->"

_PIN = re.compile(r"(?P<name>[^=]+)=(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})")


def registry_rows() -> dict[str, Row]:
    """Return the rows of the registry by name.

    Returns:
        For each name `name`, `repo` and `revision` on the Hub or None, `task`, `modality`, `score`, `score_name`,
        `interval`, `parameters`, `license`, `data_license`, and `files`: name to `sha256` and `size`.

    Example:
        >>> registry_rows()["brain-tumor-unet"]["license"]
        'cc-by-4.0'
    """
    return {row["name"]: row for row in read_json(REGISTRY)} if REGISTRY.is_file() else {}


def entry_row(folder: Path) -> Row:
    """Return the row of the zoo entry in `folder`.

    Raises:
        FileNotFoundError: The folder is no zoo entry.
        ValueError: A file of it cannot be read.
    """
    manifest = read_manifest(folder)
    scores = read_json(folder / EVALUATION)["scores"] if EVALUATION in manifest["files"] else {}
    score = scores.get(manifest.get("score")) or {}
    known = score.get("value") is not None
    return {
        "name": folder.name,
        "repo": None,
        "revision": None,
        "task": manifest["task"]["type"],
        "modality": manifest.get("modality"),
        "score": score["value"] if known else None,
        "score_name": manifest["score"] if known else None,
        "interval": [score["low"], score["high"]] if known and score["low"] is not None else None,
        "parameters": manifest["parameters"],
        "license": _license(manifest["license"]["weights"]),
        "data_license": _license(manifest["license"]["data"]),
        # Publishing renders the card anew for its repository.
        "files": {name: facts for name, facts in manifest["files"].items() if name != CARD},
    }


def current_rows(pins: Sequence[str] = ()) -> list[Row]:
    """Return the rows that the registry should have now.

    A row keeps its place on the Hub as long as its files are those that were published, and stays without a folder.

    Args:
        pins: New places on the Hub, `"NAME=owner/name@COMMIT"`.

    Raises:
        ValueError: A pin is of another form, or there is no such row.
    """
    before = registry_rows()
    rows = {name: row for name, row in before.items() if row["repo"]}
    for manifest in REGISTRY.parent.glob(f"*/{MANIFEST}"):
        row = entry_row(manifest.parent)
        kept = before.get(row["name"], row)
        if kept["files"] == row["files"]:
            row |= {"repo": kept["repo"], "revision": kept["revision"]}
        rows[row["name"]] = row
    for pin in map(_parse, pins):
        if pin["name"] not in rows:
            raise unknown_name("model", pin["name"], rows, f"Its folder must be in {REGISTRY.parent}.")
        rows[pin["name"]] |= pin
    return [rows[name] for name in sorted(rows)]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as the Markdown table of README.md."""
    from medzoo.zoo.listing.models import COLUMNS, ModelInfo

    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for row in rows:
        name, *cells = ModelInfo.from_row(row).cells()
        is_here = (REGISTRY.parent / name).is_dir()
        card = f"zoo_cards/{name}/{CARD}" if is_here else f"https://huggingface.co/{row['repo']}"
        lines.append((f"[{name}]({card})", *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(pins: Sequence[str]) -> None:
    """Write the registry and the table in README.md."""
    rows = current_rows(pins)
    write_json(REGISTRY, rows)
    text = README.read_text(encoding="utf-8")
    block = f"{START}\n{table(rows)}\n{END}"
    with atomic_file(README) as temporary:
        temporary.write_text(re.sub(f"{START}.*{END}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")


def _parse(pin: str) -> dict[str, str]:
    match = _PIN.fullmatch(pin)
    if match is None:
        raise ValueError(f"A place on the Hub must be NAME=owner/name@COMMIT, with 40 digits. Received: {pin!r}.")
    return match.groupdict()


def _license(text: str | None) -> str | None:
    return find_license(text) or text


if __name__ == "__main__":
    main(sys.argv[1:])
