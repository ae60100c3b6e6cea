"""The first requests of a quick run: all twelve datasets, asked as config.yaml asks them."""

from __future__ import annotations

from pathlib import Path

import yaml

from evaluation import plan
from evaluation.benchmarks import benchmark
from evaluation.config import Config
from evaluation.engines.base import Pool, PooledRequest
from evaluation.machine import ROOT
from evaluation.prepare import normalise
from evaluation.requests import first_requests
from evaluation.sampling import stratified_order
from evaluation.sources import read_rows


def quick_requests(mirror: Path | None, rows: int, new_tokens: int | None) -> Pool:
    """The requests of `rows` samples a dataset, from a mirror or from the bundled samples.

    `new_tokens` replaces the room for an answer. Bundled samples have fewer worked examples than
    some datasets ask for: then all there are.
    """
    raw_config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config, pool = Config.model_validate(raw_config), Pool()
    for dataset in config.run.datasets:
        task = benchmark(dataset)
        settings = plan.prompt_settings(config, dataset, plan.variant(config, dataset, "quick"))
        raw = read_rows(
            task,
            "mirror" if mirror else "bundled",
            revision=None,
            mirror=str(mirror) if mirror else None,
            few_shot=settings.few_shot,
        )
        samples = stratified_order(normalise(task, raw.rows), dataset, config.seed)[:rows]
        examples = normalise(task, raw.few_shot)
        changes: dict[str, int] = {}
        if mirror is None:
            there = (len(task.pick_few_shot(one, examples, settings.few_shot)) for one in samples)
            changes["few_shot"] = min(there)
        if new_tokens is not None:
            changes["max_new_tokens"] = new_tokens
        asked = first_requests(dataset, samples, examples, settings.model_copy(update=changes))
        for number, request in enumerate(asked):
            pool.append(PooledRequest(key=f"{dataset}/{number}", group=dataset, request=request))
    return pool
