"""A deterministic tier that looks like a real one: results of any size, and all made from them.

Results come one at a time, so that a tier of 8 models, 12 datasets and 200 samples needs little
memory. What is decided from results (aggregate, comparisons, cost) is made by the project's own
functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from evaluation.aggregate import to_cell
from evaluation.comparing import compare_tier
from evaluation.config import ComparisonSettings, Config, CostSettings, TokenPrice, parse_config
from evaluation.cost import count_decisions, tier_cost
from evaluation.files import write_record
from evaluation.history import AskedSettings, HistorySettings, run_record
from evaluation.preset_selection import SelectSettings, choose
from evaluation.records import (
    Aggregate,
    Comparisons,
    HealthCheck,
    PresetChoice,
    PresetHealth,
    Result,
    RunRecord,
    Score,
    SourceKind,
    TierCost,
)
from evaluation.statistics.averages import macro_difference
from tests.synthetic_cell import Run, build
from tests.synthetic_plan import DATASETS, MODELS, Model
from tests.synthetic_session import digest

ROOT = Path(__file__).resolve().parents[1]
Key = tuple[str, str]
SETTINGS = ComparisonSettings(draws=1000)
PRICES = CostSettings(
    gpu_hour=2.4, kwh=0.3, tokens={"larch_32b": TokenPrice(prompt=0.3, completion=0.9)}
)


def tier(
    models: int | Sequence[str] = 8,
    datasets: int | Sequence[str] = 12,
    samples: int = 200,
    *,
    seed: int = 0,
    name: str = "full",
    missing: Collection[Key] = (),
    sizes: Mapping[Key, int] | None = None,
    sources: Mapping[str, SourceKind] | None = None,
    judge: str | None = "birch_14b",
) -> Iterator[Result]:
    """Results by model, then dataset.

    `models` are the first ones of the list, or invented ones of any names; `datasets` the first
    ones, or some by name. `missing` names cells that are not there, `sizes` how many samples the
    dataset of a cell has (0: none at all), `sources` where rows are from if not the Hub. Without a
    `judge`, MT-Bench is not scored.
    """
    run = Run(name, seed, samples, judge, sources or {})
    chosen = [one for one in DATASETS if one.name in _names(datasets, DATASETS)]
    for model in _models(models):
        counts = {one: (sizes or {}).get((model.name, one.name), samples) for one in chosen}
        there = {one: n for one, n in counts.items() if (model.name, one.name) not in missing}
        yield from build(run, model, there)


def model_names(models: int | Sequence[str] = 8) -> list[str]:
    """The names that `tier` gives."""
    return [model.name for model in _models(models)]


def dataset_names(datasets: int | Sequence[str] = 12) -> list[str]:
    """The names of datasets, in the order of the results."""
    return [one.name for one in DATASETS if one.name in _names(datasets, DATASETS)]


def aggregate_of(
    results: Iterable[Result], models: Sequence[str], datasets: Sequence[str], name: str = "full"
) -> Aggregate:
    """The aggregate of a tier whose results may be missing."""
    cells = [to_cell(result) for result in results]
    return Aggregate(tier=name, models=list(models), datasets=list(datasets), cells=cells)


def comparisons_of(
    results: Iterable[Result],
    models: Sequence[str],
    datasets: Sequence[str],
    name: str = "full",
    settings: ComparisonSettings = SETTINGS,
) -> Comparisons:
    """All pairs of models, without the prompts and answers that fill memory."""
    return compare_tier(name, models, datasets, map(without_texts, results), settings)


def without_texts(result: Result) -> Result:
    """A result whose samples keep their scores only."""
    slim = [s.model_copy(update={"turns": [], "judgments": []}) for s in result.samples]
    return result.model_copy(update={"samples": slim})


def cost_of(found: Aggregate, comparisons: Comparisons | None = None) -> TierCost:
    """What a tier took, with prices for GPUs and for the model behind a server."""
    decisions = None if comparisons is None else count_decisions(comparisons)
    return tier_cost(found, PRICES, decisions)


def presets_of(models: Sequence[str]) -> list[PresetChoice]:
    """The choice for each model: the default, but for every third one, which runs out of memory."""
    return [_choice(model, tried=2 if place % 3 == 2 else 1) for place, model in enumerate(models)]


def config_of(models: int = 8, datasets: int | Sequence[str] = 12) -> Config:
    """The project's configuration with the tier's models and datasets in place of its own."""
    raw = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    chosen = MODELS[:models]
    raw["run"] = {"models": [m.name for m in chosen], "datasets": dataset_names(datasets)}
    raw["models"] = {
        model.name: {
            "id": f"synthetic/{model.name}",
            "revision": digest(model.name)[:40],
            "parameters_b": 8.0,
            "thinking": model.thinking,
        }
        for model in chosen
    }
    return parse_config(raw)


def runs_of(found: Aggregate) -> list[RunRecord]:
    """Two runs of a tier: one with an older first model and other packages, and the one found."""
    old = [
        cell.model_copy(update={"scores": [_lower(one) for one in cell.scores]})
        for cell in found.cells
        if cell.model == found.models[0]
    ]
    before = found.model_copy(update={"cells": old})
    asked = AskedSettings(max_new_tokens=1024, temperature=0.0)
    settings = HistorySettings(
        tier=found.tier,
        datasets=dict.fromkeys(found.datasets, asked),
        thinking=dict.fromkeys(found.models),
    )
    first = run_record(before, settings, "2026-11-12T09:00:00+00:00")
    aged = [one.model_copy(update={"model_revision": digest("old")[:40]}) for one in first.cells]
    return [
        first.model_copy(update={"cells": aged}),
        run_record(found, settings, "2026-11-20T15:45:00+00:00"),
    ]


def _lower(score: Score) -> Score:
    return score if score.value is None else score.model_copy(update={"value": 0.9 * score.value})


def write_tier(folder: Path, results: Iterable[Result]) -> list[Path]:
    """Write results one at a time where the workflow has them; their paths."""
    paths = []
    for result in results:
        path = folder / result.tier / result.model / f"{result.dataset}.json"
        write_record(path, result)
        paths.append(path)
    return paths


def _names(wanted: int | Sequence[str], known: Sequence[object]) -> list[str]:
    if isinstance(wanted, int):
        return [getattr(one, "name") for one in known[:wanted]]  # noqa: B009
    return list(wanted)


def _models(wanted: int | Sequence[str]) -> list[Model]:
    if isinstance(wanted, int):
        return list(MODELS[:wanted])
    known = {model.name: model for model in MODELS}
    return [
        known.get(name, replace(MODELS[place % len(MODELS)], name=name))
        for place, name in enumerate(wanted)
    ]


def _choice(model: str, tried: int) -> PresetChoice:
    names = ("balanced", "memory_saver")[:tried]
    healths = [_health(name, healthy=place == tried - 1) for place, name in enumerate(names)]
    return choose(SelectSettings(model=model, margin=0.02), healths)


def _health(preset: str, *, healthy: bool) -> PresetHealth:
    failed = 0.0 if healthy else 0.08
    against = None
    if preset != "balanced":
        scores = {"gsm8k": ([1.0] * 400, [1.0] * 400)}
        against = macro_difference(scores, SETTINGS)
    return PresetHealth(
        preset=preset,
        healthy=healthy,
        checks=[
            HealthCheck(name="backoffs", value=0.0, threshold=0.0, healthy=True),
            HealthCheck(name="failed", value=failed, threshold=0.02, healthy=healthy),
            HealthCheck(name="truncated", value=0.01, threshold=0.1, healthy=True),
            HealthCheck(name="headroom", value=None, threshold=0.05, healthy=True),
            HealthCheck(name="tokens_per_second", value=1850.0, threshold=None, healthy=True),
        ],
        mean_score=0.61 if healthy else 0.55,
        tokens_per_second=1850.0 if healthy else 1420.0,
        peak_memory=61 << 30,
        against_default=against,
    )
