"""The command line: each command parses its arguments and calls what Python users call."""

from __future__ import annotations

import argparse
import itertools
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from medzoo import __version__

# What a user can cause and mend: shown as one line. Everything else is a bug and keeps its traceback.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, ArithmeticError, RuntimeError)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 2 wrong input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        options.command(options)
    except USER_ERRORS as error:
        if options.debug:
            raise
        print(f"medzoo: error: {_one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or ''}: {error.strerror}. Check the path and the free space.".removeprefix(": ")
    return " ".join(str(error).split()) or type(error).__name__


def _list(options: argparse.Namespace) -> None:
    from medzoo.hub.registry import COLUMNS, list_models

    rows = [COLUMNS, *(info.cells() for info in list_models(options.task, options.modality))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _info(options: argparse.Namespace) -> None:
    from medzoo.entry import CARD, read_entry
    from medzoo.hub.registry import find_entry

    print((read_entry(find_entry(options.name)).folder / CARD).read_text(encoding="utf-8"))


def _predict(options: argparse.Namespace) -> None:
    from medzoo.hub.predict import predict
    from medzoo.inference import Prediction

    failures: list[object] = []

    def skip(source: object, error: Exception) -> None:
        failures.append(source)
        print(f"medzoo: skipped: {_one_line(error)}", file=sys.stderr)

    results = predict(options.name, options.scan, engine=options.engine, on_error=skip)
    names: set[str] = set()
    for result in [results] if isinstance(results, Prediction) else results:
        names.add(name := _unused(result.name, names))
        paths = result.save_all(options.output, name)
        found = ", ".join(f"{label['label']} {label['pixels']} px" for label in result.to_json()["labels"])
        print(f"{result.source}: {found} -> {paths['mask']}")
    if failures:
        raise ValueError(f"{len(failures)} scans could not be read and were skipped; the others were predicted.")


def _unused(name: str, names: set[str]) -> str:
    """Return `name`, numbered where another scan of the folder has it, such as `a.png` beside `a.jpg`."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in names else next(other for other in numbered if other not in names)


def _train(options: argparse.Namespace) -> None:
    from medzoo.data import read
    from medzoo.hub.registry import find_entry
    from medzoo.recipe import Recipe

    path = Path(options.recipe)
    recipe = Recipe.load(path if path.suffix == ".json" else find_entry(options.recipe) / "recipe.json")
    samples = read(options.data)

    from medzoo.hub.save import save
    from medzoo.training.train import train

    run = Path(options.output)
    model = train(recipe, samples, run)
    print(f"Trained: {save(model, run / 'model', history=run / 'history.csv')}")


def _evaluate(options: argparse.Namespace) -> None:
    from medzoo.data import read
    from medzoo.evaluation.evaluate import evaluate
    from medzoo.evaluation.save import save_report
    from medzoo.hub.load import load, load_onnx

    samples = read(options.data)
    if options.split and any(samples.splits):
        samples = samples.part(options.split)
    model = load_onnx(options.name) if options.engine == "onnx" else load(options.name)
    split = options.split or _split_named_by(options.data)
    evaluation = evaluate(model, samples, split=split, data_name=options.data_name)
    save_report(evaluation, options.output, model=model, samples=samples)
    print(f"{evaluation}\n-> {Path(options.output) / 'evaluation.json'}")


def _split_named_by(data: str) -> str | None:
    """Return the split that a folder such as `data/test` is named after."""
    from medzoo.data.samples import SPLITS

    name = Path(data).name
    return name if name in SPLITS else None


def _card(options: argparse.Namespace) -> None:
    from medzoo.hub.save import attach_evaluation

    print(attach_evaluation(options.folder, options.evaluation))


def _convert_medicalnet(options: argparse.Namespace) -> None:
    from medzoo.hub.convert import convert_medicalnet

    print(convert_medicalnet(options.file, options.output, options.size))


def _convert_segmentation_models(options: argparse.Namespace) -> None:
    from medzoo.hub.convert import convert_segmentation_models

    print(convert_segmentation_models(options.file, options.backbone, options.output, options.size, options.labels))


def _demo(options: argparse.Namespace) -> None:
    from medzoo.demo import demo

    demo(Path(options.output))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="medzoo", description="A Keras 3 model zoo for medical images.")
    parser.add_argument("--version", action="version", version=f"medzoo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = _add(commands, "list", _list, "List the models that load by name.")
    command.add_argument("--task", help="keep models of this task, for example segmentation")
    command.add_argument("--modality", help="keep models of this modality, for example MRI")

    command = _add(commands, "info", _info, "Show the card of a model.")
    command.add_argument("name", metavar="NAME")

    command = _add(commands, "predict", _predict, "Predict a picture, DICOM, NIfTI, or a folder of them.")
    command.add_argument("name", metavar="NAME", help="name of a model, or folder of a zoo entry")
    command.add_argument("scan", metavar="SCAN", help="file or folder")
    command.add_argument("-o", "--output", default="out", help="folder for mask, overlay and JSON (default: out)")
    command.add_argument("--engine", default="auto", help="auto, onnx or keras (default: auto)")

    command = _add(commands, "train", _train, "Train a recipe; run again after a kill to go on.")
    command.add_argument("recipe", metavar="RECIPE", help="name of a model, or a recipe.json")
    command.add_argument("--data", required=True, help="COCO file, or folder with train/ and valid/")
    command.add_argument("-o", "--output", required=True, help="folder of the run")

    command = _add(commands, "evaluate", _evaluate, "Score a model on labelled data, with intervals.")
    command.add_argument("name", metavar="NAME", help="name of a model, or folder of a zoo entry")
    command.add_argument("--data", required=True, help="COCO file, or folder with one")
    command.add_argument("-o", "--output", required=True, help="folder for evaluation.json, figures and overlays")
    command.add_argument("--split", help="train, valid or test: evaluate it only, or name a single COCO file")
    command.add_argument("--data-name", help="name of the data set on the card")
    command.add_argument("--engine", default="keras", choices=("keras", "onnx"), help="default: keras")

    command = _add(commands, "card", _card, "Write the card of a zoo entry anew.")
    command.add_argument("folder", metavar="FOLDER")
    command.add_argument("--evaluation", metavar="RUN", help="folder that medzoo evaluate wrote")

    _add_converters(commands)

    command = _add(commands, "demo", _demo, "Run the main job on a synthetic scan, offline, in two minutes.")
    command.add_argument("-o", "--output", default="medzoo-demo", help="folder (default: medzoo-demo)")
    return parser


def _add_converters(commands: argparse._SubParsersAction) -> None:
    convert = commands.add_parser("convert", help="Make a zoo entry of another library's checkpoint.")
    sources = convert.add_subparsers(metavar="SOURCE", required=True)
    command = _add(sources, "medicalnet", _convert_medicalnet, "Convert a 3D ResNet of MedicalNet.")
    command.add_argument("file", metavar="FILE", help="for example resnet_10_23dataset.pth")
    command.add_argument("-o", "--output", required=True, help="folder of the zoo entry")
    command.add_argument("--size", nargs=3, type=int, default=(64, 128, 128), help="depth, height, width in voxels")
    command = _add(sources, "segmentation-models", _convert_segmentation_models, "Convert a Unet of that library.")
    command.add_argument("file", metavar="FILE", help=".h5 file of the model or of its weights")
    command.add_argument("--backbone", required=True, help="its backbone, for example resnext50")
    command.add_argument("-o", "--output", required=True, help="folder of the zoo entry")
    command.add_argument("--size", nargs=2, type=int, default=(256, 256), help="height and width in pixels")
    command.add_argument("--labels", nargs="+", help="names of the labels, the background first")


def _add(commands: argparse._SubParsersAction, name: str, run: Callable, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(command=run)
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command
