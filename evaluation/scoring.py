"""From responses to a result: score every sample, count what went wrong, say where it came from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import Evidence, PromptSettings
from evaluation.config import EngineSettings, SandboxSettings, Weights
from evaluation.errors import EvaluationError, first_line
from evaluation.files import read_lines, read_record
from evaluation.flags import flags, title
from evaluation.judging import Judge, answers_of
from evaluation.judgments import read_judgments
from evaluation.machine import git_state, hardware, packages
from evaluation.performance import performance
from evaluation.prepare import refuse_unscorable
from evaluation.queue import read_responses
from evaluation.records import (
    CategoryScore,
    Counts,
    DatasetManifest,
    ModelManifest,
    Provenance,
    Record,
    Response,
    Result,
    Sample,
    SampleResult,
    SampleScore,
    Score,
    Turn,
)
from evaluation.requests import EngineIdentity, exchanges, identity
from evaluation.thinking import split_thinking

if TYPE_CHECKING:
    from evaluation.sandbox import Sandbox

log = logging.getLogger(__name__)
PACKAGES = ("math-verify", "if-verifiable", "nltk", "langdetect", "rouge-score", "pydantic")


class ScoreSettings(Record):
    """The settings that decide a cell's result."""

    model: str
    dataset: str
    tier: str
    size: int
    preset: str
    prompt: PromptSettings
    sandbox: SandboxSettings | None
    engine: EngineSettings
    engine_revision: int
    thinking: bool | None
    weights: Weights = "full"
    judge: Judge | None = None


