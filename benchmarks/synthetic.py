"""Prompts of a wanted length that have nothing in common, so that no prefix can be shared."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from evaluation.engines.base import Pool, PooledRequest
from evaluation.records import GenerateRequest


def prompts(tokenizer: Any, rows: int, length: int, seed: int = 0) -> list[str]:
    """Texts of about `length` tokens, each a random walk through the tokenizer's whole words."""
    words = _words(tokenizer)
    draw = random.Random(seed)
    return ["".join(draw.choices(words, k=length)) for _ in range(rows)]


def _words(tokenizer: Any) -> Sequence[str]:
    """Texts that are one token each, also within a longer text."""
    ids = range(min(len(tokenizer), 8000))
    texts = [tokenizer.decode([one]) for one in ids]
    found = [text for text in texts if text[:1] == " " and text[1:].isalpha() and text.isascii()]
    # A byte-level tokenizer of a test has hardly a word.
    return found or [" a", " b"]


def pool(texts: Sequence[str], new_tokens: int) -> Pool:
    """A request to continue each of the texts."""
    return Pool(
        PooledRequest(
            key=str(index),
            group="synthetic",
            request=GenerateRequest(sample_id=str(index), prompt=text, max_new_tokens=new_tokens),
        )
        for index, text in enumerate(texts)
    )
