"""Images that are equal or look alike, and whether splits or classes separate them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medzoo.data.audit.checks import Images, Inspected
from medzoo.data.audit.facts import Facts
from medzoo.data.audit.record import Finding
from medzoo.data.subsets import components

# Chosen on 7,019 brain MR slices: pairs within these bounds are in two classes only if they really show the same
# picture; to the eye they are copies, copies with another window, filter or size, and a few adjacent slices.
MOST_BITS = 8
LEAST_CORRELATION = 0.95
# Pairs of which the hashes, and of which the thumbnails are compared at a time: a few MB each.
_CELLS = 2**20
_CHUNK = 512


@dataclass(frozen=True)
class Pair:
    """Two images that look alike.

    Args:
        first: Index of one image.
        second: Index of the other, larger than `first`.
        bits: Bits of 64 in which their perceptual hashes differ.
        correlation: Of their thumbnails.
    """

    first: int
    second: int
    bits: int
    correlation: float


def equal_groups(facts: Sequence[Facts]) -> list[list[int]]:
    """Return the indices of the images that can be compared, in groups of equal pixels.

    Unreadable images are left out, and constant ones, which all look alike.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, fact in enumerate(facts):
        if len(fact.views) and not fact.is_constant:
            groups[fact.digest].append(index)
    return list(groups.values())


def near_pairs(facts: Sequence[Facts], indices: Iterable[int]) -> list[Pair]:
    """Return all pairs of `indices` that look alike: by their hash, and then by the correlation of their thumbnails.

    Time is quadratic (2 s for 30,000 images, 20 s for 100,000), memory is not. Pictures are compared with pictures and
    volumes with volumes.
    """
    by_views: dict[int, list[int]] = defaultdict(list)
    for index in indices:
        by_views[len(facts[index].views)].append(index)
    return [pair for members in by_views.values() for pair in _pairs(facts, np.array(members))]


def _pairs(facts: Sequence[Facts], members: np.ndarray) -> Iterator[Pair]:
    hashes = np.array([facts[index].hash for index in members], np.uint64)
    block = max(1, _CELLS // len(members))
    for start in range(0, len(members), block):
        bits = np.bitwise_count(hashes[start : start + block, None] ^ hashes[None, start:])
        # Pairs left of the diagonal are those right of it once more.
        rows, columns = np.nonzero(bits <= MOST_BITS)
        rows, columns = rows[columns > rows], columns[columns > rows]
        first, second, near = members[rows + start], members[columns + start], bits[rows, columns]
        for chunk in range(0, len(rows), _CHUNK):
            part = slice(chunk, chunk + _CHUNK)
            values = _correlations(facts, first[part], second[part])
            for row in np.flatnonzero(values >= LEAST_CORRELATION) + chunk:
                yield Pair(int(first[row]), int(second[row]), int(near[row]), round(float(values[row - chunk]), 4))


def _correlations(facts: Sequence[Facts], first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation of each pair over all its views, shape (pairs,)."""
    one, other = (_unit(np.stack([facts[index].views for index in indices])) for indices in (first, second))
    return np.einsum("px,px->p", one, other)


def _unit(views: np.ndarray) -> np.ndarray:
    """Return views (pairs, views, 64, 64) as vectors of mean 0 and length 1, shape (pairs, all pixels)."""
    vectors = views.reshape(len(views), -1).astype(np.float32)
    vectors -= vectors.mean(axis=-1, keepdims=True)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


# What can separate two equal images, how bad that is, and the value that differs.
_BETWEEN: dict[str, tuple[str, Callable[[Inspected], str]]] = {
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
    members = [images[index] for index in group]
    between = [name for name, (_, of) in _BETWEEN.items() if len({of(image) for image in members} - {""}) > 1]
    for name in between:
        # One of each split, or class, comes first, since the contact sheet shows the first two.
        first = {_BETWEEN[name][1](image): image for image in reversed(members)}
        rest = [image for image in members if image not in first.values()]
        yield _finding("exact duplicates", name, [*reversed(first.values()), *rest], "equal pixels")
    if not between:
        yield _finding("exact duplicates", "", members, "equal pixels")


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
    # The slices of one patient look alike, which is no fault within a split.
    of_one_patient = len({image.patient for image in members}) == 1 and members[0].patient
    if not is_between and not of_one_patient:
        yield _finding("near-duplicates", "", members, _range(pairs))


def _crossing(
    images: Images, one: Sequence[int], other: Sequence[int], of: Callable[[Inspected], str]
) -> Iterator[int]:
    """Yield the images of both sides whose split, or class, differs from that of an image on the other side."""
    for side, far in ((one, other), (other, one)):
        names = {of(images[index]) for index in far} - {""}
        yield from (index for index in side if of(images[index]) and names - {of(images[index])})


def _by_group(groups: Sequence[Sequence[int]], pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Return the pairs of each group that has any, the most alike first."""
    number = {index: place for place, group in enumerate(groups) for index in group}
    pairs_of: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        pairs_of[number[pair.first]].append(pair)
    return sorted(pairs_of.values(), key=lambda pairs: -max(pair.correlation for pair in pairs))


def _finding(kind: str, between: str, images: Images, how: str) -> Finding:
    severity, of = _BETWEEN.get(between, ("warning", lambda image: image.row.split))
    counts = Counter(of(image) for image in images if of(image))
    where = f" ({', '.join(f'{name} {count}' for name, count in counts.items())})" if counts else ""
    text = f"{len(images)} images{where}: {how}."
    return Finding(kind + between, severity, tuple(image.source for image in images), text)


def _range(pairs: Sequence[Pair]) -> str:
    bits, values = [pair.bits for pair in pairs], [pair.correlation for pair in pairs]
    return f"at most {max(bits)} of 64 bits differ, correlation at least {min(values):.3f}"
