"""Load a model and its tokenizer, and read off what batching and decoding need to know."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any

from evaluation.config import EngineSettings
from evaluation.engines.device import choose_device, choose_dtype
from evaluation.engines.prompts import Renderer
from evaluation.errors import EvaluationError, first_line
from evaluation.machine import hardware
from evaluation.records import Hardware, ModelManifest


@dataclass(frozen=True)
class Loaded:
    """A model on its device; `dtype` is torch's name of the number format."""

    model: Any
    tokenizer: Any
    device: str
    dtype: str
    seconds: float


def load(manifest: ModelManifest, settings: EngineSettings, threads: int | None) -> Loaded:
    """Load a model from its directory.

    Raises EvaluationError when the device cannot be used or the model does not fit.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if threads:
        torch.set_num_threads(threads)
    start = perf_counter()
    device = choose_device(settings)
    dtype = choose_dtype(settings, device)
    tokenizer = AutoTokenizer.from_pretrained(manifest.directory)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            manifest.directory, dtype=dtype, use_safetensors=True
        )
        model = model.to(device).eval()
    except torch.OutOfMemoryError as error:
        raise EvaluationError(
            f"The model does not fit into the GPU's memory: {first_line(error)}",
            where=f"model {manifest.model}, {manifest.parameters / 1e9:.1f} billion parameters",
            remedy="use a GPU with more memory, or free the memory other processes hold",
        ) from error
    name = str(dtype).removeprefix("torch.")
    return Loaded(model, tokenizer, device, name, perf_counter() - start)


def rope_switch(model: Any) -> float:
    """The length beyond which a model uses other position factors (longrope), or infinity."""
    config = model.config.get_text_config()
    parameters = getattr(config, "rope_parameters", None) or {}
    if parameters.get("rope_type") != "longrope":
        return inf
    length = parameters.get("original_max_position_embeddings")
    return float(length or getattr(config, "original_max_position_embeddings", None) or inf)


def end_tokens(model: Any, tokenizer: Any) -> set[int]:
    """All tokens that end an answer: the model's own and the tokenizer's."""
    ends = model.generation_config.eos_token_id
    tokens = set(ends if isinstance(ends, list) else [ends]) | {tokenizer.eos_token_id}
    return {token for token in tokens if token is not None}


def device_hardware(device: str) -> Hardware:
    """The machine with the device the model is on."""
    import torch

    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        return hardware(card.name, card.total_memory)
    return hardware("cpu")


def notes(renderer: Renderer) -> list[str]:
    """What a reader should know about how this model is asked."""
    if not renderer.has_template:
        return ["no chat template: messages are sent as plain text with speaker labels"]
    if not renderer.system_role:
        return ["the chat template has no system role: system text leads the first user message"]
    return []
