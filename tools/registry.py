"""Write zoo_cards/registry.json anew, and the table of models in README.md: python -m tools.registry.

`python -m tools.registry NAME=owner/name@COMMIT` also says where a model was published, so that it loads by its name
where its folder is not.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from medzoo.entry import CARD, MANIFEST
from medzoo.errors import unknown_name
from medzoo.files import atomic_file, write_json
from medzoo.zoo import find
from medzoo.zoo.find import Row, registry_rows
from medzoo.zoo.listing.models import COLUMNS, ModelInfo, entry_row

README = Path(__file__).resolve().parent.parent / "README.md"
START, END = "<!-- models -->", "<!-- /models -->"

_PIN = re.compile(r"(?P<name>[^=]+)=(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})")


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
    for manifest in find.REGISTRY.parent.glob(f"*/{MANIFEST}"):
        row = entry_row(manifest.parent)
        kept = before.get(row["name"], row)
        if kept["files"] == row["files"]:
            row |= {"repo": kept["repo"], "revision": kept["revision"]}
        rows[row["name"]] = row
    for pin in map(_parse, pins):
        if pin["name"] not in rows:
            raise unknown_name("model", pin["name"], rows, f"Its folder must be in {find.REGISTRY.parent}.")
        rows[pin["name"]] |= pin
    return [rows[name] for name in sorted(rows)]


def table(rows: Sequence[Row]) -> str:
    """Return the rows as the Markdown table of README.md."""
    lines = [COLUMNS, ("---",) * len(COLUMNS)]
    for row in rows:
        name, *cells = ModelInfo.from_row(row).cells()
        is_here = (find.REGISTRY.parent / name).is_dir()
        card = f"zoo_cards/{name}/{CARD}" if is_here else f"https://huggingface.co/{row['repo']}"
        lines.append((f"[{name}]({card})", *cells))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(pins: Sequence[str]) -> None:
    """Write the registry and the table in README.md."""
    rows = current_rows(pins)
    write_json(find.REGISTRY, rows)
    text = README.read_text(encoding="utf-8")
    block = f"{START}\n{table(rows)}\n{END}"
    with atomic_file(README) as temporary:
        temporary.write_text(re.sub(f"{START}.*{END}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")


def _parse(pin: str) -> dict[str, str]:
    match = _PIN.fullmatch(pin)
    if match is None:
        raise ValueError(f"A place on the Hub must be NAME=owner/name@COMMIT, with 40 digits. Received: {pin!r}.")
    return match.groupdict()


if __name__ == "__main__":
    main(sys.argv[1:])
