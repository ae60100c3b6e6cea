"""A stage of the adaptive tier: from results to decisions, and the cells that need more samples."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

from evaluation.adaptive.decisions import Name, Seen, before_looks, look_sizes, name, take_look
from evaluation.adaptive.plan import AdaptSettings
from evaluation.comparing import cells, read_results
from evaluation.comparing.datasets import compare_results
from evaluation.comparing.pairs import MISSING
from evaluation.files import read_record
from evaluation.records import (
    AdaptiveDecision,
    AdaptiveStage,
    CellName,
    DatasetManifest,
    LeftOut,
    Result,
)

log = logging.getLogger(__name__)
ByModel = Mapping[str, Mapping[str, Result]]


def make_stage(
    settings: AdaptSettings,
    before: Sequence[Path],
    results: Sequence[Path],
    manifests: Sequence[Path],
) -> AdaptiveStage:
    """The stage of a tier from files; `before` has the stage before, none for the first.

    Raises EvaluationError that names a missing or damaged file.
    """
    earlier = [read_record(path, AdaptiveStage) for path in before]
    found = cells(settings.models, read_results(results))
    stage = next_stage(settings, earlier[0] if earlier else None, found, read_rows(manifests))
    for decision in stage.decisions:
        log.info("%s: %s", name(decision), decision.difference.verdict)
    return stage


def read_rows(manifests: Sequence[Path]) -> dict[str, int]:
    """How many samples each dataset has."""
    found = [read_record(path, DatasetManifest) for path in manifests]
    return {manifest.dataset: manifest.rows for manifest in found}


def next_stage(
    settings: AdaptSettings,
    before: AdaptiveStage | None,
    results: ByModel,
    rows: Mapping[str, int],
) -> AdaptiveStage:
    """The stage after `before`, or the first; `results` are the tier's, by model and dataset.

    What is missing or cannot be compared at the first look is left out, with the reason, and is no
    part of the family. What becomes so later stays in the family and goes no further.
    """
    assert settings.tier is not None
    seen: dict[Name, Seen] = {}
    problems: dict[Name, str] = {}
    pairs = combinations(settings.models, 2)
    for key in ((a, b, dataset) for a, b in pairs for dataset in settings.datasets):
        found = _compare(key, results, settings)
        if isinstance(found, str):
            problems[key] = found
        else:
            seen[key] = found
    if before is None:
        decisions = [before_looks(*key, look_sizes(settings.sizes, rows[key[2]])) for key in seen]
        left_out = [
            LeftOut(a=a, b=b, dataset=dataset, reason=reason)
            for (a, b, dataset), reason in problems.items()
        ]
    else:
        decisions = [_cannot_go_on(d, problems, before) for d in before.decisions]
        left_out = before.left_out
    decisions = take_look(decisions, seen, settings.tier, settings.comparison, settings.adaptive)
    return AdaptiveStage(
        tier=settings.tier, decisions=decisions, left_out=left_out, promoted=_promoted(decisions)
    )


def _compare(key: Name, results: ByModel, settings: AdaptSettings) -> Seen | str:
    """Two results compared as a single test, or why they cannot be."""
    a, b, dataset = key
    missing = [MISSING.format(m) for m in (a, b) if dataset not in results.get(m, {})]
    if missing:
        return "; ".join(missing)
    first, second = results[a][dataset], results[b][dataset]
    found, shared = compare_results(first, second, (a, b), "models", settings.comparison)
    if shared is None or found.difference.p is None:
        return found.difference.reason
    return Seen(found, shared, (first.provenance.preset, second.provenance.preset))


def _cannot_go_on(
    decision: AdaptiveDecision, problems: Mapping[Name, str], before: AdaptiveStage
) -> AdaptiveDecision:
    """An open decision whose new samples are missing or cannot be compared is stopped."""
    problem = problems.get(name(decision))
    if decision.status != "open" or problem is None:
        return decision
    update = {
        "verdict": "not comparable",
        "reason": f"after the samples of {before.tier}: {problem}",
    }
    difference = decision.difference.model_copy(update=update)
    return decision.model_copy(update={"status": "stopped", "difference": difference})


def _promoted(decisions: Sequence[AdaptiveDecision]) -> list[CellName]:
    """Both models' cells of every open decision, each once."""
    found = {
        (model, d.dataset): None for d in decisions if d.status == "open" for model in (d.a, d.b)
    }
    return [CellName(model=model, dataset=dataset) for model, dataset in found]
