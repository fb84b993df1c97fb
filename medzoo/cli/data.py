"""Commands that make files of a data set: split, prepare."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import DATA, RECIPE, add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo split` and `medzoo prepare`."""
    command = add_command(commands, "split", _split, "Write which image is in which part; patients stay together.")
    command.add_argument("data", metavar="DATA", help="data set without splits")
    command.add_argument("-o", "--output", required=True, help="CSV file, for DATA:split_file=FILE in other commands")
    command.add_argument("--valid", type=float, default=0.2, help="fraction of images to validate on (default: 0.2)")
    command.add_argument("--test", type=float, default=0.0, help="fraction of images to test on (default: 0)")
    command.add_argument("--folds", type=int, help="number of folds instead of one validation part")
    command.add_argument("--group-duplicates", action="store_true", help="keep near-duplicate images in one part")
    command.add_argument("--seed", type=int, default=0, help="the same seed gives the same parts (default: 0)")

    text = "Pack the preprocessed images of a data set into one file, to train from on any backend."
    command = add_command(commands, "prepare", _prepare, text)
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="file with the suffix .h5")
    command.add_argument("--recipe", required=True, help=RECIPE)


def _split(options: argparse.Namespace) -> None:
    from medzoo.data import folds, group, read, save_split
    from medzoo.data.split_files import part_sizes

    samples = read(options.data)
    if options.group_duplicates:
        from medzoo.data.audit import audit

        samples = group(samples, audit(samples).duplicate_groups)
    if options.folds:
        parts = folds(samples, options.folds, options.seed, options.test)
    else:
        parts = samples.split(options.valid, options.test, options.seed)
    save_split(options.output, parts)
    sizes = ", ".join(f"{name} {size}" for name, size in part_sizes(parts).items())
    print(f"{sizes} images, {len(set(samples.patients))} patients -> {options.output}")


def _prepare(options: argparse.Namespace) -> None:
    from medzoo.cli.parts import load_recipe
    from medzoo.data import read
    from medzoo.training.data import prepare_for

    print(f"{prepare_for(load_recipe(options.recipe), read(options.data), options.output)}\n-> {options.output}")
