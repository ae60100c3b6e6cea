"""A model's scores as a record of Every Eval Ever, the EvalEval Coalition's shared format.

Its schema wants a number for each score: scores without a value are left out and named in
`source_metadata`. Who ran the evaluation is not known here; fill in
`source_organization_name` and `evaluator_relationship` before you submit a record.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from evaluation.benchmarks import benchmark
from evaluation.exports.every_eval_ever_records import (
    LIBRARY,
    ConfidenceInterval,
    EvaluationResult,
    EveryEvalEver,
    GenerationConfig,
    MetricConfig,
    ModelInfo,
    NameAndVersion,
    ScoreDetails,
    SourceData,
    SourceMetadata,
    Uncertainty,
)
from evaluation.machine import packages
from evaluation.records import Cell, Score
from evaluation.reports.format import words
from evaluation.reports.notes import source_note

# A model's id and revision on the Hub; models from elsewhere have other ids and revisions.
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
COMMIT = re.compile(r"[0-9a-f]{40}")
# The revision of a model in a folder of this machine; its id is the folder.
LOCAL = "local"


def every_eval_ever(cells: Sequence[Cell], ids: Sequence[Sequence[str]]) -> EveryEvalEver:
    """The record of one model's cells of a tier; `ids` are each cell's sample ids.

    Times are those of scoring, not of this export: the same results give the same file.
    """
    first = cells[0]
    scored = max(cell.provenance.scored for cell in cells)
    moment = f"{datetime.fromisoformat(scored).astimezone(UTC).timestamp():.0f}"
    left_out = [
        f"{cell.dataset}/{score.metric}: {score.reason or 'no value'}"
        for cell in cells
        for score in cell.scores
        if not _has_value(score)
    ]
    details = {"tier": first.tier}
    if left_out:
        details["left_out"] = "; ".join(left_out)
    commits = dict.fromkeys(cell.provenance.git_commit for cell in cells)
    model = _model(cells)
    return EveryEvalEver(
        evaluation_id=f"{LIBRARY}-{first.tier}/{model.id}/{moment}",
        evaluation_timestamp=scored,
        retrieved_timestamp=moment,
        source_metadata=SourceMetadata(additional_details=details),
        eval_library=NameAndVersion(
            name=LIBRARY,
            version=packages((LIBRARY,)).get(LIBRARY, "unknown"),
            additional_details={"git_commit": ", ".join(commits)},
        ),
        model_info=model,
        evaluation_results=[
            _result(cell, own, score)
            for cell, own in zip(cells, ids, strict=True)
            for score in cell.scores
            if _has_value(score)
        ],
    )


def _has_value(score: Score) -> bool:
    return score.value is not None and math.isfinite(score.value)


def _model(cells: Sequence[Cell]) -> ModelInfo:
    found = cells[0].provenance
    sessions = [session for cell in cells for session in cell.provenance.sessions]
    details = {
        "revision": found.model_revision,
        "licence": found.model_licence,
        "fingerprint": found.model_fingerprint,
        "dtype": ", ".join(dict.fromkeys(session.dtype for session in sessions)),
        "device": ", ".join(dict.fromkeys(session.hardware.device for session in sessions)),
    }
    engine = sessions[-1] if sessions else None
    if engine is not None and engine.hardware.device == "endpoint":
        # Where a private server stands is nobody's business.
        return ModelInfo(
            name=cells[0].model,
            id=found.model_id.partition(" at ")[0],
            inference_platform="a server with the OpenAI API",
            additional_details={key: value for key, value in details.items() if value},
        )
    on_hub = HUB_ID.fullmatch(found.model_id) and COMMIT.fullmatch(found.model_revision)
    return ModelInfo(
        name=cells[0].model,
        # Where a folder lies on this machine is nobody's business either.
        id=cells[0].model if found.model_revision == LOCAL else found.model_id,
        developer=found.model_id.partition("/")[0] if on_hub else None,
        inference_engine=None
        if engine is None
        else NameAndVersion(
            name=engine.engine, version=engine.packages.get(engine.engine, "unknown")
        ),
        additional_details={key: value for key, value in details.items() if value},
    )


def _result(cell: Cell, ids: Sequence[str], score: Score) -> EvaluationResult:
    assert score.value is not None  # others are left out
    low, high = _scale(score.metric)
    judge, counts, interval = cell.judge, cell.counts, score.interval
    judged = {}
    if judge is not None:
        judged = {
            "judge": judge.id,
            "judge_revision": judge.revision,
            "self_judged": _yes(judge.self_judged),
        }
    return EvaluationResult(
        evaluation_result_id=f"{cell.dataset}/{cell.protocol}-{cell.few_shot}shot/{score.metric}",
        evaluation_name=cell.title,
        source_data=_source(cell, ids),
        evaluation_timestamp=cell.provenance.scored,
        metric_config=MetricConfig(
            metric_id=f"{cell.dataset}.{score.metric}",
            metric_name=score.metric,
            lower_is_better=score.lower_is_better,
            min_score=low,
            max_score=high,
            additional_details={"primary": _yes(score.primary), **judged},
        ),
        score_details=ScoreDetails(
            score=score.value,
            uncertainty=Uncertainty(
                num_samples=score.n,
                confidence_interval=None
                if interval is None
                else ConfidenceInterval(
                    lower=interval.low,
                    upper=interval.high,
                    confidence_level=interval.level,
                    method=interval.method,
                ),
            ),
            details={
                "samples": str(counts.samples),
                "scored": str(counts.scored),
                "failed": str(counts.failed),
                "not_scored": str(counts.not_scored),
                "unscorable": str(counts.unscorable),
                "truncated_answers": str(counts.truncated_answers),
                "truncated_prompts": str(counts.truncated_prompts),
                "flags": "; ".join(cell.flags),
            },
        ),
        generation_config=GenerationConfig(
            additional_details={
                "protocol": cell.protocol,
                "few_shot": str(cell.few_shot),
                "repeats": str(cell.repeats),
                "preset": cell.provenance.preset,
                "seed": str(cell.provenance.seed),
            }
        ),
    )


def _source(cell: Cell, ids: Sequence[str]) -> SourceData:
    found = cell.provenance
    details = {
        "source": found.dataset_source,
        "revision": found.dataset_revision,
        "fingerprint": found.dataset_fingerprint,
    }
    if found.dataset_source == "bundled":
        return SourceData(
            dataset_name=source_note("bundled", cell.title),
            source_type="other",
            additional_details=details | {"sample_ids": ", ".join(ids)},
        )
    card = benchmark(cell.dataset).card
    return SourceData(
        dataset_name=card.title,
        source_type="hf_dataset",
        hf_repo=card.hub_id,
        hf_split=card.files.split,
        sample_ids=list(ids),
        additional_details=details,
    )


def _scale(metric: str) -> tuple[float, float]:
    """Lowest and highest value: ratings are given from 1 to 10, all other metrics are shares."""
    return (1, 10) if "rating" in words(metric) else (0, 1)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
