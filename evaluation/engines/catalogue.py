"""Which engine runs a model, and that engine's revision. Imports no engine's packages."""

from __future__ import annotations

from evaluation.config import Config, EndpointModel, EngineName, Weights
from evaluation.engines import openai_engine, transformers_engine, vllm_engine


def engine_of(config: Config, model: str) -> EngineName:
    """The engine of a model: `openai` for one behind a server, else the configured one."""
    if isinstance(config.models[model], EndpointModel):
        return "openai"
    return config.engine.name


def revision(engine: EngineName) -> int:
    """The engine's REVISION, which is part of every request's key."""
    revisions: dict[EngineName, int] = {
        "transformers": transformers_engine.REVISION,
        "vllm": vllm_engine.REVISION,
        "openai": openai_engine.REVISION,
    }
    return revisions[engine]


def weights_of(config: Config, model: str, preset: str) -> Weights:
    """How a model's weights are quantised under a preset; a server's are the server's affair."""
    if engine_of(config, model) == "openai":
        return "full"
    weights: Weights = getattr(config.presets, preset).weights
    return weights
