"""Commands that show what a model says of scans: predict, explain, demo."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medzoo.cli.parser import NAME, Skipped, add_command, as_several, shown
from medzoo.errors import require


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "predict", _predict, "Predict a picture, DICOM, NIfTI, or a folder of them.")
    command.add_argument("name", metavar="NAME", help=NAME)
    command.add_argument("scan", metavar="SCAN", help="file or folder")
    command.add_argument("-o", "--output", default="out", help="folder for the answers (default: out)")
    command.add_argument("--engine", default="auto", help="auto, onnx or keras (default: auto)")
    command.add_argument("--slice", type=int, help="slice of a volume, for a 2D classification or regression")
    text = "seg: masks of DICOM scans as DICOM Segmentations with a label map; seg-binary: with a bit for each label"
    command.add_argument("--format", choices=("seg", "seg-binary"), help=f"{text} ([dicom])")

    command = add_command(commands, "demo", _demo, "Run the main job on a synthetic scan, offline, in two minutes.")
    command.add_argument("-o", "--output", default="medzoo-demo", help="folder (default: medzoo-demo)")

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


def _predict(options: argparse.Namespace) -> None:
    from medzoo.inference.scans import save_each, save_summary
    from medzoo.zoo.predict import predict

    skipped, rows = Skipped(), []
    if options.format:
        require("highdicom", "dicom")
    results = predict(options.name, options.scan, engine=options.engine, on_error=skipped, slice=options.slice)
    for result, paths in save_each(_in_format(as_several(results), options.format), options.output, skipped):
        print(shown(f"{result.source}: {result.summary} -> {paths.get('mask', paths['json'])}"), flush=True)
        rows.append({**result.to_row(), "answer": paths["json"].name, "error": None})
    if Path(options.scan).is_dir():
        print(f"-> {save_summary([*rows, *skipped.rows], options.output)}")
    skipped.refuse("predicted")


def _in_format(results: Iterator[Any], name: str | None) -> Iterator[Any]:
    for result in results:
        if name and not hasattr(result, "as_seg"):
            raise ValueError(f"--format {name} is for masks; the model gives none.")
        if name:
            result.as_seg, result.seg_kind = True, "BINARY" if name == "seg-binary" else "LABELMAP"
        yield result


def _demo(options: argparse.Namespace) -> None:
    from medzoo.demo import demo

    demo(Path(options.output))


def _explain(options: argparse.Namespace) -> None:
    from medzoo.evaluation.gradcam.explain import explain
    from medzoo.inference.scans import save_each
    from medzoo.zoo.load import load

    skipped = Skipped()
    view = (options.label, options.layer, options.method, options.slice)
    explained = as_several(explain(load(options.name), options.scan, *view, on_error=skipped))
    for explanation, paths in save_each(explained, options.output, skipped):
        print(shown(f"{explanation.source}: {explanation.summary} -> {paths['overlay']}"), flush=True)
    skipped.refuse("explained")
