"""Which cells the adaptive tier needs: pure functions that the rules ask. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evaluation import plan
from evaluation.code_files import ROOT, folder_code
from evaluation.config import TIERS, AdaptiveSettings, ComparisonSettings, Config
from evaluation.errors import EvaluationError
from evaluation.files import read_record
from evaluation.records import AdaptiveStage, AdaptiveSummary, Record

# Has the stage of a `tier` made: Snakemake's `checkpoints.adapt.get`, which ends the caller's turn
# until the stage is there.
Make = Callable[..., object]
SUMMARY = "results/adaptive/summary.json"


class AdaptSettings(Record):
    """The settings that decide the stages: those of `adapt` with a tier, of the summary without."""

    tier: str | None
    models: list[str]
    datasets: list[str]
    sizes: list[int]
    comparison: ComparisonSettings
    adaptive: AdaptiveSettings
    seed: int


def settings(config: Config, tier: str | None = None) -> AdaptSettings:
    """Settings of `adapt` at a tier, or of the summary."""
    return AdaptSettings(
        tier=tier,
        models=config.run.models,
        datasets=config.run.datasets,
        sizes=[getattr(config.tiers, name) for name in TIERS],
        comparison=config.comparison,
        adaptive=config.adaptive,
        seed=config.seed,
    )


def check(config: Config) -> None:
    """Refuse what cannot be looked at again and again; raises EvaluationError.

    The corrections for repeated looks need one growing set of answers to the same questions. A
    tier that asks a dataset in another way starts anew.
    """
    if len(config.run.models) < 2:
        raise EvaluationError(
            f"The adaptive tier compares models, and the run has only one: {config.run.models[0]}.",
            where="run.models",
            remedy="name at least two models there, or run a fixed tier, e.g. `snakemake quick`",
        )
    changed = [
        f"datasets.{dataset}.tiers.{tier}"
        for dataset in config.run.datasets
        for tier in TIERS[1:]
        if config.asked(dataset, tier) != config.asked(dataset, TIERS[0])
    ]
    if changed:
        raise EvaluationError(
            "The adaptive tier adds samples to those of quick, but some datasets are asked in "
            "another way in a later tier (another protocol or other worked examples).",
            where=", ".join(changed),
            remedy="ask all tiers the same, or leave these datasets out of run.datasets",
        )


def stage_file(tier: str) -> str:
    """The decisions after a tier's look."""
    return f"results/adaptive/{tier}.json"


def before(tier: str, make: Make) -> list[str]:
    """The file of the stage before, having had it made; none for the first."""
    if tier == TIERS[0]:
        return []
    earlier = TIERS[TIERS.index(tier) - 1]
    make(tier=earlier)
    return [stage_file(earlier)]


def cells(config: Config, tier: str, make: Make) -> list[str]:
    """The results of a stage: all cells of quick, then those that the stage before promotes."""
    if tier == TIERS[0]:
        return plan.cells(config, tier)
    (earlier,) = before(tier, make)
    promoted = read_record(Path(earlier), AdaptiveStage).promoted
    return [plan.cell(tier, cell.model, cell.dataset) for cell in promoted]


def tiers(make: Make) -> list[str]:
    """The tiers that are looked at: a stage that promotes no cell is the last."""
    needed = []
    for tier in TIERS:
        make(tier=tier)
        needed.append(tier)
        if not read_record(Path(stage_file(tier)), AdaptiveStage).promoted:
            break
    return needed


def read_summary() -> AdaptiveSummary:
    """The summary that is there; raises EvaluationError if its file is damaged."""
    return read_record(Path(SUMMARY), AdaptiveSummary)


def manifests(config: Config) -> list[str]:
    """The manifests of the run's datasets, which say how many rows there are."""
    return [f"data/{dataset}.manifest.json" for dataset in config.run.datasets]


def code() -> list[str]:
    """The code files that decide the stages and the summary."""
    own = str(Path(__file__).relative_to(ROOT))
    found = folder_code("evaluation/adaptive", "evaluation/statistics")
    return [path for path in found if path != own]
