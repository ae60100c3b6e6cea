"""Answers one at a time with the model's own cache: slow, and right for every kind of model."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import torch

from evaluation.engines.counters import Counters
from evaluation.engines.decoding import Row, Texts, choose


class RowByRow:
    """Takes the place of the scheduler for models whose attention cannot be batched here."""

    def __init__(self, model: Any, texts: Texts, counters: Counters | None = None) -> None:
        self.model = model
        self.texts = texts
        self.counters = counters or Counters()
        self.waiting: list[Row] = []

    def submit(self, rows: Sequence[Row]) -> None:
        """Add rows; they are answered in their order."""
        self.waiting += rows

    @property
    def busy(self) -> bool:
        """Whether rows wait."""
        return bool(self.waiting)

    def close(self) -> None:
        """Forget all rows."""
        self.waiting = []

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Answer the next row."""
        row = self.waiting.pop(0)
        start = perf_counter()
        row.batch_rows = 1
        try:
            self._answer(row)
        except Exception as error:
            row.error = error
        row.engine_seconds = row.latency_seconds = perf_counter() - start
        return [row]

    def _answer(self, row: Row) -> None:
        tokens, cache = row.prompt, None
        while row.finish is None:
            tick = perf_counter()
            output = self.model(
                input_ids=torch.tensor([tokens], device=self.model.device),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = output.past_key_values
            count, seconds = len(tokens), perf_counter() - tick
            if row.prefill_seconds is None:
                row.prefill_seconds = seconds
                self.counters.add("prefill", tokens=count, seconds=seconds, rows=1, places=count)
            else:
                self.counters.add("decode", tokens=1, seconds=seconds, rows=1, passes=1)
            tokens = choose(output.logits[:, -1], [row])
            self.texts.extend(row, tokens[0])
