"""A model's primary scores in the two forms that the Hugging Face Hub reads.

`.eval_results/*.yaml` of a model's repository feeds the leaderboards of datasets that are
registered as benchmarks; `model-index`, in the head of the model's README, takes any dataset.
Values are in percent, as on those leaderboards; ratings stay as they are.

Only results of the benchmark itself: bundled samples are our own writing, and a judge's rating of
its own answers belongs into no ranking. What is left out is named at the head of the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import Field

from evaluation.benchmarks import benchmark
from evaluation.records import Cell, Record
from evaluation.reports import format as fmt

COMMIT = re.compile(r"[0-9a-f]{40}")


class HubDataset(Record):
    """A dataset's repository; `task_id` is the task's name in its eval.yaml."""

    id: str
    task_id: str
    revision: str | None = None


class HubResult(Record):
    """One entry of `.eval_results/*.yaml`."""

    dataset: HubDataset
    value: float
    date: str
    notes: str


class IndexTask(Record):
    """What kind of task a result is of."""

    type: str = "text-generation"
    name: str = "Text Generation"


class IndexDataset(Record):
    """The rows of a result."""

    name: str
    type: str
    config: str | None = None
    split: str
    revision: str | None = None
    args: dict[str, int | str]


class IndexMetric(Record):
    """A metric and its value."""

    type: str
    name: str
    value: float


class IndexResult(Record):
    """One entry of `model-index`."""

    task: IndexTask = Field(default_factory=IndexTask)
    dataset: IndexDataset
    metrics: list[IndexMetric]


class HubResults(Record):
    """Both forms, and by dataset why others are in neither."""

    name: str
    eval_results: list[HubResult]
    model_index: list[IndexResult]
    left_out: dict[str, str]


def hub_results(cells: Sequence[Cell]) -> HubResults:
    """The results of one model's cells of a tier."""
    left_out = {cell.dataset: reason for cell in cells if (reason := refused(cell))}
    kept = [cell for cell in cells if cell.dataset not in left_out]
    return HubResults(
        name=cells[0].model,
        eval_results=[_hub_result(cell) for cell in kept],
        model_index=[_index_result(cell) for cell in kept],
        left_out=left_out,
    )


def refused(cell: Cell) -> str:
    """Why a cell is not published as a result of its benchmark; "" where it may be."""
    if cell.provenance.dataset_source not in ("hub", "mirror"):
        return "bundled samples, not the benchmark"
    score = fmt.primary(cell.scores)
    if score is None or score.value is None or not math.isfinite(score.value):
        return (score.reason if score else "") or "no score"
    if cell.judge is not None and cell.judge.self_judged:
        return "the judge rated its own answers"
    return ""


def eval_results_yaml(found: HubResults) -> str:
    """The file for `.eval_results/` of the model's repository."""
    entries = [entry.model_dump(exclude_none=True) for entry in found.eval_results]
    return _head(found) + _yaml(entries)


def model_index_yaml(found: HubResults) -> str:
    """The lines for the head of the model's README."""
    entries = [entry.model_dump(exclude_none=True) for entry in found.model_index]
    return _head(found) + _yaml({"model-index": [{"name": found.name, "results": entries}]})


def _yaml(content: Any) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


def _head(found: HubResults) -> str:
    """Comments that say what is not in the file."""
    lines = [f"{name}: {' '.join(reason.split())}" for name, reason in found.left_out.items()]
    return "".join(f"# Left out: {fmt.visible(line)}\n" for line in lines)


def _hub_result(cell: Cell) -> HubResult:
    metric, value, interval = _value(cell)
    return HubResult(
        dataset=HubDataset(
            id=benchmark(cell.dataset).card.hub_id, task_id=cell.dataset, revision=_revision(cell)
        ),
        value=value,
        date=cell.provenance.scored,
        notes=", ".join(
            [metric, *interval, fmt.setup(cell.protocol, cell.few_shot, cell.repeats), *_rows(cell)]
        ),
    )


def _index_result(cell: Cell) -> IndexResult:
    card = benchmark(cell.dataset).card
    metric, value, interval = _value(cell)
    return IndexResult(
        dataset=IndexDataset(
            name=f"{card.title} ({', '.join(_rows(cell))})",
            type=card.hub_id,
            config=card.files.config,
            split=card.files.split,
            revision=_revision(cell),
            args={
                "protocol": cell.protocol,
                "num_few_shot": cell.few_shot,
                "num_samples": cell.counts.scored,
                "seed": cell.provenance.seed,
            },
        ),
        metrics=[IndexMetric(type=metric, name=", ".join([metric, *interval]), value=value)],
    )


def _value(cell: Cell) -> tuple[str, float, list[str]]:
    """The primary metric, its value as the Hub shows it, and its interval in words."""
    score = fmt.primary(cell.scores)
    if score is None or score.value is None:
        raise ValueError(f"refused cell: {cell.dataset}")
    factor = 1 if "rating" in fmt.words(score.metric) else 100
    found = score.interval
    interval = (
        []
        if found is None
        else [
            f"{100 * found.level:g}% interval {factor * found.low:.1f} to {factor * found.high:.1f}"
        ]
    )
    return score.metric, round(factor * score.value, 4), interval


def _rows(cell: Cell) -> list[str]:
    """Which rows a score is of: a sample of the benchmark, or all where it has no more."""
    counts = cell.counts
    whole = counts.samples < counts.requested
    words = [f"{counts.scored} " + (f"of all {counts.samples}" if whole else "stratified samples")]
    if cell.provenance.dataset_source == "mirror":
        words.append("rows from a local mirror")
    return words


def _revision(cell: Cell) -> str | None:
    found = cell.provenance.dataset_revision
    return found if COMMIT.fullmatch(found) else None
