"""The average score of each model against what its answers to the same datasets took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal

from evaluation.records import CellCost, MacroAverage
from evaluation.reports import fields
from evaluation.reports.fields import Field, Table
from evaluation.reports.inputs import TierReport

Measure = Literal["money", "wall_seconds", "engine_seconds"]
MEASURES: tuple[Measure, ...] = ("money", "wall_seconds", "engine_seconds")
CAPTION = (
    "Score: the macro average over the same datasets for all models, with its interval. Beside it "
    "what the answers to these datasets took: time by the clock with the load in it, the engine's "
    "time, its time on a GPU, energy of the GPU, and money where prices are configured. Ratings by "
    "a judge are not in it."
)


@dataclass(frozen=True)
class Point:
    """A model: its average, and what its answers took; None where that is not known."""

    model: str
    average: MacroAverage
    amounts: dict[str, float | None]
    device: str


@dataclass(frozen=True)
class AccuracyCost:
    """All models, and the measure that the chart has them by.

    `left_out` says which are not in the chart and why.
    """

    points: tuple[Point, ...]
    measure: Measure
    currency: str
    left_out: tuple[str, ...]

    @property
    def drawn(self) -> list[Point]:
        """The models that have an average and a known amount above 0."""
        return [p for p in self.points if _drawable(p.average.value, p.amounts[self.measure])]

    @property
    def devices(self) -> str:
        """What the models ran on, where that is not the same for all; else nothing."""
        found: dict[str, list[str]] = {}
        for point in self.points:
            found.setdefault(point.device, []).append(point.model)
        told = (f"{device} ({', '.join(models)})" for device, models in found.items())
        return "; ".join(told) if len(found) > 1 else ""

    @property
    def axis(self) -> str:
        """What the chart's horizontal axis shows."""
        return {
            "money": f"Money for all answers, {self.currency}",
            "wall_seconds": "Time by the clock for all answers, seconds",
            "engine_seconds": "Engine time for all answers, seconds",
        }[self.measure]


def _drawable(score: float | None, amount: float | None) -> bool:
    if score is None or amount is None:
        return False
    return isfinite(score) and 0 < amount < inf


def accuracy_cost(report: TierReport) -> AccuracyCost | None:
    """Averages and amounts; None without averages or costs."""
    averages = report.comparisons.averages if report.comparisons is not None else []
    cost = report.cost
    if cost is None or not any(one.value is not None for one in averages):
        return None
    points = tuple(_point(report, one, cost.cells) for one in averages)
    # The measure that is known of most models; of several, the first.
    known = {name: sum(bool(p.amounts[name]) for p in points) for name in MEASURES}
    measure = max(MEASURES, key=lambda name: known[name])
    left_out = []
    for point in points:
        if point.average.value is None:
            left_out.append(f"{point.model} has no average.")
        elif not _drawable(point.average.value, point.amounts[measure]):
            left_out.append(f"{point.model}: {_why(measure, point, cost.cells)}.")
    return AccuracyCost(points, measure, cost.currency, tuple(left_out))


def table(found: AccuracyCost) -> Table:
    """The numbers of the chart, and the other measures beside them."""
    heads = (
        *("Model", "Score", "Interval", "Datasets", "By the clock", "Engine", "On a GPU"),
        *("Energy", "Money"),
    )
    rows = [_row(point, found.currency) for point in found.points]
    return Table("worth", "", CAPTION, heads, rows)


def _row(point: Point, currency: str) -> tuple[Field, ...]:
    average, interval, amounts = point.average, point.average.interval, point.amounts
    return (
        fields.words(point.model),
        fields.points(average.value),
        fields.NOTHING
        if interval is None
        else Field(f"{100 * interval.low:.1f} to {100 * interval.high:.1f}", interval.low),
        fields.count(len(average.datasets)),
        fields.seconds(amounts["wall_seconds"]),
        fields.seconds(amounts["engine_seconds"]),
        fields.seconds(amounts["gpu_seconds"]),
        fields.energy(amounts["joules"]),
        fields.money(amounts["money"], currency),
    )


def _point(report: TierReport, average: MacroAverage, cells: Sequence[CellCost]) -> Point:
    own = [one for one in cells if one.model == average.model and one.dataset in average.datasets]
    amounts: dict[str, float | None] = {}
    for name in (*MEASURES, "gpu_seconds", "joules"):
        values = [getattr(one.answers, name) for one in own]
        amounts[name] = sum(values) if values and None not in values else None
    found = report.cells_of(average.model)
    devices = [s.hardware.device for c in found for s in c.provenance.sessions]
    return Point(average.model, average, amounts, ", ".join(dict.fromkeys(devices)))


def _why(measure: Measure, point: Point, cells: Sequence[CellCost]) -> str:
    reasons = dict.fromkeys(
        one.answers.missing[measure]
        for one in cells
        if one.model == point.model and measure in one.answers.missing
    )
    return "; ".join(reasons) or "it was not measured"
