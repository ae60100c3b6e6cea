"""Generate requests through the scheduler: from tokenised requests to rows and back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from evaluation.config import Preset
from evaluation.engines.batching import take_batch
from evaluation.engines.continuous_cuda import ContinuousCuda, new_manager, usable
from evaluation.engines.counters import Counters
from evaluation.engines.decoding import Row, Texts
from evaluation.engines.memory import tokens_that_fit
from evaluation.engines.ragged import why_not
from evaluation.engines.scheduling import Budget, Scheduler
from evaluation.engines.single import RowByRow
from evaluation.engines.waiting import Waiting
from evaluation.records import GenerateRequest

log = logging.getLogger(__name__)


class Generation:
    """All generate requests of one run; `notes` say how they are run, for the session.

    With `exact`, batches hold requests of one group, are whole and end before the next begins.
    """

    def __init__(
        self,
        model: Any,
        texts: Texts,
        preset: Preset,
        counters: Counters,
        *,
        rope_switch: float,
        exact: bool,
    ) -> None:
        self.preset = preset
        self.exact = exact
        self.notes: list[str] = []
        self.items: dict[Row, Waiting] = {}
        self.held: list[Waiting] = []
        self.scheduler: Scheduler | RowByRow | ContinuousCuda
        reason = why_not(model)
        if reason:
            self.notes.append(f"answers are generated one at a time, without a batch: {reason}")
            self.scheduler = RowByRow(model, texts, counters)
        else:
            budget = Budget(self._tokens(model), preset.batch_rows)
            own = Scheduler(model, texts, budget, rope_switch=rope_switch, counters=counters)
            self.scheduler = own
            if usable(model, rope_switch) and not exact:
                self.notes.append(
                    f"greedy answers come from transformers' continuous batching ({preset.decode})"
                )
                self.scheduler = ContinuousCuda(
                    lambda: new_manager(model, texts.end_tokens, preset), texts, own
                )
        for note in self.notes:
            log.info(note)

    def _tokens(self, model: Any) -> int:
        free = tokens_that_fit(model)
        if free < self.preset.batch_tokens:
            self.notes.append(
                f"at most {free} tokens in a batch, not the preset's {self.preset.batch_tokens}: "
                "free memory holds no more"
            )
        return min(free, self.preset.batch_tokens)

    @property
    def busy(self) -> bool:
        """Whether anything is not answered yet."""
        return bool(self.items or self.held)

    def close(self) -> None:
        """Give back the memory of the batch, for other work; requests may be added afterwards."""
        self.scheduler.close()

    def add(self, items: Sequence[Waiting]) -> None:
        """Take up requests; they join the running batch when there is room."""
        if self.exact:
            self.held += items
        elif items:
            self._submit(items)

    def step(self) -> list[tuple[Waiting, Row]]:
        """One step of the batch; the requests that were answered or failed by it."""
        if self.held and not self.scheduler.busy:
            batch = take_batch(
                self.held,
                max_tokens=self.preset.batch_tokens,
                max_rows=self.preset.batch_rows,
                exact=True,
            )
            taken = set(map(id, batch))
            self.held = [item for item in self.held if id(item) not in taken]
            self._submit(batch)
        return [(self.items.pop(row), row) for row in self.scheduler.step()]

    def _submit(self, items: Sequence[Waiting]) -> None:
        rows = [_row(item) for item in items]
        self.items.update(zip(rows, items, strict=True))
        self.scheduler.submit(rows)


def _row(item: Waiting) -> Row:
    request, prompt = item.pooled.request, item.prompt
    assert prompt is not None
    assert isinstance(request, GenerateRequest)
    return Row(
        prompt=prompt.tokens,
        stop=prompt.stop,
        max_new_tokens=prompt.max_new_tokens,
        temperature=request.temperature,
        seed=request.seed,
    )
