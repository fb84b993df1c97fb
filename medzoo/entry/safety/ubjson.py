"""UBJSON, as far as XGBoost writes it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

# A model of XGBoost nests 8 levels.
_DEPTH_LIMIT = 20
_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_WORDS = {"T": True, "F": False, "Z": None}


def parse_ubjson(data: bytes) -> Any:
    """Return the value of a UBJSON document; typed arrays become arrays of NumPy.

    Raises:
        ValueError: It is no UBJSON, promises more than it holds, or is nested very deep.
    """
    return _Reader(data).value(0)


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        if depth > _DEPTH_LIMIT:
            raise ValueError("nested too deep")
        kind = self._mark()
        if kind in _WORDS:
            return _WORDS[kind]
        if kind in _NUMBERS:
            return self._numbers(kind, 1)[0].item()
        if kind == "S":
            return self._text()
        if kind == "[":
            return self._array(depth)
        if kind == "{":
            return self._object(depth)
        raise ValueError(f"unknown mark {kind!r}")

    def _array(self, depth: int) -> Any:
        if self._peek() == "$":
            self._mark()
            kind = self._mark()
            if kind not in _NUMBERS or self._mark() != "#":
                raise ValueError("an array of an unknown kind")
            return self._numbers(kind, self._count())
        if self._peek() == "#":
            self._mark()
            return [self.value(depth + 1) for _ in range(self._count())]
        values = []
        while self._peek() != "]":
            values.append(self.value(depth + 1))
        self._mark()
        return values

    def _object(self, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while self._peek() != "}":
            name = self._text()
            if name in values:
                raise ValueError(f"{name!r} stands twice in an object")
            values[name] = self.value(depth + 1)
        self._mark()
        return values

    def _numbers(self, kind: str, count: int) -> np.ndarray:
        dtype = np.dtype(_NUMBERS[kind])
        return np.frombuffer(self._take(count * dtype.itemsize), dtype)

    def _text(self) -> str:
        return self._take(self._count()).decode()

    def _count(self) -> int:
        if self._mark() != "L":
            raise ValueError("a length of an unknown kind")
        (count,) = struct.unpack(">q", self._take(8))
        # Each value takes one byte at least.
        if not 0 <= count <= len(self.data) - self.at:
            raise ValueError(f"a length of {count}")
        return count

    def _mark(self) -> str:
        return chr(self._take(1)[0])

    def _peek(self) -> str:
        return chr(self.data[self.at]) if self.at < len(self.data) else ""

    def _take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise ValueError("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]
