"""Answers that end in a loop: the sign of a model whose decoding has gone wrong."""

from __future__ import annotations

TIMES = 4
SHORTEST = 60
LONGEST_UNIT = 200


def repeats_itself(text: str) -> bool:
    """Whether the end of a text is one unit over and over, the last one perhaps cut off.

    The unit has at most 200 characters and fills at least 60 of them four times or more: a row of
    dashes under a heading is not a loop, a line that never ends is. A loop that counts ("1. a", "2.
    a") changes with each turn and is not seen.
    """
    return any(_loops(tail) for tail in (text, text.rstrip()))


def _loops(text: str) -> bool:
    for unit in range(1, LONGEST_UNIT + 1):
        span = max(TIMES * unit, SHORTEST)
        if span > len(text):
            # Spans only grow with the unit.
            return False
        # The tail has this period if it equals itself, moved on by one unit.
        if text[-span:-unit] == text[unit - span :]:
            return True
    return False
