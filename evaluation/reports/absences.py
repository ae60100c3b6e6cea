"""Cells that have no score, grouped for the notes at the top of the overview."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.reports.heat import HeatRow


@dataclass(frozen=True)
class Absence:
    """The models without a score on a dataset, in a word and with the reason."""

    title: str
    word: str
    reason: str
    models: tuple[str, ...]


def absences(rows: Iterable[HeatRow]) -> list[Absence]:
    """What has no score, by dataset and reason."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        for cell in row.cells:
            if cell.word:
                found.setdefault((row.title, cell.word, cell.reason), []).append(cell.model)
    return [Absence(*key, tuple(models)) for key, models in found.items()]
