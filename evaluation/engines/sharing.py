"""Which prompts begin with the same tokens, and how much of that is worth keeping once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def shared_stems(prompts: Sequence[Sequence[int]], least: int) -> list[int]:
    """How many first tokens each prompt should share with others; 0 for none.

    Prompts with the same number and the same first tokens share a stem. Stems are chosen so that
    most tokens are saved; each saves at least `least`. A prompt never shares its last token.
    """
    order = sorted(range(len(prompts)), key=lambda i: tuple(prompts[i]))
    same = [0, *(_common(prompts[a], prompts[b]) for a, b in pairwise(order))]
    stems = [0] * len(prompts)
    for start, stop, stem in _best(same, 0, len(order), least)[1]:
        for index in order[start:stop]:
            stems[index] = stem
    return stems


def _best(
    same: Sequence[int], start: int, stop: int, least: int
) -> tuple[int, list[tuple[int, int, int]]]:
    """Tokens saved at most among sorted neighbours, and the (start, stop, stem) that do it."""
    if stop - start < 2:
        return 0, []
    stem = min(same[start + 1 : stop])
    whole = stem * (stop - start - 1)
    borders = [i for i in range(start + 1, stop) if same[i] == stem]
    saved, parts = 0, []
    for a, b in pairwise([start, *borders, stop]):
        part, found = _best(same, a, b, least)
        saved += part
        parts += found
    if whole >= max(saved, least):
        return whole, [(start, stop, stem)]
    return saved, parts


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    """Tokens two prompts share at most when each keeps its last one to itself."""
    limit = min(len(left), len(right)) - 1
    return next((i for i in range(limit) if left[i] != right[i]), max(limit, 0))
