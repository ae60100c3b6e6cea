"""The performance page: where the time went, how fast it was, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from evaluation.reports import (
    accuracy_cost,
    cell_speed,
    efficiency,
    links,
    preset_speed,
    speed,
    spending,
    time_spent,
)
from evaluation.reports import format as fmt
from evaluation.reports.charts import palette
from evaluation.reports.charts.scatter import Dot, scatter
from evaluation.reports.charts.stacked import Bar, stacked
from evaluation.reports.fields import known
from evaluation.reports.inputs import TierReport
from evaluation.reports.site import page
from evaluation.reports.usage import model_runs

COLOURS = dict(
    zip(
        time_spent.PARTS,
        (palette.series(n) for n in (4, 0, 5, 2, 3, 7, 6)),
        strict=True,
    )
)


def render(report: TierReport) -> str:
    """The performance page of a tier."""
    found = model_runs(report.aggregate)
    spent = time_spent.time_spent(found)
    worth = accuracy_cost.accuracy_cost(report)
    cells = report.aggregate.cells
    cost = report.cost
    ceiling, presets = efficiency.table(found), preset_speed.table(report.presets)
    return page(
        "performance.html",
        links.PERFORMANCE,
        styles=["performance"],
        report=report,
        time_chart=_time_chart(spent),
        time=time_spent.table(spent),
        time_notes=[note for one in spent for note in one.notes],
        summary=spending.summary(cost) if cost else [],
        worth=known(accuracy_cost.table(worth)) if worth else None,
        worth_chart=_worth_chart(worth) if worth else None,
        worth_devices=worth.devices if worth else "",
        worth_left_out=worth.left_out if worth else (),
        took=known(spending.took(cost)) if cost else None,
        each=known(spending.each(cost)) if cost else None,
        decision=spending.decision(cost) if cost else "",
        prices=spending.prices(cost) if cost else "",
        unknown=spending.unknown(cost) if cost else [],
        speed=known(speed.speed(found)),
        batches=known(speed.batches(found)),
        machine=known(
            speed.machine(
                found, speed.peaks([(cell.model, cell.performance.peak_memory) for cell in cells])
            )
        ),
        ceiling=known(ceiling) if ceiling else None,
        unmeasured=efficiency.UNKNOWN,
        cells=known(cell_speed.table(report)),
        presets=known(presets) if presets else None,
    )


def _time_chart(spent: Sequence[time_spent.TimeSpent]) -> Markup | None:
    rows = [row for row in spent if row.total > 0]
    parts = time_spent.parts_there(rows)
    if not rows:
        return None
    bars = [
        Bar(row.title, tuple(row.seconds[part] for part in parts), fmt.duration(row.total))
        for row in rows
    ]
    return stacked(
        bars,
        parts,
        [COLOURS[part] for part in parts],
        "Where the time went",
        "A bar for each model, divided into the shares of its time by the clock: "
        f"{', '.join(parts)}. The table below has the numbers.",
    )


def _worth_chart(found: accuracy_cost.AccuracyCost) -> Markup | None:
    dots = []
    for point in found.drawn:
        value, interval = point.average.value or 0.0, point.average.interval
        low, high = (interval.low, interval.high) if interval else (value, value)
        amount = point.amounts[found.measure] or 0.0
        dots.append(Dot(point.model, amount, 100 * value, 100 * low, 100 * high))
    if len(dots) < 2:
        return None
    return scatter(
        dots,
        (found.axis, "Macro average, points of 100"),
        "Score against cost",
        "A point for each model: its macro average with the interval, against what its answers "
        "took. The table below has the numbers.",
    )
