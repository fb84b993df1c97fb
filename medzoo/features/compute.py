"""Running an encoder over images that are not in the cache."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import keras
import numpy as np

from medzoo.data.batches import Batches
from medzoo.features.feature_file import FeatureFile, Item

# Rows that are read ahead, for every core.
_AHEAD = 2


def compute(
    encoder: keras.Model,
    batches: Batches,
    rows: Mapping[bytes, int],
    items: list[Item],
    file: FeatureFile,
    seed: int = 0,
    batch_size: int = 8,
) -> None:
    """Compute features and write them, a batch at a time, with a progress bar.

    Args:
        encoder: From images to one tensor or several.
        batches: Read the images; what they change makes the views.
        rows: Row of each content.
        items: What to compute.
        file: Where it goes.
        seed: Seed of the views. What is drawn for a view follows from it, the content and the number of the view.
        batch_size: Images in a step.
    """
    inputs = iter(_progress(_inputs(batches, rows, items, seed), len(items)))
    while batch := list(islice(inputs, batch_size)):
        done, images = zip(*batch, strict=True)
        # Always a full batch, since another size would be compiled anew.
        padded = np.stack([*images, *[images[-1]] * (batch_size - len(images))])
        tensors = keras.tree.flatten(encoder.predict_on_batch(padded))
        file.write(done, [np.asarray(tensor) for tensor in tensors])


def _inputs(
    batches: Batches, rows: Mapping[bytes, int], items: list[Item], seed: int
) -> Iterator[tuple[Item, np.ndarray]]:
    """Yield what the encoder sees, read by threads ahead of it."""

    def read(item: Item) -> list[np.ndarray]:
        return batches.read(np.array([rows[item[0]]]))

    with ThreadPoolExecutor() as pool:
        for item, (images, targets) in zip(items, _ahead(pool, read, items), strict=True):
            if batches.change is not None:
                draw = np.random.default_rng([int.from_bytes(item[0][:8]), item[1], seed]).integers(2**31, size=2)
                tensors = map(keras.ops.convert_to_tensor, (images, targets))
                images = keras.ops.convert_to_numpy(batches.change(*tensors, draw)[0])
            yield item, images[0]


def _ahead(pool: ThreadPoolExecutor, function: Callable, items: Iterable) -> Iterator[Any]:
    """Yield the results of a function in the order of the items; only a few are made before they are taken."""
    waiting = iter(items)
    futures = deque(pool.submit(function, item) for item in islice(waiting, _AHEAD * os.cpu_count()))
    while futures:
        result = futures.popleft().result()
        futures.extend(pool.submit(function, item) for item in islice(waiting, 1))
        yield result


def _progress(inputs: Iterable[Any], total: int) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    # Into a file rich would write empty lines.
    quiet = not console.is_terminal
    return track(inputs, "Computing features", total=total, console=console, transient=True, disable=quiet)
