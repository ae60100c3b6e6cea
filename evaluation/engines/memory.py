"""How many tokens the machine's free memory holds, and whether a failure means it ran out."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import torch

# The rest is for activations, logits and what other processes take meanwhile.
USABLE = 0.8
MESSAGES = ("out of memory", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC")


def out_of_memory(error: Exception) -> bool:
    """Whether an exception says that memory ran out, on a device or in the machine."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in MESSAGES)


def token_bytes(model: Any) -> int:
    """Bytes of the keys and values of one token, as ragged.py stores them, over all layers."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    if getattr(config, "kv_lora_rank", None):
        # Latent attention: stored expanded, for every head.
        sizes = config.qk_nope_head_dim + config.qk_rope_head_dim + config.v_head_dim
    else:
        heads = getattr(config, "num_key_value_heads", None) or heads
        head = getattr(config, "head_dim", None)
        sizes = 2 * (head or config.hidden_size // config.num_attention_heads)
    size: int = config.num_hidden_layers * heads * sizes * model.dtype.itemsize
    return size


def free_bytes(device: str) -> int:
    """Memory that this process could still take, on the device or in the machine."""
    if torch.device(device).type == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return int(free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())
    return min(_available(), _left_in_group())


def tokens_that_fit(model: Any) -> int:
    """Tokens whose keys and values fit into what is free."""
    return max(1, int(USABLE * free_bytes(str(model.device))) // max(1, token_bytes(model)))


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo has no MemAvailable")


def _left_in_group(folder: Path = Path("/sys/fs/cgroup")) -> int:
    """What a container's limit leaves; unlimited where there is none."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
    except (OSError, ValueError):
        return 2**63
    return max(0, int(limit) - used) if limit != "max" else 2**63


def trim(model: Any) -> None:
    """Give freed memory of the machine back to the system, where the C library can (glibc).

    Keys and values come and go in ever new sizes, and what they leave behind would stay with the
    process: at its peak a quarter of what a hundred long answers took.
    """
    if torch.device(model.device).type == "cpu" and (give_back := _malloc_trim()) is not None:
        give_back(0)


@cache
def _malloc_trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
