"""One forward pass over rows of different lengths, without padding.

All tokens of a pass lie behind each other in one line, so that the linear layers see no padding.
Only attention knows rows: it is registered with transformers as an attention function of ours, and
each piece of the line (a prompt, or one new token of each row of a block) attends for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from evaluation.engines.attention import attend, faster_here, reference, use
from evaluation.engines.cache import Block, Newcomer, Stem
from evaluation.errors import first_line

NAME = "evaluation_ragged"
# What attention functions are given for kinds of attention that are not computed here.
UNKNOWN = ("softcap", "s_aux", "position_bias", "head_mask")


class UnsupportedAttentionError(Exception):
    """The model's attention is of a kind that is not computed here."""


class Piece(Protocol):
    """A part of the line of tokens that attends for itself."""

    tokens: list[int]
    positions: list[int]
    # Places, within the piece, of the tokens whose logits are wanted.
    wanted: list[int]

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        window: int | None,
    ) -> torch.Tensor:
        """From (heads, tokens, size), queries scaled, to (tokens, heads, size)."""
        ...


@dataclass
class PromptPiece:
    """The tokens of one prompt behind its stem; keeps their keys and values."""

    tokens: list[int]
    stem: Stem | None = None
    keys: list[torch.Tensor] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start = len(self.stem.tokens) if self.stem else 0
        self.positions = list(range(self.start, self.start + len(self.tokens)))
        self.wanted = [len(self.tokens) - 1]
        self._masks: dict[int | None, torch.Tensor] = {}

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        window: int | None,
    ) -> torch.Tensor:
        """Causal attention of the tokens to the stem and each other."""
        # Copies: as views they would keep the whole pass's tensors alive.
        self.keys.append(key.clone())
        self.values.append(value.clone())
        if self.stem:
            key = torch.cat([self.stem.keys[layer], key], dim=1)
            value = torch.cat([self.stem.values[layer], value], dim=1)
        whole = window is None or window >= self.start + len(self.tokens)
        if whole and faster_here(query):
            return attend(query, key, value, None, first=self.start).transpose(0, 1)
        groups = query.shape[0] // key.shape[0]
        if groups > 1:
            key, value = (part.repeat_interleave(groups, dim=0) for part in (key, value))
        plain = self.start == 0 and whole
        output = scaled_dot_product_attention(
            query[None],
            key[None],
            value[None],
            attn_mask=None if plain else self._mask(window, query.device),
            is_causal=plain,
            scale=1.0,
        )
        return output[0].transpose(0, 1)

    def _mask(self, window: int | None, device: torch.device) -> torch.Tensor:
        if window not in self._masks:
            own = torch.arange(self.start, self.start + len(self.tokens), device=device)[:, None]
            seen = torch.arange(self.start + len(self.tokens), device=device)
            mask = seen <= own
            self._masks[window] = mask if window is None else mask & (own - seen < window)
        return self._masks[window]


