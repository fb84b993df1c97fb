"""Commands on a data set: audit, split, prepare."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medzoo.cli.parser import DATA, RECIPE, add_command

if TYPE_CHECKING:
    from medzoo.data import Samples


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "audit", _audit, "Find damaged, odd and equal images, and leaks between splits.")
    command.add_argument("data", metavar="DIR", help="folder of images, with or without labels; or any data set")
    command.add_argument("-o", "--output", help="folder for audit.json and suspects.png, a contact sheet")
    command.add_argument("--patient", metavar="PATTERN", help="regular expression for the patient in a file name")
    command.add_argument("--strict", action="store_true", help="exit with 1 if a patient or picture is in two splits")

    command = add_command(commands, "split", _split, "Write which image is in which part; patients stay together.")
    command.add_argument("data", metavar="DATA", help="data set without splits")
    command.add_argument("-o", "--output", required=True, help="CSV file, for DATA:split_file=FILE in other commands")
    command.add_argument("--valid", type=float, default=0.2, help="fraction of images to validate on (default: 0.2)")
    command.add_argument("--test", type=float, default=0.0, help="fraction of images to test on (default: 0)")
    command.add_argument("--folds", type=int, help="number of folds instead of one validation part")
    text = "keep near-duplicate images in one part, for which every image is read (default: yes)"
    command.add_argument("--group-duplicates", action=argparse.BooleanOptionalAction, default=True, help=text)
    command.add_argument("--seed", type=int, default=0, help="the same seed gives the same parts (default: 0)")

    text = "Pack the preprocessed images of a data set into one file, to train from on any backend."
    command = add_command(commands, "prepare", _prepare, text)
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="file with the suffix .h5")
    command.add_argument("--recipe", required=True, help=RECIPE)


def _audit(options: argparse.Namespace) -> None:
    from rich.console import Console

    from medzoo.data.audit.run import audit

    report = audit(options.data, patient=options.patient)
    console = Console()
    # Rich itself would end the program with 1 where nobody reads on.
    with console.capture() as text:
        console.print(report)
    console.file.write(text.get())
    for path in report.save(options.output) if options.output else ():
        print(f"-> {path}")
    if options.strict and report.has_leak:
        sys.exit(1)


def _split(options: argparse.Namespace) -> None:
    from medzoo.data import folds, group, read, save_split
    from medzoo.data.split_files import part_sizes
    from medzoo.data.splits import named_patients

    _check_shares(options)
    samples = read(options.data)
    if len(set(samples.splits)) > 1:
        raise ValueError(
            f"{options.data} is split already ({samples!r}); expected a data set without splits. Leave them out with "
            "DATA:split=."
        )
    named = named_patients(samples)
    if options.group_duplicates:
        from medzoo.data.audit import audit

        groups = audit(samples).duplicate_groups
        samples = group(samples, groups)
    parts: Sequence[tuple[Samples, ...]] | tuple[Samples, ...]
    if options.folds:
        parts = folds(samples, options.folds, options.seed, options.test)
    else:
        parts = samples.split(options.valid, options.test, options.seed)
    save_split(options.output, parts)
    sizes = ", ".join(f"{name} {size}" for name, size in part_sizes(parts).items())
    print(f"{sizes} images, {_people(samples, named)} -> {options.output}")
    if options.group_duplicates:
        print(f"{len(groups)} groups of near-duplicates were kept in one part.")


def _check_shares(options: argparse.Namespace) -> None:
    """Refuse shares and counts in the words of the command line."""
    if options.folds is not None and options.folds < 2:
        raise ValueError(f"--folds must be at least 2. Received: --folds {options.folds}.")
    shares = {"--test": options.test} if options.folds else {"--valid": options.valid, "--test": options.test}
    wrong = [f"{name} {share:g}" for name, share in shares.items() if not 0 <= share < 1]
    nothing = not options.folds and not any(shares.values())
    if wrong or nothing or sum(shares.values()) >= 1:
        given = " ".join(f"{name} {share:g}" for name, share in shares.items())
        rule = "must be from 0 to 1, together above 0 and below 1"
        raise ValueError(f"{' and '.join(shares)} {rule}. Received: {given}.")


def _people(samples: Samples, named: int) -> str:
    """Say how many patients the source names, and what counts as one where it names none."""
    if named:
        return f"{named} patients are named"
    count = len(set(samples.patients))
    return f"no patients are named, so each image counts as one, near-duplicates together: {count}"


def _prepare(options: argparse.Namespace) -> None:
    from medzoo.cli.recipe import load_recipe
    from medzoo.data import read
    from medzoo.training.data import prepare_for

    print(f"{prepare_for(load_recipe(options.recipe), read(options.data), options.output)}\n-> {options.output}")
