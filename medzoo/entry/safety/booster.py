"""XGBoost's own format, UBJSON: trees that end, over features that exist."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.entry.untrusted import damage_named, unsafe

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


# Arrays with one number for each node of a tree.
_PER_NODE = {
    **dict.fromkeys(("left_children", "right_children", "parents", "split_indices"), ">i4"),
    **dict.fromkeys(("split_conditions", "base_weights", "loss_changes", "sum_hessian"), ">f4"),
    **dict.fromkeys(("default_left", "split_type"), "u1"),
}
# Arrays of splits by category, which no estimator of medzoo has.
_EMPTY = ("categories", "categories_nodes", "categories_segments", "categories_sizes")

_NONE, _NO_PARENT = -1, 2**31 - 1


def check_booster(path: Path) -> None:
    """Refuse trees that lead out of the file's memory or in circles, which XGBoost follows without looking.

    Raises:
        IntegrityError: The file is unsafe, or no model of XGBoost.
    """
    with damage_named(path, "model of XGBoost"):
        learner = parse_ubjson(path.read_bytes())["learner"]
        booster, parameters = learner["gradient_booster"], learner["learner_model_param"]
        if booster["name"] != "gbtree" or int(parameters["num_target"]) > 1:
            raise unsafe(path, f"it is a {booster['name']!r}; expected trees with one answer")
        if not _is_complete(booster["model"], max(1, int(parameters["num_class"]))):
            raise unsafe(path, "its labels and its trees do not match")
        features = int(parameters["num_feature"])
        if not all(_is_sound(tree, features) for tree in booster["model"]["trees"]):
            raise unsafe(path, "it holds a damaged tree")


def _is_complete(model: Mapping[str, Any], labels: int) -> bool:
    trees, label_of, rounds = (list(model[name]) for name in ("trees", "tree_info", "iteration_indptr"))
    return (
        int(model["gbtree_model_param"]["num_trees"]) == len(trees) == len(label_of)
        and [tree["id"] for tree in trees] == list(range(len(trees)))
        # Room is made for the answers of all labels, so each of them needs a tree.
        and set(label_of) == set(range(labels))
        and rounds == sorted(rounds)
        and rounds[0] == 0
        and rounds[-1] == len(trees)
        and not len(model.get("cats", {}).get("enc", ()))
    )


def _is_sound(tree: Mapping[str, Any], features: int) -> bool:
    nodes, answers = (int(tree["tree_param"][name]) for name in ("num_nodes", "size_leaf_vector"))
    kinds = {name: (tree[name].dtype, tree[name].shape) for name in _PER_NODE}
    if nodes < 1 or answers > 1 or kinds != {name: (kind, (nodes,)) for name, kind in _PER_NODE.items()}:
        return False
    left, right, parents = (tree[name] for name in ("left_children", "right_children", "parents"))
    inner = np.flatnonzero(left != _NONE)
    children = np.concatenate([left[inner], right[inner]])
    return bool(
        np.array_equal(inner, np.flatnonzero(right != _NONE))
        # Where each node is a child once at most and the root never, every way down ends.
        and _all_within(children, 1, nodes)
        and len(np.unique(children)) == len(children)
        and np.array_equal(parents[children], np.tile(inner, 2))
        and _all_within(parents[parents != _NO_PARENT], 0, nodes)
        and _all_within(tree["split_indices"][inner], 0, features)
        and not tree["split_type"].any()
        and not any(len(tree[name]) for name in _EMPTY)
    )


def _all_within(values: np.ndarray, start: int, stop: int) -> bool:
    return bool(((values >= start) & (values < stop)).all())
