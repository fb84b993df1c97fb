"""`python -m medzoo.data.tfds NAME`: `tfds build` with its options, for the builders of medzoo by their names.

It exists because the command `tfds` does not start without apache-beam and mlcroissant, which only its other
subcommands need (tensorflow/datasets issue 5463).
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Sequence

from tensorflow_datasets.scripts.cli import build, cli_utils

import medzoo.data.tfds


def main(arguments: Sequence[str]) -> None:
    """Run `tfds build` with `arguments`."""
    for module in pkgutil.iter_modules(medzoo.data.tfds.__path__):
        if not module.name.startswith("_"):
            # tfds knows the names of the builders that were imported.
            importlib.import_module(f"medzoo.data.tfds.{module.name}")
    cli_utils.make_flags_parser(build.Args, __doc__)(["medzoo.data.tfds", *arguments]).execute()


if __name__ == "__main__":
    main(sys.argv[1:])
