"""Where a model runs and in which number format; says early when it cannot.

The first half needs no torch: it answers before anything is downloaded or loaded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

from evaluation.config import EngineSettings
from evaluation.errors import EvaluationError


def gpu_visible() -> bool:
    """Whether an NVIDIA GPU can be used, asked of the driver (not of torch)."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1"):
        return False
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)
    return listed.returncode == 0 and "GPU" in listed.stdout


def check_size(model: str, parameters_b: float, engine: EngineSettings, *, gpu: bool) -> None:
    """Refuse, before loading, a model too large to run without a GPU.

    `parameters_b` is its size in billions. Raises EvaluationError that says what is needed.
    """
    if engine.device == "cuda" and not gpu:
        raise EvaluationError(
            "engine.device is 'cuda', but no GPU can be used here.",
            where=f"model {model}",
            remedy="run on a machine with an NVIDIA GPU and driver, or set engine.device: auto",
        )
    if (gpu and engine.device != "cpu") or parameters_b <= engine.cpu_limit_b:
        return
    weights = parameters_b * 2
    raise EvaluationError(
        f"No GPU: {model} has {parameters_b:.1f} billion parameters; without a GPU models up to "
        f"{engine.cpu_limit_b:g} billion are run.",
        where=f"model {model}",
        remedy=f"use a machine with an NVIDIA GPU with about {weights * 1.25:.0f} GB of memory "
        f"({weights:.0f} GB of weights in bfloat16, the rest for the batch); to try the pipeline "
        "without a GPU: make demo; to run it on the CPU all the same: raise engine.cpu_limit_b",
    )


def choose_device(engine: EngineSettings) -> str:
    """`cuda` or `cpu`, as set and as available to torch."""
    import torch

    if engine.device == "auto":
        if gpu_visible() and not torch.cuda.is_available():
            raise EvaluationError(
                "The driver shows a GPU, but this torch cannot use it.",
                where=f"torch {torch.__version__}",
                remedy="install the CUDA build of torch that fits the driver, or set "
                "engine.device: cpu to run on the CPU on purpose",
            )
        return "cuda" if torch.cuda.is_available() else "cpu"
    if engine.device == "cuda" and not torch.cuda.is_available():
        raise EvaluationError(
            "engine.device is 'cuda', but this torch sees no GPU.",
            where=f"torch {torch.__version__}",
            remedy="install the CUDA build of torch and a driver, or set engine.device: auto",
        )
    return engine.device


def choose_dtype(engine: EngineSettings, device: str) -> Any:
    """The torch dtype: as set, or bfloat16 where the hardware computes in it, else float32."""
    import torch

    if engine.dtype != "auto":
        return getattr(torch, engine.dtype)
    if device == "cuda":
        # Without the argument torch also counts cards that only emulate it.
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32
