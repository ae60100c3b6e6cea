"""Where a model runs, and what is said when it cannot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from evaluation.config import EngineSettings
from evaluation.engines.device import check_size, choose_device, choose_dtype, gpu_visible
from evaluation.errors import EvaluationError


def engine(**changes: object) -> EngineSettings:
    return EngineSettings.model_validate(changes)


# ---- check_size ------------------------------------------------------------------------------


def test_a_large_model_without_a_gpu_is_refused_with_what_is_needed() -> None:
    with pytest.raises(EvaluationError) as caught:
        check_size("qwen3_14b", 14.8, engine(), gpu=False)
    error = caught.value
    assert "No GPU" in error.what
    assert "qwen3_14b has 14.8 billion parameters" in error.what
    assert "up to 4 billion" in error.what
    assert error.where == "model qwen3_14b"
    assert "NVIDIA GPU with about 37 GB of memory" in error.remedy
    assert "30 GB of weights in bfloat16" in error.remedy
    assert "make demo" in error.remedy
    assert "engine.cpu_limit_b" in error.remedy


def test_make_demo_is_a_command_that_exists() -> None:
    makefile = Path(__file__).resolve().parents[2] / "Makefile"
    assert any(line.startswith("demo:") for line in makefile.read_text("utf-8").splitlines())


def test_a_large_model_is_refused_on_the_cpu_of_a_machine_with_a_gpu() -> None:
    with pytest.raises(EvaluationError, match=r"14\.8 billion"):
        check_size("qwen3_14b", 14.8, engine(device="cpu"), gpu=True)


def test_cuda_without_a_gpu_is_refused_whatever_the_size() -> None:
    with pytest.raises(EvaluationError) as caught:
        check_size("smollm2_135m", 0.1, engine(device="cuda"), gpu=False)
    assert "engine.device is 'cuda', but no GPU" in caught.value.what
    assert caught.value.where == "model smollm2_135m"
    assert "set engine.device: auto" in caught.value.remedy


@pytest.mark.parametrize(
    ("size", "settings", "gpu"),
    [
        (14.8, {}, True),
        (14.8, {"device": "cuda"}, True),
        (14.8, {"cpu_limit_b": 15}, False),
        (14.8, {"cpu_limit_b": 15, "device": "cpu"}, True),
        (4.0, {}, False),
        (0.135, {"device": "cpu"}, False),
    ],
)
def test_models_that_can_run_are_let_through(
    size: float, settings: dict[str, object], gpu: bool
) -> None:
    check_size("some_model", size, engine(**settings), gpu=gpu)


# ---- gpu_visible -----------------------------------------------------------------------------


def driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Let `nvidia-smi` be a shell script of ours."""
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(
    ("script", "visible"),
    [
        ("echo 'GPU 0: NVIDIA H100 (UUID: GPU-1)'", True),
        ("echo 'No devices found.'", False),
        ("echo 'GPU: driver mismatch'; exit 9", False),
    ],
)
def test_the_driver_says_whether_there_is_a_gpu(
    script: str, visible: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path, monkeypatch, script)
    assert gpu_visible() is visible


@pytest.mark.parametrize(("devices", "visible"), [("", False), ("-1", False), ("0", True)])
def test_a_gpu_that_is_hidden_from_the_process_is_none(
    devices: str, visible: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(tmp_path, monkeypatch, "echo 'GPU 0: NVIDIA H100'")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    assert gpu_visible() is visible


def test_without_a_driver_there_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not gpu_visible()


# ---- device and number format ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "available", "chosen"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_the_device(
    setting: str, available: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_device(engine(device=setting)) == chosen


def test_a_torch_without_cuda_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EvaluationError) as caught:
        choose_device(engine(device="cuda"))
    assert "this torch sees no GPU" in caught.value.what
    assert torch.__version__ in caught.value.where
    assert "CUDA build of torch" in caught.value.remedy


@pytest.mark.parametrize("name", ["bfloat16", "float16", "float32"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_number_format_that_is_set_is_used(name: str, device: str) -> None:
    assert choose_dtype(engine(dtype=name), device) == getattr(torch, name)


@pytest.mark.parametrize(
    ("avx512", "amx", "chosen"),
    [
        (False, False, torch.float32),
        (True, False, torch.bfloat16),
        (False, True, torch.bfloat16),
    ],
)
def test_cpus_use_bfloat16_only_where_they_compute_in_it(
    avx512: bool, amx: bool, chosen: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert choose_dtype(engine(), "cpu") == chosen


@pytest.mark.parametrize(
    ("native", "chosen"), [(True, torch.bfloat16), (False, torch.float16)], ids=["new", "old"]
)
def test_gpus_that_only_emulate_bfloat16_use_float16(
    native: bool, chosen: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert choose_dtype(engine(), "cuda") == chosen


def test_a_gpu_that_torch_cannot_use_is_no_silent_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evaluation.engines.device.gpu_visible", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EvaluationError) as caught:
        choose_device(engine(device="auto"))
    assert "this torch cannot use it" in caught.value.what
    assert torch.__version__ in caught.value.where
    assert "engine.device: cpu" in caught.value.remedy
    assert choose_device(engine(device="cpu")) == "cpu"
