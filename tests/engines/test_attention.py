"""Attention in blocks is torch's attention."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from evaluation.engines import attention
from evaluation.engines.attention import attend


def expected(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    groups = query.shape[0] // key.shape[0]
    return scaled_dot_product_attention(
        query[None],
        key.repeat_interleave(groups, dim=0)[None],
        value.repeat_interleave(groups, dim=0)[None],
        attn_mask=mask,
        scale=1.0,
    )[0]


@given(
    shared=st.integers(1, 3),
    groups=st.integers(1, 3),
    tokens=st.integers(1, 70),
    before=st.integers(0, 40),
    block=st.sampled_from([1, 4000, 2**20]),
    causal=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_blocks_are_torch_s_attention(
    shared: int, groups: int, tokens: int, before: int, block: int, causal: bool, seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    query = torch.randn(shared * groups, tokens, 8, generator=draw)
    key = torch.randn(shared, before + tokens, 8, generator=draw)
    value = torch.randn(shared, before + tokens, 6, generator=draw)
    seen = torch.ones(tokens, before + tokens).tril(before).bool()
    if not causal:
        # A tree's mask: each token sees itself and some of what is before it.
        holes = torch.rand(tokens, before + tokens, generator=draw) < 0.5
        seen &= holes | torch.ones_like(seen).triu(before)
    mask = torch.zeros(seen.shape).masked_fill(~seen, float("-inf"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "BLOCK_BYTES", block)
        found = attend(
            query, key, value, None if causal else mask, first=before if causal else None
        )
    torch.testing.assert_close(found, expected(query, key, value, mask), rtol=1e-4, atol=1e-5)


def test_bfloat16_is_nearly_as_near_to_the_truth_as_torch_s() -> None:
    """Scores are rounded to bfloat16; torch's kernel keeps them in float32."""
    draw = torch.Generator().manual_seed(7)
    query, key, value = (torch.randn(6, 300, 32, generator=draw) for _ in range(3))
    mask = torch.zeros(300, 300).masked_fill(torch.ones(300, 300).triu(1) == 1, float("-inf"))
    truth = expected(query, key, value, mask)
    half = [one.bfloat16() for one in (query, key, value)]
    ours = attend(half[0], half[1], half[2], None, first=0).float()
    theirs = expected(half[0], half[1], half[2], mask.bfloat16()).float()
    assert (ours - truth).norm() <= 3 * (theirs - truth).norm()
