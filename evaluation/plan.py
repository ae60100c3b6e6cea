"""From the configuration to jobs: paths, slices, and the typed settings of each job.

Pure functions of the configuration, used by the rules. Settings travel to scripts as JSON with
sorted keys, so that order and comments in YAML trigger nothing and an edited dataset reruns
exactly its own cells.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, JsonValue, TypeAdapter

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PromptSettings
from evaluation.config import Config, EngineSettings, ModelSettings, PathModel
from evaluation.engines.transformers_engine import REVISION
from evaluation.generate import GenerateSettings, Machine
from evaluation.models import PATTERNS
from evaluation.prepare import PrepareSettings
from evaluation.queue import Task
from evaluation.records import Record
from evaluation.requests import normaliser_digest, requests_digest
from evaluation.scoring import ScoreSettings

TIERS = ("quick", "standard", "full")
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


def responses(config: Config, model: str, dataset: str, tier: str) -> list[str]:
    """The responses files a cell is scored from."""
    preset = config.preset_of(model)
    return [
        f"results/responses/{model}/{preset}/{dataset}/{part}.jsonl"
        for part in slices(config, tier)
    ]


# ---- settings of the jobs ------------------------------------------------------------------


def prompt_settings(config: Config, dataset: str) -> PromptSettings:
    """What decides a dataset's requests."""
    chosen = config.datasets[dataset]
    return PromptSettings(
        protocol=chosen.protocol,
        few_shot=chosen.few_shot,
        max_new_tokens=chosen.max_new_tokens,
        seed=config.seed,
    )


def fetch_settings(config: Config, model: str) -> FetchSettings:
    """Settings of fetch_model."""
    return FetchSettings(model=model, settings=config.models[model])


def fetch_key(config: Config, model: str) -> str:
    """The settings that decide what is fetched, as JSON; size, licence and thinking do not."""
    settings = config.models[model].model_dump(mode="json")
    keys = ("source", "id", "revision", "parts", "sha256", "path")
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
        few_shot=config.datasets[dataset].few_shot,
        seed=config.seed,
        normaliser=_normaliser_digest(dataset),
    )


def task(config: Config, model: str, preset: str, dataset: str, part: str) -> Task:
    """One (dataset, slice) of a model and preset."""
    start, stop = part.split("-")
    return Task(
        dataset=dataset,
        start=int(start),
        stop=int(stop),
        prompt=prompt_settings(config, dataset),
        samples=f"data/{dataset}.jsonl",
        manifest=f"data/{dataset}.manifest.json",
        journal=f"results/journals/{model}/{preset}/{dataset}/{part}.jsonl",
    )


def generate_settings(
    config: Config, model: str, preset: str, dataset: str, part: str
) -> GenerateSettings:
    """Settings of generate."""
    return GenerateSettings(
        model=model,
        preset_name=preset,
        engine=deciding(config.engine),
        engine_revision=REVISION,
        thinking=config.models[model].thinking,
        task=task(config, model, preset, dataset, part),
        requests=_requests_digest(dataset, prompt_settings(config, dataset)),
        exact_preset=getattr(config.presets, preset) if config.engine.exact else None,
    )


def machine(config: Config, preset: str) -> Machine:
    """How generate runs its model."""
    return Machine(engine=config.engine, preset=getattr(config.presets, preset))


def deciding(engine: EngineSettings) -> EngineSettings:
    """The engine settings without those that decide no response (where and what may run)."""
    return EngineSettings(name=engine.name, dtype=engine.dtype, exact=engine.exact)


def score_settings(config: Config, tier: str, model: str, dataset: str) -> ScoreSettings:
    """Settings of score."""
    return ScoreSettings(
        model=model,
        dataset=dataset,
        tier=tier,
        size=getattr(config.tiers, tier),
        preset=config.preset_of(model),
        prompt=prompt_settings(config, dataset),
        engine=deciding(config.engine),
        engine_revision=REVISION,
        thinking=config.models[model].thinking,
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


# ---- code that decides a score -------------------------------------------------------------

MODULE = re.compile(r"evaluation\.benchmarks\.[\w.]+")
SCORING_CODE = ("evaluation/scoring.py", "evaluation/statistics.py", "evaluation/thinking.py")


@cache
def scoring_code(dataset: str) -> tuple[str, ...]:
    """The code files that decide a dataset's scores: its module and what that builds on.

    Found from the imports within evaluation/benchmarks and the names of workers' modules
    ("evaluation.benchmarks.x:function"), so that editing one scorer rescores one dataset.
    """
    found: dict[str, None] = {}
    waiting = [f"evaluation/benchmarks/{dataset}.py"]
    while waiting:
        path = waiting.pop()
        if path in found or not (ROOT / path).exists():
            continue
        found[path] = None
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names = [node.value.partition(":")[0]]
            waiting += [name.replace(".", "/") + ".py" for name in names if MODULE.fullmatch(name)]
    return (*sorted(found), *SCORING_CODE)


def report_code() -> list[str]:
    """Templates and code that decide what a report looks like."""
    folder = ROOT / "evaluation" / "reports"
    found = [*folder.glob("*.py"), *(folder / "templates").rglob("*")]
    return sorted(str(path.relative_to(ROOT)) for path in found if path.is_file())


# ---- targets -------------------------------------------------------------------------------


def unknown_cell_pattern(config: Config) -> str:
    """A regular expression of results (without `.json`) that no rule of the workflow makes."""
    tiers, models, datasets = "|".join(TIERS), "|".join(config.models), "|".join(config.datasets)
    known = rf"(?:{tiers})/(?:all|(?:{models})/(?:{datasets}))\.json$"
    return rf"(?!{known}|responses/|journals/).+"


def explain_unknown(config: Config, path: str) -> str:
    """What is wrong with the target `results/{path}.json`, which no rule makes."""
    parts = path.split("/")
    names = [
        ("tier", TIERS),
        ("model", sorted(config.models)),
        ("dataset", sorted(config.datasets)),
    ]
    if len(parts) == 2 and parts[1] == "all":
        names = names[:1]
    elif len(parts) != 3:
        return (
            f"No rule can make results/{path}.json: a result is results/TIER/MODEL/DATASET.json, "
            f"an aggregate results/TIER/all.json, with TIER one of {', '.join(TIERS)}"
        )
    wrong = [
        f"unknown {noun} '{found}'; known: {', '.join(known)}"
        for found, (noun, known) in zip(parts, names, strict=False)
        if found not in known
    ]
    return f"No rule can make results/{path}.json: {' and '.join(wrong)}"


def parse(kind: type[BaseModel], text: str) -> Any:
    """Settings back from JSON."""
    return kind.model_validate_json(text)


def parse_tasks(text: str) -> list[Task]:
    """A queue back from JSON."""
    return TypeAdapter(list[Task]).validate_json(text)
