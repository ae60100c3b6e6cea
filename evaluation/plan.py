"""From the configuration to jobs: paths, slices, and the typed settings of each job.

Pure functions of the configuration, used by the rules. Settings travel to scripts as JSON with
sorted keys, so that order and comments in YAML trigger nothing and an edited dataset reruns
exactly its own cells.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue, TypeAdapter

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PromptSettings
from evaluation.config import (
    TIERS,
    Config,
    EndpointModel,
    EngineSettings,
    ModelSettings,
    PathModel,
    PresetName,
)
from evaluation.engines import catalogue
from evaluation.generate import GenerateSettings, Machine
from evaluation.models import PATTERNS
from evaluation.prepare import PrepareSettings
from evaluation.preset_selection import chosen
from evaluation.queue import Task
from evaluation.records import Protocol, Record
from evaluation.requests import normaliser_digest, requests_digest
from evaluation.scoring import ScoreSettings

# A test keeps the protocols in step with the type.
VARIANT = re.compile(r"(harness|chat|tools)-(\d+)shot")
ROOT = Path(__file__).resolve().parents[1]


class FetchSettings(Record):
    """The settings of a fetch_model job."""

    model: str
    settings: ModelSettings


class AggregateSettings(Record):
    """The settings of an aggregate job."""

    tier: str
    models: list[str]
    datasets: list[str]


def to_json(settings: BaseModel | list[JsonValue]) -> str:
    """Settings as one line of JSON with sorted keys."""
    raw = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else settings
    return json.dumps(raw, sort_keys=True, ensure_ascii=False)


# ---- slices and paths ----------------------------------------------------------------------


def slices(config: Config, tier: str) -> list[str]:
    """The slices a tier consists of, e.g. `0-20` and `20-100` for standard."""
    sizes = [getattr(config.tiers, name) for name in TIERS[: TIERS.index(tier) + 1]]
    return [f"{low}-{high}" for low, high in zip([0, *sizes], sizes, strict=False)]


def cell(tier: str, model: str, dataset: str) -> str:
    """The result file of a cell."""
    return f"results/{tier}/{model}/{dataset}.json"


def cells(config: Config, tier: str) -> list[str]:
    """The result files of a tier's run, model by model."""
    return [cell(tier, m, d) for m in config.run.models for d in config.run.datasets]


def variant(config: Config, dataset: str, tier: str) -> str:
    """How a dataset is asked in a tier, as part of a path, e.g. `harness-25shot`.

    Tiers that ask the same share their responses, and going back to a protocol costs nothing.
    """
    protocol, few_shot = config.asked(dataset, tier)
    return f"{protocol}-{few_shot}shot"


def preset(config: Config, model: str, tier: str) -> PresetName:
    """The preset of a cell: what quick runs with, and in the other tiers what was chosen since."""
    return config.preset_of(model) if tier == TIERS[0] else chosen(config, model)


def responses(config: Config, model: str, dataset: str, tier: str) -> list[str]:
    """The responses files a cell is scored from."""
    return preset_responses(config, model, preset(config, model, tier), dataset, tier)


def preset_responses(config: Config, model: str, preset: str, dataset: str, tier: str) -> list[str]:
    """The responses files of a dataset in a tier under a preset."""
    folder = f"results/responses/{model}/{preset}/{dataset}"
    return [
        f"{folder}/{variant(config, dataset, tier)}/{part}.jsonl" for part in slices(config, tier)
    ]


# ---- settings of the jobs ------------------------------------------------------------------


def prompt_settings(config: Config, dataset: str, variant: str) -> PromptSettings:
    """What decides a dataset's requests under a variant."""
    chosen = config.datasets[dataset]
    found = VARIANT.fullmatch(variant)
    if found is None:
        raise ValueError(f"not a variant: {variant}")
    protocol: Protocol = TypeAdapter(Protocol).validate_python(found[1])
    own = benchmark(dataset).card.max_new_tokens.get(protocol, 0)
    return PromptSettings(
        protocol=protocol,
        few_shot=int(found[2]),
        max_new_tokens=chosen.max_new_tokens or own,
        seed=config.seed,
        repeats=chosen.repeats,
        temperature=chosen.temperature,
    )


def fetch_settings(config: Config, model: str) -> FetchSettings:
    """Settings of fetch_model."""
    return FetchSettings(model=model, settings=config.models[model])


def fetch_key(config: Config, model: str) -> str:
    """The settings that decide what is fetched, as JSON; size, licence and thinking do not."""
    settings = config.models[model].model_dump(mode="json")
    keys: tuple[str, ...] = ("source", "id", "revision", "parts", "sha256", "path")
    if settings["source"] == "endpoint":
        keys = ("source", "base_url", "model", "completions")
    return json.dumps({key: settings.get(key) for key in keys}, sort_keys=True)


def path_model_files(config: Config, model: str) -> list[str]:
    """The files of a model in a local directory: when they change, the manifest is made anew."""
    settings = config.models[model]
    if not isinstance(settings, PathModel):
        return []
    return _matching(Path(settings.path), PATTERNS)


