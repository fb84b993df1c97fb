"""Images that are equal or look alike, and whether splits or classes separate them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from medzoo.data.audit.checks import Images, Inspected
from medzoo.data.audit.facts import Facts
from medzoo.data.audit.likeness import MOVED, TURNS, Likeness, alike
from medzoo.data.audit.record import Finding
from medzoo.data.subsets import components


def equal_groups(facts: Sequence[Facts]) -> list[list[int]]:
    """Return the indices of the images that can be compared, in groups of equal pixels.

    Unreadable images are left out, and constant ones, which all look alike.
    """
    groups: dict[bytes, list[int]] = defaultdict(list)
    for index, fact in enumerate(facts):
        if len(fact.views) and not fact.is_constant:
            groups[fact.digest].append(index)
    return list(groups.values())


def near_pairs(facts: Sequence[Facts], indices: Iterable[int]) -> list[Likeness]:
    """Return all pairs of `indices` that show one picture, as `likeness.alike` finds them.

    Pictures are compared with pictures and volumes with volumes.
    """
    by_views: dict[int, list[int]] = defaultdict(list)
    for index in indices:
        by_views[len(facts[index].views)].append(index)
    return [
        pair._replace(first=members[pair.first], second=members[pair.second])
        for members in by_views.values()
        for pair in alike([facts[index].views for index in members])
    ]


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


def _near(images: Images, copies: dict[int, list[int]], pairs: Sequence[Likeness]) -> Iterator[Finding]:
    """Yield the findings of one group; `copies` are the images that each member of a pair stands for."""
    pairs = sorted(pairs, key=lambda pair: -pair.value)
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


def _by_group(groups: Sequence[Sequence[int]], pairs: Sequence[Likeness]) -> list[list[Likeness]]:
    """Return the pairs of each group that has any, the most alike first."""
    number = {index: place for place, group in enumerate(groups) for index in group}
    pairs_of: dict[int, list[Likeness]] = defaultdict(list)
    for pair in pairs:
        pairs_of[number[pair.first]].append(pair)
    return sorted(pairs_of.values(), key=lambda pairs: -max(pair.value for pair in pairs))


def _finding(kind: str, between: str, images: Images, how: str) -> Finding:
    severity, of = _BETWEEN.get(between, ("warning", lambda image: image.row.split))
    counts = Counter(of(image) for image in images if of(image))
    where = f" ({', '.join(f'{name} {count}' for name, count in counts.items())})" if counts else ""
    text = f"{len(images)} images{where}: {how}."
    return Finding(kind + between, severity, tuple(image.source for image in images), text)


def _range(pairs: Sequence[Likeness]) -> str:
    """Return how the two of each pair differ, and how alike they are at least."""
    ways = Counter(" and ".join(filter(None, (TURNS[pair.turn], MOVED * pair.moved))) for pair in pairs)
    changed = [f"{count} {way}" for way, count in ways.most_common() if way]
    told = f"of {len(pairs)} pairs {', '.join(changed)}; " if changed else ""
    return f"{told}correlation of fine structure at least {min(pair.value for pair in pairs):.3f}"
