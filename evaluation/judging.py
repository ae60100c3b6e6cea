"""Who judges open answers and what a judge is asked about them.

The requests themselves are the benchmark's (`Judged`). Here they get keys, which hold the judge's
identity and whose answers are rated, so that a changed judge rates anew and answers nothing anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, Evidence, PromptSettings
from evaluation.config import ENDPOINT, EngineSettings, Weights
from evaluation.errors import EvaluationError
from evaluation.prepare import normalise
from evaluation.records import (
    GenerateRequest,
    ModelManifest,
    Record,
    Response,
    Sample,
)
from evaluation.requests import EngineIdentity, Exchange, identity, request_key, walk
from evaluation.sources import read_rows
from evaluation.thinking import split_thinking


@runtime_checkable
class Judged(Protocol):
    """What a benchmark whose card says `judged` offers besides the rest."""

    def judge_requests(
        self, sample: Sample, evidence: Evidence, max_new_tokens: int
    ) -> list[GenerateRequest]:
        """The first requests to the judge, told apart by `repeat`; none for missing answers."""
        ...

    def judge_follow_up(
        self, first: GenerateRequest, replies: Sequence[str]
    ) -> GenerateRequest | None:
        """What to ask after the judge's replies (without thinking) to `first`, if anything."""
        ...

    def ratings(self, judgments: Sequence[Response]) -> dict[int, float | None]:
        """The ratings by `repeat`, None where none could be read."""
        ...


class ModelJudge(Record):
    """A model of ours as judge: what decides its ratings besides requests and files."""

    kind: Literal["model"] = "model"
    name: str
    preset: str
    engine: EngineSettings
    engine_revision: int
    thinking: bool | None
    weights: Weights = "full"
    max_new_tokens: int


class EndpointJudge(Record):
    """A judge behind a server."""

    kind: Literal["endpoint"] = "endpoint"
    name: Literal["endpoint"] = ENDPOINT
    base_url: str
    model: str
    engine_revision: int
    max_new_tokens: int


Judge = ModelJudge | EndpointJudge


def judge_identity(judge: Judge, manifest: ModelManifest | None) -> EngineIdentity:
    """The judge's part of the keys; `manifest` is the judge's own if it is a model of ours."""
    if isinstance(judge, EndpointJudge):
        return EngineIdentity(
            model_fingerprint=f"{judge.model} at {judge.base_url}",
            preset="none",
            engine="openai",
            engine_revision=judge.engine_revision,
            dtype="unknown",
            exact=False,
            thinking=False,
        )
    if manifest is None:
        raise ValueError(f"no manifest of the judge {judge.name}")
    return identity(
        manifest.fingerprint,
        judge.preset,
        judge.engine,
        judge.engine_revision,
        thinking=judge.thinking,
        weights=judge.weights,
    )


def judged(dataset: str) -> Judged:
    """The benchmark of a judged dataset; raises EvaluationError for another one."""
    found = benchmark(dataset)
    if not found.card.judged or not isinstance(found, Judged):
        raise EvaluationError(
            f"The answers of {dataset} are not judged.",
            where=f"dataset {dataset}",
            remedy="name a result as target, not a file of judgments",
        )
    return found


def judgment_key(
    dataset: str, model: str, preset: str, request: AnyRequest, judge: EngineIdentity
) -> str:
    """The key of a request to the judge: two models may give the same answer to one question."""
    return request_key(f"{dataset} answered by {model}, {preset}", request, judge)


def judge_exchanges(
    task: Judged,
    sample: Sample,
    evidence: Evidence,
    max_new_tokens: int,
    key_of: Callable[[AnyRequest], str],
    known: Mapping[str, Response],
) -> Iterator[Exchange]:
    """The judge's requests about a sample, as `requests.walk` gives them."""
    for first in task.judge_requests(sample, evidence, max_new_tokens):
        yield from walk(first, _follow_up(task, first), key_of, known)


def _follow_up(
    task: Judged, first: GenerateRequest
) -> Callable[[Sequence[str]], GenerateRequest | None]:
    return lambda replies: task.judge_follow_up(first, replies)


def answers_of(responses: Sequence[Response], settings: PromptSettings) -> dict[str, Evidence]:
    """What a judge may look at, by sample: its responses in their order."""
    found: dict[str, list[Response]] = {}
    for response in sorted(responses, key=lambda r: (r.repeat, r.turn)):
        found.setdefault(response.sample_id, []).append(response)
    return {
        name: Evidence(own, [split_thinking(r.text)[1] for r in own], settings)
        for name, own in found.items()
    }


def judge_requests_digest(dataset: str) -> str:
    """A digest of what a judge is asked about the bundled samples, with answers of any kind.

    It changes with the judge's prompts, so that an edit rates anew and generates nothing.
    """
    task, own = judged(dataset), benchmark(dataset)
    raw = read_rows(own, "bundled", revision=None, mirror=None)
    digest = hashlib.sha256()
    settings = PromptSettings(protocol=own.card.protocols[0])
    answer = Response(key="", sample_id="", turn=0, session="", prompt="", finish_reason="stop")
    for sample in normalise(own, raw.rows):
        evidence = Evidence([answer, answer], ["an answer", "another"], settings)
        for first in task.judge_requests(sample, evidence, 1):
            for request in (first, task.judge_follow_up(first, ["no rating"])):
                digest.update(request.model_dump_json().encode("utf-8") if request else b"-")
    return digest.hexdigest()[:16]
