"""Thinking blocks: models may think before they answer; only the answer is scored."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def split_thinking(text: str) -> tuple[str, str]:
    """Split a response into (thinking, answer).

    Text up to the last closing tag is thinking (templates may open the block in the prompt). A
    block that was opened and never closed is all thinking: the answer is then empty.
    """
    head, closed, tail = text.rpartition(CLOSE)
    if closed:
        return head.replace(OPEN, "", 1).strip(), tail.lstrip()
    before, opened, rest = text.partition(OPEN)
    if opened:
        return rest.strip(), before.strip()
    return "", text
