"""Whether a model can compute many inputs in one row, each token seeing only its own ancestors.

The attention windows are read off the configuration. That the model does as its mask and its
positions say is tried out: on a few tokens, a shared row must agree with separate rows.
"""

from __future__ import annotations

from statistics import mean
from typing import Any

import torch

from evaluation.engines.attention import reference
from evaluation.engines.packing import SHORTEST_STEM, Limits, Line
from evaluation.engines.padded_rows import score_batch
from evaluation.engines.prefix import Windows, score_shared
from evaluation.errors import first_line

# How far a line's log-probabilities may be off, as a part of their own spread. Rounding makes 1e-5
# in float32 and up to 0.03 in bfloat16. A token that sees a wrong one, or is in a wrong place,
# makes about 1 in a trained model; with random weights it can be as little as 0.05.
TOLERANCE = {"float32": 0.005}
HALF_TOLERANCE = 0.1
BRANCHES, BRANCH, CHOICES = 5, 8, 30


class NotSharedError(Exception):
    """A model cannot share prefixes; the message says why."""


def attention_windows(model: Any) -> Windows:
    """The attention windows of a model that can share prefixes.

    Raises NotSharedError for attention that no mask of single tokens expresses, and where a trial
    shows that the model does not do as its mask says.
    """
    config = model.config.get_text_config()
    if config._attn_implementation not in ("sdpa", "eager"):
        raise NotSharedError(f"{config._attn_implementation} takes no mask of single tokens")
    window: int | None = getattr(config, "sliding_window", None)
    kinds = sorted(set(getattr(config, "layer_types", None) or []))
    unknown = [kind for kind in kinds if kind not in ("full_attention", "sliding_attention")]
    if not kinds and getattr(config, "attention_chunk_size", None) is not None:
        unknown = ["chunked_attention"]
    if unknown:
        raise NotSharedError(f"it has layers with {', '.join(unknown)}")
    windows: Windows = {kind: window if kind.startswith("sliding") else None for kind in kinds}
    windows = windows or {"": window}
    _try_out(model, windows)
    return windows


@torch.inference_mode()
def _try_out(model: Any, windows: Windows) -> None:
    vocabulary = model.config.get_text_config().vocab_size
    shared, alone = trial_lines(vocabulary), trial_lines(vocabulary)
    # The stem does not fit with the rest: it is computed first, into the cache.
    limits = Limits(tokens=BRANCHES * BRANCH, logits=BRANCHES)
    try:
        for _ in score_shared(model, windows, shared, limits):
            pass
        # Those furthest into the row, where what is wrong shows most.
        with reference(model):
            score_batch(model, 0, alone[-2:])
    except Exception as error:
        raise NotSharedError(f"a trial failed: {first_line(error)}") from error
    tolerance = TOLERANCE.get(str(model.dtype).removeprefix("torch."), HALF_TOLERANCE)
    pairs = zip(shared[-2:], alone[-2:], strict=True)
    if not all(agree(ours, theirs, tolerance) for ours, theirs in pairs):
        raise NotSharedError("in a shared row it gives other probabilities than in separate ones")


def trial_lines(vocabulary: int) -> list[Line]:
    """Inputs that begin with the same passage twice and go on with it from different places.

    Trained models know how a passage that they have seen goes on, so that any confusion shows.
    """
    passage = [(97 + 7919 * place) % vocabulary for place in range(SHORTEST_STEM // 2)]
    choices = [(31 + 7919 * place) % vocabulary for place in range(CHOICES)]
    lines = [
        Line(
            (*passage, *passage, *(passage[3 * branch :] + passage)[:BRANCH]),
            {(token,): 0.0 for token in [*passage, *choices]},
        )
        for branch in range(BRANCHES)
    ]
    return sorted(lines, key=lambda line: line.tokens)


def agree(one: Line, other: Line, tolerance: float) -> bool:
    """Whether log-probabilities differ little on average, as a part of the other's spread."""
    differences = [abs(one.targets[target] - value) for target, value in other.targets.items()]
    middle = mean(other.targets.values())
    spread = mean(abs(value - middle) for value in other.targets.values())
    return mean(differences) <= tolerance * spread
