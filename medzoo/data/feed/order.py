"""Which rows the batches of an epoch hold: seed and epoch decide it, so a resumed training sees the same batches."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

# Where samples make several rows and none is kept, an epoch mixes the rows of so many samples at a time.
MIXED = 8


class Order:
    """Row numbers and a seed for every batch.

    The same seed and epoch give the same batches, whatever ran before.

    Args:
        count: Number of rows.
        batch_size: Rows in a batch; the last one of an epoch may be smaller.
        seed: Seed of the order, and of the seeds of batches.
        shuffle: Whether every epoch has another order.
        strata: For balanced sampling, the label of each row: an epoch has as many rows as there are, with every label
            equally often. A row of a rare label comes several times, one of a common label in some epochs only.
        multiple: Number by which every batch can be divided; an epoch leaves out the rows beyond that, which are others
            each time.
        blocks: The file of each row, for files that are read anew: an epoch mixes the rows of eight files, then those
            of the next eight.

    Attributes:
        epoch: The epoch that the next iteration gives; an iteration moves it to the next one, unless it is pinned.

    Raises:
        ValueError: There are fewer rows than `multiple`.

    Example:
        >>> order = Order(5, batch_size=2, seed=0)
        >>> [rows.tolist() for rows, seed in order]
        [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        seed: int,
        shuffle: bool = False,
        strata: Sequence[Hashable] | None = None,
        multiple: int = 1,
        blocks: Sequence[int] | np.ndarray | None = None,
    ):
        if count < multiple:
            raise ValueError(f"{count} images are fewer than the {multiple} devices that share a batch. Add images.")
        self.count, self.batch_size = count // multiple * multiple, batch_size
        self._all = count
        self.epoch, self._pinned = 0, False
        self._seed, self._shuffle = seed, shuffle
        self._blocks = None if blocks is None else np.asarray(blocks)
        self._rows_of: dict[Hashable, list[int]] = {}
        for row, stratum in enumerate(() if strata is None else strata):
            self._rows_of.setdefault(stratum, []).append(row)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return math.ceil(self.count / self.batch_size)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the batches of the next epoch."""
        epoch = self.epoch
        self.advance()
        return self.batches(epoch)

    def pin(self, epoch: int) -> None:
        """Give this epoch in every iteration from now on, as a training does that counts its epochs itself."""
        self.epoch, self._pinned = epoch, True

    def advance(self) -> None:
        """Go on to the next epoch, unless it is pinned."""
        if not self._pinned:
            self.epoch += 1

    def batches(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows `(batch,)` and a seed `(2,)`, both int64, for every batch of an epoch."""
        draw = np.random.default_rng([self._seed, epoch])
        rows = self._rows(draw)[: self.count]
        seeds = draw.integers(2**31, size=(len(self), 2))
        for number, seed in enumerate(seeds):
            yield rows[number * self.batch_size : (number + 1) * self.batch_size], seed

    def _rows(self, draw: np.random.Generator) -> np.ndarray:
        if self._rows_of:
            return self._balanced(draw)
        if not self._shuffle:
            return np.arange(self._all)
        return draw.permutation(self._all) if self._blocks is None else _mixed(self._blocks, draw)

    def _balanced(self, draw: np.random.Generator) -> np.ndarray:
        """Return rows such that every label comes once in each group of as many as there are labels."""
        groups = math.ceil(self.count / len(self._rows_of))
        columns = [_repeated(np.array(rows), groups, draw) for rows in self._rows_of.values()]
        return draw.permuted(np.stack(columns, axis=1), axis=1).reshape(-1)


def _mixed(blocks: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Return all rows in random order, those of a few blocks at a time."""
    files = draw.permutation(np.unique(blocks))
    parts = (files[start : start + MIXED] for start in range(0, len(files), MIXED))
    return np.concatenate([draw.permutation(np.flatnonzero(np.isin(blocks, part))) for part in parts])


def _repeated(rows: np.ndarray, count: int, draw: np.random.Generator) -> np.ndarray:
    """Return `count` of the rows in random order, all of them before one comes again."""
    rounds = [draw.permutation(rows) for _ in range(math.ceil(count / len(rows)))]
    return np.concatenate(rounds)[:count]
