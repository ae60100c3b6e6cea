"""Results on disk as plain text: what `snakemake analyze` and `snakemake compare` print.

Reads what exists, whether or not the configuration has changed since, and computes nothing. In a
terminal, tables take its width; elsewhere they are 100 columns wide and without colours. Text of
models, datasets and servers is shown as it is: no markup, no control characters.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from rich.console import Console

from evaluation.config import TIERS
from evaluation.errors import EvaluationError
from evaluation.terminal import comparisons, results

__all__ = ["print_comparisons", "print_results"]

WIDTH = 100


def print_results(root: Path = Path("results"), out: TextIO | None = None) -> None:
    """Print all tiers that have results; raises EvaluationError when there are none."""
    _print_tiers(root, "all.json", "results", results.print_tier, out)


def print_comparisons(root: Path = Path("results"), out: TextIO | None = None) -> None:
    """Print all tiers that were compared; raises EvaluationError when there are none."""
    _print_tiers(root, "comparisons.json", "comparisons", comparisons.print_tier, out)


def _print_tiers(
    root: Path,
    name: str,
    things: str,
    show: Callable[[Console, Path], None],
    out: TextIO | None,
) -> None:
    tiers = [tier for tier in TIERS if (root / tier / name).exists()]
    if not tiers:
        raise EvaluationError(
            f"There are no {things} to show.",
            where=f"{root}/TIER/{name}, with TIER one of {', '.join(TIERS)}",
            remedy=f"make them first, e.g. `snakemake --cores all {root}/quick/{name}`",
        )
    out = out or sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")  # a terminal may know fewer characters
    console = Console(
        file=out,
        width=None if out.isatty() else WIDTH,
        color_system="auto" if out.isatty() else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for tier in tiers:
        show(console, root / tier)
