"""Measure what a device reaches at best: memory bandwidth and matrix products."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from benchmarks.roofline import Ceilings

# Repetitions of a measurement, of which the fastest counts.
REPEATS = 7
BUFFER = {"cpu": 2**29, "cuda": 2**32}
SIZES = {"cpu": (1024, 2048, 3072), "cuda": (4096, 8192, 12288)}


def measure_ceilings(device: str, dtype: str) -> Ceilings:
    """Measure a device (`cpu` or `cuda`) in a number format (`bfloat16`, say)."""
    import torch

    format_ = getattr(torch, dtype)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    return Ceilings(
        device=name,
        dtype=dtype,
        bandwidth=_bandwidth(device),
        matrix=max(_matrix(device, format_, size) for size in SIZES[device]),
    )


def _bandwidth(device: str) -> float:
    """Bytes a second: the better of reading a buffer beyond any cache and copying it."""
    import torch

    size = BUFFER[device]
    source = torch.ones(size // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    read = size / _fastest(device, source.sum)
    return max(read, 2 * size / _fastest(device, lambda: target.copy_(source)))


def _matrix(device: str, dtype: Any, size: int) -> float:
    """Floating-point operations a second in a product of square matrices."""
    import torch

    left = torch.randn(size, size, device=device).to(dtype)
    right = torch.randn(size, size, device=device).to(dtype)
    return float(2 * size**3 / _fastest(device, lambda: left @ right))


def _fastest(device: str, work: Callable[[], Any]) -> float:
    import torch

    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return min(times)
