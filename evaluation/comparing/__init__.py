"""Comparisons of results: which may be compared, sample by sample, and what can be said of them.

Knows results and nothing of files or Snakemake. The numbers come from `evaluation.statistics`,
which needs scipy: only jobs import this package.
"""

from __future__ import annotations

from evaluation.comparing.averages import macro_averages
from evaluation.comparing.pairs import compare_pair, judge_families
from evaluation.comparing.tier import cells, compare_tier, read_results, without_texts

__all__ = [
    "cells",
    "compare_pair",
    "compare_tier",
    "judge_families",
    "macro_averages",
    "read_results",
    "without_texts",
]
