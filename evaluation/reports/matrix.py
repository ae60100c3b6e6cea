"""The matrix of all pairs of models: overall difference, interval and verdict."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.reports.inputs import TierReport
from evaluation.reports.versus import Versus, opponents


@dataclass(frozen=True)
class MatrixRow:
    """A model against each of the others, in the order of the models; None stands for itself."""

    model: str
    cells: tuple[Versus | None, ...]


def matrix(report: TierReport) -> list[MatrixRow]:
    """All pairs, each seen from both of its models; nothing where models were not compared."""
    models = report.aggregate.models
    compared = {name: found for name in models if (found := opponents(report, name))}
    return [
        MatrixRow(name, tuple(found.get(other) for other in compared))
        for name, found in compared.items()
    ]
