"""What came of judging a cell: the judge's responses, and the facts that stand beside the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.benchmarks.base import AnyRequest, Evidence
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.judging import (
    EndpointJudge,
    Judge,
    Judged,
    judge_exchanges,
    judge_identity,
    judged,
    judgment_key,
)
from evaluation.performance import session_seconds
from evaluation.queue import read_responses
from evaluation.records import (
    JudgeFacts,
    ModelManifest,
    Response,
    Sample,
    Session,
)


@dataclass(frozen=True)
class Judgments:
    """A judge's responses by sample, in their order, and what is to be said about them."""

    by_sample: Mapping[str, Sequence[Response]]
    facts: JudgeFacts


def read_judgments(
    judge: Judge,
    manifest_file: Path | None,
    files: Sequence[Path],
    dataset: str,
    preset: str,
    model: ModelManifest,
    samples: Sequence[Sample],
    answers: Mapping[str, Evidence],
) -> Judgments:
    """The judgments of a cell.

    `manifest_file` is the judge's if it is a model of ours; `model` and `preset` are those whose
    answers were judged. Raises EvaluationError for judgments of other answers.
    """
    task = judged(dataset)
    manifest = read_record(manifest_file, ModelManifest) if manifest_file is not None else None
    who = judge_identity(judge, manifest)
    found, sessions = read_responses(files)
    known = {response.key: response for response in found}

    def key_of(request: AnyRequest) -> str:
        return judgment_key(dataset, model.model, preset, request, who)

    by_sample: dict[str, list[Response]] = {}
    for sample in samples:
        if sample.id not in answers:
            continue
        own = by_sample.setdefault(sample.id, [])
        for _, _, response in judge_exchanges(
            task, sample, answers[sample.id], judge.max_new_tokens, key_of, known
        ):
            if response is None:
                raise EvaluationError(
                    "The judgments were made for other answers than the current ones, by another "
                    "judge or with other words, or some are missing.",
                    where=f"model {model.model}, dataset {dataset}, sample {sample.id}",
                    remedy=f"delete results/judgments/{judge.name}/{model.model}/{preset}/"
                    f"{dataset}/ and run again",
                )
            own.append(response)
    facts = _facts(judge, manifest, model, task, by_sample, sessions)
    return Judgments(by_sample, facts)


def _facts(
    judge: Judge,
    manifest: ModelManifest | None,
    model: ModelManifest,
    task: Judged,
    by_sample: Mapping[str, Sequence[Response]],
    sessions: Sequence[Session],
) -> JudgeFacts:
    if isinstance(judge, EndpointJudge):
        name, revision = judge.model, ", ".join(dict.fromkeys(s.revision for s in sessions))
    else:
        assert manifest is not None  # judge_identity needed it before
        name, revision = manifest.id, manifest.revision
    used = [response for own in by_sample.values() for response in own]
    ratings = [r for own in by_sample.values() for r in task.ratings(own).values()]
    return JudgeFacts(
        name=judge.name,
        id=name,
        revision=revision,
        self_judged=_self_judged(judge, manifest, model, sessions),
        asked=len(ratings),
        parsed=sum(rating is not None for rating in ratings),
        retried=sum(response.turn > 0 for response in used),
        failed=sum(response.error is not None for response in used),
        truncated_prompts=sum(response.truncated_prompt_tokens > 0 for response in used),
        prompt_tokens=sum(response.prompt_tokens for response in used),
        completion_tokens=sum(response.completion_tokens for response in used),
        sessions=list(sessions),
        session_seconds=session_seconds(used, sessions),
    )


def _self_judged(
    judge: Judge,
    manifest: ModelManifest | None,
    model: ModelManifest,
    sessions: Sequence[Session],
) -> bool:
    """Whether the judge is the model whose answers it rated.

    Servers name a model as they like, so behind one an equal last part of the name is enough:
    a label too many is better than one too few.
    """
    if isinstance(judge, EndpointJudge):
        reported = [session.revision.partition(", ")[0] for session in sessions]
        return not {_last(judge.model), *map(_last, reported)}.isdisjoint(
            {_last(model.id), _last(model.model)}
        )
    return manifest is not None and (
        manifest.id == model.id or manifest.fingerprint == model.fingerprint
    )


def _last(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2].casefold()
