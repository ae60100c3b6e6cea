"""Models of full size with random weights, built on the device: nothing is downloaded.

Speed and memory are those of the real model; the answers are noise and never end early.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from evaluation.config import EngineSettings
from evaluation.engines import transformers_engine
from evaluation.engines.loading import Loaded
from evaluation.records import ModelManifest

QWEN3: dict[str, Any] = {
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "rope_theta": 1_000_000.0,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
}
# Sizes as in the configuration files of the models; `tiny` is there to try the program.
SHAPES: dict[str, dict[str, Any]] = {
    "qwen3_8b": {
        **QWEN3,
        "hidden_size": 4096,
        "intermediate_size": 12288,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
    },
    "qwen3_14b": {
        **QWEN3,
        "hidden_size": 5120,
        "intermediate_size": 17408,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
    },
    "tiny": {
        **QWEN3,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 50000,
    },
}


def build(shape: str, device: str, dtype: str, tokenizer: Path) -> Loaded:
    """A model of this shape on the device, with the tokenizer of a folder.

    The tokenizer may be of another family: its vocabulary must not be larger than the shape's.
    """
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

    start, before = perf_counter(), torch.get_default_dtype()
    words = AutoTokenizer.from_pretrained(tokenizer)
    config = Qwen3Config(**SHAPES[shape])
    torch.manual_seed(0)
    torch.set_default_dtype(getattr(torch, dtype))
    try:
        with torch.device(device):
            model = Qwen3ForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)
    return Loaded(model, words, device, dtype, perf_counter() - start)


@contextmanager
def in_place_of_files(loaded: Loaded) -> Iterator[tuple[ModelManifest, EngineSettings]]:
    """Let the engine take this model where it would load one; what it wants to be given."""
    config = loaded.model.config
    parameters = sum(one.numel() for one in loaded.model.parameters())
    manifest = ModelManifest(
        model="random",
        source="path",
        id="random",
        revision="random",
        licence="",
        directory="",
        files=[],
        fingerprint="random",
        architecture=type(loaded.model).__name__,
        parameters=parameters,
        context_length=config.max_position_embeddings,
        chat_template=bool(loaded.tokenizer.chat_template),
    )
    settings = EngineSettings(device=loaded.device, dtype=loaded.dtype)
    with patch.object(transformers_engine, "load", lambda *_: loaded):
        yield manifest, settings
