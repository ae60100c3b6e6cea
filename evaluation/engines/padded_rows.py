"""Log-probabilities from whole inputs, in padded batches of similar length: no prefix is shared.

For models whose inputs cannot share what they begin with, and for inputs too long to (longrope).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import Any

import torch

from evaluation.engines.packing import Limits, Line
from evaluation.engines.prefix import Step


@torch.inference_mode()
def score_padded(model: Any, pad: int, lines: Sequence[Line], limits: Limits) -> Iterator[Step]:
    """Fill in the summed log-probabilities of the lines' targets, batch by batch."""
    for batch in batches(lines, limits):
        tick = perf_counter()
        score_batch(model, pad, batch)
        lengths = [len(line.tokens) for line in batch]
        yield Step(batch, lengths, perf_counter() - tick, len(batch) * max(lengths))


def score_batch(model: Any, pad: int, lines: Sequence[Line]) -> None:
    """Fill in the summed log-probability of each line's targets, from one batch."""
    width = max(len(line.tokens) for line in lines)
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
        logits_to_keep=max(line.needed for line in lines),
    ).logits
    for index, line in enumerate(lines):
        for target in line.targets:
            part = logits[index, -len(target) :].float().log_softmax(dim=-1)
            wanted = torch.tensor(target, device=part.device)
            line.targets[target] = part.gather(1, wanted[:, None]).sum().item()


def batches(lines: Sequence[Line], limits: Limits) -> Iterator[list[Line]]:
    """Split lines, longest first, so that tokens and logits (padding included) keep the limits."""
    batch: list[Line] = []
    needed = 0
    for line in sorted(lines, key=lambda one: len(one.tokens), reverse=True):
        rows = len(batch) + 1
        width = len(batch[0].tokens) if batch else len(line.tokens)
        wider = max(needed, line.needed)
        if batch and (rows * width > limits.tokens or rows * wider > limits.logits):
            yield batch
            batch, wider = [], line.needed
        batch.append(line)
        needed = wider
    if batch:
        yield batch
