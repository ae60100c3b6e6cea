"""Log-probabilities of continuations: what requests have in common is computed once.

Continuations of the same input are read off the same positions. Inputs that begin alike share
that beginning, within a request and between requests (few-shot examples, say); see packing.py.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from time import perf_counter
from typing import Any

import torch

from evaluation.engines.counters import Counters
from evaluation.engines.memory import out_of_memory
from evaluation.engines.packing import Limits, Line
from evaluation.engines.padded_rows import score_padded
from evaluation.engines.prefix import Step, Windows, score_shared
from evaluation.engines.prompts import ContinuationTokens
from evaluation.errors import first_line
from evaluation.records import ContinuationScore

log = logging.getLogger(__name__)

# Logits are float32 of the vocabulary's size at each needed position: bound them (bytes).
LOGITS_BYTES = 256 * 2**20
# Tokens of a shared row: with fewer the processor is used badly, with more much attention is
# computed that the mask then hides. On two CPU cores 256 to 512 were fastest; a GPU needs more.
ROW_TOKENS = {"cpu": 256, "cuda": 2048}
SMALLEST_ROW = 64
# One request alone that does not fit into memory is tried with passes this often halved.
MOST_HALVINGS = 5
PADDED_TOKENS = 8192


@dataclass
class Scored:
    """One request's scores.

    `computed` counts the input tokens computed for it: those that an earlier request computed are
    not among them. `seconds` is its share of the engine's time, `latency` the wall time from its
    first forward pass to its last, `rows` how many requests shared the last one, `backoffs` how
    often passes failed and were made smaller before. With an `error` there are no scores.
    """

    index: int
    scores: list[ContinuationScore] = field(default_factory=list)
    computed: int = 0
    seconds: float = 0.0
    latency: float = 0.0
    rows: int = 0
    backoffs: int = 0
    error: Exception | None = None


@dataclass(frozen=True)
class Scorer:
    """How one model scores: `windows` is None if it cannot share prefixes.

    `rope_switch` is the length beyond which its position factors change: longer inputs share
    nothing with shorter ones. `max_tokens` bounds what one forward pass holds.
    """

    model: Any
    pad: int
    windows: Windows | None
    max_tokens: int
    rope_switch: float = inf
    counters: Counters = field(default_factory=Counters)

    def steps(self, lines: Sequence[Line], halvings: int) -> Iterator[Step]:
        """Score lines; forward passes are `halvings` times half as large as they could be."""
        vocabulary = self.model.config.get_text_config().vocab_size
        logits = max(1, LOGITS_BYTES // (4 * vocabulary) >> halvings)
        row = max(SMALLEST_ROW, ROW_TOKENS[self.model.device.type] >> halvings)
        batch = max(SMALLEST_ROW, PADDED_TOKENS >> halvings)
        apart = [len(line.tokens) > self.rope_switch or self.windows is None for line in lines]
        padded = [line for line, alone in zip(lines, apart, strict=True) if alone]
        shared = [line for line, alone in zip(lines, apart, strict=True) if not alone]
        if self.windows is not None:
            limits = Limits(min(row, self.max_tokens), logits)
            yield from score_shared(self.model, self.windows, shared, limits)
        limits = Limits(min(batch, self.max_tokens), logits)
        yield from score_padded(self.model, self.pad, padded, limits)


def score_all(scorer: Scorer, requests: Sequence[Sequence[ContinuationTokens]]) -> Iterator[Scored]:
    """Score all requests; what fails runs again in halves, down to the one request at fault.

    Halves have smaller passes. They are halves of the sorted requests, as neighbours share most.
    """
    todo = [(sorted(range(len(requests)), key=lambda i: requests[i][0].tokens), 0)]
    while todo:
        indices, halvings = todo.pop()
        left = dict.fromkeys(indices)
        try:
            for done in score_continuations(scorer, [requests[i] for i in indices], halvings):
                done.index, done.backoffs = indices[done.index], halvings
                del left[done.index]
                yield done
        except Exception as error:
            log.warning("a pass for %d requests failed: %s", len(left), first_line(error))
            if len(left) == 1 and not (out_of_memory(error) and halvings < MOST_HALVINGS):
                yield Scored(next(iter(left)), backoffs=halvings, error=error)
                continue
        if not left:
            continue
        # Out of the handler: the error's traceback held the memory of the failed pass.
        gc.collect()
        if scorer.model.device.type == "cuda":
            torch.cuda.empty_cache()
        again = list(left)
        middle = len(again) // 2
        todo += [(half, halvings + 1) for half in (again[middle:], again[:middle]) if half]


def score_continuations(
    scorer: Scorer, requests: Sequence[Sequence[ContinuationTokens]], halvings: int = 0
) -> Iterator[Scored]:
    """Score all continuations of all requests; yields each request as it completes."""
    lines: dict[tuple[int, ...], Line] = {}
    owners: dict[tuple[int, ...], list[int]] = {}
    for index, continuations in enumerate(requests):
        for item in continuations:
            key = tuple(item.tokens)
            lines.setdefault(key, Line(key)).targets[tuple(item.target)] = 0.0
            if index not in owners.setdefault(key, []):
                owners[key].append(index)
    open_lines = [len({tuple(item.tokens) for item in items}) for items in requests]
    results = [Scored(index) for index in range(len(requests))]
    started: dict[int, float] = {}
    for step in scorer.steps(list(lines.values()), halvings):
        now = perf_counter()
        whole = sum(len(line.tokens) for line in step.lines)
        present = set(chain.from_iterable(owners[line.tokens] for line in step.lines))
        scorer.counters.add(
            "scoring",
            tokens=sum(step.computed),
            seconds=step.seconds,
            rows=len(present),
            places=step.places,
            padding=step.places - sum(step.computed),
        )
        for line, computed in zip(step.lines, step.computed, strict=True):
            results[owners[line.tokens][0]].computed += computed
            for index in owners[line.tokens]:
                share = len(line.tokens) / whole / len(owners[line.tokens])
                results[index].seconds += step.seconds * share
                open_lines[index] -= 1
        for index in sorted(present):
            started.setdefault(index, now - step.seconds)
            if open_lines[index] == 0:
                done = results[index]
                done.scores = _collect(requests[index], lines)
                done.latency = now - started[index]
                done.rows = len(present)
                yield done


def _collect(
    continuations: Iterable[ContinuationTokens], lines: dict[tuple[int, ...], Line]
) -> list[ContinuationScore]:
    return [
        ContinuationScore(
            logprob=lines[tuple(item.tokens)].targets[tuple(item.target)], tokens=len(item.target)
        )
        for item in continuations
    ]
