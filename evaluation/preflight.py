"""What can be known to fail before anything is fetched, loaded or asked."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib.util import find_spec
from typing import Literal

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, PromptSettings
from evaluation.config import Config, EndpointModel
from evaluation.engines.catalogue import engine_of, weights_of
from evaluation.engines.device import check_size
from evaluation.engines.openai_client import api_key
from evaluation.errors import EvaluationError
from evaluation.plan import prompt_settings
from evaluation.prepare import normalise
from evaluation.preset_selection import chooses, order
from evaluation.records import LoglikelihoodRequest
from evaluation.requests import first_requests
from evaluation.sources import read_rows

Need = Literal["chat", "text", "logprobs"]


def check_model(
    config: Config, model: str, cells: Collection[tuple[str, str]], *, gpu: bool
) -> None:
    """Refuse a model that cannot answer what is wanted of it.

    `cells` are its datasets, each with the variant in which it is asked; `gpu` says whether a GPU
    can be used here. Raises EvaluationError that says what is in the way and what to do.
    """
    settings = config.models[model]
    if isinstance(settings, EndpointModel):
        api_key(settings, f"models.{model}")
        _check_exact(config, model)
        _check_offer(config, model, settings, cells)
        return
    if engine_of(config, model) == "vllm":
        _check_exact(config, model)
        _check_vllm(config, model)
    if settings.parameters_b is not None:
        check_size(model, settings.parameters_b, config.engine, gpu=gpu)


def _check_exact(config: Config, model: str) -> None:
    if config.engine.exact:
        raise EvaluationError(
            "engine.exact promises the same responses bit by bit, which only the transformers "
            "engine keeps.",
            where=f"models.{model}",
            remedy="set engine.exact: false, or evaluate this model in a run of its own",
        )


def _check_vllm(config: Config, model: str) -> None:
    if find_spec("vllm") is None:
        raise EvaluationError(
            "engine.name is vllm, which is not installed.",
            where=f"model {model}",
            remedy="install it as docs/engines.md says, or set engine.name: transformers",
        )
    presets = order(config, model) if chooses(config, model) else [config.preset_of(model)]
    for preset in presets:
        if weights_of(config, model, preset) == "int8":
            raise EvaluationError(
                "vllm does not quantise weights to int8 while loading.",
                where=f"presets.{preset}.weights, model {model}",
                remedy="use nf4 or full there, set engine.name: transformers, or leave the preset "
                "out of preset_selection.candidates",
            )


def _check_offer(
    config: Config, model: str, settings: EndpointModel, cells: Collection[tuple[str, str]]
) -> None:
    """Refuse datasets that need more of a server than it offers."""
    offered: dict[str, set[Need]] = {
        "none": {"chat"},
        "text": {"chat", "text"},
        "logprobs": {"chat", "text", "logprobs"},
    }
    lacking: dict[Need, set[str]] = {}
    for dataset, variant in cells:
        wanted = needs(dataset, prompt_settings(config, dataset, variant))
        for need in wanted - offered[settings.completions]:
            lacking.setdefault(need, set()).add(dataset)
    if not lacking:
        return
    words: dict[Need, str] = {
        "chat": "chat",
        "text": "answers to plain prompts (`completions: text`)",
        "logprobs": "log-probabilities of prompts (`completions: logprobs`)",
    }
    parts = [
        f"{', '.join(sorted(datasets))} {'needs' if len(datasets) == 1 else 'need'} {words[need]}"
        for need, datasets in sorted(lacking.items())
    ]
    raise EvaluationError(
        f"The server of {model} does not offer what these datasets are asked with: "
        f"{'; '.join(parts)}.",
        where=f"models.{model}.completions: {settings.completions}",
        remedy="remove them from run.datasets, ask them in the chat protocol where they have one, "
        f"or set models.{model}.completions if the server has it (docs/engines.md)",
    )


@cache
def needs(dataset: str, settings: PromptSettings) -> frozenset[Need]:
    """What a dataset asks of an engine, found from the requests of the bundled samples."""
    task = benchmark(dataset)
    raw = read_rows(task, "bundled", revision=None, mirror=None)
    samples, pool = normalise(task, raw.rows), normalise(task, raw.few_shot)
    return frozenset(_need(request) for request in first_requests(dataset, samples, pool, settings))


def _need(request: AnyRequest) -> Need:
    if isinstance(request, LoglikelihoodRequest):
        return "logprobs"
    return "chat" if request.messages else "text"
