"""What a tier's history is made of: one record a run, with its scores and what led to them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluation.records._inputs import SCHEMA_VERSION, Protocol, Record, SourceKind


class CellRun(Record):
    """A cell's primary score as a run left it, and everything recorded that could move it.

    `engines` and `devices` are those of its sessions in words, in order of their names; `running`
    and `scoring` name the package versions of its sessions and of its scorer
    (`RunRecord.packages`).
    """

    model: str
    dataset: str
    metric: str
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    protocol: Protocol
    few_shot: int
    repeats: int
    max_new_tokens: int
    temperature: float
    thinking: bool | None
    preset: str
    seed: int
    model_id: str
    model_revision: str
    model_fingerprint: str
    dataset_source: SourceKind
    dataset_revision: str
    dataset_fingerprint: str
    engines: list[str]
    devices: list[str]
    judge: str
    sandbox: str
    commit: str
    dirty: bool | None
    running: list[str]
    scoring: str


class RunRecord(Record):
    """A line of `history.jsonl`: what a tier was after a run that changed it.

    `recorded` is when the line was written (ISO 8601, UTC); `packages` are versions by package,
    under the names that cells refer to them by.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    recorded: str
    tier: str
    cells: list[CellRun]
    packages: dict[str, dict[str, str]] = Field(default_factory=dict)
