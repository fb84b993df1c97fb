"""Duplicates to findings: which lie between splits, which between classes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from medzoo.data.audit.checks import Image, Images
from medzoo.data.audit.duplicates import Pair, components, equal_groups, near_pairs
from medzoo.data.audit.finding import Finding

# What two images can lie between, how bad that is, and what tells.
_BETWEEN: dict[str, tuple[str, Callable[[Image], str]]] = {
    " between splits": ("leak", lambda image: image.row.split),
    " between classes": ("error", lambda image: image.row.label),
    " between patients": ("warning", lambda image: image.patient),
}

Groups = tuple[tuple[str, ...], ...]


def find_twins(images: Images) -> tuple[list[Finding], Groups]:
    """Return the findings about equal and similar images, and the groups of sources that belong together."""
    equal = equal_groups([image.facts for image in images])
    pairs = near_pairs([image.facts for image in images], [group[0] for group in equal])
    copies = {group[0]: group for group in equal}
    same = [(group[0], other) for group in equal for other in group[1:]]
    groups = components(len(images), same + [(pair.first, pair.second) for pair in pairs])
    findings = [finding for group in equal if len(group) > 1 for finding in _exact(images, group)]
    findings += [finding for members in _by_group(groups, pairs) for finding in _near(images, copies, members)]
    return findings, tuple(tuple(images[index].source for index in group) for group in groups)


def _exact(images: Images, group: Sequence[int]) -> Iterator[Finding]:
    found = [images[index] for index in group]
    between = [name for name, (_, of) in _BETWEEN.items() if len({of(image) for image in found} - {""}) > 1]
    for name in between:
        # One of each split, or class, comes first: the twins that the contact sheet shows.
        first = {_BETWEEN[name][1](image): image for image in reversed(found)}
        rest = [image for image in found if image not in first.values()]
        yield _finding("exact duplicates", name, [*reversed(first.values()), *rest], "equal pixels")
    if not between:
        yield _finding("exact duplicates", "", found, "equal pixels")


def _near(images: Images, copies: dict[int, list[int]], pairs: Sequence[Pair]) -> Iterator[Finding]:
    """Yield the findings of one group; `copies` are the images that each member of a pair stands for."""
    pairs = sorted(pairs, key=lambda pair: -pair.correlation)
    is_between = False
    for name, (_, of) in _BETWEEN.items():
        crossing: dict[int, None] = {}
        used = []
        for pair in pairs:
            across = list(_crossing(images, copies[pair.first], copies[pair.second], of))
            crossing |= dict.fromkeys(across)
            used += [pair] * bool(across)
        if used:
            is_between = True
            yield _finding("near-duplicates", name, [images[index] for index in crossing], _range(used))
    members = [images[index] for index in dict.fromkeys(end for pair in pairs for end in (pair.first, pair.second))]
    # The slices of one patient look alike, and within a split that is as it should be.
    of_one_patient = len({image.patient for image in members}) == 1 and members[0].patient
    if not is_between and not of_one_patient:
        yield _finding("near-duplicates", "", members, _range(pairs))


def _crossing(images: Images, one: Sequence[int], other: Sequence[int], of: Callable[[Image], str]) -> Iterator[int]:
    """Yield the images on either side that have another split, or class, on the other side."""
    for side, far in ((one, other), (other, one)):
        names = {of(images[index]) for index in far} - {""}
        yield from (index for index in side if of(images[index]) and names - {of(images[index])})


def _by_group(groups: Sequence[Sequence[int]], pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Return the pairs of each group that has any, the most alike first."""
    number = {index: place for place, group in enumerate(groups) for index in group}
    found = defaultdict(list)
    for pair in pairs:
        found[number[pair.first]].append(pair)
    return sorted(found.values(), key=lambda pairs: -max(pair.correlation for pair in pairs))


def _finding(kind: str, between: str, images: Images, how: str) -> Finding:
    severity, of = _BETWEEN.get(between, ("warning", lambda image: image.row.split))
    counts = Counter(of(image) for image in images if of(image))
    where = f" ({', '.join(f'{name} {count}' for name, count in counts.items())})" if counts else ""
    text = f"{len(images)} images{where}: {how}."
    return Finding(kind + between, severity, tuple(image.source for image in images), text)


def _range(pairs: Sequence[Pair]) -> str:
    bits, values = [pair.bits for pair in pairs], [pair.correlation for pair in pairs]
    return f"at most {max(bits)} of 64 bits differ, correlation at least {min(values):.3f}"
