"""What a model costs in arithmetic and memory traffic, and the least time a machine can take.

A step takes at least as long as its arithmetic at the machine's matrix rate, and at least as long
as its bytes at the machine's memory bandwidth: the larger of the two is the bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crosscheck.exchange import Record
from evaluation.ceiling import weights_of


class Ceilings(Record):
    """What a device was measured to reach: bytes and floating-point operations a second."""

    device: str
    dtype: str
    bandwidth: float
    matrix: float


class Shape(Record):
    """A model's size: `body` and `head` count weights, `value` is the bytes of one number.

    The body is multiplied with every token, the head (the output matrix) only where logits are
    needed. Embeddings are looked up, not multiplied.
    """

    body: int
    head: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    value: int

    @property
    def weights(self) -> int:
        """Bytes of the weights that a step reads."""
        return (self.body + self.head) * self.value

    @property
    def cache(self) -> int:
        """Bytes of keys and values of one token."""
        return 2 * self.layers * self.kv_heads * self.head_dim * self.value

    def prefill(self, lengths: Sequence[int]) -> Cost:
        """Reading prompts of so many tokens at once, with logits after the last token of each."""
        tokens = sum(lengths)
        attention = 2 * self.layers * self.heads * self.head_dim * sum(n * n for n in lengths)
        return Cost(
            flops=2 * self.body * tokens + 2 * self.head * len(lengths) + attention,
            traffic=self.weights + self.cache * tokens,
        )

    def step(self, contexts: Sequence[int]) -> Cost:
        """One new token for each row, whose context is so many tokens."""
        seen = sum(contexts)
        attention = 4 * self.layers * self.heads * self.head_dim * seen
        return Cost(
            flops=2 * (self.body + self.head) * len(contexts) + attention,
            traffic=self.weights + self.cache * seen,
        )


class Cost(Record):
    """Floating-point operations and bytes moved."""

    flops: float
    traffic: float

    def seconds(self, ceilings: Ceilings) -> float:
        """The least time it takes."""
        return max(self.flops / ceilings.matrix, self.traffic / ceilings.bandwidth)

    def bound(self, ceilings: Ceilings) -> str:
        """What holds it up: `matrix` or `memory`."""
        slow = self.flops / ceilings.matrix > self.traffic / ceilings.bandwidth
        return "matrix" if slow else "memory"


Shape.model_rebuild()


def shape_of(model: Any) -> Shape:
    """The shape of a transformers model with dense layers."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    return Shape(
        body=weights_of(model).body,
        head=config.vocab_size * config.hidden_size,
        layers=config.num_hidden_layers,
        heads=heads,
        kv_heads=config.num_key_value_heads,
        head_dim=getattr(config, "head_dim", None) or config.hidden_size // heads,
        value=model.dtype.itemsize,
    )


def decode_seconds(shape: Shape, rows: Iterable[tuple[int, int]], ceilings: Ceilings) -> float:
    """The least time to write answers, all rows in one batch that shrinks as they end.

    `rows` are pairs of prompt and answer length in tokens. The first token of an answer comes with
    its prompt and costs nothing here.
    """
    left, step, seconds = list(rows), 1, 0.0
    while left := [(prompt, answer) for prompt, answer in left if answer > step]:
        seconds += shape.step([prompt + step for prompt, _ in left]).seconds(ceilings)
        step += 1
    return seconds


def distinct_tokens(texts: Iterable[Sequence[int]]) -> int:
    """Tokens that are left when texts share what they have in common from their start."""
    total, before = 0, ()  # type: int, Sequence[int]
    for text in sorted(tuple(one) for one in texts):
        pairs = zip(before, text, strict=False)
        shared = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(before), len(text)))
        total, before = total + len(text) - shared, text
    return total
