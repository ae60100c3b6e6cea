"""The end of the adaptive tier: the decisions, the samples they took, and what that saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from evaluation.adaptive.plan import AdaptSettings
from evaluation.adaptive.stages import read_rows
from evaluation.comparing import cells, compare_pair, judge_families, read_results
from evaluation.config import TIERS
from evaluation.files import read_record
from evaluation.records import (
    AdaptiveDecision,
    AdaptiveStage,
    AdaptiveSummary,
    CellUse,
    OverallDifference,
    Result,
)

ByTier = Mapping[str, Mapping[str, Mapping[str, Result]]]
OVERALL = (
    "The overall differences use the samples there are: more where a dataset was undecided. They "
    "are not corrected for repeated looks."
)
TIME = (
    "Seconds saved are an estimate: each cell's measured engine seconds a sample, times the "
    "samples of full that it was not asked. Loads and judges are not in it."
)


def summarise(
    settings: AdaptSettings,
    stages: Sequence[Path],
    results: Sequence[Path],
    manifests: Sequence[Path],
) -> AdaptiveSummary:
    """The summary from files: all stages in order, and the results behind them.

    Raises EvaluationError that names a missing or damaged file.
    """
    read = read_results(results)
    by_tier = {
        tier: cells(settings.models, [result for result in read if result.tier == tier])
        for tier in TIERS
    }
    found = [read_record(path, AdaptiveStage) for path in stages]
    return sum_up(settings, found, by_tier, read_rows(manifests))


def sum_up(
    settings: AdaptSettings,
    stages: Sequence[AdaptiveStage],
    results: ByTier,
    rows: Mapping[str, int],
) -> AdaptiveSummary:
    """The summary of `stages`, of which the last has all decisions; `results` are by tier."""
    last = stages[-1]
    used = _cells(settings, last.decisions, results, rows)
    times = [cell.seconds_saved for cell in used if cell.seconds_saved is not None]
    unknown = [c for c in used if c.seconds_saved is None]
    notes = [OVERALL, TIME]
    if unknown:
        names = ", ".join(f"{cell.model} on {cell.dataset}" for cell in unknown)
        notes.append(f"No engine time was measured, and none is counted, for {names}.")
    return AdaptiveSummary(
        tiers=[stage.tier for stage in stages],
        confidence=settings.comparison.confidence,
        margin=settings.comparison.margin,
        spending=settings.adaptive.spending,
        futility=settings.adaptive.futility,
        decisions=last.decisions,
        overall=_overall(settings, last.decisions, results),
        left_out=last.left_out,
        cells=used,
        samples=sum(cell.samples for cell in used),
        samples_full=sum(cell.samples_full for cell in used),
        seconds_saved=sum(times) if times else None,
        notes=notes,
    )


def _cells(
    settings: AdaptSettings,
    decisions: Sequence[AdaptiveDecision],
    results: ByTier,
    rows: Mapping[str, int],
) -> list[CellUse]:
    """Every cell that some comparison uses, at the last tier it was asked in."""
    compared = dict.fromkeys((m, d.dataset) for d in decisions for m in (d.a, d.b))
    found = []
    for model, dataset in compared:
        asked = [results[t][model][dataset] for t in TIERS if dataset in results[t].get(model, {})]
        if not asked:
            continue
        result, full = asked[-1], min(settings.sizes[-1], rows[dataset])
        # Another preset answers all of its samples anew.
        samples = sum({r.provenance.preset: r.counts.samples for r in asked}.values())
        seconds = result.performance.engine_seconds
        saved: float | None = None
        if samples >= full:
            saved = 0.0
        elif result.counts.samples and seconds:
            saved = seconds / result.counts.samples * (full - samples)
        found.append(
            CellUse(
                model=model,
                dataset=dataset,
                tier=result.tier,
                samples=samples,
                samples_full=full,
                seconds_saved=saved,
            )
        )
    return found


def _overall(
    settings: AdaptSettings, decisions: Sequence[AdaptiveDecision], results: ByTier
) -> list[OverallDifference]:
    """Each pair's macro difference over its datasets, at the last look of each."""
    pairs = list(combinations(settings.models, 2))
    compared = []
    for a, b in pairs:
        looks = {d.dataset: d.looks[-1].tier for d in decisions if (d.a, d.b) == (a, b)}
        first, second = (
            {dataset: results[tier][model][dataset] for dataset, tier in looks.items()}
            for model in (a, b)
        )
        compared.append(compare_pair(first, second, (a, b), list(looks), settings.comparison))
    return [
        OverallDifference(
            a=found.a,
            b=found.b,
            datasets=[c.dataset for c in found.datasets if c.dataset not in found.left_out],
            left_out=found.left_out,
            difference=found.overall,
        )
        for found in judge_families(compared, settings.comparison)
    ]
