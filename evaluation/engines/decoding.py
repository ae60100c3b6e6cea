"""One answer as it grows: its next token, its end, its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch


@dataclass(eq=False)
class Row:
    """One prompt being answered; finished once it has a `finish` or an `error`.

    `engine_seconds` is its share of the engine's time and `prefill_seconds` the part of it for the
    prompt (None if unknown), `latency_seconds` the time from the start of its first pass to its
    end, `batch_rows` how many rows it shared a step with at most, and `backoffs` how often it was
    started again because a pass failed. `stem` counts the first tokens
    that are kept once for several prompts, `shared_tokens` those of them that another row had
    computed.
    """

    prompt: list[int]
    stop: tuple[str, ...]
    max_new_tokens: int
    temperature: float
    seed: int
    stem: int = 0
    shared_tokens: int = 0
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    finish: Literal["stop", "length"] | None = None
    error: Exception | None = None
    engine_seconds: float = 0.0
    prefill_seconds: float | None = None
    latency_seconds: float = 0.0
    started: float | None = None
    batch_rows: int = 0
    backoffs: int = 0
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        self.restart()

    @property
    def own_tokens(self) -> int:
        """Tokens of the prompt and of the longest answer, without those of the stem."""
        return len(self.prompt) - self.stem + self.max_new_tokens

    def restart(self) -> None:
        """Forget the answer so far; the next attempt draws the same samples."""
        self.tokens, self.text, self.finish, self.batch_rows = [], "", None, 0
        if self.temperature > 0:
            self.generator = torch.Generator().manual_seed(self.seed)


def choose(logits: torch.Tensor, rows: Sequence[Row]) -> list[int]:
    """The next token of each row: the likeliest, or one drawn with the row's own generator."""
    # `max` is several times as fast as `argmax` in bfloat16 on a CPU.
    tokens: list[int] = logits.max(dim=-1).indices.tolist()
    drawn = [index for index, row in enumerate(rows) if row.generator is not None]
    if drawn:
        heat = torch.tensor([rows[i].temperature for i in drawn], dtype=torch.float64)
        # In float64, on the CPU: a sum of 100,000 small numbers decides.
        sums = (logits[drawn].double().cpu() / heat[:, None]).softmax(dim=-1).cumsum(dim=-1)
        points = torch.cat(
            [torch.rand(1, generator=rows[i].generator, dtype=torch.float64) for i in drawn]
        )
        found = torch.searchsorted(sums, points[:, None] * sums[:, -1:], right=True)
        for index, token in zip(drawn, found[:, 0].tolist(), strict=True):
            tokens[index] = min(token, logits.shape[-1] - 1)
    return tokens


class Texts:
    """Extends rows by tokens and sees where their texts end."""

    def __init__(self, tokenizer: Any, end_tokens: set[int]) -> None:
        self.tokenizer = tokenizer
        self.end_tokens = end_tokens

    def extend(self, row: Row, token: int) -> None:
        """Add one token to a row and see whether it is finished."""
        if token in self.end_tokens:
            row.finish = "stop"
        else:
            row.tokens.append(token)
            if row.stop and self._stopped(row):
                row.finish = "stop"
            elif len(row.tokens) >= row.max_new_tokens:
                row.finish = "length"
        if row.finish is not None:
            row.text = cut_at(self._decode(row.tokens), row.stop)

    def _stopped(self, row: Row) -> bool:
        # A stop string spans at most as many tokens as it has bytes; the tail is enough.
        longest = max(len(stop.encode()) for stop in row.stop)
        tail = self._decode(row.tokens[-(longest + 4) :])
        return any(stop in tail for stop in row.stop)

    def _decode(self, tokens: list[int]) -> str:
        text: str = self.tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def cut_at(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop string."""
    places = [place for place in (text.find(s) for s in stop) if place >= 0]
    return text[: min(places)] if places else text
