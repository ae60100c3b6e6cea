"""The samples of a dataset and their requests, by this project's own code."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from crosscheck.cells import Cell
from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, PromptSettings
from evaluation.prepare import normalise
from evaluation.records import Protocol, Sample
from evaluation.sources import read_rows


@dataclass(frozen=True)
class Rows:
    """All samples of a dataset in the order of its rows, and its worked examples."""

    samples: list[Sample]
    examples: list[Sample]


@cache
def read(cell: Cell, mirror: Path) -> Rows:
    """The samples of a dataset in a mirror, and worked examples if the cell asks for them."""
    task = benchmark(cell.dataset)
    raw = read_rows(task, "mirror", revision=None, mirror=str(mirror), few_shot=cell.few_shot)
    return Rows(normalise(task, raw.rows), normalise(task, raw.few_shot))


def protocol(dataset: str) -> Protocol:
    """The harness protocol, or chat where the harness too only hands on the prompt (ifeval)."""
    return "harness" if "harness" in benchmark(dataset).card.protocols else "chat"


def settings(cell: Cell) -> PromptSettings:
    """The settings under which the dataset is the harness's task."""
    used = protocol(cell.dataset)
    room = benchmark(cell.dataset).card.max_new_tokens.get(used, 1)
    return PromptSettings(protocol=used, few_shot=cell.few_shot, max_new_tokens=room)


def request(cell: Cell, sample: Sample, rows: Rows, given: PromptSettings) -> AnyRequest:
    """The one request of a sample."""
    task = benchmark(cell.dataset)
    shots = task.pick_few_shot(sample, rows.examples, cell.few_shot)
    (found,) = task.requests(sample, shots, given)
    return found
