"""Count every architecture anew and write docs/architectures.md: python -m tools.architectures (a few minutes)."""

from __future__ import annotations

from pathlib import Path

from medzoo.files import atomic_file
from medzoo.models.builders import REFERENCE_SHAPES, Architecture, list_architectures, write_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "architectures.md"
COLUMNS = ("name", "kind", "parameters", "GFLOPs", "weights", "source")
TITLES = {2: "Images", 3: "Volumes"}
HEAD = """# Architectures

What `medzoo.models.list()` lists. Parameters are the trainable ones. GFLOPs are the multiply-adds (in 10^9) of one
forward pass at the reference shape, as papers and torchvision count them. Encoders are counted without a head; builders
over the encoder that they take by default, with one output. This page is generated: `python -m tools.architectures`.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *(_section(dimensions) for dimensions in REFERENCE_SHAPES)])


def _section(dimensions: int) -> str:
    shape = " x ".join(map(str, REFERENCE_SHAPES[dimensions]))
    rows = [COLUMNS, ("---", "---", "---:", "---:", "---", "---"), *map(_cells, list_architectures(dimensions))]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"## {TITLES[dimensions]}\n\nReference shape {shape}.\n\n{table}\n"


def _cells(row: Architecture) -> tuple[str, ...]:
    weights = ", ".join(row.weights) or "-"
    return row.name, row.kind, f"{row.parameters:,}", f"{row.gflops:.2f}", weights, row.source


def main() -> None:
    """Write the table and the page."""
    write_table()
    with atomic_file(PAGE) as temporary:
        temporary.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
