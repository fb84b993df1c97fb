"""Commands that compare two models and calibrate one."""

from __future__ import annotations

import argparse
from pathlib import Path

from medzoo.cli.parser import DATA, NAME, SPLIT, add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
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
    from medzoo.evaluation.calibrate import adopt_task, fit_calibration
    from medzoo.training.data import read_part
    from medzoo.zoo.load import load
    from medzoo.zoo.save import save

    model = load(options.name)
    samples = read_part(options.data, "valid", model.recipe)
    calibration = fit_calibration(model, samples, options.recall, options.youden)
    print(calibration)
    adopt_task(model, calibration.task)
    print(f"-> {save(model, options.output)}")
