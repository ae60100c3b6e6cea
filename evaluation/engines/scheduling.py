"""Continuous batching: rows join the running batch when there is room and leave when they finish.

Longest answers first: the batch then has company to the end, and its last steps are not those of
one late row. When memory runs out, the budget is halved and unfinished rows start again; after any
other failure, halves run by themselves, down to the one row at fault.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

import torch

from evaluation.engines.cache import BLOCK_TOKENS, Block, Newcomer, Stem, merge, place
from evaluation.engines.counters import Counters
from evaluation.engines.decoding import Row, Texts, choose
from evaluation.engines.memory import out_of_memory, trim
from evaluation.engines.ragged import PromptPiece, StepPiece, logits
from evaluation.engines.sharing import shared_stems
from evaluation.errors import first_line

log = logging.getLogger(__name__)

# Tokens of prompts computed in one pass; one longer prompt has a pass of its own.
PREFILL_TOKENS = 1024
# A stem makes a block of its own: it must save at least what that costs.
LEAST_SAVED = BLOCK_TOKENS
# Rows join when this share of the running batch can, so that passes for prompts are not tiny.
JOIN_SHARE = 0.125


@dataclass
class Budget:
    """What the running batch may hold: tokens of prompts and longest answers, and rows."""

    tokens: int
    rows: int


class Scheduler:
    """Answers rows with one model. `rope_switch` is the length where position factors change."""

    def __init__(
        self,
        model: Any,
        texts: Texts,
        budget: Budget,
        *,
        rope_switch: float = inf,
        counters: Counters | None = None,
    ) -> None:
        self.model = model
        self.counters = counters or Counters()
        self.texts = texts
        self.budget = budget
        self.rope_switch = rope_switch
        self.waiting: list[Row] = []
        # Rows to run by themselves, to find the one that makes a pass fail.
        self.suspects: list[list[Row]] = []
        self.closed = False
        self.blocks: list[Block[Row]] = []
        self.stems: dict[tuple[int, ...], Stem] = {}

    def submit(self, rows: Sequence[Row]) -> None:
        """Add rows; they start when there is room."""
        sharing = [row for row in rows if not self._alone(row)]
        stems = shared_stems([row.prompt for row in sharing], LEAST_SAVED)
        for row, stem in zip(sharing, stems, strict=True):
            row.stem = stem
        self._queue(rows)

    @property
    def busy(self) -> bool:
        """Whether rows run or wait."""
        return bool(self.waiting or self.suspects or self.blocks)

    def close(self) -> None:
        """Forget all rows."""
        self.waiting, self.suspects, self.blocks, self.stems = [], [], [], {}

    @torch.inference_mode()
    def step(self) -> list[Row]:
        """Start rows that have room, add one token to each running row; returns finished rows."""
        done = []
        joining = self._joining()
        if joining:
            done += self._start(joining)
        if self.blocks:
            done += self._guarded(self._advance, [])
        self._release_stems()
        return done

    # ---- who runs ----------------------------------------------------------------------------

    def _alone(self, row: Row) -> bool:
        # Beyond the switch all positions of a pass have other factors: such rows run alone.
        return len(row.prompt) + row.max_new_tokens > self.rope_switch

    def _queue(self, rows: Sequence[Row]) -> None:
        self.waiting += rows
        self.waiting.sort(key=lambda row: (row.max_new_tokens, len(row.prompt)), reverse=True)

    def _running(self) -> list[Row]:
        return [row for block in self.blocks for row in block.rows]

    def _joining(self) -> list[Row]:
        running = self._running()
        if not running:
            self.closed = False
            if self.suspects:
                self.closed = True
                return self.suspects.pop()
        if self.closed or self.suspects or not self.waiting:
            return []
        chosen: list[Row] = []
        for row in self.waiting:
            together = [*running, *chosen]
            if together and (self._alone(row) or not self._fits([*together, row])):
                break
            chosen.append(row)
            if self._alone(row):
                self.closed = True
                break
        if len(chosen) < min(len(self.waiting), JOIN_SHARE * len(running)):
            return []
        self.waiting = self.waiting[len(chosen) :]
        return chosen

    def _fits(self, rows: Sequence[Row]) -> bool:
        return len(rows) <= self.budget.rows and held_tokens(rows) <= self.budget.tokens

    def _release_stems(self) -> None:
        """Forget stems that no unfinished row needs."""
        if self.stems:
            rows = [*self._running(), *self.waiting, *(r for lot in self.suspects for r in lot)]
            needed = {stem_of(row) for row in rows}
            self.stems = {tokens: s for tokens, s in self.stems.items() if tokens in needed}

    # ---- passes ------------------------------------------------------------------------------

    def _start(self, rows: list[Row]) -> list[Row]:
        """Compute prompts; a prompt that fails costs only itself, what runs goes on."""
        tick = perf_counter()
        for row in rows:
            row.started = tick if row.started is None else row.started
        running = self._running()
        for row in (*running, *rows):
            row.batch_rows = max(row.batch_rows, len(running) + len(rows))
        try:
            newcomers, first, tokens = self._prompts(rows)
        except Exception as error:
            failure = error
        else:
            seconds = perf_counter() - tick
            _charge(rows, seconds, prefill=True)
            # Nothing is padded; rows that were running wait meanwhile.
            self.counters.add(
                "prefill", tokens=tokens, seconds=seconds, rows=len(rows), places=tokens
            )
            return self._guarded(lambda: self._admit(newcomers, first), rows)
        if out_of_memory(failure):
            return self._back_off(running, rows, failure)
        return self._split(rows, failure, at_once=True)

    def _prompts(self, rows: Sequence[Row]) -> tuple[list[Newcomer[Row]], list[int], int]:
        """Compute prompts in passes of similar length.

        Gives newcomers, each one's first token, and how many tokens were computed.
        """
        computed = 0
        for row in rows:
            tokens = stem_of(row)
            row.shared_tokens = len(tokens) if tokens in self.stems else 0
            if tokens and tokens not in self.stems:
                piece = PromptPiece(list(tokens))
                logits(self.model, [piece])
                computed += len(tokens)
                self.stems[tokens] = Stem(tokens, piece.keys, piece.values)
        ordered = sorted(rows, key=lambda row: len(row.prompt) - row.stem, reverse=True)
        newcomers, first = [], []
        while ordered:
            count, tokens_left = 0, PREFILL_TOKENS
            while count < len(ordered):
                tokens_left -= len(ordered[count].prompt) - ordered[count].stem
                if tokens_left < 0 and count:
                    break
                count += 1
            group, ordered = ordered[:count], ordered[count:]
            pieces = [
                PromptPiece(row.prompt[row.stem :], self.stems.get(stem_of(row))) for row in group
            ]
            first += choose(logits(self.model, pieces), group)
            computed += sum(len(piece.tokens) for piece in pieces)
            newcomers += [
                Newcomer(row, piece.stem, len(piece.tokens), piece.keys, piece.values)
                for row, piece in zip(group, pieces, strict=True)
            ]
        return newcomers, first, computed

    def _admit(self, newcomers: Sequence[Newcomer[Row]], first: Sequence[int]) -> list[Row]:
        tick = perf_counter()
        done = []
        for one, token in zip(newcomers, first, strict=True):
            self.texts.extend(one.row, token)
            if one.row.finish is not None:
                done.append(one.row)
        place(self.blocks, [one for one in newcomers if one.row.finish is None])
        _charge([one.row for one in newcomers], perf_counter() - tick, prefill=True)
        return _ended(done)

    def _advance(self) -> list[Row]:
        tick = perf_counter()
        rows = self._running()
        device = self.model.device
        pieces = [
            StepPiece(block, [row.tokens[-1] for row in block.rows], device)
            for block in self.blocks
        ]
        tokens = choose(logits(self.model, pieces), rows)
        for row, token in zip(rows, tokens, strict=True):
            self.texts.extend(row, token)
        places = sum(len(block.rows) * block.columns for block in self.blocks)
        padding = places - sum(length + 1 for block in self.blocks for length in block.lengths)
        for block in self.blocks:
            block.lengths = [length + 1 for length in block.lengths]
            block.leave([i for i, row in enumerate(block.rows) if row.finish is not None])
        done = [row for row in rows if row.finish is not None]
        if done:
            merge(self.blocks)
            trim(self.model)
        seconds = perf_counter() - tick
        _charge(rows, seconds)
        self.counters.add(
            "decode",
            tokens=len(rows),
            seconds=seconds,
            rows=len(rows),
            places=places,
            padding=padding,
            passes=1,
        )
        return _ended(done)

    # ---- failures ----------------------------------------------------------------------------

    def _guarded(self, action: Any, joining: Sequence[Row]) -> list[Row]:
        """Do something to the blocks; when it fails, all unfinished rows start again."""
        try:
            done: list[Row] = action()
            return done
        except Exception as error:
            failure = error
        rows = list(dict.fromkeys([*self._running(), *joining]))
        self.blocks.clear()
        if out_of_memory(failure):
            return self._back_off([], rows, failure)
        return self._split(rows, failure, at_once=False)

    def _back_off(self, running: Sequence[Row], rows: list[Row], failure: Exception) -> list[Row]:
        """Halve the budget after memory ran out, and let the rows wait for their turn."""
        failure.__traceback__ = None  # its frames hold the memory of the failed pass
        both = [*running, *rows]
        in_use = {id(block.stem) for block in self.blocks}
        self.stems = {tokens: s for tokens, s in self.stems.items() if id(s) in in_use}
        self._free_memory()
        if len(both) == 1:
            tokens = len(rows[0].prompt) + rows[0].max_new_tokens
            alone = MemoryError(
                f"there is not enough memory for this sample alone, a prompt and an answer of up "
                f"to {tokens} tokens ({first_line(failure)})"
            )
            return _failed(rows, alone)
        self.budget.rows = min(self.budget.rows, (len(both) + 1) // 2)
        self.budget.tokens = min(self.budget.tokens, (held_tokens(both) + 1) // 2)
        log.warning(
            "out of memory with %d rows (%s); from now on at most %d rows and %d tokens",
            len(both),
            first_line(failure),
            self.budget.rows,
            self.budget.tokens,
        )
        for row in rows:
            row.restart()
            row.backoffs += 1
        self._queue(rows)
        return []

    def _split(self, rows: list[Row], failure: Exception, *, at_once: bool) -> list[Row]:
        """Run halves by themselves: at once if the rows only lost a pass for their prompts."""
        failure.__traceback__ = None
        self._free_memory()
        if len(rows) == 1:
            return _failed(rows, failure)
        log.warning("a batch of %d failed: %s", len(rows), first_line(failure))
        for row in rows:
            row.restart()
            row.backoffs += 1
        middle = len(rows) // 2
        if at_once:
            return [*self._start(rows[:middle]), *self._start(rows[middle:])]
        self.suspects += [rows[middle:], rows[:middle]]
        return []

    def _free_memory(self) -> None:
        gc.collect()
        if torch.device(self.model.device).type == "cuda":
            torch.cuda.empty_cache()


def stem_of(row: Row) -> tuple[int, ...]:
    """The tokens of a row's stem."""
    return tuple(row.prompt[: row.stem])


def held_tokens(rows: Sequence[Row]) -> int:
    """Tokens that rows hold at most, each stem counted once."""
    return sum(row.own_tokens for row in rows) + sum(map(len, {stem_of(row) for row in rows}))


def _charge(rows: Sequence[Row], seconds: float, *, prefill: bool = False) -> None:
    """Share the engine's time among the rows it was spent on."""
    for row in rows:
        row.engine_seconds += seconds / len(rows)
        if prefill:
            row.prefill_seconds = (row.prefill_seconds or 0.0) + seconds / len(rows)


def _ended(rows: list[Row]) -> list[Row]:
    for row in rows:
        row.latency_seconds = perf_counter() - (row.started or 0.0)
    return rows


def _failed(rows: list[Row], failure: Exception) -> list[Row]:
    for row in rows:
        row.error = failure
    return _ended(rows)
