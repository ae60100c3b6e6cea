"""What is asked and answered: requests, responses, and the sessions they came from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from evaluation.records._inputs import SCHEMA_VERSION, FinishReason, Protocol, Record


class Message(Record):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class Tool(Record):
    """A function that the model may call; `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, JsonValue]


class GenerateRequest(Record):
    """Ask for text: either chat `messages` or a plain `prompt`, never both.

    `turn` counts the requests of one sample that follow each other (MT-Bench has two), `repeat`
    the independent attempts at one sample (pass@k needs several). `tools` go with `messages` and
    reach the model through its chat template.
    """

    kind: Literal["generate"] = "generate"
    sample_id: str
    turn: int = 0
    repeat: int = 0
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
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
    repeat: int = 0
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
    `engine_seconds` is this response's share of the passes it ran in, so that sums over responses
    are the engine's time; `latency_seconds` is the wait from its first pass to its end; `backoffs`
    is how often a batch with it failed (out of memory, say) and was halved; `prefill_seconds` is
    the part of `engine_seconds` that its prompt took, None where an engine computes prompts and
    answers in the same passes. For a log-likelihood
    request, `prompt` is what its continuations have in common, `prompt_tokens` counts the whole
    input of each, and `shared_tokens` those of them that were not computed for this request
    because another continuation or request begins with the same.
    """

    key: str
    sample_id: str
    turn: int
    repeat: int = 0
    session: str
    prompt: str
    text: str = ""
    continuations: list[ContinuationScore] = Field(default_factory=list)
    finish_reason: FinishReason
    prompt_tokens: int = 0
    shared_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    truncated_prompt_tokens: int = 0
    latency_seconds: float = 0.0
    engine_seconds: float = 0.0
    prefill_seconds: float | None = None
    peak_memory: int = 0
    batch_rows: int = 0
    backoffs: int = 0
    error: str | None = None


class Hardware(Record):
    """The machine a step ran on; `device_uuid` is the driver's name of an NVIDIA GPU."""

    platform: str
    processor: str
    cores: int
    memory: int
    device: str
    device_memory: int = 0
    device_uuid: str = ""


# `mixed`: prompts and answers in the same passes, or on a server.
PhaseName = Literal["prefill", "decode", "scoring", "mixed"]


class Phase(Record):
    """One kind of an engine's work: tokens computed and the seconds of the passes for them.

    `padding` is the share of the places computed that held no token; when answers are decoded, the
    share of the cache's places read that held none. `passes` counts passes over the weights. None
    where an engine does not say.
    """

    tokens: int
    seconds: float
    padding: float | None = None
    passes: int | None = None


class DeviceUse(Record):
    """A GPU during a run, as NVML saw it; None is what the driver does not tell.

    `utilisation` is the share of the time in which anything ran on it (not how much of it was
    busy), `watts` the mean power, `joules` the energy, `memory` the most bytes in use.
    """

    utilisation: float | None
    watts: float | None
    joules: float | None
    memory: int | None


class Ceiling(Record):
    """What a session's device reached at best, right after its run, and what passes ask of it.

    `bandwidth` is bytes of memory a second, `matrix` floating-point operations a second in products
    of matrices of `dtype`. `weights` counts those multiplied with every token (neither embeddings
    nor the output matrix), `weight_bytes` is what one pass reads, output matrix included.
    """

    dtype: str
    bandwidth: float
    matrix: float
    weights: int
    weight_bytes: int


class Usage(Record):
    """What the run of a session did and took, from its first request to its last response.

    `engine_seconds` is the sum over its responses, `shared_tokens` counts prompt tokens that were
    not computed because another request begins with the same, `mean_rows` and `most_rows` are
    requests under way (the mean over the engine's time). `cpu_cores` is processor time over wall
    time, `resident_memory` the peak in bytes. `ceiling` is None where it was not measured.
    """

    wall_seconds: float
    engine_seconds: float
    requests: int
    shared_tokens: int
    backoffs: int
    phases: dict[PhaseName, Phase]
    mean_rows: float | None
    most_rows: int
    cpu_cores: float | None
    resident_memory: int
    device: DeviceUse | None = None
    ceiling: Ceiling | None = None


class Session(Record):
    """One load of one model: what every response of it has in common.

    `usage` is there once its run has ended, also by an error; after a kill it is missing.
    """

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
    usage: Usage | None = None


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