def score(
    settings: ScoreSettings,
    responses_files: Sequence[Path],
    samples_file: Path,
    dataset_manifest: Path,
    model_manifest: Path,
    threads: int = 1,
    judgments_files: Sequence[Path] = (),
    judge_manifest: Path | None = None,
) -> Result:
    """The result of a cell; `threads` samples are judged at a time.

    `judgments_files` and `judge_manifest` are there where the settings name a judge, the latter
    for a model of ours. Raises EvaluationError when responses or judgments are missing or were
    made for other requests, and when more than 5% of the samples cannot be scored.
    """
    task = benchmark(settings.dataset)
    samples = read_lines(samples_file, Sample, limit=settings.size)
    dataset = read_record(dataset_manifest, DatasetManifest)
    model = read_record(model_manifest, ModelManifest)
    responses, sessions = read_responses(responses_files)
    engine = identity(
        model.fingerprint,
        settings.preset,
        settings.engine,
        settings.engine_revision,
        thinking=settings.thinking,
        weights=settings.weights,
    )
    _check_keys(settings, samples, dataset.few_shot, engine, responses)
    by_sample: dict[str, list[Response]] = {}
    for response in sorted(responses, key=lambda r: (r.repeat, r.turn)):
        by_sample.setdefault(response.sample_id, []).append(response)
    sandbox, no_sandbox = _sandbox(settings)
    judgments = None
    if settings.judge is not None:
        judgments = read_judgments(
            settings.judge,
            judge_manifest,
            judgments_files,
            settings.dataset,
            settings.preset,
            model,
            samples,
            answers_of(responses, settings.prompt),
        )
    rated = judgments.by_sample if judgments is not None else {}

    def judge(sample: Sample) -> SampleScore | None:
        answered = by_sample.get(sample.id, [])
        answers = [split_thinking(response.text)[1] for response in answered]
        evidence = Evidence(
            answered,
            answers,
            settings.prompt,
            judgments=rated.get(sample.id, ()),
            sandbox=sandbox,
            no_sandbox=no_sandbox,
        )
        return _judge(settings.dataset, sample, evidence)

    with ThreadPoolExecutor(threads) as pool:
        verdicts = list(pool.map(judge, samples))
    scored = [
        (sample, verdict)
        for sample, verdict in zip(samples, verdicts, strict=True)
        if verdict is not None and not verdict.unscorable
    ]
    results = [
        _sample_result(sample, by_sample.get(sample.id, []), rated.get(sample.id, ()), verdict)
        for sample, verdict in zip(samples, verdicts, strict=True)
    ]
    refuse_unscorable(
        [result for result in results if result.status == "unscorable"],
        len(results),
        f"model {settings.model}, dataset {settings.dataset}, tier {settings.tier}",
        task.card.hub_id,
    )
    counts = _counts(settings, results)
    scores = [
        score.model_copy(update={"lower_is_better": score.metric in task.card.lower_is_better})
        for score in task.aggregate(scored)
    ]
    judge_facts = judgments.facts if judgments is not None else None
    # Where the whole has no valid score, its parts have none either.
    valid = any(score.primary and score.value is not None for score in scores)
    commit, dirty = git_state()
    return Result(
        model=settings.model,
        dataset=settings.dataset,
        title=title(task.card.title, dataset),
        tier=settings.tier,
        protocol=settings.prompt.protocol,
        few_shot=settings.prompt.few_shot,
        repeats=settings.prompt.repeats,
        scores=scores,
        categories=_categories(scores, scored) if valid else [],
        counts=counts,
        flags=flags(
            counts,
            scores,
            dataset,
            sessions,
            sum(r.backoffs > 0 for r in responses),
            judge_facts,
            sandbox.name if sandbox is not None else "",
        ),
        judge=judge_facts,
        samples=results,
        performance=performance(responses, sessions),
        provenance=Provenance(
            model_id=model.id,
            model_revision=model.revision,
            model_licence=model.licence,
            model_fingerprint=model.fingerprint,
            dataset_source=dataset.source,
            dataset_location=dataset.location,
            dataset_revision=dataset.revision,
            dataset_fingerprint=dataset.fingerprint,
            preset=settings.preset,
            seed=settings.prompt.seed,
            sessions=sessions,
            packages=packages(PACKAGES),
            sandbox=sandbox.name if sandbox is not None else "",
            git_commit=commit,
            git_dirty=dirty,
            hardware=hardware(),
            scored=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )


def _check_keys(
    settings: ScoreSettings,
    samples: Sequence[Sample],
    few_shot: Sequence[Sample],
    engine: EngineIdentity,
    responses: Sequence[Response],
) -> None:
    """Every request, follow-ups included, must have the response that was made for it."""
    found = {response.key: response for response in responses}
    for sample in samples:
        for _, request, response in exchanges(
            settings.dataset, sample, few_shot, settings.prompt, engine, found
        ):
            if response is None:
                raise EvaluationError(
                    "The responses were made for other requests than the current ones (other "
                    "prompts, model files or settings), or some are missing.",
                    where=f"model {settings.model}, dataset {settings.dataset}, "
                    f"sample {sample.id}, turn {request.turn + 1}",
                    remedy="delete results/responses/"
                    f"{settings.model}/{settings.preset}/{settings.dataset}/ and run again",
                )


def _sandbox(settings: ScoreSettings) -> tuple[Sandbox | None, str]:
    """The sandbox, for a dataset that needs one, or why there is none."""
    if settings.sandbox is None:
        return None, ""
    from evaluation.sandbox import SandboxUnavailable, open_sandbox

    try:
        return open_sandbox(settings.sandbox), ""
    except SandboxUnavailable as error:
        log.warning("%s", error)
        return None, error.what


def _judge(dataset: str, sample: Sample, evidence: Evidence) -> SampleScore | None:
    """The benchmark's verdict, or None for a sample whose request failed."""
    if sample.unscorable:
        return SampleScore(reason=sample.unscorable, unscorable=True)
    if any(response.error is not None for response in evidence.responses):
        return None
    try:
        return benchmark(dataset).score(sample, evidence)
    except EvaluationError:
        raise
    except Exception as error:
        # A scorer's defect must not cost the other samples, and must be seen.
        log.warning("the scorer failed on sample %s", sample.id, exc_info=error)
        reason = f"the scorer failed: {first_line(error)}"
        return SampleScore(reason=reason, unscorable=True)


def _sample_result(
    sample: Sample,
    responses: Sequence[Response],
    judgments: Sequence[Response],
    verdict: SampleScore | None,
) -> SampleResult:
    errors = [response.error for response in responses if response.error is not None]
    scores = verdict.scores if verdict is not None else {}
    status: Literal["scored", "not scored", "failed", "unscorable"] = (
        "failed"
        if verdict is None
        else "unscorable"
        if verdict.unscorable
        else "scored"
        if scores
        else "not scored"
    )
    return SampleResult(
        id=sample.id,
        category=sample.category,
        turns=[_turn(response) for response in responses],
        judgments=[_turn(judgment) for judgment in judgments],
        extracted=verdict.extracted if verdict is not None else None,
        gold=verdict.gold if verdict is not None else "",
        scores=scores,
        status=status,
        reason=errors[0] if errors else verdict.reason if verdict is not None else "",
    )


def _turn(response: Response) -> Turn:
    thinking, answer = split_thinking(response.text)
    return Turn(
        repeat=response.repeat,
        prompt=response.prompt,
        response=answer,
        thinking=thinking,
        continuations=response.continuations,
        finish_reason=response.finish_reason,
        prompt_tokens=response.prompt_tokens,
        completion_tokens=response.completion_tokens,
        thinking_tokens=response.thinking_tokens,
        truncated_prompt_tokens=response.truncated_prompt_tokens,
        latency_seconds=response.latency_seconds,
        error=response.error,
    )


def _counts(settings: ScoreSettings, results: Sequence[SampleResult]) -> Counts:
    def having(condition: Callable[[SampleResult], bool]) -> int:
        return sum(condition(result) for result in results)

    return Counts(
        requested=settings.size,
        samples=len(results),
        scored=having(lambda r: r.status == "scored"),
        failed=having(lambda r: r.status == "failed"),
        not_scored=having(lambda r: r.status == "not scored"),
        unscorable=having(lambda r: r.status == "unscorable"),
        truncated_answers=having(lambda r: any(t.finish_reason == "length" for t in r.turns)),
        truncated_prompts=having(lambda r: any(t.truncated_prompt_tokens > 0 for t in r.turns)),
        thinking=having(lambda r: any(t.thinking_tokens > 0 for t in r.turns)),
    )


def _categories(
    scores: Sequence[Score], scored: Sequence[tuple[Sample, SampleScore]]
) -> list[CategoryScore]:
    """The primary metric by category; which it is may depend on the protocol."""
    primary = next((score.metric for score in scores if score.primary), "")
    groups: dict[str, list[float]] = {}
    for sample, verdict in scored:
        if sample.category and primary in verdict.scores:
            groups.setdefault(sample.category, []).append(verdict.scores[primary])
    return [
        CategoryScore(category=name, value=sum(values) / len(values), n=len(values))
        for name, values in sorted(groups.items())
    ]
