"""All cells of a tier in one place: all.json for programs, CSV and Parquet for tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evaluation.files import write_record, write_with
from evaluation.records import Aggregate, Cell, Result, UnreadCell
from evaluation.result_files import read_results


def aggregate(
    tier: str, models: list[str], datasets: list[str], cells: Sequence[Path]
) -> Aggregate:
    """Read all results of a tier; raises EvaluationError that names a damaged file.

    Results of another version are left out and named: the cells are missing, as the report says.
    """
    read: list[Cell] = []
    unread: list[UnreadCell] = []
    for one in read_results(cells):
        if isinstance(one, Result):
            read.append(to_cell(one))
        else:
            unread.append(one)
    return Aggregate(tier=tier, models=models, datasets=datasets, cells=read, unread=unread)


def to_cell(result: Result) -> Cell:
    """A result without its samples."""
    return Cell.model_validate(
        result.model_dump(exclude={"schema_version", "samples"}, warnings=False)
    )


def write_tables(found: Aggregate, json: Path, csv: Path, parquet: Path) -> None:
    """Write the aggregate as JSON, and one row a score as CSV and Parquet."""
    import pandas as pd

    rows = [
        {
            "tier": found.tier,
            "model": cell.model,
            "dataset": cell.dataset,
            "source": cell.provenance.dataset_source,
            "protocol": cell.protocol,
            "few_shot": cell.few_shot,
            "repeats": cell.repeats,
            "metric": score.metric,
            "primary": score.primary,
            "value": score.value,
            "n": score.n,
            "low": score.interval.low if score.interval else None,
            "high": score.interval.high if score.interval else None,
            "interval": score.interval.method if score.interval else "",
            "reason": score.reason,
            "samples": cell.counts.samples,
            "failed": cell.counts.failed,
            "not_scored": cell.counts.not_scored,
            "unscorable": cell.counts.unscorable,
            "truncated_answers": cell.counts.truncated_answers,
            "truncated_prompts": cell.counts.truncated_prompts,
            # Self-judged cells belong into no ranking.
            "judge": cell.judge.id if cell.judge else "",
            "judge_revision": cell.judge.revision if cell.judge else "",
            "self_judged": cell.judge.self_judged if cell.judge else False,
            "preset": cell.provenance.preset,
            "model_revision": cell.provenance.model_revision,
            "dataset_fingerprint": cell.provenance.dataset_fingerprint,
            "tokens_per_second": cell.performance.tokens_per_second,
            "engine_seconds": cell.performance.engine_seconds,
            "peak_memory": cell.performance.peak_memory,
        }
        for cell in found.cells
        for score in cell.scores
    ]
    # Columns without any number would have no type otherwise.
    numbers = dict.fromkeys(("value", "low", "high", "tokens_per_second"), "float64")
    table = pd.DataFrame(rows)
    table = table.astype({name: kind for name, kind in numbers.items() if name in table})
    write_with(csv, lambda path: table.to_csv(path, index=False))
    write_with(parquet, lambda path: table.to_parquet(path, index=False))
    write_record(json, found)
