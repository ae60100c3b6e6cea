"""From responses to a result: score every sample, count what went wrong, say where it came from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PromptSettings
from evaluation.config import EngineSettings
from evaluation.errors import EvaluationError, first_line
from evaluation.files import parse_record, read_lines, read_record, read_text
from evaluation.machine import git_state, hardware, packages
from evaluation.records import (
    CategoryScore,
    Counts,
    DatasetManifest,
    ModelManifest,
    Performance,
    Provenance,
    Record,
    Response,
    ResponsesHeader,
    Result,
    Sample,
    SampleResult,
    SampleScore,
    Score,
    Session,
    Turn,
)
from evaluation.requests import EngineIdentity, exchanges, identity
from evaluation.thinking import split_thinking

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
    engine: EngineSettings
    engine_revision: int
    thinking: bool


def score(
    settings: ScoreSettings,
    responses_files: Sequence[Path],
    samples_file: Path,
    dataset_manifest: Path,
    model_manifest: Path,
) -> Result:
    """The result of a cell.

    Raises EvaluationError when responses are missing or were made for other requests.
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
    )
    _check_keys(settings, samples, dataset.few_shot, engine, responses)
    by_sample: dict[str, list[Response]] = {}
    for response in sorted(responses, key=lambda r: r.turn):
        by_sample.setdefault(response.sample_id, []).append(response)
    verdicts = [_judge(settings.dataset, sample, by_sample[sample.id]) for sample in samples]
    scored = [
        (sample, verdict)
        for sample, verdict in zip(samples, verdicts, strict=True)
        if verdict is not None
    ]
    results = [
        _sample_result(sample, by_sample[sample.id], verdict)
        for sample, verdict in zip(samples, verdicts, strict=True)
    ]
    counts = _counts(settings, results)
    scores = task.aggregate(scored)
    commit, dirty = git_state()
    return Result(
        model=settings.model,
        dataset=settings.dataset,
        title=_title(task.card.title, dataset),
        tier=settings.tier,
        protocol=settings.prompt.protocol,
        few_shot=settings.prompt.few_shot,
        scores=scores,
        categories=_categories(task.card.primary, scored),
        counts=counts,
        flags=_flags(counts, scores, dataset, sessions, sum(r.backoffs > 0 for r in responses)),
        samples=results,
        performance=_performance(responses, sessions),
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
            git_commit=commit,
            git_dirty=dirty,
            hardware=hardware(),
            scored=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )


def read_responses(files: Sequence[Path]) -> tuple[list[Response], list[Session]]:
    """All responses of some responses files and the sessions they came from."""
    responses: list[Response] = []
    sessions: dict[str, Session] = {}
    for path in files:
        remedy = f"delete {path} and run again: it is rebuilt"
        head, _, body = read_text(path).partition("\n")
        header = parse_record(head, ResponsesHeader, f"{path}, line 1", remedy)
        sessions |= {session.id: session for session in header.sessions}
        responses += [
            parse_record(line, Response, f"{path}, line {number}", remedy)
            for number, line in enumerate(body.split("\n"), 2)
            if line
        ]
    return responses, list(sessions.values())


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


def _judge(dataset: str, sample: Sample, responses: Sequence[Response]) -> SampleScore | None:
    """The benchmark's verdict, or None for a sample whose request failed."""
    if any(response.error is not None for response in responses):
        return None
    answers = [split_thinking(response.text)[1] for response in responses]
    try:
        return benchmark(dataset).score(sample, responses, answers)
    except EvaluationError:
        raise
    except Exception as error:
        # A scorer's defect must not cost the other samples, and must be seen.
        log.warning("the scorer failed on sample %s", sample.id, exc_info=error)
        return SampleScore(reason=f"the scorer failed: {first_line(error)}")


def _sample_result(
    sample: Sample, responses: Sequence[Response], verdict: SampleScore | None
) -> SampleResult:
    errors = [response.error for response in responses if response.error is not None]
    scores = verdict.scores if verdict is not None else {}
    return SampleResult(
        id=sample.id,
        category=sample.category,
        turns=[_turn(response) for response in responses],
        extracted=verdict.extracted if verdict is not None else None,
        gold=verdict.gold if verdict is not None else "",
        scores=scores,
        status="failed" if errors else "scored" if scores else "not scored",
        reason=errors[0] if errors else verdict.reason if verdict is not None else "",
    )


def _turn(response: Response) -> Turn:
    thinking, answer = split_thinking(response.text)
    return Turn(
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
        truncated_answers=having(lambda r: any(t.finish_reason == "length" for t in r.turns)),
        truncated_prompts=having(lambda r: any(t.truncated_prompt_tokens > 0 for t in r.turns)),
        thinking=having(lambda r: any(t.thinking_tokens > 0 for t in r.turns)),
    )


def _flags(
    counts: Counts,
    scores: Sequence[Score],
    dataset: DatasetManifest,
    sessions: Sequence[Session],
    backoffs: int,
) -> list[str]:
    """What a reader must know before the number, in words."""
    flags = [score.reason for score in scores if score.primary and score.reason]
    if dataset.source != "hub":
        flags.append(
            "bundled samples, not the benchmark" if dataset.source == "bundled" else "local mirror"
        )
    if counts.samples < counts.requested:
        flags.append(f"{counts.samples} of {counts.requested} samples: the dataset has no more")
    for number, what in (
        (counts.failed, "failed"),
        (counts.truncated_answers, "truncated answers"),
        (counts.truncated_prompts, "truncated prompts"),
    ):
        if number:
            flags.append(f"{number} {what}")
    if len({(s.dtype, s.hardware.device, s.packages.get("torch")) for s in sessions}) > 1:
        flags.append("responses of different devices, number formats or versions")
    if backoffs:
        flags.append(f"{backoffs} answered in smaller batches after a failed one")
    if counts.not_scored and counts.scored:
        flags.append(f"{counts.not_scored} not scored")
    return flags


def _title(title: str, dataset: DatasetManifest) -> str:
    return f"bundled samples in the form of {title}" if dataset.source == "bundled" else title


def _categories(primary: str, scored: Sequence[tuple[Sample, SampleScore]]) -> list[CategoryScore]:
    groups: dict[str, list[float]] = {}
    for sample, verdict in scored:
        if sample.category and primary in verdict.scores:
            groups.setdefault(sample.category, []).append(verdict.scores[primary])
    return [
        CategoryScore(category=name, value=sum(values) / len(values), n=len(values))
        for name, values in sorted(groups.items())
    ]


def _performance(responses: Sequence[Response], sessions: Sequence[Session]) -> Performance:
    seconds = sum(r.engine_seconds for r in responses if r.completion_tokens)
    tokens = sum(r.completion_tokens for r in responses)
    return Performance(
        load_seconds=sum(session.load_seconds for session in sessions),
        loads=len(sessions),
        engine_seconds=sum(r.engine_seconds for r in responses),
        prompt_tokens=sum(r.prompt_tokens for r in responses),
        completion_tokens=tokens,
        tokens_per_second=tokens / seconds if seconds else None,
        peak_memory=max((r.peak_memory for r in responses), default=0),
    )
