"""From the configuration to the jobs that tell of a tier: its history and its report.

The part of plan.py that concerns them. A report shows the configuration, so it is given it in a way
that triggers nothing: an edit that changes no result renders no report.
"""

from __future__ import annotations

from evaluation import plan
from evaluation.config import ENDPOINT, Config
from evaluation.history import AskedSettings, HistorySettings
from evaluation.records import Record


class ReportSettings(Record):
    """The settings of a report job.

    `config` is the part of the configuration that concerns the run, with all defaults; it has no
    secrets, only names of environment variables. `files` are those it was read from, in order.
    """

    tier: str
    config: Config
    files: list[str]


def history_settings(config: Config, tier: str) -> HistorySettings:
    """Settings of history: like those of its cells, nothing in them changes without the cells."""
    asked = {
        name: plan.prompt_settings(config, name, plan.variant(config, name, tier))
        for name in config.run.datasets
    }
    return HistorySettings(
        tier=tier,
        datasets={
            name: AskedSettings(max_new_tokens=one.max_new_tokens, temperature=one.temperature)
            for name, one in asked.items()
        },
        thinking={name: config.models[name].thinking for name in config.run.models},
    )


def report_settings(config: Config, tier: str, files: list[str]) -> ReportSettings:
    """Settings of report."""
    return ReportSettings(tier=tier, config=concerning_run(config), files=files)


def concerning_run(config: Config) -> Config:
    """The configuration without models and datasets that are no part of the run.

    Given to `--configfile`, it runs the same.
    """
    named = {*config.run.models, *filter(None, [config.judge.model])}
    models = {name: found for name, found in config.models.items() if name in named}
    datasets = {name: config.datasets[name] for name in config.run.datasets}
    known = {*models, *([ENDPOINT] if config.judge.endpoint else [])}
    cost = config.cost.model_copy(
        update={"tokens": {n: p for n, p in config.cost.tokens.items() if n in known}}
    )
    gate = config.gate.model_copy(
        update={"min_scores": {n: s for n, s in config.gate.min_scores.items() if n in datasets}}
    )
    pinned = {name: preset for name, preset in config.optimal_presets.items() if name in models}
    return config.model_copy(
        update={
            "models": models,
            "datasets": datasets,
            "optimal_presets": pinned,
            "cost": cost,
            "gate": gate,
        }
    )
