"""Packed weights change where weights lie, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from evaluation.engines import packed_linear
from evaluation.engines.packed_linear import PackedLinear, pack, why_not
from tests.engines.conftest import Tiny
from tests.tiny_models import FAMILIES

Load = Callable[[str], Tiny]

REASON = why_not(nn.Linear(64, 64).bfloat16())
needs_kernels = pytest.mark.skipif(
    bool(REASON), reason=f"this processor packs no bfloat16: {REASON}"
)


def half(one: Tiny) -> Any:
    return copy.deepcopy(one.model).bfloat16()


def linears(model: nn.Module) -> list[nn.Module]:
    return [child for child in model.modules() if type(child) is nn.Linear]


@needs_kernels
@pytest.mark.parametrize("family", FAMILIES)
def test_a_packed_model_gives_the_same_logits(tiny: Load, family: str) -> None:
    one = tiny(family)
    plain, packed = half(one), half(one)
    assert pack(packed) == ""
    assert linears(plain)
    assert not linears(packed)
    for text in ("C", "and so on, and on and on: " * 9):
        ids = torch.tensor([one.tokens(text)])
        with torch.inference_mode():
            wanted, found = plain(input_ids=ids).logits, packed(input_ids=ids).logits
        torch.testing.assert_close(found, wanted, rtol=0.05, atol=0.05)


@needs_kernels
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7,), (1, 1), (2, 5), (1, 300)])
def test_any_shape_of_inputs_and_a_bias(shape: tuple[int, ...], bias: bool) -> None:
    linear = nn.Linear(48, 80, bias=bias).bfloat16()
    inputs = torch.randn(*shape, 48).bfloat16()
    with torch.inference_mode():
        found = PackedLinear(linear)(inputs)
        torch.testing.assert_close(found, linear(inputs), rtol=0.02, atol=0.02)
    assert found.shape == (*shape, 80)


@needs_kernels
def test_weights_are_not_there_twice(tiny: Load) -> None:
    model = half(tiny("llama"))
    linear = linears(model)[0]
    assert pack(model) == ""
    held = {id(parameter) for parameter in model.parameters()}
    assert id(linear.weight) not in held


def test_float32_stays_as_it_is(tiny: Load) -> None:
    model = copy.deepcopy(tiny("llama").model)
    count = len(linears(model))
    assert pack(model) == ""
    assert len(linears(model)) == count > 0


def broken(*_: Any) -> Any:
    raise RuntimeError("no such kernel\nand more")


def wrong(inputs: torch.Tensor, *_: Any) -> torch.Tensor:
    return torch.ones(*inputs.shape[:-1], 64, dtype=inputs.dtype)


@pytest.mark.parametrize(
    ("forward", "reason"), [(broken, "no such kernel"), (wrong, "results differ by")]
)
def test_kernels_that_are_not_as_expected_are_not_used(
    forward: Any, reason: str, tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = half(tiny("llama"))
    count = len(linears(model))

    class Other(nn.Module):
        def __init__(self, linear: nn.Linear) -> None:
            super().__init__()
            self.outputs = linear.out_features

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = forward(inputs)
            return found[..., :1].expand(*inputs.shape[:-1], self.outputs)

    monkeypatch.setattr(packed_linear, "PackedLinear", Other)
    note = pack(model)
    assert note.startswith("the weights are not laid out for this processor: ")
    assert reason in note
    assert len(linears(model)) == count
