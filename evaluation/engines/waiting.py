"""A request of the pool with its tokens: what batches are made of."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.engines.base import PooledRequest
from evaluation.engines.prompts import ContinuationTokens, Prompt


@dataclass(frozen=True)
class Waiting:
    """A pooled request with its tokens."""

    pooled: PooledRequest
    prompt: Prompt | None = None
    continuations: tuple[ContinuationTokens, ...] = ()

    @property
    def group(self) -> str:
        """Dataset, slice and turn: what an exact batch may not mix."""
        return f"{self.pooled.group}/{self.pooled.request.turn}"

    @property
    def prompt_length(self) -> int:
        """Tokens of the prompt, or of all continuations' inputs."""
        if self.prompt is not None:
            return len(self.prompt.tokens)
        return sum(len(c.tokens) for c in self.continuations)

    @property
    def longest(self) -> int:
        """Most tokens that a single row of this request can have."""
        if self.prompt is not None:
            return self.prompt_length + self.answer_length
        return max((len(c.tokens) for c in self.continuations), default=0)

    @property
    def answer_length(self) -> int:
        """Room for the answer in tokens."""
        return self.prompt.max_new_tokens if self.prompt is not None else 0
