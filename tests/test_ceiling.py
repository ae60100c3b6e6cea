"""What a device reaches is measured where it says something, and never costs an answer."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from evaluation import ceiling as measured
from evaluation.ceiling import Effort, bandwidth, ceiling, matrix, routed, weights_of
from evaluation.engines.packed_linear import PackedLinear, pack
from tests import tiny_models

LITTLE = Effort(buffer=2**16, sizes=(8, 16), repeats=2)


def tiny(family: str, folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    from transformers import AutoModelForCausalLM

    tiny_models.build(family, folder)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def test_weights_are_those_of_products_and_passes_read_the_output_matrix_too(
    tmp_path: Path,
) -> None:
    model = tiny("llama", tmp_path)
    table = model.get_input_embeddings().weight.numel()
    whole = sum(one.numel() for one in model.parameters())
    found = weights_of(model)
    assert found.body == whole - 2 * table
    assert found.size == (whole - table) * 4


def test_packed_weights_count_like_plain_ones(tmp_path: Path) -> None:
    model = tiny("llama", tmp_path, torch.bfloat16)
    plain = weights_of(model)
    pack(model)
    if not any(isinstance(one, PackedLinear) for one in model.modules()):
        pytest.skip("this machine packs no weights")
    assert weights_of(model) == plain


@pytest.mark.parametrize(("family", "expected"), [("llama", False), ("deepseek_v2", True)])
def test_a_mixture_of_experts_is_told_from_a_dense_model(
    family: str, expected: bool, tmp_path: Path
) -> None:
    assert routed(tiny(family, tmp_path)) is expected


def test_small_models_and_mixtures_are_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any) -> float:
        raise AssertionError("measured")

    monkeypatch.setattr(measured, "bandwidth", never)
    assert ceiling(tiny("llama", tmp_path / "small")) is None
    monkeypatch.setattr(measured, "SMALLEST", 0)
    assert ceiling(tiny("deepseek_v2", tmp_path / "mixture")) is None


def test_a_measurement_has_rates_and_what_the_model_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "SMALLEST", 0)
    monkeypatch.setattr(measured, "SHORT", {"cpu": LITTLE})
    model = tiny("llama", tmp_path)
    state = torch.get_rng_state()
    found = ceiling(model)
    assert found is not None
    assert found.dtype == "float32"
    assert min(found.bandwidth, found.matrix) > 0
    assert (found.weights, found.weight_bytes) == (weights_of(model).body, weights_of(model).size)
    assert torch.equal(torch.get_rng_state(), state)


def test_what_cannot_be_measured_is_a_line_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any) -> float:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(measured, "SMALLEST", 0)
    monkeypatch.setattr(measured, "bandwidth", full)
    assert ceiling(tiny("llama", tmp_path)) is None
    assert "ceilings are not measured" in caplog.text


def test_rates_are_amounts_over_the_fastest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.5, 0.25])
    monkeypatch.setattr(measured, "fastest", lambda *_: next(times))
    # Read once in half a second; read and written in a quarter.
    assert bandwidth("cpu", LITTLE) == 2 * 2**16 / 0.25
    times = iter([1.0, 1.0])
    assert matrix("cpu", torch.float32, LITTLE) == 2 * 16**3


def test_the_fastest_repetition_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0])
    monkeypatch.setattr(measured, "perf_counter", lambda: next(clock))
    assert measured.fastest("cpu", lambda: None, 3) == 1.0


def test_heads_of_their_own_are_read_once() -> None:
    table = torch.nn.Embedding(10, 4)
    head = torch.nn.Linear(4, 10, bias=False)
    head.weight = table.weight
    layer = torch.nn.Linear(4, 4, bias=False)
    model = SimpleNamespace(
        dtype=torch.float32,
        get_output_embeddings=lambda: head,
        get_input_embeddings=lambda: table,
        modules=lambda: [table, layer, head],
        parameters=lambda: [table.weight, layer.weight],
    )
    found = weights_of(model)
    assert (found.body, found.size) == (16, (16 + 40) * 4)
