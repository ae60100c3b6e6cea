"""transformers' own continuous batching, with a paged cache and CUDA graphs, for CUDA devices.

It decodes greedily and knows no stop strings. Answers with stops are therefore read token by token
and cancelled at the stop. It reports trouble by results that are missing or too short, not by an
exception: every answer is checked, and what did not end as it should runs again in our scheduler,
and so do sampled rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from math import isinf
from time import perf_counter
from typing import Any, Protocol

import torch

from evaluation.config import Preset
from evaluation.engines.decoding import Row, Texts
from evaluation.engines.scheduling import Scheduler

log = logging.getLogger(__name__)

# How long to wait for a result before looking whether the background thread still lives (seconds).
PATIENCE = 1.0


class Manager(Protocol):
    """What is used of transformers' ContinuousBatchingManager."""

    def start(self) -> None:
        """Start the background thread."""

    def stop(self) -> None:
        """End it and give back its memory."""

    def is_running(self) -> bool:
        """Whether the background thread lives."""
        ...

    def add_request(
        self, input_ids: list[int], request_id: str, max_new_tokens: int, streaming: bool
    ) -> str | None:
        """Take up a request; None when it is refused."""
        ...

    def cancel_request(self, request_id: str) -> None:
        """Drop a request."""

    def get_result(self, *, timeout: float) -> Any:
        """The next result, or None."""
        ...


def usable(model: Any, rope_switch: float) -> bool:
    """Whether a model can run here: full attention with plain keys and values, on CUDA."""
    config = model.config.get_text_config()
    kinds = getattr(config, "layer_types", None)
    window = None if kinds else getattr(config, "sliding_window", None)
    full = set(kinds or ["full_attention"]) == {"full_attention"} and not window
    return (
        torch.device(model.device).type == "cuda"
        and full
        and not getattr(config, "kv_lora_rank", None)
        and isinf(rope_switch)
        and config._attn_implementation == "sdpa"
    )


def new_manager(model: Any, end_tokens: set[int], preset: Preset) -> Manager:
    """transformers' manager with a preset's number of rows and way of decoding."""
    from transformers import ContinuousBatchingConfig, GenerationConfig

    generation = GenerationConfig(
        do_sample=False, eos_token_id=sorted(end_tokens) or [-1], use_cache=True
    )
    batching = ContinuousBatchingConfig(
        use_cuda_graph=preset.decode != "plain",
        default_compile_level=1 if preset.decode == "compiled" else 0,
        allow_block_sharing=True,
        max_requests_per_batch=preset.batch_rows,
        # No kernels are fetched from a hub at run time; unknown settings are errors.
        auto_switch_to_flash=False,
        drop_unsupported_processors=False,
    )
    manager: Manager = model.init_continuous_batching(
        generation_config=generation, continuous_batching_config=batching
    )
    return manager


class ContinuousCuda:
    """Takes the scheduler's place; what it cannot answer goes to the scheduler."""

    def __init__(self, manager: Callable[[], Manager], texts: Texts, scheduler: Scheduler) -> None:
        self.new_manager = manager
        self.texts = texts
        self.scheduler = scheduler
        self.manager: Manager | None = None
        self.names = 0
        self.open: dict[str, Row] = {}
        self.again: list[Row] = []

    def submit(self, rows: Sequence[Row]) -> None:
        """Add rows; greedy ones join the running batch."""
        for row in sorted(rows, key=lambda row: row.max_new_tokens, reverse=True):
            if row.temperature > 0 or not self._add(row):
                self.again.append(row)

    @property
    def busy(self) -> bool:
        """Whether rows run or wait."""
        return bool(self.open or self.again or self.scheduler.busy)

    def step(self) -> list[Row]:
        """Wait for the next tokens; returns finished rows."""
        if not self.open:
            self.close()
            self.scheduler.submit(self.again)
            self.again = []
            return self.scheduler.step() if self.scheduler.busy else []
        assert self.manager is not None
        tick = perf_counter()
        result = self.manager.get_result(timeout=PATIENCE)
        if result is None:
            if not self.manager.is_running():
                self._give_up("its thread ended with requests open")
            return []
        seconds = perf_counter() - tick
        self.scheduler.counters.add("mixed", tokens=0, seconds=seconds, rows=len(self.open))
        for row in self.open.values():
            row.engine_seconds += seconds / len(self.open)
            row.batch_rows = max(row.batch_rows, len(self.open))
        answer = self.open.get(result.request_id)
        # Tokens of a request that was cancelled may still be on their way.
        return self._read(result, answer) if answer is not None else []

    def _read(self, result: Any, row: Row) -> list[Row]:
        for token in result.generated_tokens[len(row.tokens) :]:
            if row.finish is None:
                self.texts.extend(row, token)
        ended = result.is_finished()
        if row.finish is None and not ended:
            return []
        del self.open[result.request_id]
        if row.finish is None or result.error:
            log.warning("an answer is incomplete and runs again: %s", result.error or "no end")
            self._again(row)
            return []
        if not ended and self.manager is not None:
            self.manager.cancel_request(result.request_id)
        row.latency_seconds = perf_counter() - (row.started or 0.0)
        tokens = len(row.prompt) + len(row.tokens)
        self.scheduler.counters.add("mixed", tokens=tokens, seconds=0.0, rows=0)
        return [row]

    def _add(self, row: Row) -> bool:
        try:
            if self.manager is None:
                self.manager = self.new_manager()
                self.manager.start()
            self.names += 1
            name = self.manager.add_request(
                row.prompt,
                request_id=str(self.names),
                max_new_tokens=row.max_new_tokens,
                streaming=bool(row.stop),
            )
        except Exception as error:
            self._give_up(str(error))
            return False
        if name is None:
            return False
        row.started = perf_counter() if row.started is None else row.started
        self.open[name] = row
        return True

    def _again(self, row: Row) -> None:
        row.restart()
        row.backoffs += 1
        self.again.append(row)

    def _give_up(self, reason: str) -> None:
        log.warning("continuous batching failed (%s); open requests run again", reason)
        for row in self.open.values():
            self._again(row)
        self.open.clear()
        self.close()

    def close(self) -> None:
        """Give back the paged cache, which holds most of the device's memory."""
        if self.manager is not None:
            self.manager.stop()
            self.manager = None
