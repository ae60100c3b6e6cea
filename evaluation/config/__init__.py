"""The configuration: one typed schema that defaults, JSON Schema and docs tables come from.

`parse_config` turns the mapping Snakemake read from YAML into a `Config` or raises a
`ConfigError` that names each wrong key, what was found there and what is allowed.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from evaluation.config._datasets import (
    DatasetSettings,
    TierOverrides,
    Tiers,
    TierSettings,
    asked,
    wrongly_asked,
)
from evaluation.config._decisions import (
    AdaptiveSettings,
    ComparisonSettings,
    CostSettings,
    GateRule,
    GateSettings,
    PresetSelection,
    TokenPrice,
)
from evaluation.config._endpoint import EndpointSettings
from evaluation.config._engine import (
    Decode,
    EngineName,
    EngineSettings,
    Preset,
    PresetName,
    Presets,
    SandboxSettings,
    Weights,
)
from evaluation.config._fields import (
    DATASETS,
    ENDPOINT,
    TIERS,
    ConfigError,
    Name,
    Section,
    Whole,
)
from evaluation.config._judge import JudgeSettings
from evaluation.config._models import (
    MODEL_KINDS,
    EndpointModel,
    HubModel,
    ModelSettings,
    PathModel,
    PypiModel,
)
from evaluation.config_errors import explain, suggest
from evaluation.records import Protocol, SourceKind

__all__ = [
    "DATASETS",
    "ENDPOINT",
    "MODEL_KINDS",
    "TIERS",
    "AdaptiveSettings",
    "ComparisonSettings",
    "Config",
    "ConfigError",
    "CostSettings",
    "DatasetSettings",
    "Decode",
    "EndpointModel",
    "EndpointSettings",
    "EngineName",
    "EngineSettings",
    "GateRule",
    "GateSettings",
    "HubModel",
    "JudgeSettings",
    "ModelSettings",
    "PathModel",
    "Preset",
    "PresetName",
    "PresetSelection",
    "Presets",
    "PypiModel",
    "RunSettings",
    "SandboxSettings",
    "Section",
    "TierOverrides",
    "TierSettings",
    "Tiers",
    "TokenPrice",
    "Weights",
    "parse_config",
]


class RunSettings(Section):
    """What the aggregate targets contain."""

    models: list[Name] = Field(min_length=1, description="models of the run, by name")
    datasets: list[Name] = Field(
        default_factory=lambda: list(DATASETS), min_length=1, description="datasets of the run"
    )


class Config(Section):
    """The whole configuration."""

    run: RunSettings = Field(description="what is run: models times datasets")
    models: dict[Name, ModelSettings] = Field(min_length=1, description="known models")
    datasets: dict[Name, DatasetSettings] = Field(min_length=1, description="known datasets")
    dataset_source: Literal["hub", "bundled"] = Field(
        "hub",
        description="default source of rows: the Hub, or the small samples that come with this "
        "project (our own writing, not the benchmarks)",
    )
    mirror: str | None = Field(
        None, description="directory in Hub layout to read datasets from instead of the network"
    )
    tiers: Tiers = Field(
        default_factory=lambda: Tiers(), description="samples per dataset in each tier"
    )
    presets: Presets = Field(description="how much is batched together")
    default_preset: PresetName = Field("balanced", description="preset used unless one is pinned")
    optimal_presets: dict[Name, PresetName] = Field(
        default_factory=dict, description="preset pinned for a model, by name"
    )
    engine: EngineSettings = Field(
        default_factory=lambda: EngineSettings(), description="how models are run"
    )
    judge: JudgeSettings = Field(
        default_factory=lambda: JudgeSettings(), description="who rates open answers"
    )
    sandbox: SandboxSettings = Field(
        default_factory=lambda: SandboxSettings(), description="where generated code is run"
    )
    comparison: ComparisonSettings = Field(
        default_factory=lambda: ComparisonSettings(), description="how models are compared"
    )
    preset_selection: PresetSelection = Field(
        default_factory=lambda: PresetSelection(), description="which preset a model gets"
    )
    adaptive: AdaptiveSettings = Field(
        default_factory=lambda: AdaptiveSettings(), description="how `adaptive` adds samples"
    )
    gate: GateSettings = Field(
        default_factory=lambda: GateSettings(), description="what CI refuses"
    )
    cost: CostSettings = Field(default_factory=lambda: CostSettings(), description="prices")
    seed: Whole = Field(1234, ge=0, description="seed of the sample order and of sampling")

    @model_validator(mode="after")
    def _references(self) -> Self:
        problems = [
            *_unknown("datasets", self.datasets, DATASETS, "dataset"),
            *_unknown("run.models", self.run.models, self.models, "model"),
            *_unknown("run.datasets", self.run.datasets, self.datasets, "dataset"),
            *_unknown("optimal_presets", self.optimal_presets, self.models, "model"),
            *_unknown("judge.model", filter(None, [self.judge.model]), self.models, "model"),
            *_priced_tokens(self),
            *_unknown("gate.min_scores", self.gate.min_scores, self.datasets, "dataset"),
            *_unknown(
                "preset_selection.candidates",
                self.preset_selection.candidates,
                type(self.presets).model_fields,
                "preset",
            ),
            *_gate_names(self),
            *_twice("run.models", self.run.models),
            *_twice("run.datasets", self.run.datasets),
        ]
        if self.judge.endpoint is not None and ENDPOINT in self.models:
            problems.append(f"models.{ENDPOINT}: the name stands for `judge.endpoint`")
        if self.engine.name == "openai":
            problems += [
                f"engine.name: found 'openai', but model '{name}' has weights; engines for those: "
                "transformers, vllm (a model behind a server has `source: endpoint`)"
                for name in self.run.models
                if name in self.models and self.models[name].source != "endpoint"
            ]
        for name, dataset in self.datasets.items():
            if dataset.source == "mirror" and self.mirror is None:
                problems.append(
                    f"datasets.{name}.source: found 'mirror', but `mirror` names no directory"
                )
            if name in DATASETS:
                problems += wrongly_asked(name, dataset)
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def asked(self, dataset: str, tier: str) -> tuple[Protocol, int]:
        """The protocol and the number of worked examples of a dataset in a tier."""
        return asked(self.datasets[dataset], tier)

    def source_of(self, dataset: str) -> SourceKind:
        """Where the rows of a dataset come from: its own setting, the mirror, the default."""
        own = self.datasets[dataset].source
        return own or ("mirror" if self.mirror else self.dataset_source)

    def preset_of(self, model: str) -> PresetName:
        """The preset a model runs with."""
        return self.optimal_presets.get(model, self.default_preset)


def _unknown(key: str, found: Any, allowed: Any, noun: str) -> list[str]:
    return [
        f"{key}: unknown {noun} '{name}'{suggest(name, allowed)}; "
        f"known: {', '.join(sorted(allowed))}"
        for name in found
        if name not in allowed
    ]


def _priced_tokens(config: Config) -> list[str]:
    """Tokens have a price where a server counts them; what runs here is priced by the hour."""
    judge = [ENDPOINT] if config.judge.endpoint is not None else []
    problems = _unknown("cost.tokens", config.cost.tokens, [*config.models, *judge], "model")
    return problems + [
        f"cost.tokens.{name}: the model runs here; allowed: models behind servers (others are "
        "priced by cost.gpu_hour, cost.cpu_hour and cost.kwh)"
        for name in config.cost.tokens
        if name in config.models and config.models[name].source != "endpoint"
    ]


def _gate_names(config: Config) -> list[str]:
    problems = []
    for index, rule in enumerate(config.gate.rules):
        key = f"gate.rules.{index}"
        problems += _unknown(f"{key}.candidate", [rule.candidate], config.run.models, "model")
        problems += _unknown(f"{key}.baseline", [rule.baseline], config.run.models, "model")
        problems += _unknown(f"{key}.datasets", rule.datasets, config.run.datasets, "dataset")
        if rule.candidate == rule.baseline:
            problems.append(f"{key}: candidate and baseline are both '{rule.candidate}'")
    return problems


def _twice(key: str, names: list[str]) -> list[str]:
    return [f"{key}: '{n}' is named {names.count(n)} times" for n in _repeated(names)]


def _repeated(names: list[str]) -> list[str]:
    return sorted({n for n in names if names.count(n) > 1})


def parse_config(raw: Any, origin: str = "config.yaml") -> Config:
    """Validate a configuration mapping; `origin` names the files it came from.

    Raises ConfigError with one line per wrong key: path, what was found, what is allowed.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        lines = [
            line
            for e in error.errors()
            for line in explain(e, Config, MODEL_KINDS, {"datasets": DatasetSettings})
        ]
    raise ConfigError(
        "The configuration is not valid:\n" + "\n".join(f"  - {line}" for line in lines),
        where=origin,
        remedy="correct the keys above; docs/configuration.md lists every key",
    )
