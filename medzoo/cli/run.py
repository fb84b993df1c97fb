"""Commands that run a model: predict, train, evaluate, demo."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.cli.parser import DATA, NAME, SPLIT, Skipped, add_command, as_several
from medzoo.cli.parts import add_recipe, chosen_recipe

if TYPE_CHECKING:
    from medzoo.hub.checkpoints.push import PushCheckpoints
    from medzoo.recipe import Recipe


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "predict", _predict, "Predict a picture, DICOM, NIfTI, or a folder of them.")
    command.add_argument("name", metavar="NAME", help=NAME)
    command.add_argument("scan", metavar="SCAN", help="file or folder")
    command.add_argument("-o", "--output", default="out", help="folder for the answers (default: out)")
    command.add_argument("--engine", default="auto", help="auto, onnx or keras (default: auto)")
    command.add_argument("--slice", type=int, help="slice of a volume, for a 2D classification or regression")

    command = add_command(commands, "train", _train, "Train a recipe; run again after a kill to go on.")
    add_recipe(command)
    command.add_argument("--data", required=True, help=DATA)
    command.add_argument("-o", "--output", required=True, help="folder of the run")
    command.add_argument("--fraction", type=float, help="use this fraction of the training images, for example 0.1")
    command.add_argument("--push-to", metavar="OWNER/NAME", help="push checkpoints to this private repository of yours")
    command.add_argument("--push-every", type=int, metavar="EPOCHS", help="how often (default: 5)")

    command = add_command(commands, "evaluate", _evaluate, "Score a model on labelled data, with intervals.")
    command.add_argument("name", metavar="NAME", help=NAME)
    command.add_argument("--data", required=True, help=DATA)
    command.add_argument("-o", "--output", required=True, help="folder for evaluation.json, figures and overlays")
    command.add_argument("--split", help=SPLIT)
    command.add_argument("--data-name", help="name of the data set on the card")
    command.add_argument("--engine", default="keras", choices=("keras", "onnx"), help="default: keras")

    command = add_command(commands, "demo", _demo, "Run the main job on a synthetic scan, offline, in two minutes.")
    command.add_argument("-o", "--output", default="medzoo-demo", help="folder (default: medzoo-demo)")


def _predict(options: argparse.Namespace) -> None:
    from medzoo.inference.sources import save_each
    from medzoo.zoo.predict import predict

    skipped = Skipped()
    results = predict(options.name, options.scan, engine=options.engine, on_error=skipped, slice=options.slice)
    for result, paths in save_each(as_several(results), options.output):
        print(f"{result.source}: {result.summary} -> {paths.get('mask', paths['json'])}")
    skipped.refuse("predicted")


def _train(options: argparse.Namespace) -> None:
    from medzoo.data import read

    recipe = chosen_recipe(options)
    samples = read(options.data)

    from medzoo.devices import this_process
    from medzoo.training.train import train
    from medzoo.zoo.save import save

    run = Path(options.output)
    pushes = _pushes(options, run, recipe)
    model = train(recipe, samples, run, callbacks=pushes)
    # Of several processes that train together, the first one writes.
    if this_process()[0] == 0:
        print(f"Trained: {save(model, run / 'model', history=run / 'history.csv')}")
        for push in pushes:
            # Of a run that was finished before, too, and with the record of how it ended.
            if push.finish():
                print(f"Pushed: {options.push_to}")


def _pushes(options: argparse.Namespace, run: Path, recipe: Recipe) -> list[PushCheckpoints]:
    """Fetch what another machine has pushed of this run, and return what pushes from here."""
    if options.push_to is None:
        if options.push_every is not None:
            raise ValueError("--push-every needs the repository to push to: --push-to OWNER/NAME")
        return []
    from medzoo.hub.checkpoints.pull import pull_run
    from medzoo.hub.checkpoints.push import PushCheckpoints

    if epoch := pull_run(options.push_to, run, recipe):
        print(f"Going on from epoch {epoch} of {options.push_to}")
    return [PushCheckpoints(run, options.push_to, 5 if options.push_every is None else options.push_every)]


def _evaluate(options: argparse.Namespace) -> None:
    from medzoo.evaluation.evaluate import evaluate
    from medzoo.evaluation.record import save_report
    from medzoo.training.data import read_part, split_named_by
    from medzoo.zoo.load import load, load_onnx

    model = load_onnx(options.name) if options.engine == "onnx" else load(options.name)
    samples = read_part(options.data, options.split, model.recipe)
    split = options.split or split_named_by(options.data)
    evaluation = evaluate(model, samples, split=split, data_name=options.data_name)
    save_report(evaluation, options.output, model=model, samples=samples)
    print(f"{evaluation}\n-> {Path(options.output) / 'evaluation.json'}")


def _demo(options: argparse.Namespace) -> None:
    from medzoo.demo import demo

    demo(Path(options.output))
