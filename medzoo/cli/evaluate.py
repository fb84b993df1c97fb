"""Commands that score models: evaluate, compare, calibrate."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.cli.parser import DATA, NAME, SPLIT, add_command

if TYPE_CHECKING:
    from medzoo.data import Samples


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "evaluate", _evaluate, "Score a model on labelled data, with intervals.")
    command.add_argument("name", metavar="NAME", help=NAME)
    command.add_argument("--data", required=True, help=DATA)
    command.add_argument("-o", "--output", required=True, help="folder for evaluation.json, figures and overlays")
    command.add_argument("--split", help=SPLIT)
    command.add_argument("--data-name", help="name of the data set on the card")
    command.add_argument("--engine", default="keras", choices=("keras", "onnx"), help="default: keras")
    text = "also score its validation part turned, mirrored, compressed, noisy, brighter, darker, of half resolution"
    text = "search: choose for each label what to drop or fill, first; its model goes into the folder, as model"
    command.add_argument("--postprocess", choices=("search",), help=text)
    command.add_argument("--robustness", action="store_true", help=text)
    command.add_argument("--healthy", metavar="DIR", help="also count false alarms in a folder of healthy scans")
    command.add_argument("--healthy-name", help="name of the data set of the healthy scans on the card")

    command = add_command(commands, "compare", _compare, "Score two models on the same cases, and their difference.")
    command.add_argument("first", metavar="A", help=NAME)
    command.add_argument("second", metavar="B", help=NAME)
    command.add_argument("--data", required=True, help=DATA)
    command.add_argument("--split", help=SPLIT)
    command.add_argument("--data-name", help="name of the data set for the record")
    command.add_argument("-o", "--output", help="folder for comparison.json and its figure")

    command = add_command(commands, "calibrate", _calibrate, "Fit confidences and threshold of a classifier.")
    command.add_argument("name", metavar="NAME", help=NAME)
    command.add_argument("--data", required=True, help=f"{DATA}; of it the validation part, as in training")
    rule = command.add_mutually_exclusive_group()
    rule.add_argument("--recall", type=float, help="share of the positive cases that the threshold is to find")
    rule.add_argument("--youden", action="store_true", help="threshold of the largest sum of recall and specificity")
    command.add_argument("-o", "--output", required=True, help="folder of the new zoo entry")


def _evaluate(options: argparse.Namespace) -> None:
    from medzoo.evaluation.evaluate import evaluate
    from medzoo.evaluation.record import save_report
    from medzoo.evaluation.robustness import false_alarms, robustness
    from medzoo.io import find_scans
    from medzoo.training.data import read_part, split_named_by
    from medzoo.zoo.load import load, load_onnx

    model = load_onnx(options.name) if options.engine == "onnx" else load(options.name)
    samples = read_part(options.data, options.split, model.recipe)
    # What is wrong with the other data is found before the first image is predicted.
    valid = read_part(options.data, "valid", model.recipe) if options.robustness else None
    healthy = find_scans(options.healthy) if options.healthy else None
    split = options.split or split_named_by(options.data)
    if options.postprocess:
        _search_postprocess(model, samples, options)
    evaluation = evaluate(model, samples, split=split, data_name=options.data_name)
    if valid is not None:
        evaluation = replace(evaluation, robustness=robustness(model, valid, "valid"))
    if healthy is not None:
        evaluation = replace(evaluation, healthy=false_alarms(model, healthy, options.healthy_name))
    save_report(evaluation, options.output, model=model, samples=samples)
    print(f"{evaluation}\n-> {Path(options.output) / 'evaluation.json'}")


def _search_postprocess(model: Any, samples: Samples, options: argparse.Namespace) -> None:
    from medzoo.evaluation.validation.calibrate import adopt_task
    from medzoo.evaluation.validation.postprocess import search
    from medzoo.zoo.save import save

    if options.engine == "onnx":
        raise ValueError("--postprocess writes a model, which takes Keras: leave out --engine onnx.")
    if options.split == "test":
        raise ValueError("--postprocess chooses, which the test part is not for. Give --split valid.")
    found = search(model, samples)
    print(found)
    adopt_task(model, found.task)
    print(f"-> {save(model, Path(options.output) / 'model')}")


def _compare(options: argparse.Namespace) -> None:
    from medzoo.evaluation.comparison.compare import compare
    from medzoo.training.data import read_part
    from medzoo.zoo.load import load

    names = Path(options.first).name, Path(options.second).name
    models = load(options.first), load(options.second)
    samples = read_part(options.data, options.split, models[0].recipe)
    comparison = compare(*models, samples, names, split=options.split, data_name=options.data_name)
    print(comparison)
    if options.output:
        print(f"-> {comparison.save(options.output)}")


def _calibrate(options: argparse.Namespace) -> None:
    from medzoo.evaluation.validation.calibrate import adopt_task, fit_calibration
    from medzoo.training.data import read_part
    from medzoo.training.history import HISTORY
    from medzoo.zoo.load import load
    from medzoo.zoo.save import save

    model = load(options.name)
    samples = read_part(options.data, "valid", model.recipe)
    calibration = fit_calibration(model, samples, options.recall, options.youden)
    print(calibration)
    adopt_task(model, calibration.task)
    # Of a model in the folder of its run the curves stay on the card.
    history = Path(options.name).parent / HISTORY
    print(f"-> {save(model, options.output, history=history if history.is_file() else None)}")
