"""A key-value cache for batched decoding that is written in place.

transformers' DynamicCache copies itself at every step to grow by one token. Here each layer has
room for the whole batch from the start, finished rows are dropped without touching the rest, and
prompts are computed in small groups of similar length and then joined, padded on the left.
Sliding-window layers keep all tokens too: the model's mask hides those outside the window.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer with preallocated room; `keys` and `values` are views of the filled part."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = 0
        self.key_room: torch.Tensor
        self.value_room: torch.Tensor

    def fill(self, parts: list[DynamicLayer], capacity: int) -> None:
        """Join computed prompts (rows of different lengths), right-aligned, with room to grow."""
        self.length = max(part.keys.shape[-2] for part in parts)
        self.key_room = _join([part.keys for part in parts], self.length, capacity)
        self.value_room = _join([part.values for part in parts], self.length, capacity)
        self.dtype, self.device = self.key_room.dtype, self.key_room.device
        self.is_initialized = True
        self._view()

    def _view(self) -> None:
        self.keys = self.key_room[:, :, : self.length]
        self.values = self.value_room[:, :, : self.length]

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new tokens behind the filled part."""
        new = self.length + key_states.shape[-2]
        self.key_room[:, :, self.length : new] = key_states
        self.value_room[:, :, self.length : new] = value_states
        self.length = new
        self._view()
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep only these rows."""
        self.key_room = self.key_room[indices]
        self.value_room = self.value_room[indices]
        self._view()


def _join(parts: list[torch.Tensor], length: int, capacity: int) -> torch.Tensor:
    rows = sum(part.shape[0] for part in parts)
    shape = (rows, parts[0].shape[1], capacity, parts[0].shape[3])
    room = torch.zeros(shape, dtype=parts[0].dtype, device=parts[0].device)
    row = 0
    for part in parts:
        room[row : row + part.shape[0], :, length - part.shape[-2] : length] = part
        row += part.shape[0]
    return room


def prompt_cache() -> Cache:
    """A fresh cache to compute one group of prompts into; no layer forgets tokens."""
    return Cache(layer_class_to_replicate=DynamicLayer)


def join_caches(parts: list[Cache], new_tokens: int) -> Cache:
    """One cache for all groups' rows with room for `new_tokens` more tokens."""
    layers = []
    for index in range(len(parts[0].layers)):
        layer = RoomyLayer()
        members = [part.layers[index] for part in parts]
        longest = max(member.keys.shape[-2] for member in members)
        layer.fill(members, longest + new_tokens)
        for member in members:
            member.reset()
        layers.append(layer)
    return Cache(layers=layers)
