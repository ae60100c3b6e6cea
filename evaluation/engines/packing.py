"""Which inputs run in one forward pass, and what they share.

Sorted inputs with a common beginning are neighbours, so that a run of neighbours is a subtree of
the tree of all their beginnings. A pack is such a run: its tree is computed as one row in which
every token is there once and sees its own ancestors alone. What all of a large subtree begins
with is the stem of its packs: it is computed once and stays in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

# A shorter stem is computed again in each pack: packs that end at a stem's border are less full.
SHORTEST_STEM = 32


@dataclass(frozen=True)
class Line:
    """One distinct input, and the summed log-probability of each continuation read off its end."""

    tokens: tuple[int, ...]
    targets: dict[tuple[int, ...], float] = field(default_factory=dict)

    @property
    def needed(self) -> int:
        """How many of the last positions give a continuation's probability."""
        return max(len(target) for target in self.targets)


@dataclass(frozen=True)
class Limits:
    """What one forward pass may hold: tokens, and positions whose logits are computed."""

    tokens: int
    logits: int


@dataclass(frozen=True)
class Pack:
    """Neighbouring lines whose first `stem` tokens are the same and already computed."""

    stem: int
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Read:
    """At `place` of a row, the log-probability of `token` counts towards a line's target."""

    place: int
    token: int
    line: Line
    target: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A tree of tokens in depth-first order: place i is seen from places i to `last[i]`.

    `positions` are the tokens' places in their own inputs; `new[k]` is how many tokens the k-th
    line added to the row.
    """

    tokens: list[int]
    positions: list[int]
    last: list[int]
    new: list[int]
    reads: list[Read]


def packs(lines: Sequence[Line], limits: Limits) -> Iterator[Pack]:
    """Split distinct lines into packs within the limits, each line in one pack.

    A pack of one line may exceed the limits. Inputs that begin alike stay together if they fit.
    """
    if not lines:
        return
    ordered = sorted(lines, key=lambda line: line.tokens)
    shared = [0, *(common(a.tokens, b.tokens) for a, b in pairwise(ordered))]
    added = [len(line.tokens) - same for line, same in zip(ordered, shared, strict=True)]
    tokens = [0, *accumulate(added)]
    logits = [0, *accumulate(line.needed for line in ordered)]

    def fits(start: int, stop: int, stem: int) -> bool:
        distinct = shared[start] - stem + tokens[stop] - tokens[start]
        return distinct <= limits.tokens and logits[stop] - logits[start] <= limits.logits

    first = last = stem = 0
    todo = [(0, len(ordered), 0)]
    while todo:
        start, stop, depth = todo.pop()
        if first < last and depth == stem and fits(first, stop, depth):
            last = stop
            continue
        if not fits(start, stop, depth):
            branch = min(shared[start + 1 : stop], default=len(ordered[start].tokens))
            # A position whose logits are needed is computed with the continuation that reads it.
            free = min(len(line.tokens) - line.needed for line in ordered[start:stop])
            if min(branch, free) - depth >= SHORTEST_STEM:
                todo.append((start, stop, min(branch, free)))
                continue
            if stop - start > 1:
                borders = [i for i in range(start + 1, stop) if shared[i] == branch]
                parts = pairwise([start, *borders, stop])
                todo += [(a, b, depth) for a, b in reversed(list(parts))]
                continue
        if first < last:
            yield Pack(stem, tuple(ordered[first:last]))
        first, last, stem = start, stop, depth
    yield Pack(stem, tuple(ordered[first:last]))


def lay_out(pack: Pack, start: int) -> Row:
    """The row of a pack, beginning with what is still to compute of its stem from `start` on."""
    row = Row([], [], [], [], [])
    path: list[int] = []
    before: tuple[int, ...] = ()
    for line in pack.lines:
        same = max(common(before, line.tokens), start)
        for place in path[same - start :]:
            row.last[place] = len(row.tokens) - 1
        fresh = range(len(row.tokens), len(row.tokens) + len(line.tokens) - same)
        path[same - start :] = fresh
        row.tokens.extend(line.tokens[same:])
        row.positions.extend(range(same, len(line.tokens)))
        row.last.extend(fresh)
        row.new.append(len(fresh))
        for target in line.targets:
            places = path[len(path) - len(target) :]
            row.reads.extend(
                Read(place, token, line, target)
                for place, token in zip(places, target, strict=True)
            )
        before = line.tokens
    for place in path:
        row.last[place] = len(row.tokens) - 1
    return row


def common(left: Sequence[int], right: Sequence[int]) -> int:
    """How many first tokens two inputs share."""
    limit = min(len(left), len(right))
    same = 0
    # Slices compare fast; the last few tokens are then compared one by one.
    while same < limit and left[same : same + 64] == right[same : same + 64]:
        same += 64
    same = min(same, limit)
    while same < limit and left[same] == right[same]:
        same += 1
    return same
