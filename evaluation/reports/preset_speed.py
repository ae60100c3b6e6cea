"""Presets that were tried for a model, beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.records import Difference, PresetChoice, PresetHealth
from evaluation.reports import fields
from evaluation.reports.fields import Field, Table

CAPTION = (
    "Each preset ran the quick samples. Tokens a second: written ones over the engine's time for "
    "requests with an answer. Memory: the most that answers report. Score: the mean over datasets. "
    "Against the default: the difference of the scores in points, with its interval, and what it "
    "shows. Healthy: no check is violated."
)


def table(choices: Sequence[PresetChoice]) -> Table | None:
    """One row a preset and model; None where no choice was made."""
    rows = [_row(choice, one) for choice in choices for one in choice.tried]
    if not rows:
        return None
    heads = (
        *("Model", "Preset", "Chosen", "Healthy", "Against the default"),
        *("Tokens/s", "Memory", "Score"),
    )
    return Table("presets", "", CAPTION, heads, rows, words=5)


def _row(choice: PresetChoice, tried: PresetHealth) -> tuple[Field, ...]:
    return (
        fields.words(choice.model),
        fields.words(tried.preset),
        fields.words("chosen" if tried.preset == choice.chosen else ""),
        fields.words("yes" if tried.healthy else "no"),
        fields.words(_against(tried.against_default)),
        fields.rate(tried.tokens_per_second),
        fields.size(tried.peak_memory),
        fields.points(tried.mean_score),
    )


def _against(found: Difference | None) -> str:
    if found is None:
        return ""
    if found.difference is None:
        return found.verdict
    interval = found.interval
    ends = f" ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})" if interval else ""
    return f"{100 * found.difference:+.1f}{ends}: {found.verdict}"
