"""Attention for bfloat16 on a CPU, several queries at a time, by plain matrix products.

torch's fused attention for CPUs reaches a sixth of the matrix rate in bfloat16 (150 of 900 GFLOP/s
where this was measured), these products a third. Queries go in blocks, so that the scores of a
block stay in the processor's cache. Scores are rounded to bfloat16, as in transformers' own plain
attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface

NAME = "evaluation_blocked"
BLOCK_BYTES = 2**20


def faster_here(one: Any) -> bool:
    """Whether these products are faster than torch's fused attention: for a tensor or a model."""
    return bool(one.device.type == "cpu" and one.dtype == torch.bfloat16)


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    *,
    first: int | None = None,
) -> torch.Tensor:
    """From scaled queries (heads, tokens, size) to (heads, tokens, value size).

    Keys and values may have fewer heads, each for a group of queries. `mask` is additive, (tokens,
    keys); `first` instead means causal attention, where the first query is at that place among the
    keys.
    """
    heads, tokens, size = query.shape
    shared, keys = key.shape[:2]
    groups = heads // shared
    turned = key.transpose(1, 2)
    block = max(16, BLOCK_BYTES // (heads * keys * query.element_size()))
    outputs = []
    for start in range(0, tokens, block):
        stop = min(start + block, tokens)
        seen = keys if first is None else min(keys, first + stop)
        part = query[:, start:stop].reshape(shared, groups * (stop - start), size)
        scores = torch.bmm(part, turned[:, :, :seen]).view(shared, groups, stop - start, seen)
        if mask is not None:
            scores += mask[start:stop]
        if first is not None:
            later = torch.ones(stop - start, stop - start, dtype=torch.bool, device=query.device)
            scores[..., first + start :].masked_fill_(later.triu(1), float("-inf"))
        weights = scores.softmax(dim=-1).view(shared, groups * (stop - start), seen)
        found = torch.bmm(weights, value[:, :seen])
        outputs.append(found.view(heads, stop - start, -1))
    return torch.cat(outputs, dim=1) if len(outputs) > 1 else outputs[0]


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor,
    *,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in each attention layer, for one row with an additive mask."""
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    found = attend(query[0] * scale, key[0], value[0], attention_mask[0, 0])
    return found.transpose(0, 1)[None].contiguous(), None


AttentionInterface.register(NAME, _attention)


@contextmanager
def use(config: Any, name: str) -> Iterator[None]:
    """Let a model compute with the attention of that name meanwhile."""
    before = config._attn_implementation
    config._attn_implementation = name
    try:
        yield
    finally:
        config._attn_implementation = before


@contextmanager
def reference(model: Any) -> Iterator[None]:
    """Let a model compute by itself, rounding where the products above round: for trials.

    In bfloat16 torch's fused kernel is no yardstick: on random tokens it moved the logits of Gemma
    3 270M by 25% from those in float32, where plain products moved them by 3 to 9%.
    """
    own = model.config._attn_implementation
    with use(model.config, "eager" if own == "sdpa" and faster_here(model) else own):
        yield
