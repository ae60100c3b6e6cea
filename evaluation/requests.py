"""From samples to requests, their keys, and digests that say when requests change.

A key is a hash of everything that decides a response: the request, the model's files, the preset,
the engine and its settings. Responses are only ever used for the key they were made for, so a
journal can never serve one model's answers as another's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, PromptSettings
from evaluation.config import EngineSettings
from evaluation.prepare import fingerprint, normalise
from evaluation.records import Record, Response, Sample
from evaluation.sources import read_rows
from evaluation.thinking import split_thinking


class EngineIdentity(Record):
    """What decides responses besides the request: the model and how it is run."""

    model_fingerprint: str
    preset: str
    engine: str
    engine_revision: int
    dtype: str
    exact: bool
    thinking: bool


def identity(
    model_fingerprint: str, preset: str, engine: EngineSettings, revision: int, *, thinking: bool
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
) -> Iterator[tuple[str, AnyRequest, Response | None]]:
    """A sample's requests in turn order: each with its key and the known response made for it.

    A follow-up comes only after its predecessor is answered, so each line of requests ends with
    one that has no response, one that failed, or its last turn.
    """
    task = benchmark(dataset)
    shots = task.pick_few_shot(sample, pool, settings.few_shot)
    for first in task.requests(sample, shots, settings):
        request: AnyRequest | None = first
        answers: list[str] = []
        while request is not None:
            key = request_key(dataset, request, engine)
            response = known.get(key)
            yield key, request, response
            if response is None or response.error is not None:
                break
            answers.append(split_thinking(response.text)[1])
            request = task.follow_up(sample, shots, settings, answers)


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
