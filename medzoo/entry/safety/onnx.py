"""ONNX: a network whose tensors are all in the file."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from medzoo.entry.safety.arrays import refuse_not_finite
from medzoo.entry.untrusted import damage_named, unsafe

# Which fields of a message hold which messages, as in onnx.proto: all ways from the model to a tensor.
_MESSAGES = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse_tensor"},
    "node": {5: "attribute"},
    "attribute": {
        **dict.fromkeys((5, 10), "tensor"),
        **dict.fromkeys((6, 11), "graph"),
        **dict.fromkeys((22, 23), "sparse_tensor"),
    },
    "sparse_tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# Fields of a tensor that name another file, and say that it is there.
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14

# Its type, and its numbers as they lie in memory or packed: of floats, of doubles, of any.
_DATA_TYPE, _DATA = 2, (4, 10, 9)
_FLOATS = {1: "<f4", 10: "<f2", 11: "<f8"}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def check_onnx(path: Path) -> None:
    """Refuse a network that reads its weights from other files, or has weights that are NaN.

    The fields of the protobuf messages are walked by hand, since the package onnx is no requirement and takes long.

    Raises:
        IntegrityError: The file is unsafe, or no protobuf.
    """
    with damage_named(path, "ONNX file"):
        with open(path, "rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        pending = [("model", data)]
        while pending:
            kind, message = pending.pop()
            if kind == "tensor":
                refuse_not_finite(path, "a tensor", _values(message), infinite=True)
            for number, value in _fields(message):
                if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)):
                    raise unsafe(path, "a tensor of it is in another file")
                if number in _MESSAGES[kind] and isinstance(value, memoryview):
                    pending.append((_MESSAGES[kind][number], value))


def _values(message: memoryview) -> np.ndarray:
    """Return the floating-point numbers of a tensor; none of a tensor of another kind."""
    fields = [(number, value) for number, value in _fields(message) if number in (_DATA_TYPE, *_DATA)]
    kinds = [value for number, value in fields if number == _DATA_TYPE and isinstance(value, int)]
    dtype = _FLOATS.get(kinds[-1]) if kinds else None
    if dtype is None:
        return np.empty(0)
    parts = [value for number, value in fields if number in _DATA and isinstance(value, memoryview)]
    return np.concatenate([np.empty(0, dtype), *(np.frombuffer(part, dtype) for part in parts)])


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview | None]]:
    """Yield number and value of the fields of a protobuf message; numbers of a fixed width as None."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at, 5)
        kind = key & 7
        value: int | memoryview | None = None
        if kind == _VARINT:
            value, at = _varint(message, at, 10)
        elif kind == _BYTES:
            size, at = _varint(message, at, 5)
            value, at = message[at : at + size], at + size
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"field of kind {kind}")
        if at > len(message):
            raise ValueError("it ends within a field")
        # Readers keep 32 bits of a key, however long it is written.
        yield (key & 0xFFFFFFFF) >> 3, value


def _varint(message: memoryview, at: int, most: int) -> tuple[int, int]:
    """Return a number that is written in groups of seven bits, the lowest first, and where it ends."""
    value = 0
    for index in range(most):
        if at + index >= len(message):
            raise ValueError("it ends within a number")
        byte = message[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    raise ValueError("it holds a number that is too long")
