"""What sessions reached of the ceiling that was measured on their own device.

A pass is no faster than its arithmetic at the rate of matrix products, nor than reading the weights
at the memory's bandwidth. Attention, keys and values and the output matrix while reading are left
out of the count, so the shares are a little too low.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.records import Ceiling, Phase
from evaluation.reports import fields
from evaluation.reports.fields import Field, Table
from evaluation.reports.usage import ModelRuns, Run, name_of

CAPTION = (
    "Memory and matrix products: bytes and floating-point operations a second, measured in a "
    "fraction of a second on the session's own device, right after its run; what else ran on the "
    "machine meanwhile lowers them. Reading prompts and choices: tokens computed a second, and in "
    "percent of what the matrix rate allows (two operations for each weight and token). Writing: "
    "passes a second, each of which gives one token to every answer under way, in percent of what "
    "reading the weights once a pass, or their arithmetic if that takes longer, allows. Attention "
    "and the cache of keys and values are not counted, so all shares are a little too low."
)
UNKNOWN = (
    "Not measured: models below 50 MiB, mixtures of experts (a token takes some of the weights "
    "only), engines that read and write in the same passes, servers, and sessions that were killed "
    "or ran before this was measured."
)


@dataclass(frozen=True)
class Ratio:
    """What was reached and what the ceiling allows, both a second; `bound` says what limits it."""

    reached: float
    allowed: float
    bound: str

    @property
    def share(self) -> float:
        """What was reached of what the ceiling allows."""
        return self.reached / self.allowed


def reading(phase: Phase | None, ceiling: Ceiling) -> Ratio | None:
    """Tokens computed a second; None where nothing was."""
    if phase is None or not phase.tokens or phase.seconds <= 0 or ceiling.weights <= 0:
        return None
    return Ratio(phase.tokens / phase.seconds, ceiling.matrix / (2 * ceiling.weights), "matrix")


def writing(phase: Phase | None, ceiling: Ceiling) -> Ratio | None:
    """Passes a second; None where there were none or they were not counted."""
    if phase is None or not phase.passes or phase.seconds <= 0:
        return None
    rows = phase.tokens / phase.passes
    read = ceiling.bandwidth / ceiling.weight_bytes
    computed = ceiling.matrix / (2 * ceiling.weights * rows) if ceiling.weights * rows else read
    bound = "memory" if read <= computed else "matrix"
    return Ratio(phase.passes / phase.seconds, min(read, computed), bound)


def table(found: Sequence[ModelRuns]) -> Table | None:
    """One row a session; None where no session measured its device."""
    runs = [(one, run) for one in found for run in one.runs]
    if not any(_ceiling(run) for _, run in runs):
        return None
    heads = (
        *("Model", "Session", "Writing limited by", "Memory", "Matrix products", "Weights"),
        *("Prompts, tokens/s", "of the ceiling", "Choices, tokens/s", "of the ceiling"),
        *("Writing, passes/s", "of the ceiling"),
    )
    rows = [(fields.words(one.title), *_row(one, run)) for one, run in runs]
    return Table("ceiling", "", CAPTION, heads, rows, words=3)


def _ceiling(run: Run) -> Ceiling | None:
    return None if run.session.usage is None else run.session.usage.ceiling


def _row(found: ModelRuns, run: Run) -> tuple[Field, ...]:
    ceiling, session = _ceiling(run), name_of(found, run)
    if ceiling is None:
        return (fields.words(f"{session}: not measured"), *[fields.NOTHING] * 10)
    written = writing(run.phase("decode"), ceiling)
    return (
        fields.words(session),
        fields.words({"memory": "memory", "matrix": "matrix products"}[written.bound])
        if written
        else fields.NOTHING,
        Field(f"{ceiling.bandwidth / 1e9:,.0f} GB/s", ceiling.bandwidth),
        Field(f"{ceiling.matrix / 1e12:,.2f} TFLOP/s, {ceiling.dtype}", ceiling.matrix),
        Field(f"{ceiling.weight_bytes / 1e9:,.2f} GB", ceiling.weight_bytes),
        *_ratio(reading(run.phase("prefill"), ceiling)),
        *_ratio(reading(run.phase("scoring"), ceiling)),
        *_ratio(written),
    )


def _ratio(found: Ratio | None) -> tuple[Field, Field]:
    if found is None:
        return fields.NOTHING, fields.NOTHING
    return fields.rate(found.reached), fields.share(found.share)
