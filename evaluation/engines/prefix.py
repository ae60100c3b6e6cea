"""Log-probabilities of many inputs that begin alike, each token computed once.

The stem of the packs (see packing.py) stays in a cache; a pack's row is written behind it and
dropped again. Masks and position ids make the row equal to inputs that run alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

from evaluation.engines.attention import NAME, faster_here, use
from evaluation.engines.packing import Limits, Line, Row, common, lay_out, packs

# Float32 logits that are added up at a time (bytes): few enough for the processor's cache.
CHUNK_BYTES = 8 * 2**20

# The attention window in tokens of each kind of layer, None where there is none. Models whose
# layers are all of one kind have the one key "".
Windows = dict[str, int | None]


@dataclass(frozen=True)
class Step:
    """Lines that are done; `computed` are the tokens computed for each, `seconds` those for all.

    `places` counts the tokens computed and the padding between them.
    """

    lines: Sequence[Line]
    computed: Sequence[int]
    seconds: float
    places: int


class StemLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values: `length` tokens of the stem, and room for a row behind it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = 0

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Stem and row; the row stays only if the caller raises `length` after the pass."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        self.keys, keys = self._write(self.keys, key_states)
        self.values, values = self._write(self.values, value_states)
        return keys, values

    def _write(self, room: torch.Tensor, new: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        end = self.length + new.shape[-2]
        if end > room.shape[-2]:
            grown = new.new_empty((*new.shape[:2], end, new.shape[3]))
            grown[:, :, : self.length] = room[:, :, : self.length]
            room = grown
        room[:, :, self.length : end] = new
        return room, room[:, :, :end]

    def get_seq_length(self) -> int:
        """Tokens of the stem."""
        return self.length


class StemPass:
    """Forward passes of one model over rows behind a stem."""

    def __init__(self, model: Any, windows: Windows) -> None:
        self.model = model
        self.windows = windows
        self.stem: tuple[int, ...] = ()
        self.cache = Cache(layer_class_to_replicate=StemLayer)
        own = model.config._attn_implementation
        self.attention = NAME if own == "sdpa" and faster_here(model) else own

    def keep(self, stem: tuple[int, ...]) -> None:
        """Declare what is in the cache: the old stem cut short or with a row's beginning."""
        self.stem = stem
        for layer in self.cache.layers:
            layer.length = len(stem)

    def logits(self, row: Row, places: Sequence[int]) -> torch.Tensor:
        """The logits at some places of a row behind the stem."""
        device = self.model.device
        positions = torch.tensor(row.positions, device=device)
        with use(self.model.config, self.attention):
            output = self.model(
                input_ids=torch.tensor([row.tokens], device=device),
                attention_mask=self._masks(row, positions),
                position_ids=positions[None],
                past_key_values=self.cache,
                use_cache=True,
                logits_to_keep=torch.tensor(places, device=device),
            )
        found: torch.Tensor = output.logits[0]
        return found

    def _masks(self, row: Row, positions: torch.Tensor) -> Any:
        """Additive masks: a token sees the stem, its ancestors in the row and itself."""
        device, stem, size = positions.device, len(self.stem), len(row.tokens)
        seen = torch.arange(stem + size, device=device)
        seers = seen[stem:, None]
        last = torch.full((stem + size,), stem + size, device=device)
        last[stem:] = torch.tensor(row.last, device=device) + stem
        visible = (seen <= seers) & (seers <= last)
        distance = positions[:, None] - torch.cat([seen[:stem], positions])
        masks = {}
        for kind, window in self.windows.items():
            allowed = visible if window is None else visible & (distance < window)
            mask = torch.zeros(allowed.shape, dtype=self.model.dtype, device=device)
            masks[kind] = mask.masked_fill_(~allowed, float("-inf"))[None, None]
        return masks.get("", masks)


@torch.inference_mode()
def score_shared(
    model: Any, windows: Windows, lines: Sequence[Line], limits: Limits
) -> Iterator[Step]:
    """Fill in the summed log-probabilities of the lines' targets, pack by pack."""
    run = StemPass(model, windows)
    for pack in packs(lines, limits):
        tick = perf_counter()
        stem = pack.lines[0].tokens[: pack.stem]
        run.keep(stem[: common(run.stem, stem)])
        known = len(run.stem)
        row = lay_out(pack, known)
        while len(row.tokens) > limits.tokens and len(run.stem) < len(stem):
            done = len(run.stem)
            end = min(done + limits.tokens, len(stem))
            size = end - done
            piece = Row(list(stem[done:end]), list(range(done, end)), [size - 1] * size, [], [])
            run.logits(piece, [0])
            run.keep(stem[:end])
            row = lay_out(pack, end)
        _read(run, row)
        run.keep(stem)
        computed = list(row.new)
        computed[0] = len(pack.lines[0].tokens) - known
        yield Step(pack.lines, computed, perf_counter() - tick, sum(computed))


def _read(run: StemPass, row: Row) -> None:
    """Compute a row and add up the log-probabilities that are read off it."""
    places = sorted({read.place for read in row.reads})
    index = {place: i for i, place in enumerate(places)}
    logits = run.logits(row, places)
    at = torch.tensor([index[read.place] for read in row.reads], device=logits.device)
    tokens = torch.tensor([read.token for read in row.reads], device=logits.device)
    picked = logits[at, tokens].float()
    norms = _log_norms(logits)
    for line in {id(read.line): read.line for read in row.reads}.values():
        line.targets.update(dict.fromkeys(line.targets, 0.0))
    for read, value in zip(row.reads, (picked - norms[at]).tolist(), strict=True):
        read.line.targets[read.target] += value


def _log_norms(logits: torch.Tensor) -> torch.Tensor:
    """The logarithm of each row's sum of exponentials; three times as fast as `logsumexp`."""
    norms = []
    for part in torch.split(logits, max(1, CHUNK_BYTES // (4 * logits.shape[1]))):
        most = part.max(dim=-1, keepdim=True).values.float()
        norms.append(part.float().sub_(most).exp_().sum(dim=-1).log_() + most[:, 0])
    return torch.cat(norms)
