"""Reading by threads, a few items ahead of who takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item, Result = TypeVar("Item"), TypeVar("Result")

_MOST_THREADS = 32


def read_ahead(read: Callable[[Item], Result], items: Iterable[Item], count: int) -> Iterator[Result]:
    """Yield what a function makes of each item, in their order.

    Only a few results wait, so memory does not grow with the number of items, as it would with `Executor.map`.

    Args:
        read: Called in threads; its error is raised when the result would be taken.
        items: What to read; taken in this thread.
        count: Results that are made before they are taken, at least 1.

    Example:
        >>> list(read_ahead(str, range(3), count=2))
        ['0', '1', '2']
    """
    waiting = iter(items)
    with ThreadPoolExecutor(min(count, _MOST_THREADS)) as pool:
        futures = deque(pool.submit(read, item) for item in islice(waiting, count))
        while futures:
            result = futures.popleft().result()
            futures.extend(pool.submit(read, item) for item in islice(waiting, 1))
            yield result
