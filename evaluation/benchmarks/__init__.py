"""The twelve benchmarks, one module each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from evaluation.benchmarks.base import Benchmark, Card, PromptSettings, Row
from evaluation.config import DATASETS
from evaluation.errors import EvaluationError

__all__ = ["Benchmark", "Card", "PromptSettings", "Row", "benchmark"]


def benchmark(name: str) -> Benchmark[Any]:
    """The benchmark of that name; its module is imported only now."""
    if name not in DATASETS:
        raise EvaluationError(
            f"There is no benchmark '{name}'.", remedy=f"known benchmarks: {', '.join(DATASETS)}"
        )
    found: Benchmark[Any] = import_module(f"evaluation.benchmarks.{name}").BENCHMARK
    return found
