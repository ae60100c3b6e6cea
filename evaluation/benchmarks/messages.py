"""Chat messages for benchmarks whose rows are conversations."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.records import Message


def merge_turns(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Join neighbours of the same role: many chat templates demand that roles alternate."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role:
            content = f"{merged[-1].content}\n\n{message.content}"
            merged[-1] = Message(role=message.role, content=content)
        else:
            merged.append(message)
    return tuple(merged)
