"""Memory: what a token takes, what is free, and what a model that cannot be batched gets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from evaluation.config import Preset
from evaluation.engines import generation, memory, ragged
from evaluation.engines.counters import Counters
from evaluation.engines.decoding import Row, Texts
from evaluation.engines.generation import Generation
from evaluation.engines.ragged import PromptPiece, why_not
from evaluation.engines.single import RowByRow
from tests.engines.conftest import Tiny, Wrapped
from tests.tiny_models import FAMILIES

Load = Callable[[str], Tiny]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_takes_as_many_bytes_as_are_budgeted(tiny: Load, family: str) -> None:
    model = tiny(family).model
    piece = PromptPiece([5, 6, 7])
    with torch.inference_mode():
        ragged.logits(model, [piece])
    stored = sum(part.nbytes for part in (*piece.keys, *piece.values))
    assert stored == 3 * memory.token_bytes(model)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_only_failures_of_memory_count_as_such(error: Exception, expected: bool) -> None:
    assert memory.out_of_memory(error) is expected


def test_a_container_s_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("300\n")
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory._left_in_group(tmp_path) == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._left_in_group(tmp_path) > 2**60
    assert memory._left_in_group(tmp_path / "none") > 2**60


def test_free_memory_bounds_the_batch_and_is_noted(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tiny("llama")
    texts = Texts(one.tokenizer, one.ends)
    preset = Preset(batch_tokens=4096, batch_rows=8)
    ample = Generation(one.model, texts, preset, Counters(), rope_switch=1e9, exact=False)
    assert ample.notes == []
    monkeypatch.setattr(generation, "tokens_that_fit", lambda model: 1000)
    scarce = Generation(one.model, texts, preset, Counters(), rope_switch=1e9, exact=False)
    assert scarce.notes == [
        "at most 1000 tokens in a batch, not the preset's 4096: free memory holds no more"
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_families_can_be_batched(tiny: Load, family: str) -> None:
    assert why_not(tiny(family).model) == ""


class OfAnotherKind(Wrapped):
    """A model that scales its attention in a way of its own."""

    def __call__(self, **inputs: Any) -> Any:
        if "ragged" in inputs:
            inputs["position_ids"] = inputs["position_ids"] * 0
        return super().__call__(**inputs)


def test_a_model_that_cannot_be_batched_answers_one_at_a_time(tiny: Load) -> None:
    one = tiny("llama")
    other = OfAnotherKind(one.model, lambda ids: None)
    assert "its attention is of another kind" in why_not(other)
    texts = Texts(one.tokenizer, one.ends)
    preset = Preset(batch_tokens=4096, batch_rows=8)
    counters = Counters()
    run = Generation(other, texts, preset, counters, rope_switch=1e9, exact=False)
    assert isinstance(run.scheduler, RowByRow)
    assert "one at a time" in run.notes[0]
    prompt = one.tokens("the Question is")
    rows = [Row(prompt, (), 9, 0.0, 0), Row(prompt, (), 9, 1.0, 3)]
    run.scheduler.submit(rows)
    assert [row for _ in rows for row in run.scheduler.step()] == rows
    expected = one.alone(prompt, 9)
    assert rows[0].tokens == (expected[:-1] if expected[-1] in one.ends else expected)
    assert rows[0].batch_rows == 1 and rows[1].tokens != rows[0].tokens
    assert counters.tallies["prefill"].tokens == 2 * len(prompt)
    assert all(0 < (row.prefill_seconds or 0) < row.engine_seconds for row in rows)


def test_freed_memory_goes_back_where_the_c_library_can(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    monkeypatch.setattr(memory, "_malloc_trim", lambda: given.append)
    memory.trim(tiny("llama").model)
    memory.trim(SimpleNamespace(device="cuda"))
    assert given == [0]
    monkeypatch.setattr(memory, "_malloc_trim", lambda: None)
    memory.trim(tiny("llama").model)
