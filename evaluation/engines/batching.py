"""Which requests run together: similar lengths, within a budget of tokens and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar


class Sized(Protocol):
    """Something with a prompt length and room for an answer, in tokens."""

    @property
    def group(self) -> str:
        """What an exact batch may not mix."""
        ...

    @property
    def prompt_length(self) -> int:
        """Tokens of the prompt."""
        ...

    @property
    def answer_length(self) -> int:
        """Most tokens of the answer."""
        ...


SizedT = TypeVar("SizedT", bound=Sized)


def take_batch(
    waiting: Sequence[SizedT], *, max_tokens: int, max_rows: int, exact: bool
) -> list[SizedT]:
    """The next batch: the shortest waiting requests that fit the budget, at least one.

    Rows of similar length waste little on padding. Shortest first, because the first turns of
    conversations are short and their follow-ups, which carry the whole conversation, then run in
    the later batches of longer prompts instead of alone at the end. With `exact`, a batch holds
    requests of one group only and depends on nothing but that group, so that its composition is
    the same in every run.
    """
    candidates = list(waiting)
    if exact:
        first = min(item.group for item in candidates)
        candidates = [item for item in candidates if item.group == first]
    candidates.sort(key=lambda item: item.prompt_length + item.answer_length)
    batch: list[SizedT] = []
    prompt = answer = 0
    for item in candidates:
        prompt = max(prompt, item.prompt_length)
        answer = max(answer, item.answer_length)
        if batch and ((prompt + answer) * (len(batch) + 1) > max_tokens or len(batch) >= max_rows):
            break
        batch.append(item)
    return batch
