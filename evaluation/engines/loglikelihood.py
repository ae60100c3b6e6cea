"""Log-probabilities of continuations, computed in batches of similar length.

Continuations that share all input tokens (one-token choices after one question) share one row;
logits are computed only for the last positions that are needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch

from evaluation.engines.prompts import ContinuationTokens
from evaluation.records import ContinuationScore

# Logits are float32 of the vocabulary's size at each needed position: bound them (bytes).
LOGITS_BYTES = 256 * 2**20


@dataclass
class Line:
    """One distinct input with the continuations that are read off it."""

    tokens: list[int]
    targets: dict[tuple[int, ...], float] = field(default_factory=dict)


@torch.inference_mode()
def score_lines(model: Any, pad: int, lines: Sequence[Line]) -> None:
    """Fill in the summed log-probability of each line's targets."""
    width = max(len(line.tokens) for line in lines)
    needed = max(len(target) for line in lines for target in line.targets)
    ids = torch.full((len(lines), width), pad)
    mask = torch.zeros((len(lines), width), dtype=torch.long)
    for index, line in enumerate(lines):
        ids[index, width - len(line.tokens) :] = torch.tensor(line.tokens)
        mask[index, width - len(line.tokens) :] = 1
    logits = model(
        input_ids=ids.to(model.device),
        attention_mask=mask.to(model.device),
        position_ids=(mask.cumsum(dim=1) - 1).clamp(min=0).to(model.device),
        use_cache=False,
        logits_to_keep=needed,
    ).logits
    for index, line in enumerate(lines):
        for target in line.targets:
            part = logits[index, -len(target) :].float().log_softmax(dim=-1)
            wanted = torch.tensor(target, device=part.device)
            line.targets[target] = part.gather(1, wanted[:, None]).sum().item()


def batches(lines: Sequence[Line], vocabulary: int, max_tokens: int) -> Iterator[list[Line]]:
    """Split lines, longest first, so that tokens and logits stay within bounds."""
    batch: list[Line] = []
    needed = 0
    for line in sorted(lines, key=lambda one: len(one.tokens), reverse=True):
        longest_target = max(needed, *(len(target) for target in line.targets))
        rows = len(batch) + 1
        width = len(batch[0].tokens) if batch else len(line.tokens)
        too_many = rows * width > max_tokens
        too_big = rows * longest_target * vocabulary * 4 > LOGITS_BYTES
        if batch and (too_many or too_big):
            yield batch
            batch, longest_target = [], max(len(target) for target in line.targets)
        batch.append(line)
        needed = longest_target
    if batch:
        yield batch


def score_continuations(
    model: Any,
    pad: int,
    vocabulary: int,
    requests: Sequence[Sequence[ContinuationTokens]],
    max_tokens: int,
) -> Iterator[tuple[int, list[ContinuationScore], float]]:
    """Score all continuations of all requests.

    Yields (index of the request, its scores, seconds of engine time) as each request completes.
    """
    table: dict[tuple[int, ...], Line] = {}
    owners: dict[tuple[int, ...], set[int]] = {}
    for index, continuations in enumerate(requests):
        for item in continuations:
            key = tuple(item.tokens)
            table.setdefault(key, Line(item.tokens)).targets[tuple(item.target)] = 0.0
            owners.setdefault(key, set()).add(index)
    open_lines = [len({tuple(c.tokens) for c in continuations}) for continuations in requests]
    seconds = [0.0] * len(requests)
    for batch in batches(list(table.values()), vocabulary, max_tokens):
        tick = perf_counter()
        score_lines(model, pad, batch)
        share = (perf_counter() - tick) / len(batch)
        for line in batch:
            line_owners = owners[tuple(line.tokens)]
            for index in line_owners:
                open_lines[index] -= 1
                seconds[index] += share / len(line_owners)
        for index in sorted({i for line in batch for i in owners[tuple(line.tokens)]}):
            if open_lines[index] == 0:
                yield index, _collect(requests[index], table), seconds[index]


def _collect(
    continuations: Sequence[ContinuationTokens], table: dict[tuple[int, ...], Line]
) -> list[ContinuationScore]:
    return [
        ContinuationScore(
            logprob=table[tuple(item.tokens)].targets[tuple(item.target)], tokens=len(item.target)
        )
        for item in continuations
    ]
