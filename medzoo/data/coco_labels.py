"""The categories of a COCO file to label indices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from medzoo.errors import unknown_name

BACKGROUND = "background"

Labels = str | Mapping[str, Sequence[str]] | None


def label_table(
    categories: Mapping[Any, dict[str, Any]], annotations: Iterable[Any], labels: Labels, path: Path
) -> tuple[tuple[str, ...], dict[Any, int]]:
    """Return the label names, and the label index by category id.

    Args:
        categories: The categories of the file by id.
        annotations: The annotations, which say which categories must have a label.
        labels: As in `from_coco`.
        path: The file, for messages.

    Raises:
        ValueError: A category with annotations has no label or two, or is unknown, or there are too many labels.
        TypeError: A label maps to a string instead of a list of categories.
    """
    category_names = {key: str(categories[key]["name"]) for key in sorted(categories)}
    groups = _groups(list(category_names.values()), labels)
    names = (BACKGROUND, *(label for label in groups if label != BACKGROUND))
    if not 2 <= len(names) <= 256:
        raise ValueError(f"{path}: expected 1 to 255 labels beside the background; got {len(names) - 1}.")
    index = {name: names.index(label) for label, members in groups.items() for name in members}
    used = {annotation.get("category_id") for annotation in annotations if isinstance(annotation, dict)}
    left_out = [name for key, name in category_names.items() if key in used and name not in index]
    if left_out:
        raise ValueError(
            f"{path}: `labels` leaves out the categories {', '.join(left_out)}, which have annotations. Add them to a "
            f"label, or to '{BACKGROUND}' to ignore them."
        )
    return names, {key: index[name] for key, name in category_names.items() if name in index}


def _groups(known: Sequence[str], labels: Labels) -> dict[str, list[str]]:
    """Return the category names by label."""
    if labels is None:
        return {name: [name] for name in known}
    if isinstance(labels, str):
        return {labels: list(known)}
    groups: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    for label, members in labels.items():
        if isinstance(members, str):
            raise TypeError(f"`labels` must map a label to a list of categories; got {label!r}: {members!r}.")
        for name in members:
            if name not in known:
                raise unknown_name("category", name, set(known))
            if taken.setdefault(name, label) != label:
                raise ValueError(f"`labels` puts the category '{name}' into both '{taken[name]}' and '{label}'.")
        groups[label] = list(members)
    return groups
