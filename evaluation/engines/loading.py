"""Load a model and its tokenizer, and read off what batching and decoding need to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Any

from evaluation.config import EngineSettings, Weights
from evaluation.engines.device import choose_device, choose_dtype
from evaluation.engines.prompts import Renderer
from evaluation.errors import EvaluationError, first_line
from evaluation.machine import hardware
from evaluation.records import Hardware, ModelManifest


@dataclass(frozen=True)
class Loaded:
    """A model on its device; `dtype` is torch's name of the number format.

    With quantised weights, `dtype` names both: `nf4, bfloat16`. `notes` are for the session.
    """

    model: Any
    tokenizer: Any
    device: str
    dtype: str
    seconds: float
    notes: list[str] = field(default_factory=list)


def load(
    manifest: ModelManifest,
    settings: EngineSettings,
    threads: int | None,
    weights: Weights = "full",
) -> Loaded:
    """Load a model from its directory, quantised as `weights` says.

    Raises EvaluationError when the device cannot be used, the model does not fit, or transformers
    knows no such architecture or cannot quantise it here.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    from evaluation.engines.packed_linear import pack

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    if threads:
        torch.set_num_threads(threads)
    start = perf_counter()
    device = choose_device(settings)
    dtype = choose_dtype(settings, device)
    tokenizer = AutoTokenizer.from_pretrained(manifest.directory)
    where = f"model {manifest.model}, {manifest.parameters / 1e9:.1f} billion parameters"
    try:
        model = AutoModelForCausalLM.from_pretrained(
            manifest.directory,
            dtype=dtype,
            use_safetensors=True,
            **({} if weights == "full" else _quantised(weights, device, dtype)),
        )
        # A quantised model is put onto its device while it is loaded.
        model = (model.to(device) if weights == "full" else model).eval()
    except torch.OutOfMemoryError as error:
        raise EvaluationError(
            f"The model does not fit into the GPU's memory: {first_line(error)}",
            where=where,
            remedy="use a GPU with more memory, free the memory other processes hold, or choose "
            "the preset memory_saver",
        ) from error
    except (ImportError, KeyError, NotImplementedError, RuntimeError, ValueError) as error:
        raise EvaluationError(
            f"The model cannot be loaded: {first_line(error)}",
            where=where,
            remedy="this version of transformers may not know its architecture"
            if weights == "full"
            else f"set weights: full in its preset, if it cannot be quantised to {weights} here",
        ) from error
    unpacked = pack(model)
    name = str(dtype).removeprefix("torch.")
    name = name if weights == "full" else f"{weights}, {name}"
    return Loaded(
        model, tokenizer, device, name, perf_counter() - start, [unpacked] if unpacked else []
    )


def _quantised(weights: Weights, device: str, dtype: Any) -> dict[str, Any]:
    """The arguments that quantise a model while it is loaded."""
    from transformers import BitsAndBytesConfig

    config = (
        BitsAndBytesConfig(load_in_8bit=True)
        if weights == "int8"
        else BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_compute_dtype=dtype,
            bnb_4bit_use_double_quant=True,
        )
    )
    return {"quantization_config": config, "device_map": {"": device}}


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
        return hardware(card.name, card.total_memory, f"GPU-{card.uuid}")
    return hardware("cpu")


def notes(renderer: Renderer) -> list[str]:
    """What a reader should know about how this model is asked."""
    if not renderer.has_template:
        return ["no chat template: messages are sent as plain text with speaker labels"]
    if not renderer.system_role:
        return ["the chat template has no system role: system text leads the first user message"]
    return []
