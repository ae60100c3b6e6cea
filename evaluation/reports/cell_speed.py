"""Every cell's tokens, engine time and latency."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.records import Cell
from evaluation.reports import fields, links
from evaluation.reports.fields import Field, Table
from evaluation.reports.inputs import SampleDigest, TierReport
from evaluation.reports.notes import named
from evaluation.reports.spread import quantile

CAPTION = (
    "Engine: this cell's share of the passes its requests ran in. Read: tokens of its prompts; "
    "reused ones of them were computed for another request. Written: tokens of its answers. "
    "Tokens a second: written ones over the engine time of requests with an answer. Wait: from "
    "a sample's first pass to its end, all turns together, while others run in the same batch; the "
    "median, and the time that 95 of 100 samples stay within (the 95th percentile)."
)


def table(report: TierReport) -> Table:
    """One row a cell, in the order of datasets and models."""
    heads = (
        *("Dataset", "Model", "Samples", "Engine", "Read", "Reused", "Written", "Tokens/s"),
        *("Median wait", "95% within"),
    )
    rows = [
        _row(report, cell)
        for dataset in report.aggregate.datasets
        for model in report.aggregate.models
        if (cell := report.cell(model, dataset)) is not None
    ]
    return Table("cells", "", CAPTION, heads, rows, words=2)


def waits(samples: Sequence[SampleDigest]) -> tuple[float, float] | None:
    """Median and 95th percentile of the seconds that asked samples took."""
    found = [one.latency_seconds for one in samples if one.finish_reasons]
    return (quantile(found, 0.5), quantile(found, 0.95)) if found else None


def _row(report: TierReport, cell: Cell) -> tuple[Field, ...]:
    took, key = cell.performance, (cell.model, cell.dataset)
    waited = waits(report.digests.get(key, ()))
    there = key in report.digests
    return (
        fields.words(named(cell), links.cell_samples(*key) if there else ""),
        fields.words(cell.model),
        fields.count(cell.counts.samples),
        fields.seconds(took.engine_seconds),
        fields.count(took.prompt_tokens),
        fields.count(took.shared_tokens),
        fields.count(took.completion_tokens),
        fields.rate(took.tokens_per_second),
        fields.seconds(waited[0] if waited else None),
        fields.seconds(waited[1] if waited else None),
    )
