"""XGBoost's own format: trees that end, over features that exist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.entry.safety.refuse import damage_named, unsafe
from medzoo.entry.safety.ubjson import parse_ubjson

# Arrays with one number for each node of a tree.
_PER_NODE = {
    **dict.fromkeys(("left_children", "right_children", "parents", "split_indices"), ">i4"),
    **dict.fromkeys(("split_conditions", "base_weights", "loss_changes", "sum_hessian"), ">f4"),
    **dict.fromkeys(("default_left", "split_type"), "u1"),
}
# Arrays of splits by category, of which no estimator of medzoo has any.
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
