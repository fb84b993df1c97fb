"""What the terminal shows while Keras and TensorFlow are imported: nothing of their own, and a line if it lasts."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

# Seconds until a line says what takes so long.
PATIENCE = 3.0


def quiet_import() -> None:
    """Let TensorFlow be imported in silence, whoever does it: no variable keeps its first lines about CUDA back."""
    # Before it is imported: afterwards it does not look.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


@contextlib.contextmanager
def _no_stderr() -> Iterator[None]:
    """Discard what is written to stderr, by libraries in C as well; an exception is still raised."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


@contextlib.contextmanager
def _announced() -> Iterator[None]:
    """Say what is going on if it lasts, also where stderr is discarded meanwhile."""
    stderr = os.dup(2)
    line = b"medzoo: starting Keras and its backend ...\n"
    timer = threading.Timer(PATIENCE, lambda: os.write(stderr, line))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        os.close(stderr)


_WHILE_IMPORTED: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
    "keras": _announced,
    "tensorflow": _no_stderr,
}


class _Finder(MetaPathFinder):
    def __init__(self) -> None:
        self._looking = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how a module of the table is loaded, in its context."""
        if name not in _WHILE_IMPORTED or self._looking:
            return None
        self._looking = True
        try:
            spec = find_spec(name)
        finally:
            self._looking = False
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_in_context(module: ModuleType) -> None:
            with _WHILE_IMPORTED[name]():
                load(module)

        spec.loader.exec_module = load_in_context  # type: ignore[method-assign]
        return spec
