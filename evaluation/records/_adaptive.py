"""What the adaptive tier writes: looks, decisions, stages and the summary."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluation.records._comparisons import Difference
from evaluation.records._inputs import SCHEMA_VERSION, Record


class Look(Record):
    """One look at the growing samples of a comparison.

    `p` is that of the samples so far, `repeated_p` what it is worth after repeated looks, `chance`
    the probability that all samples of full would show a difference if things went on as they
    did (None at the last look). `presets` are those of a and b.
    """

    tier: str
    n: int
    difference: float
    p: float
    repeated_p: float
    chance: float | None = None
    presets: tuple[str, str]


class AdaptiveDecision(Record):
    """Where the comparison of a with b on one dataset stands.

    `open`: more samples are needed. `decided`: better, worse or equal. `stopped`: more samples
    would hardly show a difference. `exhausted`: all samples were looked at. `sizes` are the samples
    at each look that the tiers and the dataset allow. In `difference`, p and adjusted_p are
    corrected for repeated looks, and so is the interval.
    """

    a: str
    b: str
    dataset: str
    metric: str
    status: Literal["open", "decided", "stopped", "exhausted"]
    sizes: list[int]
    looks: list[Look]
    difference: Difference
    warnings: list[str] = Field(default_factory=list)


class LeftOut(Record):
    """A comparison that cannot be made, and why."""

    a: str
    b: str
    dataset: str
    reason: str


class CellName(Record):
    """A model on a dataset."""

    model: str
    dataset: str


class AdaptiveStage(Record):
    """`adaptive/TIER.json`: all decisions after a tier's look, and the cells the next one needs."""

    schema_version: Literal[1] = SCHEMA_VERSION
    tier: str
    decisions: list[AdaptiveDecision]
    left_out: list[LeftOut] = Field(default_factory=list)
    promoted: list[CellName] = Field(default_factory=list)


class CellUse(Record):
    """Samples that a cell was asked, those of full, and the engine seconds of the difference.

    `seconds_saved` is an estimate: the cell's own measured seconds a sample times the samples it
    was not asked. None where no time was measured.
    """

    model: str
    dataset: str
    tier: str
    samples: int
    samples_full: int
    seconds_saved: float | None


class OverallDifference(Record):
    """a less b in the macro average over `datasets`, with the samples there are.

    `left_out` are datasets that cannot be averaged with the others, and why.
    """

    a: str
    b: str
    datasets: list[str]
    left_out: dict[str, str] = Field(default_factory=dict)
    difference: Difference


class AdaptiveSummary(Record):
    """`adaptive/summary.json`: what was decided, with how many samples.

    Samples count cells that some comparison uses. `seconds_saved` is an estimate, see CellUse.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    tiers: list[str]
    confidence: float
    margin: float
    spending: Literal["obrien_fleming", "pocock"]
    futility: float
    decisions: list[AdaptiveDecision]
    overall: list[OverallDifference]
    left_out: list[LeftOut]
    cells: list[CellUse]
    samples: int
    samples_full: int
    seconds_saved: float | None
    notes: list[str] = Field(default_factory=list)
