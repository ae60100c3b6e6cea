"""The typed records that cross module and file boundaries.

Every file the workflow writes is made of these models, so that a file from another version or a
truncated one is named instead of half-read. Sizes are in bytes, times in seconds, lengths in
tokens unless the name says otherwise.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

SCHEMA_VERSION: Final = 1

Protocol = Literal["harness", "chat"]
SourceKind = Literal["hub", "mirror", "bundled"]
FinishReason = Literal["stop", "length", "scored", "error"]


class Record(BaseModel):
    """Base of all records: unknown fields are errors and instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# ---- datasets ------------------------------------------------------------------------------


class Sample(Record):
    """One evaluation item in the dataset's own columns.

    `row` holds the Hub columns and is parsed by the benchmark's `Row` model; `category` is the
    stratum (subject, level, kind) by which samples are balanced and scores broken down.
    """

    id: str
    category: str
    row: dict[str, JsonValue]


class DatasetManifest(Record):
    """What `prepare_dataset` resolved: where the rows came from and what they hash to."""

    schema_version: Literal[1] = SCHEMA_VERSION
    dataset: str
    source: SourceKind
    location: str
    revision: str
    licence: str
    fingerprint: str
    rows: int
    seed: int
    few_shot: list[Sample] = Field(default_factory=list)


# ---- models --------------------------------------------------------------------------------


class ModelFile(Record):
    """One file of a model: its name, size in bytes and sha256 where it is known."""

    name: str
    size: int
    sha256: str | None = None


class ModelManifest(Record):
    """What `fetch_model` resolved: the weights that every later step refers to."""

    schema_version: Literal[1] = SCHEMA_VERSION
    model: str
    source: Literal["hub", "pypi", "path"]
    id: str
    revision: str
    licence: str
    directory: str
    files: list[ModelFile]
    fingerprint: str
    architecture: str
    parameters: int
    context_length: int
    chat_template: bool


# ---- requests and responses ----------------------------------------------------------------


class Message(Record):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class GenerateRequest(Record):
    """Ask for text: either chat `messages` or a plain `prompt`, never both.

    `turn` counts the requests of one sample that follow each other (MT-Bench has two).
    """

    kind: Literal["generate"] = "generate"
    sample_id: str
    turn: int = 0
    messages: tuple[Message, ...] = ()
    prompt: str = ""
    stop: tuple[str, ...] = ()
    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0


class Continuation(Record):
    """A text whose probability after a context is asked for."""

    context: str
    text: str


class LoglikelihoodRequest(Record):
    """Ask for the log-probabilities of all continuations of one sample."""

    kind: Literal["loglikelihood"] = "loglikelihood"
    sample_id: str
    turn: int = 0
    continuations: tuple[Continuation, ...]


Request = Annotated[GenerateRequest | LoglikelihoodRequest, Field(discriminator="kind")]


class ContinuationScore(Record):
    """Summed log-probability (nats) of one continuation over its `tokens` tokens.

    `text` is the continuation; where contexts differ, with all of its context that differs.
    """

    text: str = ""
    logprob: float
    tokens: int


class Response(Record):
    """The answer to one request, as the engine gave it.

    `prompt` is the text the model really saw (after the chat template and any truncation);
    `engine_seconds` is this response's share of the batch it ran in, so that sums over responses
    are the engine's time; `latency_seconds` is the wait from the batch's start to its end;
    `backoffs` is how often its batch failed (out of memory, say) and was halved. For a
    log-likelihood request, `prompt` is what its continuations have in common.
    """

    key: str
    sample_id: str
    turn: int
    session: str
    prompt: str
    text: str = ""
    continuations: list[ContinuationScore] = Field(default_factory=list)
    finish_reason: FinishReason
    prompt_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    truncated_prompt_tokens: int = 0
    latency_seconds: float = 0.0
    engine_seconds: float = 0.0
    peak_memory: int = 0
    batch_rows: int = 0
    backoffs: int = 0
    error: str | None = None


class Hardware(Record):
    """The machine a step ran on."""

    platform: str
    processor: str
    cores: int
    memory: int
    device: str
    device_memory: int = 0


class Session(Record):
    """One load of one model: what every response of it has in common."""

    id: str
    model: str
    revision: str
    preset: str
    engine: str
    engine_revision: int
    dtype: str
    exact: bool
    started: str
    load_seconds: float
    packages: dict[str, str]
    hardware: Hardware
    notes: list[str] = Field(default_factory=list)


class ResponsesHeader(Record):
    """First line of a responses file."""

    schema_version: Literal[1] = SCHEMA_VERSION
    model: str
    dataset: str
    preset: str
    slice: str
    protocol: Protocol
    few_shot: int
    samples: int
    sessions: list[Session]


# ---- results -------------------------------------------------------------------------------


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
    chance: float | None = None
    reason: str = ""


class SampleScore(Record):
    """A benchmark's verdict on one sample.

    `scores` has a number in [0, 1] (or the metric's own unit) for each metric that applies;
    an empty dict with a `reason` means that the sample could not be scored.
    """

    scores: dict[str, float] = Field(default_factory=dict)
    extracted: str | None = None
    gold: str = ""
    reason: str = ""


class Turn(Record):
    """One request and its response, as shown to the reader."""

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
    extracted: str | None
    gold: str
    scores: dict[str, float]
    status: Literal["scored", "not scored", "failed"]
    reason: str = ""


class Counts(Record):
    """How the samples of a cell went; nothing is dropped without being counted here."""

    requested: int
    samples: int
    scored: int
    failed: int
    not_scored: int
    truncated_answers: int
    truncated_prompts: int
    thinking: int


class Performance(Record):
    """Engine figures of a cell, summed over its responses."""

    load_seconds: float
    loads: int
    engine_seconds: float
    prompt_tokens: int
    completion_tokens: int
    tokens_per_second: float | None
    peak_memory: int


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
    git_commit: str
    git_dirty: bool | None
    hardware: Hardware
    scored: str


class Result(Record):
    """One model on one dataset at one tier: the file target of the workflow."""

    schema_version: Literal[1] = SCHEMA_VERSION
    model: str
    dataset: str
    title: str
    tier: str
    protocol: Protocol
    few_shot: int
    scores: list[Score]
    categories: list[CategoryScore] = Field(default_factory=list)
    counts: Counts
    flags: list[str]
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
    scores: list[Score]
    categories: list[CategoryScore]
    counts: Counts
    flags: list[str]
    performance: Performance
    provenance: Provenance


class Aggregate(Record):
    """`all.json`: every cell of a tier."""

    schema_version: Literal[1] = SCHEMA_VERSION
    tier: str
    models: list[str]
    datasets: list[str]
    cells: list[Cell]


Result.model_rebuild()
