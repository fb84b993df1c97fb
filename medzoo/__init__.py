"""A Keras 3 model zoo for medical images.

Public names are imported on first use, so `import medzoo` loads neither Keras nor a backend. They stand in
`__init__.pyi`, where type checkers and editors see them too.
"""

from __future__ import annotations

import ast
import importlib
from typing import Any

__version__ = "0.1.0"


def _homes() -> dict[str, str]:
    """Return the module of each public name."""
    with open(__file__.removesuffix(".py") + ".pyi", encoding="utf-8") as stub:
        imports = [node for node in ast.parse(stub.read()).body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


_HOMES = _homes()
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'medzoo' has no attribute {name!r}")
    if _HOMES[name] == "medzoo":
        return importlib.import_module(f"medzoo.{name}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
