"""Finding the program in an answer. Nothing here runs, compiles or imports what it finds."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evaluation.records import SampleScore, Score

LANGUAGES = {"", "python", "python3", "py", "py3"}
# Indentation, fence, language, rest; a backtick in the rest makes the line inline code. The
# possessive quantifiers keep long lines linear.
FENCE = re.compile(r"([ \t]*+)(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]*+)([^`]*+)")

NO_SANDBOX = "no sandbox"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language as written, its code, and whether the fence was closed."""

    language: str
    code: str
    closed: bool


def fenced_blocks(text: str) -> list[Block]:
    """The fenced blocks of a Markdown text; one that is cut off reaches to the end."""
    blocks: list[Block] = []
    opening: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = FENCE.fullmatch(line.rstrip("\r"))
        if opening and fence and closes(fence, opening):
            blocks.append(Block(opening[3].lower(), "\n".join(lines), closed=True))
            opening = None
        elif fence and (fence[3] or not opening):
            # A fence with a language opens a block even where the last one was never closed.
            if opening:
                blocks.append(Block(opening[3].lower(), "\n".join(lines), closed=False))
            opening, lines = fence, []
        elif opening:
            # A block inside a list is indented as a whole.
            lines.append(line.removeprefix(opening[1]))
    if opening:
        blocks.append(Block(opening[3].lower(), "\n".join(lines), closed=False))
    return blocks


def closes(fence: re.Match[str], opening: re.Match[str]) -> bool:
    """Whether a fence is bare, and of the same kind and at least as long as the opening one."""
    return fence[2].startswith(opening[2]) and not fence[3] and not fence[4].strip()


def defines(code: str, names: Collection[str]) -> bool:
    """Whether one of the names is defined at the top level, by `def` or by assignment."""
    name = "|".join(map(re.escape, names))
    pattern = rf"^(?:(?:async[ \t]+)?def[ \t]+(?:{name})[ \t]*\(|(?:{name})[ \t]*=(?!=))"
    return re.search(pattern, code, re.MULTILINE) is not None


def last_definition(text: str, names: Collection[str]) -> str | None:
    """The last fenced Python block that defines one of the names; a closed one is preferred."""
    found = [
        block
        for block in fenced_blocks(text)
        if block.language in LANGUAGES and defines(block.code, names)
    ]
    return max(enumerate(found), key=lambda f: (f[1].closed, f[0]))[1].code if found else None


def before(text: str, stops: Sequence[str]) -> str:
    """The text before the first of the stops."""
    return min((text.partition(stop)[0] for stop in stops), key=len)


def unscored(code: str | None, gold: str) -> SampleScore:
    """The verdict on a sample whose program may not be run."""
    return SampleScore(extracted=code or None, gold=gold, reason=NO_SANDBOX)


def not_scored() -> list[Score]:
    """pass@1 of a cell whose programs were not run."""
    reason = f"not scored: {NO_SANDBOX}"
    return [Score(metric="pass@1", value=None, n=0, primary=True, reason=reason)]
