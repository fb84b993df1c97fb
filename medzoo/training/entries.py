"""Trainings that end with a zoo entry in the folder of the run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.devices import this_process
from medzoo.training.history import HISTORY
from medzoo.training.search.run import best_model
from medzoo.training.train import train
from medzoo.zoo.save import save

if TYPE_CHECKING:
    import keras

    from medzoo.data import Samples
    from medzoo.recipe import Recipe
    from medzoo.training.search.record import Search


def train_entry(
    recipe: Recipe, samples: Samples, run: str | os.PathLike, callbacks: Sequence[keras.callbacks.Callback] = ()
) -> Path | None:
    """Train as `medzoo.train` does, and write the model as the zoo entry `model` of the run.

    Returns:
        The folder of the entry; None in all but the first of several processes that train together.
    """
    model = train(recipe, samples, run, callbacks=callbacks)
    if this_process()[0]:
        return None
    return save(model, Path(run) / "model", history=Path(run) / HISTORY)


def best_entry(search: Search, samples: Samples) -> Path:
    """Write the model of the best trial as the zoo entry `best` of a search, and return its folder."""
    return save(best_model(search, samples), search.folder / "best", history=search.best_folder / HISTORY)
