"""The results of one model of a synthetic tier: scores, counts, sessions and provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from evaluation.benchmarks import benchmark
from evaluation.flags import flags, title
from evaluation.records import (
    CategoryScore,
    Counts,
    DatasetManifest,
    Interval,
    JudgeFacts,
    Provenance,
    Result,
    SampleResult,
    Score,
    Session,
    SourceKind,
)
from evaluation.statistics import wilson
from tests.synthetic_plan import Dataset, Drawn, Model, draw
from tests.synthetic_sample import sample
from tests.synthetic_session import digest, hardware, judge_session, performance, sessions_of

SCORERS = {"math-verify": "0.9.0", "nltk": "3.10.4", "pydantic": "2.14.3"}


@dataclass(frozen=True)
class Run:
    """What all results of a tier have in common."""

    tier: str
    seed: int
    samples: int
    judge: str | None
    sources: Mapping[str, SourceKind]


def build(run: Run, model: Model, datasets: Mapping[Dataset, int]) -> Iterator[Result]:
    """The results of a model, one a dataset, with as many samples as the dataset has."""
    plans = {one: draw(model, one, n, run.seed) for one, n in datasets.items()}
    sessions = sessions_of(model, plans)
    for dataset, drawn in plans.items():
        yield _result(run, model, dataset, drawn, sessions)


def _result(
    run: Run, model: Model, dataset: Dataset, drawn: Sequence[Drawn], sessions: Sequence[Session]
) -> Result:
    card = benchmark(dataset.name).card
    judged = run.judge is not None
    samples = [
        sample(model, dataset, place, one, run.seed, judged=judged)
        for place, one in enumerate(drawn)
    ]
    scores = [
        _score(dataset, metric, samples, card.lower_is_better, card.chance)
        for metric in _metrics(dataset, samples)
    ]
    counts = _counts(run.samples, samples)
    manifest = _manifest(run, dataset, len(samples))
    judge = _judge(run, model, samples) if dataset.kind == "judged" and judged else None
    return Result(
        model=model.name,
        dataset=dataset.name,
        title=title(card.title, manifest),
        tier=run.tier,
        protocol=dataset.protocol,
        few_shot=dataset.few_shot,
        scores=scores,
        categories=_categories(dataset, samples),
        counts=counts,
        flags=flags(counts, scores, manifest, sessions, 0, judge, ""),
        judge=judge,
        samples=samples,
        performance=performance(model, dataset, drawn, sessions),
        provenance=Provenance(
            model_id=f"synthetic/{model.name}",
            model_revision=digest(model.name)[:40],
            model_licence="Apache-2.0",
            model_fingerprint=digest("weights", model.name),
            dataset_source=manifest.source,
            dataset_location=manifest.location,
            dataset_revision=manifest.revision,
            dataset_fingerprint=manifest.fingerprint,
            preset=model.preset,
            seed=run.seed,
            sessions=list(sessions),
            packages=SCORERS,
            sandbox="bubblewrap" if dataset.kind == "code" else "",
            git_commit=digest("commit")[:40],
            git_dirty=False,
            hardware=hardware("none"),
            scored="2026-11-20T15:40:00+00:00",
        ),
    )


# ---- scores ---------------------------------------------------------------------------------


def _metrics(dataset: Dataset, samples: Sequence[SampleResult]) -> list[str]:
    found = dict.fromkeys(metric for one in samples for metric in one.scores)
    return list({dataset.metric: None} | found)


def _score(
    dataset: Dataset,
    metric: str,
    samples: Sequence[SampleResult],
    faults: Sequence[str],
    chance: float | None,
) -> Score:
    values = [one.scores[metric] for one in samples if metric in one.scores]
    primary = metric == dataset.metric
    base = {
        "metric": metric,
        "n": len(values),
        "primary": primary,
        "lower_is_better": metric in faults,
        "chance": chance if primary else None,
    }
    if not values:
        reason = "not scored: no judge is configured" if dataset.kind == "judged" else ""
        return Score(**base, value=None, reason=reason if primary and samples else "")
    value = fmean(values)
    if dataset.kind == "calls":
        value = fmean(_by_category(samples, metric).values())
    return Score(**base, value=value, interval=_interval(value, values))


def _interval(value: float, values: Sequence[float]) -> Interval | None:
    """Wilson for right and wrong, else a normal one: as wide as a bootstrap, and much faster."""
    if set(values) <= {0.0, 1.0}:
        return wilson(round(value * len(values)), len(values))
    half = 1.96 * stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
    return Interval(low=value - half, high=value + half, method="normal")


def _by_category(samples: Sequence[SampleResult], metric: str) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for one in samples:
        if metric in one.scores:
            groups.setdefault(one.category, []).append(one.scores[metric])
    return {name: fmean(values) for name, values in groups.items()}


def _categories(dataset: Dataset, samples: Sequence[SampleResult]) -> list[CategoryScore]:
    if dataset.categories == ("",):
        return []
    scored = [one.category for one in samples if dataset.metric in one.scores]
    means = sorted(_by_category(samples, dataset.metric).items())
    return [CategoryScore(category=c, value=value, n=scored.count(c)) for c, value in means]


def _counts(requested: int, samples: Sequence[SampleResult]) -> Counts:
    states = [one.status for one in samples]
    return Counts(
        requested=requested,
        samples=len(samples),
        scored=states.count("scored"),
        failed=states.count("failed"),
        not_scored=states.count("not scored"),
        unscorable=states.count("unscorable"),
        truncated_answers=sum(any(t.finish_reason == "length" for t in s.turns) for s in samples),
        truncated_prompts=sum(any(t.truncated_prompt_tokens for t in s.turns) for s in samples),
        thinking=sum(any(t.thinking_tokens for t in s.turns) for s in samples),
    )


def _judge(run: Run, model: Model, samples: Sequence[SampleResult]) -> JudgeFacts:
    rated = sum(2 for one in samples if one.judgments)
    lost = sum(2 for one in samples if one.status == "not scored")
    name, seconds = run.judge or "", 0.4 * (rated + lost)
    own = judge_session(Model(name, 0), model, rated + lost, seconds)
    return JudgeFacts(
        name=name,
        id=f"synthetic/{name}",
        revision=digest(name)[:40],
        self_judged=name == model.name,
        asked=rated + lost,
        parsed=rated,
        retried=lost,
        failed=0,
        truncated_prompts=0,
        prompt_tokens=400 * (rated + lost),
        completion_tokens=60 * (rated + lost),
        sessions=[own],
        session_seconds={own.id: seconds},
    )


def _manifest(run: Run, dataset: Dataset, rows: int) -> DatasetManifest:
    card = benchmark(dataset.name).card
    source = run.sources.get(dataset.name, "hub")
    where = {"hub": card.hub_id, "mirror": f"/data/mirror/{card.hub_id}", "bundled": "the project"}
    return DatasetManifest(
        dataset=dataset.name,
        source=source,
        location=where[source],
        revision=card.revision if source == "hub" else "",
        licence=card.licence,
        fingerprint=digest("rows", dataset.name, source),
        rows=max(1, rows),
        seed=run.seed,
    )
