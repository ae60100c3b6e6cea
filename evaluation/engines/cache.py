"""Keys and values of rows that are decoded together, without copies of what rows share.

A block holds rows of similar length in one tensor a layer, each row from column 0 on, so that one
matrix product serves all of them. What the prompts of a block have in common is there once, as its
stem. Rows join and leave at any step; room grows a little at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import torch

# Columns a block grows by: each growth copies the block once.
GROWTH = 32
# Padding that costs a decoding step as much as one more block does (measured on a CPU: each block
# takes some ten small operations a layer, each padded column is read once a layer).
BLOCK_TOKENS = 1024

RowT = TypeVar("RowT")


@dataclass(frozen=True)
class Stem:
    """The keys and values, by layer, of tokens that several prompts begin with."""

    tokens: tuple[int, ...]
    keys: list[torch.Tensor]
    values: list[torch.Tensor]
    # Laid out as the products of a step need them: those would copy them each time.
    turned_keys: list[torch.Tensor] = field(init=False)

    def __post_init__(self) -> None:
        turned = [key.transpose(1, 2).contiguous() for key in self.keys]
        object.__setattr__(self, "turned_keys", turned)
        object.__setattr__(self, "values", [value.contiguous() for value in self.values])


@dataclass(frozen=True)
class Newcomer(Generic[RowT]):
    """A row whose prompt is computed: keys and values of its `length` tokens behind the stem."""

    row: RowT
    stem: Stem | None
    length: int
    keys: list[torch.Tensor]
    values: list[torch.Tensor]


@dataclass
class Block(Generic[RowT]):
    """Rows with the same stem and their own keys and values: (rows, heads, columns, size)."""

    stem: Stem | None
    rows: list[RowT] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    keys: list[torch.Tensor] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Columns in use."""
        return max(self.lengths)

    @property
    def columns(self) -> int:
        """Columns there is room for; a model without attention layers needs none."""
        return self.keys[0].shape[2] if self.keys else 0

    def join(self, newcomers: Sequence[Newcomer[RowT]]) -> None:
        """Take in rows; their own tensors are released layer by layer."""
        first = len(self.rows)
        self.rows += [one.row for one in newcomers]
        self.lengths += [one.length for one in newcomers]
        for rooms, parts in (
            (self.keys, [one.keys for one in newcomers]),
            (self.values, [one.values for one in newcomers]),
        ):
            for layer in range(len(parts[0])):
                if layer == len(rooms):
                    rooms.append(parts[0][layer].new_zeros((0, *parts[0][layer].shape)))
                rooms[layer] = self._fitted(rooms[layer], first)
                for index, part in enumerate(parts, start=first):
                    rooms[layer][index, :, : part[layer].shape[1]] = part[layer]
                    part[layer] = part[layer][:, :0].clone()

    def make_room(self) -> None:
        """Room for one more token in each row."""
        rows, width = len(self.rows), self.width
        for rooms in (self.keys, self.values):
            for layer, room in enumerate(rooms):
                if room.shape[2] <= width:
                    rooms[layer] = self._fitted(room, rows)

    def leave(self, indices: Sequence[int]) -> None:
        """Drop rows; the last ones move into their places."""
        for index in sorted(indices, reverse=True):
            last = len(self.rows) - 1
            for room in (*self.keys, *self.values):
                room[index, :, : self.lengths[last]] = room[last, :, : self.lengths[last]]
            self.rows[index], self.lengths[index] = self.rows[last], self.lengths[last]
            self.rows.pop()
            self.lengths.pop()
        if self.rows and self.keys and 2 * len(self.rows) <= self.keys[0].shape[0]:
            for rooms in (self.keys, self.values):
                for layer, room in enumerate(rooms):
                    rooms[layer] = room[: len(self.rows)].clone()

    def take_out(self) -> list[Newcomer[RowT]]:
        """All rows with their keys and values, to join another block."""
        return [
            Newcomer(
                row,
                self.stem,
                length,
                [room[index, :, :length] for room in self.keys],
                [room[index, :, :length] for room in self.values],
            )
            for index, (row, length) in enumerate(zip(self.rows, self.lengths, strict=True))
        ]

    def _fitted(self, room: torch.Tensor, filled: int) -> torch.Tensor:
        """The room, or a larger copy where the rows or one more column do not fit."""
        rows, width = len(self.rows), self.width
        if room.shape[0] >= rows and room.shape[2] > width:
            return room
        columns = max(room.shape[2], width + GROWTH)
        # Zeros: what lies behind a row's end is masked, but must be a number.
        larger = room.new_zeros((max(rows, room.shape[0]), room.shape[1], columns, room.shape[3]))
        larger[:filled, :, : room.shape[2]] = room[:filled]
        return larger


def place(blocks: list[Block[RowT]], newcomers: Sequence[Newcomer[RowT]]) -> None:
    """Put rows into blocks, where padding costs less than a block of their own."""
    by_stem: dict[int, list[Newcomer[RowT]]] = {}
    for one in newcomers:
        by_stem.setdefault(id(one.stem), []).append(one)
    for group in by_stem.values():
        group.sort(key=lambda one: one.length, reverse=True)
        start = 0
        while start < len(group):
            padding, stop = 0, start
            while stop < len(group) and padding <= BLOCK_TOKENS:
                stop += 1
                if stop < len(group):
                    padding += group[start].length - group[stop].length
            block: Block[RowT] = Block(group[start].stem)
            block.join(group[start:stop])
            blocks.append(block)
            start = stop
    merge(blocks)


def merge(blocks: list[Block[RowT]]) -> None:
    """Drop empty blocks and join those whose rows can share one for little padding."""
    blocks[:] = [block for block in blocks if block.rows]
    blocks.sort(key=lambda block: block.width, reverse=True)
    index = 0
    while index < len(blocks):
        wide = blocks[index]
        for narrow in blocks[index + 1 :]:
            padding = (wide.width - narrow.width) * len(narrow.rows)
            if wide.stem is narrow.stem and padding <= BLOCK_TOKENS:
                wide.join(narrow.take_out())
                blocks.remove(narrow)
        index += 1
