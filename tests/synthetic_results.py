"""Results made by hand, for tests of what is decided from results."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Literal

from evaluation.config import ComparisonSettings
from evaluation.records import (
    Counts,
    Hardware,
    JudgeFacts,
    Performance,
    Provenance,
    Result,
    SampleResult,
    Score,
    Session,
    SourceKind,
)

SETTINGS = ComparisonSettings(draws=1000)
LOST: dict[str, Literal["failed", "not scored"]] = {"failed": "failed", "not scored": "not scored"}


def session(**changes: Any) -> Session:
    """A session on a CPU in bfloat16."""
    device = changes.pop("device", "cpu")
    base: dict[str, Any] = {
        "id": "s",
        "model": "m",
        "revision": "r",
        "preset": "balanced",
        "engine": "transformers",
        "engine_revision": 1,
        "dtype": "bfloat16",
        "exact": False,
        "started": "then",
        "load_seconds": 1.0,
        "packages": {},
        "hardware": Hardware(platform="p", processor="c", cores=1, memory=1, device=device),
    }
    return Session(**(base | changes))


def judge(name: str = "j", **changes: Any) -> JudgeFacts:
    """Who rated a result."""
    base: dict[str, Any] = {
        "name": name,
        "id": f"org/{name}",
        "revision": "r1",
        "self_judged": False,
        **dict.fromkeys(("asked", "parsed", "retried", "failed", "truncated_prompts"), 0),
        **dict.fromkeys(("prompt_tokens", "completion_tokens"), 0),
        "sessions": [],
    }
    return JudgeFacts(**(base | changes))


def result(
    model: str,
    dataset: str,
    values: Sequence[float | str],
    *,
    metric: str = "acc",
    ids: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    golds: Sequence[str] | None = None,
    primary: dict[str, Any] | None = None,
    source: SourceKind = "hub",
    fingerprint: str = "f" * 64,
    seed: int = 1,
    preset: str = "balanced",
    sessions: Sequence[Session] = (),
    counts: dict[str, int] | None = None,
    **changes: Any,
) -> Result:
    """A result with one sample a value: its score, or in words why there is none.

    The primary score is the mean of the values unless `primary` says something else.
    """
    samples = [
        SampleResult(
            id=ids[i] if ids else f"{dataset}/{i}",
            category=categories[i] if categories else "",
            turns=[],
            extracted=None,
            gold=golds[i] if golds else "",
            scores={} if isinstance(value, str) else {metric: value},
            status=LOST[value] if isinstance(value, str) else "scored",
        )
        for i, value in enumerate(values)
    ]
    numbers = [value for value in values if not isinstance(value, str)]
    score: dict[str, Any] = {
        "metric": metric,
        "value": fmean(numbers) if numbers else None,
        "n": len(numbers),
        "primary": True,
        "reason": "" if numbers else "nothing could be scored",
    }
    states = [sample.status for sample in samples]
    base: dict[str, Any] = {
        "model": model,
        "dataset": dataset,
        "title": dataset.upper(),
        "tier": "quick",
        "protocol": "chat",
        "few_shot": 0,
        "scores": [Score(metric="other", value=0.5, n=4), Score(**(score | (primary or {})))],
        "counts": Counts(
            **{
                "requested": len(values),
                "samples": len(values),
                "scored": states.count("scored"),
                "failed": states.count("failed"),
                "not_scored": states.count("not scored"),
                "truncated_answers": 0,
                "truncated_prompts": 0,
                "thinking": 0,
                **(counts or {}),
            }
        ),
        "flags": [],
        "samples": samples,
        "performance": Performance(
            load_seconds=1.0,
            loads=1,
            engine_seconds=1.0,
            prompt_tokens=1,
            completion_tokens=1,
            tokens_per_second=1.0,
            peak_memory=1,
        ),
        "provenance": Provenance(
            model_id=f"org/{model}",
            model_revision="rev",
            model_licence="MIT",
            model_fingerprint=model,
            dataset_source=source,
            dataset_location="l",
            dataset_revision="r",
            dataset_fingerprint=fingerprint,
            preset=preset,
            seed=seed,
            sessions=list(sessions),
            packages={},
            git_commit="g",
            git_dirty=False,
            hardware=Hardware(platform="p", processor="c", cores=1, memory=1, device="cpu"),
            scored="then",
        ),
    }
    return Result(**(base | changes))
