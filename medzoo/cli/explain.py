"""The command explain: Grad-CAM of one scan or of a folder of them."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import NAME, Skipped, add_command, as_several


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
    from medzoo.inference.scans import save_each
    from medzoo.zoo.load import load

    skipped = Skipped()
    view = (options.label, options.layer, options.method, options.slice)
    explained = as_several(explain(load(options.name), options.scan, *view, on_error=skipped))
    for explanation, paths in save_each(explained, options.output):
        print(f"{explanation.source}: {explanation.summary} -> {paths['overlay']}")
    skipped.refuse("explained")
