"""The command explain: Grad-CAM of one scan or of a folder of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.cli.parser import NAME, add_command, one_line, unused

if TYPE_CHECKING:
    from medzoo.io import Scan


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    command = add_command(commands, "explain", _explain, "Show where a model sees evidence for its answer (Grad-CAM).")
    command.add_argument("name", metavar="NAME", help=NAME)
    command.add_argument("scan", metavar="SCAN", help="file or folder")
    command.add_argument("-o", "--output", default="out", help="folder for heatmap, overlay and JSON (default: out)")
    command.add_argument("--label", help="label to explain (default: the predicted one)")
    command.add_argument(
        "--layer", help='name of a layer, or such as "stride_16" (default: the end of the encoder, or of the decoder)'
    )
    command.add_argument("--method", default="gradcam", help="gradcam or gradcam++ (default: gradcam)")
    command.add_argument("--slice", type=int, help="slice of a volume, for a 2D classification or regression")


def _explain(options: argparse.Namespace) -> None:
    from medzoo.evaluation.gradcam.explain import explain
    from medzoo.io import find_scans
    from medzoo.zoo.load import load

    model = load(options.name)
    sources = find_scans(options.scan) if Path(options.scan).is_dir() else [options.scan]
    failures: list[object] = []
    names: set[str] = set()
    for scan in _scans(model, sources, options.slice, failures):
        found = explain(model, scan, options.label, options.layer, options.method, options.slice)
        names.add(name := unused(found.name, names))
        paths = found.save_all(options.output, name)
        print(f"{found.source}: {found.summary} -> {paths['overlay']}")
    if failures:
        raise ValueError(f"{len(failures)} scans could not be read and were skipped; the others were explained.")


def _scans(model: Any, sources: list[Any], slice: int | None, failures: list[object]) -> Iterator[Scan]:
    from medzoo.inference.scans import READ_ERRORS
    from medzoo.io import read_scan

    for source in sources:
        try:
            scan = read_scan(source, at_least=model.preprocessing.at_least)
            # A scan that does not fit is passed over; a label or layer that does not exist is not.
            next(model.preprocessing.inputs(scan, slice, model.task.is_dense))
        except READ_ERRORS as error:
            if len(sources) == 1:
                raise
            failures.append(source)
            print(f"medzoo: skipped: {one_line(error)}", file=sys.stderr)
            continue
        yield scan
