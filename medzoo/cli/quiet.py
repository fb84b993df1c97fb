"""Keeps what TensorFlow tells its developers off the terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_NOISY = "tensorflow"


def quiet_import() -> None:
    """Let TensorFlow be imported in silence, whoever does it: no variable keeps its first lines about CUDA back."""
    # Before it is imported: afterwards it does not look.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if _NOISY not in sys.modules and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return how the module is loaded, without what it writes meanwhile."""
        if name != _NOISY:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_in_silence(module: ModuleType) -> None:
            with _no_stderr():
                load(module)

        spec.loader.exec_module = load_in_silence  # type: ignore[method-assign]
        return spec


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
