"""The table of architectures: what can be built, what it costs, and where its weights come from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from medzoo.files import read_json, write_json
from medzoo.graph.walk import multiply_adds, parameters
from medzoo.models.builders import BUILDERS
from medzoo.models.encoders import ENCODERS, build_encoder
from medzoo.weights import available

# Counting needs every network built, which takes minutes, so the counts are kept: python -m tools.architectures
TABLE = Path(__file__).with_suffix(".json")
REFERENCE_SHAPES = {2: (224, 224, 3), 3: (64, 128, 128, 1)}


@dataclass(frozen=True)
class Architecture:
    """A row of `medzoo.models.list()`.

    Args:
        name: Name of an encoder or builder.
        kind: `"encoder"` or `"builder"`; builders are listed over their default encoder.
        dimensions: 2 for images, 3 for volumes.
        parameters: Number of trainable parameters at the reference shape.
        gflops: Multiply-adds of one forward pass at the reference shape, in 10^9.
        weights: Names of the published weights.
        source: Paper.
    """

    name: str
    kind: str
    dimensions: int
    parameters: int
    gflops: float
    weights: tuple[str, ...]
    source: str


def list_architectures(dimensions: int | None = None) -> list[Architecture]:
    """List the encoders and builders.

    Args:
        dimensions: Keep those for images (2) or volumes (3) only.

    Example:
        >>> [row.name for row in list_architectures(dimensions=3)][:2]
        ['residual', 'plain']
    """
    rows = [Architecture(**{**row, "weights": tuple(row["weights"])}) for row in read_json(TABLE)]
    return [row for row in rows if dimensions in (None, row.dimensions)]


def write_table() -> None:
    """Build every network and write down what it costs."""
    write_json(TABLE, [asdict(row) for row in count_all()])


def count_all() -> Iterator[Architecture]:
    """Yield the rows of the table, counted anew."""
    for dimensions in REFERENCE_SHAPES:
        for name in (*ENCODERS, *BUILDERS):
            if name in BUILDERS or dimensions in ENCODERS[name].dimensions:
                yield count_one(name, dimensions)


def count_one(name: str, dimensions: int) -> Architecture:
    """Build an encoder or builder at the reference shape and return its row."""
    shape = REFERENCE_SHAPES[dimensions]
    if name in ENCODERS:
        kind, model, source = "encoder", build_encoder(name, shape), ENCODERS[name].source
        weights = available(name, dimensions)
    else:
        kind, model, source, weights = "builder", BUILDERS[name].build(shape), BUILDERS[name].source, ()
    gflops = round(multiply_adds(model) / 1e9, 2)
    return Architecture(name, kind, dimensions, parameters(model), gflops, weights, source)
