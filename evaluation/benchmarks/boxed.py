r"""Answers in boxes: where `\boxed{...}` opens and closes in a text, and the last one's content."""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_GAP = 40

# An escaped brace is no brace, and the backslash of a line break escapes nothing.
TOKEN = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*\{)|\\\\(?!boxed|fbox)|\\[{}]|[{}]")
# What may stand between two boxes that state one answer: a comma, "and" or "or".
MATH_MODE = r"(?:[\s$]|\\[()\[\]])*"
JOINT = re.compile(rf"{MATH_MODE}(?:[,;]|[,;]?\s*(?:and|or)\b){MATH_MODE}")


@dataclass(frozen=True)
class Box:
    """A closed box and the content between its braces, as places in the text."""

    start: int
    content_start: int
    content_end: int
    end: int


def last_boxed(text: str) -> str | None:
    r"""The content of the last closed box, e.g. "5" of `so $x = \boxed{5}$`.

    Boxes joined by a comma, "and" or "or" state one answer together: `\boxed{1}, \boxed{2}`
    gives "1, 2".
    """
    found = boxes(text)
    if not found:
        return None
    group = [found.pop()]
    while found and is_joint(text[found[-1].end : group[-1].start]):
        group.append(found.pop())
    contents = [text[box.content_start : box.content_end].strip() for box in reversed(group)]
    return ", ".join(dict.fromkeys(contents))


def boxes(text: str) -> list[Box]:
    """All closed boxes in the order of their beginnings, in one pass over the text."""
    closed: list[Box] = []
    opened: list[re.Match[str] | None] = []
    for token in TOKEN.finditer(text):
        brace = token[0]
        if brace == "{":
            opened.append(None)
        elif brace == "}":
            box = opened.pop() if opened else None
            if box:
                closed.append(Box(box.start(), box.end(), token.start(), token.end()))
        elif token["box"]:
            opened.append(token)
    return sorted(closed, key=lambda box: box.start)


def is_joint(gap: str) -> bool:
    """Whether the text between two boxes only joins them."""
    return len(gap) <= LONGEST_GAP and JOINT.fullmatch(gap) is not None
