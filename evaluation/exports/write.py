"""The export of a tier: reads its results and comparisons once, writes every form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.aggregate import to_cell
from evaluation.exports.every_eval_ever import every_eval_ever
from evaluation.exports.hub_results import eval_results_yaml, hub_results, model_index_yaml
from evaluation.exports.tables import (
    ComparisonRow,
    SampleRow,
    comparison_rows,
    sample_rows,
    write_table,
)
from evaluation.files import read_record, write_text
from evaluation.records import Cell, Comparisons, Result


@dataclass(frozen=True)
class Targets:
    """Where everything goes: tables as (CSV, Parquet), and folders with one file a model."""

    samples: tuple[Path, Path]
    comparisons: tuple[Path, Path]
    every_eval_ever: Path
    hub: Path


def export_tier(results: Sequence[Path], comparisons: Path | None, targets: Targets) -> None:
    """Write the export of a tier; without `comparisons` (one model) their tables are empty.

    Raises EvaluationError that names a damaged file.
    """
    rows: list[SampleRow] = []
    models: dict[str, list[tuple[Cell, list[str]]]] = {}
    for path in results:
        # Results are large: only what is exported stays in memory.
        result = read_record(path, Result)
        rows += sample_rows(result)
        ids = [sample.id for sample in result.samples]
        models.setdefault(result.model, []).append((to_cell(result), ids))
    write_table(rows, SampleRow, *targets.samples)
    compared = [] if comparisons is None else comparison_rows(read_record(comparisons, Comparisons))
    write_table(compared, ComparisonRow, *targets.comparisons)
    for model, found in models.items():
        cells = [cell for cell, _ in found]
        record = every_eval_ever(cells, [ids for _, ids in found])
        text = record.model_dump_json(indent=1, exclude_none=True) + "\n"
        write_text(targets.every_eval_ever / f"{model}.json", text)
        for_hub = hub_results(cells)
        write_text(targets.hub / f"{model}.eval_results.yaml", eval_results_yaml(for_hub))
        write_text(targets.hub / f"{model}.model_index.yaml", model_index_yaml(for_hub))
