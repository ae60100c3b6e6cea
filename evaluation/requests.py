"""From samples to requests, their keys, and digests that say when requests change.

A key is a hash of everything that decides a response: the request, the model's files, the preset,
the engine and its settings. Responses are only ever used for the key they were made for, so a
journal can never serve one model's answers as another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, PromptSettings
from evaluation.config import EngineSettings, Weights
from evaluation.prepare import fingerprint, normalise
from evaluation.records import Record, Response, Sample
from evaluation.sources import read_rows
from evaluation.thinking import split_thinking

# A request with its key and the response that was made for it, if there is one.
Exchange = tuple[str, AnyRequest, Response | None]


class EngineIdentity(Record):
    """What decides responses besides the request: the model and how it is run."""

    model_fingerprint: str
    preset: str
    engine: str
    engine_revision: int
    dtype: str
    exact: bool
    thinking: bool | None
    weights: Weights = "full"


def identity(
    model_fingerprint: str,
    preset: str,
    engine: EngineSettings,
    revision: int,
    *,
    thinking: bool | None,
    weights: Weights = "full",
) -> EngineIdentity:
    """The identity of a model under a preset and engine settings."""
    return EngineIdentity(
        model_fingerprint=model_fingerprint,
        preset=preset,
        engine=engine.name,
        engine_revision=revision,
        dtype=engine.dtype,
        exact=engine.exact,
        thinking=thinking,
        weights=weights,
    )


def request_key(dataset: str, request: AnyRequest, engine: EngineIdentity) -> str:
    """The key of a request: sha256 over it, its dataset and the engine's identity."""
    text = f"{dataset}\n{request.model_dump_json()}\n{engine.model_dump_json()}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def first_requests(
    dataset: str, samples: Sequence[Sample], pool: Sequence[Sample], settings: PromptSettings
) -> list[AnyRequest]:
    """The first requests of all samples, in order."""
    task = benchmark(dataset)
    return [
        request
        for sample in samples
        if not sample.unscorable
        for request in task.requests(
            sample, task.pick_few_shot(sample, pool, settings.few_shot), settings
        )
    ]


def exchanges(
    dataset: str,
    sample: Sample,
    pool: Sequence[Sample],
    settings: PromptSettings,
    engine: EngineIdentity,
    known: Mapping[str, Response],
) -> Iterator[Exchange]:
    """A sample's requests in turn order (see `walk`). An unscorable sample has none."""
    if sample.unscorable:
        return
    task = benchmark(dataset)
    shots = task.pick_few_shot(sample, pool, settings.few_shot)
    for first in task.requests(sample, shots, settings):
        yield from walk(
            first,
            lambda answers: task.follow_up(sample, shots, settings, answers),
            lambda request: request_key(dataset, request, engine),
            known,
        )


def walk(
    first: AnyRequest,
    follow_up: Callable[[Sequence[str]], AnyRequest | None],
    key_of: Callable[[AnyRequest], str],
    known: Mapping[str, Response],
) -> Iterator[Exchange]:
    """A line of requests: each with its key and the known response made for it.

    A follow-up comes only after its predecessor is answered, so the line ends with a request that
    has no response, one that failed, or its last turn.
    """
    request: AnyRequest | None = first
    answers: list[str] = []
    while request is not None:
        key = key_of(request)
        response = known.get(key)
        yield key, request, response
        if response is None or response.error is not None:
            break
        answers.append(split_thinking(response.text)[1])
        request = follow_up(answers)


def normaliser_digest(dataset: str) -> str:
    """A digest of what the normaliser makes of the bundled rows.

    It changes when, and only when, the normaliser's outcome does: editing a scorer in the same
    file prepares nothing anew.
    """
    task = benchmark(dataset)
    raw = read_rows(task, "bundled", revision=None, mirror=None)
    return fingerprint([*normalise(task, raw.rows), *normalise(task, raw.few_shot)])[:16]


def requests_digest(dataset: str, settings: PromptSettings) -> str:
    """A digest of the requests that the bundled samples lead to (see `normaliser_digest`)."""
    task = benchmark(dataset)
    raw = read_rows(task, "bundled", revision=None, mirror=None)
    samples, pool = normalise(task, raw.rows), normalise(task, raw.few_shot)
    digest = hashlib.sha256()
    for request in first_requests(dataset, samples, pool, settings):
        digest.update(request.model_dump_json().encode("utf-8"))
    for sample in samples:
        shots = task.pick_few_shot(sample, pool, settings.few_shot)
        follow_up = task.follow_up(sample, shots, settings, ["an answer"])
        if follow_up is not None:
            digest.update(follow_up.model_dump_json().encode("utf-8"))
    return digest.hexdigest()[:16]
