"""Tiny models, built and loaded once a session, and a stand-in that says what it is told."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.tiny_models import build

torch.set_num_threads(1)


class Tiny(NamedTuple):
    """A tiny model in float32 with its tokenizer and end tokens."""

    folder: Path
    tokenizer: Any
    model: Any
    ends: set[int]

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, start token included."""
        found: list[int] = self.tokenizer(text)["input_ids"]
        return found

    def alone(self, prompt: list[int], limit: int) -> list[int]:
        """What transformers' own greedy generation adds to one prompt."""
        output = self.model.generate(
            input_ids=torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=limit,
            do_sample=False,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        found: list[int] = output[0, len(prompt) :].tolist()
        return found

    def text(self, tokens: list[int]) -> str:
        """Tokens as text, without special ones."""
        found: str = self.tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return found


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tiny]:
    """The tiny model of a family."""

    @cache
    def load(family: str) -> Tiny:
        folder = build(family, tmp_path_factory.mktemp("tiny") / family)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        ends = set(model.generation_config.eos_token_id)
        return Tiny(folder, AutoTokenizer.from_pretrained(folder), model, ends)

    return load


class Wrapped:
    """A model with something done before each forward pass; `shapes` lists the inputs' shapes."""

    def __init__(self, model: Any, before: Callable[[torch.Tensor], None]) -> None:
        self.model = model
        self.before = before
        self.shapes: list[tuple[int, int]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, **inputs: Any) -> Any:
        ids = inputs["input_ids"]
        self.shapes.append((ids.shape[0], ids.shape[1]))
        self.before(ids)
        return self.model(**inputs)


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


class _NoLayers:
    """The configuration of a model without attention."""

    _attn_implementation = "sdpa"
    num_hidden_layers = 0
    num_attention_heads = 1
    hidden_size = 1

    def __init__(self, vocabulary: int) -> None:
        self.vocab_size = vocabulary

    def get_text_config(self) -> Any:
        """Itself, as transformers' configurations of text models do."""
        return self


class Scripted:
    """A stand-in for a model: at position p every row continues with `script[p]`."""

    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(self, script: list[int], vocabulary: int) -> None:
        self.script = script
        self.vocabulary = vocabulary
        self.config = _NoLayers(vocabulary)

    def __call__(
        self,
        *,
        input_ids: torch.Tensor,
        position_ids: torch.Tensor | None = None,
        logits_to_keep: torch.Tensor | None = None,
        **_: Any,
    ) -> Any:
        rows, width = input_ids.shape
        if position_ids is None:
            position_ids = torch.arange(width).expand(rows, width)
        if logits_to_keep is not None:
            position_ids = position_ids[:, logits_to_keep]
        script = torch.tensor(self.script)
        said = script[position_ids.clamp(max=len(script) - 1)]
        return SimpleNamespace(logits=torch.nn.functional.one_hot(said, self.vocabulary).float())
