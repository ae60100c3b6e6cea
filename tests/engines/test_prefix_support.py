"""Which models share prefixes: those whose shared rows agree with separate ones, and no others."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from evaluation.engines.packing import Line
from evaluation.engines.prefix_support import (
    NotSharedError,
    agree,
    attention_windows,
    trial_lines,
)
from tests.engines.conftest import Tiny
from tests.tiny_models import FAMILIES, WINDOW

Load = Callable[[str], Tiny]


class Deaf:
    """A model that changes what it is told before it does it."""

    def __init__(self, model: Any, change: Callable[[dict[str, Any]], None]) -> None:
        self.model = model
        self.change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, **inputs: Any) -> Any:
        # Shared rows alone: they have a mask of single tokens.
        if inputs["attention_mask"].ndim == 4:
            self.change(inputs)
        return self.model(**inputs)


def all_before(inputs: dict[str, Any]) -> None:
    """Each token sees all tokens before it in the row."""
    size, seen = inputs["attention_mask"].shape[-2:]
    before = torch.arange(seen) <= torch.arange(seen - size, seen)[:, None]
    inputs["attention_mask"] = torch.zeros(size, seen).masked_fill(~before, -torch.inf)[None, None]


def places_in_the_row(inputs: dict[str, Any]) -> None:
    """Each token is where it stands in the row, not in its own input."""
    first, size = inputs["position_ids"][0, 0], inputs["position_ids"].shape[1]
    inputs["position_ids"] = torch.arange(first, first + size)[None]


def no_stem(inputs: dict[str, Any]) -> None:
    """What is in the cache is not seen."""
    mask = inputs["attention_mask"]
    mask[..., : mask.shape[-1] - mask.shape[-2]] = -torch.inf


def refuse(inputs: dict[str, Any]) -> None:
    raise TypeError("unexpected keyword argument 'position_ids'\nand more")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_families_of_the_pipeline_share_prefixes(tiny: Load, family: str, dtype: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny(family).folder, dtype=getattr(torch, dtype))
    windows = attention_windows(model)
    expected: dict[str, dict[str, int | None]] = {
        "mistral": {"": WINDOW},
        "gemma3_text": {"full_attention": None, "sliding_attention": WINDOW},
        "qwen3": {"full_attention": None},
    }
    assert windows == expected.get(family, {"": None})


@pytest.mark.parametrize("change", [all_before, places_in_the_row, no_stem])
@pytest.mark.parametrize("family", ["llama", "olmo2", "phi3", "deepseek_v2"])
def test_a_model_that_does_not_do_as_told_is_found_out(
    tiny: Load, family: str, change: Callable[[dict[str, Any]], None]
) -> None:
    with pytest.raises(NotSharedError, match="other probabilities than in separate ones"):
        attention_windows(Deaf(tiny(family).model, change))


def test_a_model_that_refuses_shared_rows_is_named(tiny: Load) -> None:
    with pytest.raises(NotSharedError) as caught:
        attention_windows(Deaf(tiny("llama").model, refuse))
    assert str(caught.value) == (
        "a trial failed: TypeError: unexpected keyword argument 'position_ids'"
    )


def random_model(family: str, **settings: Any) -> Any:
    torch.manual_seed(1)
    config = AutoConfig.for_model(
        family, vocab_size=300, hidden_size=32, num_attention_heads=4, num_hidden_layers=2
    )
    config.update(settings)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


def test_positions_that_come_from_the_padding_mask_are_not_shared() -> None:
    # Bloom computes its position biases from a mask of whole inputs.
    with pytest.raises(NotSharedError, match="a trial failed: ValueError"):
        attention_windows(random_model("bloom"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"layer_types": ["conv", "full_attention"]}, "it has layers with conv"),
        (
            {"layer_types": ["linear_attention", "chunked_attention"]},
            "it has layers with chunked_attention, linear_attention",
        ),
        ({"attention_chunk_size": 64}, "it has layers with chunked_attention"),
        (
            {"_attn_implementation": "flash_attention_2"},
            "flash_attention_2 takes no mask of single tokens",
        ),
    ],
)
def test_attention_that_no_mask_of_tokens_expresses_is_not_shared(
    settings: dict[str, Any], reason: str
) -> None:
    config = SimpleNamespace(**{"_attn_implementation": "sdpa", **settings})
    config.get_text_config = lambda: config
    with pytest.raises(NotSharedError) as caught:
        attention_windows(SimpleNamespace(config=config))
    assert str(caught.value) == reason


@pytest.mark.parametrize("vocabulary", [300, 49_152, 262_144])
def test_the_trial_s_inputs_are_distinct_and_begin_alike(vocabulary: int) -> None:
    lines = trial_lines(vocabulary)
    assert len({line.tokens for line in lines}) == len(lines)
    assert len({line.tokens[:32] for line in lines}) == 1
    assert all(0 <= token < vocabulary for line in lines for token in line.tokens)


def test_agreement_is_measured_against_the_spread() -> None:
    def line(*values: float) -> Line:
        return Line((1,), {(token,): value for token, value in enumerate(values)})

    one = line(-1.0, -5.0)
    assert agree(one, one, 0)
    assert agree(line(-1.4, -5.4), one, 0.25)
    assert not agree(line(-1.6, -5.6), one, 0.25)
    assert not agree(line(nan, -5.0), one, 0.25)
    assert not agree(one, line(nan, nan), 0.25)
    assert agree(line(-2.0, -2.0), line(-2.0, -2.0), 0.25), "a model that knows nothing"
