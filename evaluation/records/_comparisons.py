"""What comparisons and decisions are made of: differences, verdicts, the gate, the presets."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from evaluation.records._inputs import SCHEMA_VERSION, Protocol, Record
from evaluation.records._results import Interval

# What can be said of a against b. `equal`: the interval lies within the margin that matters.
Verdict = Literal[
    "better",
    "worse",
    "equal",
    "no difference shown",
    "not enough samples",
    "not comparable",
]


class Difference(Record):
    """a less b in one metric, over the samples that both have scores for.

    Of `n` samples `wins` are better under a, `losses` under b, `ties` equal. Where less is better,
    signs are turned, so that a positive difference always speaks for a. `detectable` is the
    smallest true difference that n samples show with the configured power, `needed` the samples it
    would take to show the difference found (or the margin that matters, if that is larger). `sd` is
    the standard deviation of one sample's difference, for planning; never 0. `clusters` counts the
    independent sources of the samples, where several came from one. `adjusted_p` is p after Holm's
    correction over the `family` of tests it was looked at with. `reason` says why there is no
    verdict, or more about it.
    """

    n: int
    a: float | None = None
    b: float | None = None
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    adjusted_p: float | None = None
    family: int = 1
    method: str = ""
    wins: int = 0
    losses: int = 0
    ties: int = 0
    sd: float | None = None
    clusters: int | None = None
    detectable: float | None = None
    needed: int | None = None
    verdict: Verdict
    reason: str = ""


class CategoryDifference(Record):
    """a less b within one category; no test, as n is small."""

    category: str
    n: int
    difference: float
    interval: Interval | None = None


class Agreement(Record):
    """Counts of samples by who was right, for scores of 0 and 1."""

    both: int
    only_a: int
    only_b: int
    neither: int


class DatasetComparison(Record):
    """Two results of one dataset; `only_a` and `only_b` are samples where they disagree most."""

    dataset: str
    title: str
    protocol: Protocol
    metric: str
    difference: Difference
    agreement: Agreement | None = None
    categories: list[CategoryDifference] = Field(default_factory=list)
    only_a: list[str] = Field(default_factory=list)
    only_b: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class Comparison(Record):
    """Two models, or two presets of one model: `a` against `b`, dataset by dataset.

    `overall` compares macro averages over the datasets that both have; what is missing or cannot
    be compared is named in `left_out`, by dataset.
    """

    kind: Literal["models", "presets"]
    a: str
    b: str
    model: str = ""
    datasets: list[DatasetComparison]
    overall: Difference
    left_out: dict[str, str] = Field(default_factory=dict)


class MacroAverage(Record):
    """The mean of a model's primary scores over datasets, with the datasets it is of."""

    model: str
    value: float | None
    interval: Interval | None = None
    datasets: list[str]
    left_out: dict[str, str] = Field(default_factory=dict)


class Comparisons(Record):
    """`comparisons.json`: all pairs of a tier."""

    schema_version: Literal[1] = SCHEMA_VERSION
    tier: str
    confidence: float
    power: float
    margin: float
    averages: list[MacroAverage]
    comparisons: list[Comparison]


class GateCheck(Record):
    """One rule of the gate and how it went; what could not be checked is violated."""

    rule: str
    passed: bool
    found: str
    wanted: str


class GateReport(Record):
    """`gate.json`: all checks of a tier."""

    schema_version: Literal[1] = SCHEMA_VERSION
    tier: str
    passed: bool
    checks: list[GateCheck]


class HealthCheck(Record):
    """One sign of a preset's health; `value` is None where it could not be measured."""

    name: Literal["backoffs", "failed", "truncated", "unstable", "headroom", "tokens_per_second"]
    value: float | None
    threshold: float | None
    healthy: bool


class PresetHealth(Record):
    """How a preset did in a model's quick slices."""

    preset: str
    healthy: bool
    checks: list[HealthCheck]
    mean_score: float | None
    tokens_per_second: float | None
    peak_memory: int
    against_default: Difference | None = None


class PresetChoice(Record):
    """`presets/MODEL.json`: the preset of standard and full, and why."""

    schema_version: Literal[1] = SCHEMA_VERSION
    model: str
    chosen: str
    reason: str
    tried: list[PresetHealth]
