"""What a device reaches at best, measured in a fraction of a second, and what a model asks of it.

No pass over a model is faster than its arithmetic at the rate of plain matrix products, nor than
reading its weights at the memory's bandwidth (the roofline of Williams, Waterman and Patterson,
2009). Torch is imported when something is measured.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from evaluation.errors import first_line
from evaluation.records import Ceiling

log = logging.getLogger(__name__)

# Smaller models take a machine's caches and Python's time, not its memory and arithmetic.
SMALLEST = 50 * 2**20


@dataclass(frozen=True)
class Effort:
    """How much is measured: bytes of a buffer, sizes of square matrices, repetitions of each."""

    buffer: int
    sizes: Sequence[int]
    repeats: int


# The buffers are several times as large as caches usually are.
SHORT = {
    "cpu": Effort(buffer=2**28, sizes=(1024,), repeats=3),
    "cuda": Effort(buffer=2**30, sizes=(8192,), repeats=4),
}


@dataclass(frozen=True)
class Weights:
    """A model's weights as its passes use them.

    `body` counts those multiplied with every token, `size` is the bytes a pass reads. The embedding
    is looked up and is part of neither; the output matrix is read, but multiplied only where logits
    are needed, so it is part of `size` alone.
    """

    body: int
    size: int


def ceiling(model: Any) -> Ceiling | None:
    """Measure the device that a transformers model is on, in the model's number format.

    Takes half a second at most and about as much memory as two buffers, given back at once. None
    for a model whose passes it says nothing about (a small one, or one of which each token takes
    some experts only), and, with a line in the log, where it cannot be measured.
    """
    from evaluation.engines.memory import trim

    try:
        weights = weights_of(model)
        if weights.size < SMALLEST or routed(model):
            return None
        device = str(model.device.type)
        effort = SHORT[device]
        try:
            return Ceiling(
                dtype=str(model.dtype).removeprefix("torch."),
                bandwidth=bandwidth(device, effort),
                matrix=matrix(device, model.dtype, effort),
                weights=weights.body,
                weight_bytes=weights.size,
            )
        finally:
            trim(model)
    except Exception as error:  # a measurement must never cost an answer
        log.warning("the machine's ceilings are not measured: %s", first_line(error))
        return None


def weights_of(model: Any) -> Weights:
    """The weights of a transformers model with dense layers, quantised or not."""
    head = model.get_output_embeddings()
    linear = [
        module
        for module in model.modules()
        if hasattr(module, "in_features") and hasattr(module, "out_features") and module is not head
    ]
    apart = {id(one) for module in [*linear, head] for one in module.parameters()}
    apart.add(id(model.get_input_embeddings().weight))
    rest = [one for one in model.parameters() if id(one) not in apart]
    products = sum(module.in_features * module.out_features for module in linear)
    return Weights(
        body=products + sum(one.numel() for one in rest),
        size=sum(_size(one, model.dtype) for one in [*linear, head])
        + sum(one.nbytes for one in rest),
    )


def routed(model: Any) -> bool:
    """Whether the model is a mixture of experts: a token takes some of its weights only."""
    config = model.config.get_text_config()
    names = ("num_experts", "num_local_experts", "n_routed_experts")
    return any(getattr(config, name, None) for name in names)


def bandwidth(device: str, effort: Effort) -> float:
    """Bytes a second: the better of reading a buffer beyond any cache and copying it."""
    import torch

    source = torch.ones(effort.buffer // 4, dtype=torch.float32, device=device)
    read = effort.buffer / fastest(device, source.sum, effort.repeats)
    target = torch.empty_like(source)
    copied = fastest(device, lambda: target.copy_(source), effort.repeats)
    return max(read, 2 * effort.buffer / copied)


def matrix(device: str, dtype: Any, effort: Effort) -> float:
    """Floating-point operations a second in products of square matrices."""
    import torch

    rates = []
    for size in effort.sizes:
        # Not drawn: the generators of a run stay as they are.
        left = torch.linspace(-1, 1, size * size, device=device).reshape(size, size).to(dtype)
        seconds = fastest(device, partial(torch.mm, left, left), effort.repeats)
        rates.append(2 * size**3 / seconds)
    return float(max(rates))


def fastest(device: str, work: Callable[[], Any], repeats: int) -> float:
    """Seconds of the fastest of so many repetitions."""
    import torch

    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(perf_counter() - start)
    return min(times)


def _size(module: Any, dtype: Any) -> int:
    """Bytes of a linear layer's weights as they are stored."""
    from evaluation.engines.packed_linear import PackedLinear

    if isinstance(module, PackedLinear):  # packed weights are no parameters
        return int(module.in_features * module.out_features * dtype.itemsize)
    return sum(one.nbytes for one in module.parameters())
