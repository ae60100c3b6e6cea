"""From the configuration to the jobs that decide: comparisons of a tier and its gate.

The part of plan.py that concerns decisions, with the same rules: pure functions, and settings that
change only for what changes the decision.
"""

from __future__ import annotations

from evaluation import plan
from evaluation.code_files import folder_code
from evaluation.config import ComparisonSettings, Config, GateSettings
from evaluation.errors import EvaluationError
from evaluation.records import Record


class CompareSettings(Record):
    """The settings of a compare_models job."""

    tier: str
    models: list[str]
    datasets: list[str]
    comparison: ComparisonSettings


class ApplyGateSettings(CompareSettings):
    """The settings of an apply_gate job."""

    gate: GateSettings


def comparisons(config: Config, tier: str) -> list[str]:
    """The comparisons of a tier's models; one model is compared with nothing."""
    return [f"results/{tier}/comparisons.json"] if len(config.run.models) > 1 else []


def compare_settings(config: Config, tier: str) -> CompareSettings:
    """Settings of compare_models."""
    return CompareSettings(
        tier=tier,
        models=config.run.models,
        datasets=config.run.datasets,
        comparison=config.comparison,
    )


def gate_settings(config: Config, tier: str) -> ApplyGateSettings:
    """Settings of apply_gate; raises EvaluationError where nothing is configured to be checked.

    Raised when the workflow is planned, that is before any inference.
    """
    gate = config.gate
    limits = (gate.max_truncated, gate.max_failed)
    if not gate.rules and not gate.min_scores and all(limit is None for limit in limits):
        raise EvaluationError(
            "The gate has nothing to check.",
            where=f"gate, for results/{tier}/gate.json",
            remedy="configure gate.rules, gate.min_scores, gate.max_truncated or gate.max_failed "
            "in config.yaml; docs/comparisons.md has an example",
        )
    return ApplyGateSettings(**dict(compare_settings(config, tier)), gate=gate)


def gate_cells(config: Config, tier: str) -> list[str]:
    """The result files that the gate looks at; raises EvaluationError as gate_settings does."""
    gate_settings(config, tier)
    return plan.cells(config, tier)


def comparing_code() -> list[str]:
    """The code files that decide what a comparison says."""
    return folder_code("evaluation/comparing", "evaluation/statistics")
