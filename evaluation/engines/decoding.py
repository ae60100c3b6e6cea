"""Decode a batch of prompts: each row with its own stops, limit, temperature and seed.

Rows leave the batch when they finish. Greedy rows take the argmax of the logits in float32;
sampled rows draw from their own seeded generator, so that the batch does not change the draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal

import torch
from transformers.cache_utils import Cache

from evaluation.engines.cache import join_caches, prompt_cache

# Rows that finished are dropped from the cache once they are this share of the batch.
DROP_SHARE = 0.25
# Prompts computed together: at most this many tokens (padding included) in one forward pass.
PREFILL_TOKENS = 4096


@dataclass
class Row:
    """One prompt being answered."""

    prompt: list[int]
    stop: tuple[str, ...]
    max_new_tokens: int
    temperature: float
    seed: int
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    finish: Literal["stop", "length"] | None = None
    engine_seconds: float = 0.0
    latency_seconds: float = 0.0
    generator: torch.Generator | None = None


class Decoder:
    """Decodes batches with one model and tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, end_tokens: set[int]) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.end_tokens = end_tokens
        self.pad = tokenizer.pad_token_id or 0

    @torch.inference_mode()
    def run(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Answer all rows; yields each when it is finished."""
        start = perf_counter()
        # Longest first keeps the groups of the prompt pass even.
        active = sorted(rows, key=lambda row: len(row.prompt), reverse=True)
        room = max(row.max_new_tokens for row in active)
        width = len(active[0].prompt)
        mask = torch.zeros((len(active), width + room), dtype=torch.long)
        for index, row in enumerate(active):
            mask[index, width - len(row.prompt) : width] = 1
            if row.temperature > 0:
                row.generator = torch.Generator().manual_seed(row.seed)
        mask = mask.to(self.model.device)
        positions = mask.sum(dim=1)
        cache, logits = self._prefill(active, room)
        while True:
            tick = perf_counter()
            running = [row for row in active if row.finish is None]
            next_tokens = self._choose(logits, active)
            for row, token in zip(active, next_tokens.tolist(), strict=True):
                if row.finish is None:
                    self._extend(row, token)
            _charge(running, tick)
            for row in running:
                if row.finish is not None:
                    row.latency_seconds = perf_counter() - start
                    yield row
            # What the caller does with a row is not the engine's time.
            tick = perf_counter()
            open_rows = [i for i, row in enumerate(active) if row.finish is None]
            if not open_rows:
                return
            if len(active) - len(open_rows) >= DROP_SHARE * len(active):
                keep = torch.tensor(open_rows, device=mask.device)
                for layer in cache.layers:
                    layer.batch_select_indices(keep)
                mask, positions, next_tokens = mask[keep], positions[keep], next_tokens[keep]
                active = [active[i] for i in open_rows]
            mask[:, width] = 1
            width += 1
            logits = self.model(
                input_ids=next_tokens[:, None],
                attention_mask=mask[:, :width],
                position_ids=positions[:, None],
                past_key_values=cache,
                use_cache=True,
            ).logits[:, -1]
            positions = positions + 1
            _charge([row for row in active if row.finish is None], tick)

    def _prefill(self, rows: Sequence[Row], room: int) -> tuple[Cache, torch.Tensor]:
        """Compute all prompts in groups of similar length; the last logits of each row."""
        caches, logits = [], []
        index = 0
        while index < len(rows):
            tick = perf_counter()
            longest = len(rows[index].prompt)
            group = rows[index : index + max(1, PREFILL_TOKENS // max(1, longest))]
            ids = torch.full((len(group), longest), self.pad)
            mask = torch.zeros((len(group), longest), dtype=torch.long)
            for i, row in enumerate(group):
                ids[i, longest - len(row.prompt) :] = torch.tensor(row.prompt)
                mask[i, longest - len(row.prompt) :] = 1
            cache = prompt_cache()
            output = self.model(
                input_ids=ids.to(self.model.device),
                attention_mask=mask.to(self.model.device),
                position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0).to(self.model.device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            caches.append(cache)
            logits.append(output.logits[:, -1])
            index += len(group)
            _charge(group, tick)
        return join_caches(caches, room), torch.cat(logits)

    def _choose(self, logits: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
        tokens = logits.argmax(dim=-1)
        for index, row in enumerate(rows):
            if row.generator is not None and row.finish is None:
                scaled = logits[index].float().cpu() / row.temperature
                tokens[index] = torch.multinomial(
                    scaled.softmax(dim=-1), 1, generator=row.generator
                )[0]
        return tokens

    def _extend(self, row: Row, token: int) -> None:
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


def _charge(rows: Sequence[Row], since: float) -> None:
    """Share the engine's time since a tick among the rows it was spent on."""
    share = (perf_counter() - since) / len(rows)
    for row in rows:
        row.engine_seconds += share


def cut_at(text: str, stop: Sequence[str]) -> str:
    """The text before the first stop string."""
    places = [place for place in (text.find(s) for s in stop) if place >= 0]
    return text[: min(places)] if places else text
