"""A model's scores by category: what it is worst and best at, and every category of a dataset.

Categories have few samples. What is ranked is therefore how far a category lies from the model's
own score on the dataset times the root of its samples, which grows as the evidence does: 0 of 2
right says less than 20 of 60.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

from evaluation.records import CategoryScore, Cell, SourceKind
from evaluation.reports import format as fmt
from evaluation.reports.differences import known, points
from evaluation.reports.inputs import TierReport
from evaluation.reports.notes import plain_title

SHOWN = 8
# Fewer samples than these are in the tables of the datasets only.
LEAST = 3
NAMELESS = "(none)"

Groups = dict[str, list[CategoryScore]]


@dataclass(frozen=True, slots=True)
class Category:
    """A stratum, against the model's score on the dataset and the other models' mean in it."""

    name: str
    title: str
    n: int
    value: str
    whole: str
    change: float
    difference: str
    others: str
    weight: float


@dataclass(frozen=True, slots=True)
class Extremes:
    """The strata furthest below and above; `left_out` have fewer than LEAST samples."""

    worst: tuple[Category, ...]
    best: tuple[Category, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Level:
    """A stratum: `inner` ones lie in the one before them that is not."""

    name: str
    n: int
    value: str
    difference: str
    inner: bool


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A dataset's categories, the worst first; `across` are second levels over all first ones."""

    dataset: str
    title: str
    source: SourceKind
    metric: str
    whole: str
    number: int
    levels: tuple[Level, ...]
    across: tuple[Level, ...]

    @property
    def nested(self) -> bool:
        """Whether there are two levels."""
        return any(level.inner for level in self.levels)


def extremes(report: TierReport, model: str) -> Extremes:
    """The strata of all datasets whose score is on the scale from 0 to 1."""
    found: list[Category] = []
    left_out = 0
    for cell in report.cells_of(model):
        score = fmt.primary(cell.scores)
        if score is None or not known(score.value) or not fmt.heat(score) or score.lower_is_better:
            continue
        others = _others(report, cell)
        for name, (value, n) in strata(cell.categories).items():
            if n < LEAST:
                left_out += 1
                continue
            change = value - score.value
            found.append(
                Category(
                    name=name,
                    title=plain_title(cell.title),
                    n=n,
                    value=fmt.number(score.metric, value),
                    whole=fmt.number(score.metric, score.value),
                    change=change,
                    difference=points(change),
                    others=fmt.number(score.metric, fmean(others[name])) if others[name] else "",
                    weight=change * sqrt(n),
                )
            )
    ranked = sorted(found, key=lambda one: one.weight)
    return Extremes(
        worst=tuple(one for one in ranked if one.weight < 0)[:SHOWN],
        best=tuple(one for one in reversed(ranked) if one.weight > 0)[:SHOWN],
        left_out=left_out,
    )


def breakdowns(report: TierReport, model: str) -> list[Breakdown]:
    """Every dataset that has categories."""
    return [_breakdown(cell) for cell in report.cells_of(model) if any(_valid(cell.categories))]


def strata(categories: Iterable[CategoryScore]) -> dict[str, tuple[float, int]]:
    """Value and n of each category and, where they are nested, of what is one on either level."""
    found = list(_valid(categories))
    groups: dict[str, list[CategoryScore]] = {one.category or NAMELESS: [one] for one in found}
    for parts in _levels(found):
        for name, inner in parts.items():
            if len(inner) > 1:
                groups[f"{name or NAMELESS} (all)"] = inner
    return {name: _mean(parts) for name, parts in groups.items()}


def _levels(found: Iterable[CategoryScore]) -> tuple[Groups, Groups]:
    """Categories by the part of their name before the first slash, and by the part after it."""
    firsts: Groups = defaultdict(list)
    seconds: Groups = defaultdict(list)
    for one in found:
        first, slash, second = one.category.partition("/")
        firsts[first].append(one)
        if slash:
            seconds[second].append(one)
    return firsts, seconds


def _mean(parts: Sequence[CategoryScore]) -> tuple[float, int]:
    """The mean over the samples of categories, and how many there are."""
    n = sum(part.n for part in parts)
    return sum((part.value or 0.0) * part.n for part in parts) / n, n


def _others(report: TierReport, cell: Cell) -> Mapping[str, list[float]]:
    """The other models' scores by stratum, in the same metric."""
    metric = _metric(cell)
    found: dict[str, list[float]] = defaultdict(list)
    for other in report.aggregate.cells:
        if other.dataset == cell.dataset and other.model != cell.model and _metric(other) == metric:
            for name, (value, _) in strata(other.categories).items():
                found[name].append(value)
    return found


def _breakdown(cell: Cell) -> Breakdown:
    score = fmt.primary(cell.scores)
    metric = _metric(cell)
    whole = score.value if score is not None and known(score.value) else None
    worst_last = score is not None and score.lower_is_better
    firsts, seconds = _levels(_valid(cell.categories))

    def ordered(groups: Mapping[str, Sequence[CategoryScore]]) -> list[str]:
        return sorted(groups, key=lambda name: _mean(groups[name])[0], reverse=worst_last)

    def level(name: str, parts: Sequence[CategoryScore], *, inner: bool = False) -> Level:
        value, n = _mean(parts)
        difference = fmt.NONE if whole is None else _change(metric, value - whole)
        return Level(name or NAMELESS, n, fmt.number(metric, value), difference, inner)

    levels = []
    for first in ordered(firsts):
        levels.append(level(first, firsts[first]))
        parts = {one.category.partition("/")[2]: [one] for one in firsts[first]}
        if any(parts):
            levels += [level(name, parts[name], inner=True) for name in ordered(parts)]
    across = {name: parts for name, parts in seconds.items() if len(parts) > 1}
    return Breakdown(
        dataset=cell.dataset,
        title=plain_title(cell.title),
        source=cell.provenance.dataset_source,
        metric=metric,
        whole=fmt.NONE if whole is None else fmt.number(metric, whole),
        number=sum(map(len, firsts.values())),
        levels=tuple(levels),
        across=tuple(level(name, across[name]) for name in ordered(across)),
    )


def _valid(categories: Iterable[CategoryScore]) -> Iterable[CategoryScore]:
    return (one for one in categories if one.n > 0 and known(one.value))


def _metric(cell: Cell) -> str:
    score = fmt.primary(cell.scores)
    return score.metric if score is not None else ""


def _change(metric: str, value: float) -> str:
    """Points for shares of right answers, and for the rest the metric's own unit."""
    text = fmt.change(metric, value + 0.0)
    return text.replace("-", "\N{MINUS SIGN}")
