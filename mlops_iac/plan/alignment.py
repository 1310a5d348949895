"""Says which items of two lists are the same one, so that an insertion does not read as a change of all after it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

IDENTITIES: Final = (
    "Sid",
    "sid",
    "id",
    "Id",
    "name",
    "Name",
    "key",
    "Key",
    "featureName",
    "variantName",
    "containerName",
    "targetId",
)
"""Keys that tell the items of a list apart, the strongest first. Not every `...Name` does: most name something else."""

_MOST_COMPARISONS: Final = 10_000
"""Beyond this the middle of two long lists is paired by position: a preview answers at once."""

Pair = tuple[int, int]
"""Index in the old list, index in the new one."""


def align(old: Sequence[Any], new: Sequence[Any], equal: Callable[[Any, Any], bool]) -> list[Pair]:
    """The pairs of items that are the same one, in order and without crossing.

    Items that all have one of ``IDENTITIES`` are told by it, others by being equal. What then stands alone between two
    pairs is paired by position: with identities only where it is one for one, an item that was renamed.
    """
    keys = _identities(old, new)
    pairs = _uncrossed(*keys) if keys is not None else _common(old, new, equal)
    return sorted([*pairs, *_between(pairs, len(old), len(new), by_identity=keys is not None)])


def _identities(old: Sequence[Any], new: Sequence[Any]) -> tuple[list[Any], list[Any]] | None:
    """What tells the items apart, where something does."""
    items = [*old, *new]
    if not items or not all(isinstance(item, Mapping) for item in items):
        return None
    for key in IDENTITIES:
        before, after = ([item.get(key) for item in side] for side in (old, new))
        named = all(isinstance(value, str) for value in (*before, *after))
        if named and all(len(set(side)) == len(side) for side in (before, after)):
            return before, after
    return None


def _uncrossed(before: Sequence[Any], after: Sequence[Any]) -> list[Pair]:
    """The most pairs of equal identities that keep their order: a longest increasing subsequence."""
    places = {value: index for index, value in enumerate(before)}
    found = [(places[value], index) for index, value in enumerate(after) if value in places]
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, (place, _) in enumerate(found):
        length = bisect_left(tails, place)
        tails[length : length + 1] = [place]
        ends[length : length + 1] = [index]
        previous.append(ends[length - 1] if length else -1)
    pairs = []
    at = ends[-1] if ends else -1
    while at >= 0:
        pairs.append(found[at])
        at = previous[at]
    return pairs[::-1]


def _common(old: Sequence[Any], new: Sequence[Any], equal: Callable[[Any, Any], bool]) -> list[Pair]:
    """A longest common subsequence."""
    shorter = min(len(old), len(new))
    head = next((i for i in range(shorter) if not equal(old[i], new[i])), shorter)
    most = shorter - head
    tail = next((i for i in range(most) if not equal(old[-1 - i], new[-1 - i])), most)
    rows, columns = len(old) - head - tail, len(new) - head - tail
    pairs = [(i, i) for i in range(head)]
    if rows * columns <= _MOST_COMPARISONS:
        middle = _longest(old[head : head + rows], new[head : head + columns], equal)
        pairs += [(head + i, head + j) for i, j in middle]
    return pairs + [(len(old) - tail + i, len(new) - tail + i) for i in range(tail)]


def _longest(old: Sequence[Any], new: Sequence[Any], equal: Callable[[Any, Any], bool]) -> Iterator[Pair]:
    same = [[equal(before, after) for after in new] for before in old]
    length = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            both = length[i + 1][j + 1] + 1 if same[i][j] else 0
            length[i][j] = max(both, length[i + 1][j], length[i][j + 1])
    i = j = 0
    while i < len(old) and j < len(new):
        if same[i][j] and length[i][j] == length[i + 1][j + 1] + 1:
            yield i, j
            i, j = i + 1, j + 1
        elif length[i + 1][j] >= length[i][j + 1]:
            i += 1
        else:
            j += 1


def _between(pairs: Sequence[Pair], old: int, new: int, *, by_identity: bool) -> Iterator[Pair]:
    before = (-1, -1)
    for after in (*pairs, (old, new)):
        rows, columns = after[0] - before[0] - 1, after[1] - before[1] - 1
        if not by_identity or rows == columns == 1:
            yield from ((before[0] + 1 + i, before[1] + 1 + i) for i in range(min(rows, columns)))
        before = after
