"""From the configuration to the jobs that choose presets: their inputs and typed settings.

The part of plan.py that concerns the choice, with the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation import plan
from evaluation.benchmarks import benchmark
from evaluation.config import TIERS, Config
from evaluation.preset_selection import (
    AssessSettings,
    SelectSettings,
    Thresholds,
    candidate_result,
    choice_file,
    chooses,
    why_not,
)
from evaluation.scoring import ScoreSettings

QUICK = TIERS[0]


def choices(config: Config) -> list[str]:
    """The files of the choices to be made for the models of the run."""
    return [choice_file(model) for model in config.run.models if chooses(config, model)]


def shown_choices(config: Config, tier: str) -> list[str]:
    """The choices that the cells of a tier were made with; quick needs none."""
    return choices(config) if tier != QUICK else []


def no_choices(config: Config) -> str:
    """Why there is none to be made."""
    models = config.run.models
    reasons = "; ".join(f"{model}: {why_not(config, model)}" for model in models)
    return f"There is no preset to choose for any model of the run: {reasons}"


def words(config: Config) -> list[str]:
    """The choices that were made for the models of the run, as lines for the terminal."""
    return [
        f"preset of {model}: {plan.preset(config, model, TIERS[-1])}, {choice_file(model)}"
        for model in config.run.models
        if chooses(config, model)
    ]


def undecided(models: Sequence[str]) -> str:
    """What to do when a failure left models without a choice."""
    names = ", ".join(models)
    return (
        f"No preset was chosen for {names}: that takes the quick results of all datasets of the "
        "run, and the cells of standard and full wait for it. To go on without, take what failed "
        "out of run.datasets or preset_selection.candidates, pin a preset in optimal_presets, or "
        "set preset_selection.enabled: false."
    )


def responses(config: Config, model: str, preset: str) -> list[str]:
    """The quick slices that a preset is assessed by."""
    return [
        path
        for dataset in config.run.datasets
        for path in plan.preset_responses(config, model, preset, dataset, QUICK)
    ]


def results(config: Config, model: str, preset: str) -> list[str]:
    """The quick results of a preset, but for judged datasets.

    A choice must not wait for a judge, which comes after all answers, nor load one for candidates.
    """
    datasets = [name for name in config.run.datasets if not benchmark(name).card.judged]
    if preset == config.preset_of(model):
        return [plan.cell(QUICK, model, dataset) for dataset in datasets]
    return [candidate_result(model, preset, dataset) for dataset in datasets]


def default_results(config: Config, model: str, preset: str) -> list[str]:
    """What a candidate's results are compared with; nothing for the default itself."""
    default = config.preset_of(model)
    return results(config, model, default) if preset != default else []


def candidate_settings(config: Config, model: str, preset: str, dataset: str) -> ScoreSettings:
    """Settings of scoring a candidate's quick run."""
    return plan.preset_score_settings(config, QUICK, model, preset, dataset)


def assess_settings(config: Config, model: str, preset: str) -> AssessSettings:
    """Settings of assess_preset."""
    selection = config.preset_selection
    return AssessSettings(
        model=model,
        preset=preset,
        thresholds=Thresholds(
            backoffs=selection.backoffs,
            failed=selection.failed,
            truncated=selection.truncated,
            unstable=selection.unstable,
            headroom=selection.headroom,
            tokens_per_second=selection.tokens_per_second,
        ),
        comparison=config.comparison,
        seed=config.seed,
    )


def select_settings(config: Config, model: str) -> SelectSettings:
    """Settings of select_preset."""
    return SelectSettings(model=model, margin=config.preset_selection.margin)
