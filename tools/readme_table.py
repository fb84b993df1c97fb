"""Write the table of models in README.md from the entries in `zoo_cards/`: python -m tools.readme_table."""

from __future__ import annotations

import re
from pathlib import Path

from medzoo.entry import MANIFEST
from medzoo.hub.registry import COLUMNS, model_info
from medzoo.io.files import atomic_file

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
START, END = "<!-- models -->", "<!-- /models -->"


def table() -> str:
    """Return the Markdown table; entries in the user's cache are no part of it."""
    folders = sorted(manifest.parent for manifest in (ROOT / "zoo_cards").glob(f"*/{MANIFEST}"))
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, folders)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_table(text: str) -> str:
    """Return the text of the README with the current table between its markers."""
    return re.sub(f"{START}.*{END}", lambda _: f"{START}\n{table()}\n{END}", text, flags=re.DOTALL)


def _row(folder: Path) -> tuple[str, ...]:
    name, *cells = model_info(folder).cells()
    return f"[{name}](zoo_cards/{name}/README.md)", *cells


if __name__ == "__main__":
    text = with_table(README.read_text(encoding="utf-8"))
    with atomic_file(README) as temporary:
        temporary.write_text(text, encoding="utf-8")
