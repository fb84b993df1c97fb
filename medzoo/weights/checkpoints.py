"""Files of torch-form checkpoints to NumPy arrays by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from medzoo.errors import require


def read_checkpoint(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read the tensors of a `.pth`, `.pt` or `.safetensors` file.

    The first two are pickles: they are read with `weights_only=True`, which refuses everything but tensors and plain
    values. Tensors may lie inside `state_dict`, `model_state_dict` or `model`.

    Returns:
        Float32 arrays by name, in torch's layout.

    Raises:
        ValueError: The file cannot be read as a checkpoint, or holds code.
        ImportError: Reading a `.pth` or `.pt` needs torch.

    Example:
        >>> read_checkpoint("resnet_10_23dataset.pth")["module.conv1.weight"].shape  # doctest: +SKIP
        (64, 1, 7, 7, 7)
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise ValueError(f"Expected a file of these: {', '.join(READERS)}. Received: {path}.")
    return READERS[path.suffix](path)


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    torch = require("torch", "convert")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    # A file that is none raises whatever its first bytes happen to mean: KeyError, EOFError, RuntimeError...
    except Exception as error:
        raise ValueError(
            f"{path} is not read as a torch checkpoint: {_reason(error)}. Expected tensors and plain values only, "
            "since a pickle can run code. Get the file again from where it came."
        ) from error
    state = _unwrapped(content)
    if not isinstance(state, Mapping):
        raise ValueError(f"{path}: expected tensors by name. Received: {type(state).__name__}.")
    return {str(key): _array(value, str(key), path) for key, value in state.items()}


def _unwrapped(content: Any) -> Any:
    """Return what lies inside the words under which training scripts keep the tensors of a network."""
    while isinstance(content, Mapping):
        inside = next((content[word] for word in _WRAPPERS if isinstance(content.get(word), Mapping)), None)
        if inside is None:
            return content
        content = inside
    return content


def _array(tensor: Any, name: str, path: Path) -> np.ndarray:
    if not hasattr(tensor, "detach"):
        raise ValueError(f"{path}: expected a tensor as '{name}'. Received: {type(tensor).__name__}.")
    return tensor.detach().float().numpy()


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        return {name: array.astype(np.float32, copy=False) for name, array in load_file(path).items()}
    except (SafetensorError, TypeError) as error:
        raise ValueError(f"{path} is not read as a safetensors file: {error}. Get it again.") from error


def _reason(error: Exception) -> str:
    """Return what torch found, without its advice to read the file all the same."""
    lines = [line for line in str(error).splitlines() if "nsupported" in line]
    return lines[0].rpartition(": ")[2].partition(". ")[0].rstrip(".") if lines else type(error).__name__


_WRAPPERS = ("state_dict", "model_state_dict", "model")
READERS = {".pth": _read_torch, ".pt": _read_torch, ".safetensors": _read_safetensors}
