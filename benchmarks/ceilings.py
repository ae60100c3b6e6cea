"""Measure what a device reaches at best, with more patience than a session has for it."""

from __future__ import annotations

from benchmarks.roofline import Ceilings
from evaluation.ceiling import Effort, bandwidth, matrix

EFFORTS = {
    "cpu": Effort(buffer=2**29, sizes=(1024, 2048, 3072), repeats=7),
    "cuda": Effort(buffer=2**32, sizes=(4096, 8192, 12288), repeats=7),
}


def measure_ceilings(device: str, dtype: str) -> Ceilings:
    """Measure a device (`cpu` or `cuda`) in a number format (`bfloat16`, say)."""
    import torch

    effort = EFFORTS[device]
    return Ceilings(
        device=torch.cuda.get_device_name() if device == "cuda" else "cpu",
        dtype=dtype,
        bandwidth=bandwidth(device, effort),
        matrix=matrix(device, getattr(torch, dtype), effort),
    )
