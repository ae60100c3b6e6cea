"""What comes out: scores, results of cells, and the aggregate of a tier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluation.records._inputs import SCHEMA_VERSION, FinishReason, Protocol, Record, SourceKind
from evaluation.records._responses import ContinuationScore, Hardware, Session


class Interval(Record):
    """A confidence interval and how it was computed."""

    low: float
    high: float
    level: float = 0.95
    method: str


class Score(Record):
    """One metric over the samples of a cell; `value` is None when nothing could be scored."""

    metric: str
    value: float | None
    n: int
    interval: Interval | None = None
    primary: bool = False
    lower_is_better: bool = False
    chance: float | None = None
    reason: str = ""


class SampleScore(Record):
    """A benchmark's verdict on one sample.

    `scores` has a number in [0, 1] (or the metric's own unit) for each metric that applies;
    an empty dict with a `reason` means that the sample could not be scored; `unscorable` says
    that the fault is the row's (or the scorer's), whatever the response had been.
    """

    scores: dict[str, float] = Field(default_factory=dict)
    extracted: str | None = None
    gold: str = ""
    reason: str = ""
    unscorable: bool = False


class Turn(Record):
    """One request and its response, as shown to the reader."""

    repeat: int = 0
    prompt: str
    response: str
    thinking: str = ""
    continuations: list[ContinuationScore] = Field(default_factory=list)
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    thinking_tokens: int
    truncated_prompt_tokens: int
    latency_seconds: float
    error: str | None = None


class SampleResult(Record):
    """One sample of a result: what was asked, what came back and how it was judged."""

    id: str
    category: str
    turns: list[Turn]
    judgments: list[Turn] = Field(default_factory=list)
    extracted: str | None
    gold: str
    scores: dict[str, float]
    status: Literal["scored", "not scored", "failed", "unscorable"]
    reason: str = ""


class Counts(Record):
    """How the samples of a cell went; nothing is dropped without being counted here."""

    requested: int
    samples: int
    scored: int
    failed: int
    not_scored: int
    unscorable: int = 0
    truncated_answers: int
    truncated_prompts: int
    thinking: int


class Performance(Record):
    """Engine figures of a cell, summed over its responses.

    `shared_tokens` of the `prompt_tokens` were not computed for it. Rates are tokens over the
    cell's own share of the engine's time: all tokens generated over all time of responses with an
    answer, prompts' computed tokens over the time for prompts, generated tokens over the rest.
    `joules` is its sessions' energy in proportion to engine time. None is what was not measured.
    `session_seconds` is the engine time by session.
    """

    load_seconds: float
    loads: int
    engine_seconds: float
    prompt_tokens: int
    shared_tokens: int = 0
    completion_tokens: int
    tokens_per_second: float | None
    prefill_tokens_per_second: float | None = None
    decode_tokens_per_second: float | None = None
    mean_rows: float | None = None
    joules: float | None = None
    peak_memory: int
    session_seconds: dict[str, float] = Field(default_factory=dict)


class Provenance(Record):
    """Everything needed to say where a number came from."""

    model_id: str
    model_revision: str
    model_licence: str
    model_fingerprint: str
    dataset_source: SourceKind
    dataset_location: str
    dataset_revision: str
    dataset_fingerprint: str
    preset: str
    seed: int
    sessions: list[Session]
    packages: dict[str, str]
    sandbox: str = ""
    git_commit: str
    git_dirty: bool | None
    hardware: Hardware
    scored: str


class JudgeFacts(Record):
    """Who rated the answers of a cell, and how that went.

    `id` and `revision` are the model's (for an endpoint, as the server names and reports them).
    `self_judged`: the judge rated its own answers, so the cell is no part of any ranking. Of
    `asked` ratings `parsed` could be read; `retried` needed the second request. `failed` and
    `truncated_prompts` count requests; tokens are those of all of them, `session_seconds` their
    engine time by session.
    """

    name: str
    id: str
    revision: str
    self_judged: bool
    asked: int
    parsed: int
    retried: int
    failed: int
    truncated_prompts: int
    prompt_tokens: int
    completion_tokens: int
    sessions: list[Session]
    session_seconds: dict[str, float] = Field(default_factory=dict)


class Result(Record):
    """One model on one dataset at one tier: the file target of the workflow."""

    schema_version: Literal[1] = SCHEMA_VERSION
    model: str
    dataset: str
    title: str
    tier: str
    protocol: Protocol
    few_shot: int
    repeats: int = 1
    scores: list[Score]
    categories: list[CategoryScore] = Field(default_factory=list)
    counts: Counts
    flags: list[str]
    judge: JudgeFacts | None = None
    samples: list[SampleResult]
    performance: Performance
    provenance: Provenance


class CategoryScore(Record):
    """The primary metric within one category (no interval: n is small)."""

    category: str
    value: float | None
    n: int


class Cell(Record):
    """A result without its samples: one field of the heat table."""

    model: str
    dataset: str
    title: str
    tier: str
    protocol: Protocol
    few_shot: int
    repeats: int = 1
    scores: list[Score]
    categories: list[CategoryScore]
    counts: Counts
    flags: list[str]
    judge: JudgeFacts | None = None
    performance: Performance
    provenance: Provenance


class UnreadCell(Record):
    """A cell whose result another version of this project wrote, and what to do about it."""

    model: str
    dataset: str
    reason: str


class Aggregate(Record):
    """`all.json`: every cell of a tier; `unread` are those whose results could not be used."""

    schema_version: Literal[1] = SCHEMA_VERSION
    tier: str
    models: list[str]
    datasets: list[str]
    cells: list[Cell]
    unread: list[UnreadCell] = Field(default_factory=list)


Result.model_rebuild()