class StepPiece:
    """One new token of each row of a block; writes its keys and values into the block."""

    def __init__(self, block: Block[Any], tokens: list[int], device: torch.device) -> None:
        block.make_room()
        self.block = block
        self.tokens = tokens
        self.start = len(block.stem.tokens) if block.stem else 0
        self.positions = [self.start + length for length in block.lengths]
        self.wanted = list(range(len(tokens)))
        # All columns there is room for, masked: products of ever new sizes would each be prepared
        # anew by the CPU's library, which keeps hundreds of them in memory.
        self.width = block.columns
        self.at = torch.tensor(block.lengths, device=device)
        self._places: dict[tuple[int, ...], torch.Tensor] = {}
        self._masks: dict[tuple[int | None, torch.dtype], torch.Tensor] = {}

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        window: int | None,
    ) -> torch.Tensor:
        """Attention of each new token to its row; the stem's part is one product for all rows."""
        heads, rows, size = query.shape
        shared = key.shape[0]
        keys, values = self.block.keys[layer], self.block.values[layer]
        self._write(keys, key)
        self._write(values, value)
        keys, values = keys[:rows], values[:rows]
        queries = query.reshape(shared, heads // shared, rows, size).permute(2, 0, 1, 3)
        # Keys times queries, not the other way round: half the time on a CPU in bfloat16.
        scores = torch.matmul(keys, queries.transpose(2, 3)).transpose(2, 3).contiguous()
        stem = self.block.stem
        if stem:
            together = queries.transpose(0, 1).reshape(shared, -1, size)
            first = torch.matmul(together, stem.turned_keys[layer])
            first = first.view(shared, rows, -1, self.start).transpose(0, 1)
            scores = torch.cat([first, scores], dim=-1)
        weights = scores.add_(self._mask(window, scores)).softmax(dim=-1)
        output = torch.matmul(weights[..., self.start :], values)
        if stem:
            together = weights[..., : self.start].transpose(0, 1).reshape(shared, -1, self.start)
            first = torch.matmul(together, stem.values[layer])
            output = output + first.view(shared, rows, -1, value.shape[-1]).transpose(0, 1)
        return output.reshape(rows, heads, value.shape[-1])

    def _write(self, room: torch.Tensor, new: torch.Tensor) -> None:
        """Put (heads, rows, size) behind the rows; one indexed copy of lines, the fastest way."""
        shape = tuple(room.shape[1:3])
        if shape not in self._places:
            heads, columns = shape
            row = torch.arange(len(self.tokens), device=room.device)
            head = torch.arange(heads, device=room.device)[:, None]
            self._places[shape] = ((row * heads + head) * columns + self.at).flatten()
        lines = room.view(-1, room.shape[3])
        lines.index_copy_(0, self._places[shape], new.reshape(-1, new.shape[2]))

    def _mask(self, window: int | None, scores: torch.Tensor) -> torch.Tensor:
        key = (window, scores.dtype)
        if key not in self._masks:
            last = self.start + self.at[:, None]
            seen = torch.arange(self.start + self.width, device=scores.device)
            hidden = seen > last
            if window is not None:
                hidden |= last - seen >= window
            mask = torch.zeros(hidden.shape, dtype=scores.dtype, device=scores.device)
            mask.masked_fill_(hidden, float("-inf"))
            self._masks[key] = mask[:, None, None]
        return self._masks[key]


class Pass:
    """The pieces of one forward pass; `layers` counts the attention layers that were asked."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        self.layers = 0

    def attend(
        self,
        layer: int,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        window: int | None,
    ) -> torch.Tensor:
        """Attention of all pieces, each to itself."""
        self.layers += 1
        outputs, start = [], 0
        for piece in self.pieces:
            part = slice(start, start + len(piece.tokens))
            outputs.append(
                piece.attend(layer, query[:, part], key[:, part], value[:, part], window)
            )
            start = part.stop
        return torch.cat(outputs) if len(outputs) > 1 else outputs[0]


def _attention(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    ragged: Pass | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers calls in each attention layer."""
    unknown = [name for name in UNKNOWN if others.get(name) is not None]
    if ragged is None or unknown:
        raise UnsupportedAttentionError(
            f"the model's attention has {unknown or 'an interface of its own'}"
        )
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    window = sliding_window
    output = ragged.attend(module.layer_idx, query[0] * scale, key[0], value[0], window)
    return output[None], None


AttentionInterface.register(NAME, _attention)


def logits(model: Any, pieces: Sequence[Piece]) -> torch.Tensor:
    """Compute all pieces in one pass; the logits of the wanted tokens, piece after piece.

    Raises UnsupportedAttentionError when the model keeps its attention to itself.
    """
    device = model.device
    run = Pass(pieces)
    keep, start = [], 0
    for piece in pieces:
        keep += [start + place for place in piece.wanted]
        start += len(piece.tokens)
    with use(model.config, NAME):
        output = model(
            input_ids=torch.tensor([[t for p in pieces for t in p.tokens]], device=device),
            position_ids=torch.tensor([[t for p in pieces for t in p.positions]], device=device),
            use_cache=False,
            logits_to_keep=torch.tensor(keep, device=device),
            ragged=run,
        )
    if run.layers != model.config.get_text_config().num_hidden_layers:
        raise UnsupportedAttentionError(
            "some of the model's layers have no attention of the usual kind"
        )
    found: torch.Tensor = output.logits[0]
    return found


# Of the logits' size: rounding in bfloat16 stays far below, another kind of attention far above.
TOLERANCE = 0.2


@torch.inference_mode()
def why_not(model: Any) -> str:
    """Why a model cannot be run here, or "": a few tokens are compared with its own pass."""
    vocabulary = model.config.get_text_config().vocab_size
    tokens = [(97 + 7919 * place) % vocabulary for place in range(16)] * 2
    prompt = PromptPiece(tokens[:-1])
    block: Block[None] = Block(None)
    try:
        with reference(model):
            own = model(input_ids=torch.tensor([tokens], device=model.device), use_cache=False)
        logits(model, [prompt])
        block.join([Newcomer(None, None, len(prompt.tokens), prompt.keys, prompt.values)])
        found = logits(model, [StepPiece(block, tokens[-1:], model.device)])[0].float()
    except Exception as error:
        return f"a trial failed: {first_line(error)}"
    wanted = own.logits[0, -1].float()
    difference = float((found - wanted).norm() / (wanted - wanted.mean()).norm())
    if not difference <= TOLERANCE:
        return f"its attention is of another kind (results differ by {difference:.0%})"
    return ""