def mirror_files(config: Config, dataset: str) -> list[str]:
    """The files of a dataset in the mirror: when they change, it is prepared anew."""
    if config.source_of(dataset) != "mirror" or config.mirror is None:
        return []
    card = benchmark(dataset).card
    return _matching(Path(config.mirror) / card.hub_id, card.files.patterns)


def _matching(folder: Path, patterns: Sequence[str]) -> list[str]:
    """The files in a folder that match any of the patterns."""
    folder = folder.expanduser()
    return sorted({str(p) for pattern in patterns for p in folder.glob(pattern) if p.is_file()})


def prepare_settings(config: Config, dataset: str) -> PrepareSettings:
    """Settings of prepare_dataset."""
    source = config.source_of(dataset)
    return PrepareSettings(
        dataset=dataset,
        source=source,
        revision=config.datasets[dataset].revision,
        mirror=config.mirror if source == "mirror" else None,
        few_shot=max(config.asked(dataset, tier)[1] for tier in TIERS),
        seed=config.seed,
        normaliser=_normaliser_digest(dataset),
    )


def task(config: Config, model: str, preset: str, dataset: str, variant: str, part: str) -> Task:
    """One (dataset, variant, slice) of a model and preset."""
    start, stop = part.split("-")
    return Task(
        dataset=dataset,
        start=int(start),
        stop=int(stop),
        prompt=prompt_settings(config, dataset, variant),
        samples=f"data/{dataset}.jsonl",
        manifest=f"data/{dataset}.manifest.json",
        journal=f"results/journals/{model}/{preset}/{dataset}/{variant}/{part}.jsonl",
    )


def generate_settings(
    config: Config, model: str, preset: str, dataset: str, variant: str, part: str
) -> GenerateSettings:
    """Settings of generate."""
    engine = deciding(config, model)
    return GenerateSettings(
        model=model,
        preset_name=preset,
        engine=engine,
        engine_revision=catalogue.revision(engine.name),
        thinking=config.models[model].thinking,
        weights=catalogue.weights_of(config, model, preset),
        task=task(config, model, preset, dataset, variant, part),
        requests=_requests_digest(dataset, prompt_settings(config, dataset, variant)),
        exact_preset=getattr(config.presets, preset) if engine.exact else None,
    )


def machine(config: Config, model: str, preset: str) -> Machine:
    """How generate runs or reaches its model."""
    settings = config.models[model]
    return Machine(
        engine=config.engine.model_copy(update={"name": catalogue.engine_of(config, model)}),
        preset=getattr(config.presets, preset),
        endpoint=settings if isinstance(settings, EndpointModel) else None,
    )


def deciding(config: Config, model: str) -> EngineSettings:
    """The engine settings without those that decide no response (where and what may run)."""
    name = catalogue.engine_of(config, model)
    if name == "openai":
        return EngineSettings(name=name)
    return EngineSettings(name=name, dtype=config.engine.dtype, exact=config.engine.exact)


def score_settings(config: Config, tier: str, model: str, dataset: str) -> ScoreSettings:
    """Settings of score."""
    from evaluation.judge_plan import cell_judge  # which builds on this module

    own = preset(config, model, tier)
    return preset_score_settings(config, tier, model, own, dataset).model_copy(
        update={"judge": cell_judge(config, dataset)}
    )


def preset_score_settings(
    config: Config, tier: str, model: str, preset: str, dataset: str
) -> ScoreSettings:
    """Settings of scoring a dataset under a preset, without a judge."""
    engine = deciding(config, model)
    return ScoreSettings(
        model=model,
        dataset=dataset,
        tier=tier,
        size=getattr(config.tiers, tier),
        preset=preset,
        prompt=prompt_settings(config, dataset, variant(config, dataset, tier)),
        sandbox=config.sandbox if runs_code(dataset) else None,
        engine=engine,
        engine_revision=catalogue.revision(engine.name),
        thinking=config.models[model].thinking,
        weights=catalogue.weights_of(config, model, preset),
    )


def aggregate_settings(config: Config, tier: str) -> AggregateSettings:
    """Settings of aggregate."""
    return AggregateSettings(tier=tier, models=config.run.models, datasets=config.run.datasets)


@cache
def _normaliser_digest(dataset: str) -> str:
    return normaliser_digest(dataset)


@cache
def _requests_digest(dataset: str, settings: PromptSettings) -> str:
    return requests_digest(dataset, settings)


def runs_code(dataset: str) -> bool:
    """Whether scoring the dataset runs programs."""
    return benchmark(dataset).card.runs_code


# ---- back from JSON ----------------------------------------------------------------------


def parse(kind: type[BaseModel], text: str) -> Any:
    """Settings back from JSON."""
    return kind.model_validate_json(text)


def parse_tasks(text: str) -> list[Task]:
    """A queue back from JSON."""
    return TypeAdapter(list[Task]).validate_json(text)
