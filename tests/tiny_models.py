"""Tiny models with random weights, of the families the pipeline runs, built without a network.

`build(family, folder)` writes config.json, safetensors and a byte-level tokenizer. Weights come
from numpy's seeded generator and the vocabulary is spelled out, so that every machine builds the
same model. Printable tokens are the likely ones, so that texts can be read.

The tokenizers differ as those of the real families do: llama, mistral, phi3, gemma3_text and
deepseek_v2 put a start token before every text, qwen3 and olmo2 do not; the templates of mistral
and gemma3_text know no system role; that of qwen3 takes `enable_thinking`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

BOS, EOS, PAD, END = "<s>", "</s>", "<pad>", "<|end|>"
SPECIAL = (BOS, EOS, PAD, END, "<|system|>", "<|user|>", "<|assistant|>")
# Ġ stands for a space and Ċ for a line break.
MERGES = """
t h|th e|Ġ the|Ġ t|i n|a n|e r|o n|r e|Ġ a|Ġ s|o r|e n|a t|e s|i s|i t|Ġ c|in g|an d|Ġ and|o u|Ġ w
Ġ is|e d|a l|U s|Us er|Ċ User|Ċ Ċ|q u|Qu es|Q u|t i|ti on|Ques tion|Ġ =
"""
CONTEXT = 2048
WINDOW = 16

_COMMON: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": False,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen3": {"head_dim": 8},
    "mistral": {"head_dim": 8, "sliding_window": WINDOW},
    "olmo2": {},
    "phi3": {"original_max_position_embeddings": CONTEXT},
    "gemma3_text": {
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
        "sliding_window": WINDOW,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "deepseek_v2": {
        "num_key_value_heads": 4,
        "kv_lora_rank": 16,
        "q_lora_rank": None,
        "qk_nope_head_dim": 8,
        "qk_rope_head_dim": 4,
        "v_head_dim": 6,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "n_shared_experts": 1,
        "moe_intermediate_size": 16,
        "first_k_dense_replace": 1,
    },
}
WITHOUT_BOS = ("qwen3", "olmo2")
WITHOUT_SYSTEM = ("mistral", "gemma3_text")
WITH_THINKING = ("qwen3",)


def build(family: str, folder: Path, *, chat_template: bool = True) -> Path:
    """Write the tiny model of a family into `folder` and return the folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = build_tokenizer(family, chat_template=chat_template)
    ends = [tokenizer.convert_tokens_to_ids(token) for token in (EOS, END)]
    config = AutoConfig.for_model(
        family,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id,
        **_COMMON | FAMILIES[family],
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    rare = [i for i in range(len(tokenizer)) if not _likely(tokenizer, i)]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.from_numpy(_noise(f"{family} {name}", tuple(parameter.shape)))
            if "norm" in name or name.endswith("bias"):
                parameter += 0.1 * noise
            else:
                parameter.copy_(noise * (1.0 if "embed" in name else 0.3))
        model.get_output_embeddings().weight[rare] *= 0.2
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def build_tokenizer(family: str, *, chat_template: bool = True) -> Any:
    """The family's byte-level tokenizer of about 300 tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    pairs = (pair.split(" ") for line in MERGES.split("\n") for pair in line.split("|") if pair)
    merges = [(left, right) for left, right in pairs]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*SPECIAL, *letters, *(left + right for left, right in merges)]
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys(words))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if family not in WITHOUT_BOS:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, vocabulary[BOS])]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=None if family in WITHOUT_BOS else BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=[token for token in SPECIAL if token not in (BOS, EOS, PAD)],
        clean_up_tokenization_spaces=False,
        chat_template=_template(family) if chat_template else None,
    )


def _template(family: str) -> str:
    start = "" if family in WITHOUT_BOS else "{{ bos_token }}"
    refuse = "{% if m.role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    no_thinking = (
        "{% if enable_thinking is defined and enable_thinking is false %}"
        "<think>\n\n</think>\n\n{% endif %}"
    )
    return (
        start
        + "{% for m in messages %}"
        + (refuse if family in WITHOUT_SYSTEM else "")
        + "<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        + "{% if add_generation_prompt %}<|assistant|>"
        + (no_thinking if family in WITH_THINKING else "")
        + "{% endif %}"
    )


def _likely(tokenizer: Any, token: int) -> bool:
    if tokenizer.convert_ids_to_tokens(token) in (EOS, END):
        return True
    text = tokenizer.decode([token], skip_special_tokens=True)
    return bool(text) and all(c.isascii() and (c.isprintable() or c == "\n") for c in text)


def _noise(name: str, shape: tuple[int, ...]) -> np.ndarray:
    generator = np.random.default_rng(crc32(name.encode()))
    return generator.standard_normal(shape, dtype=np.float64).astype(np.float32)
