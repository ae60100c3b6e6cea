"""How numbers are spread, one small histogram a row above a common logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import Any

from markupsafe import Markup

from evaluation.reports.charts import palette
from evaluation.reports.charts.drawing import drawing, label, svg

ROW = 0.42  # inches
FRAME = 0.75  # inches for the axis and its label
LIMIT = 22  # characters of a name
STEP = 0.5  # the width of a bin in powers of two: from one to the next, values grow by 41%
TALL = 0.82  # how much of a row the highest bin takes


@dataclass(frozen=True, slots=True)
class Spread:
    """The numbers of a row, all above 0, with the two that are marked."""

    name: str
    values: tuple[float, ...]
    median: float
    p95: float


def spreads(rows: Sequence[Spread], unit: str, title: str, description: str) -> Markup:
    """Rows from the top in the order given; in each, the highest bin is as high as the row.

    Raises ValueError without rows, for a row without numbers, or for a number that is not above 0.
    """
    if not rows or any(not row.values or min(row.values) <= 0 for row in rows):
        raise ValueError("a histogram needs numbers, all above 0")
    first = floor(min(log2(min(row.values)) for row in rows) / STEP) - 1
    last = floor(max(log2(max(row.values)) for row in rows) / STEP) + 2
    with drawing(7.2, FRAME + ROW * len(rows)) as figure:
        axes = figure.add_subplot()
        for place, row in enumerate(rows):
            _draw(axes, -place, row, first, last)
        axes.set_yticks(
            [0.3 - place for place in range(len(rows))], [label(row.name, LIMIT) for row in rows]
        )
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(1 - len(rows), 1)
        axes.set_xlim(first * STEP, last * STEP)
        marks = ticks(2 ** (first * STEP), 2 ** (last * STEP))
        axes.set_xticks([log2(mark) for mark in marks], [f"{mark:,}" for mark in marks])
        axes.set_xlabel(unit)
        return svg(figure, title, description)


def bins(values: Sequence[float], first: int, last: int) -> list[int]:
    """How many values lie in each bin from the first to the one before the last."""
    counts = [0] * (last - first)
    for value in values:
        counts[floor(log2(value) / STEP) - first] += 1
    return counts


def ticks(low: float, high: float) -> list[int]:
    """Round whole numbers from low to high: at 1, 2 and 5 of each ten, or fewer."""
    powers = range(16)
    for heads in ((1, 2, 5), (1, 3), (1,)):
        found = [head * 10**power for power in powers for head in heads]
        found = [number for number in found if low <= number <= high]
        if len(found) <= 8:
            break
    return found or [ceil(low)]


def _draw(axes: Any, place: float, row: Spread, first: int, last: int) -> None:
    counts = bins(row.values, first, last)
    unit = TALL / max(counts)
    edges = [STEP * number for number in range(first, last + 1)]
    heights = [place + unit * count for count in counts]
    axes.stairs(heights, edges, baseline=place, fill=True, color=palette.BAND, zorder=1)
    axes.stairs(heights, edges, baseline=place, color=palette.MUTED, linewidth=0.7, zorder=2)
    axes.axhline(place, color=palette.LINE, linewidth=0.6, zorder=3)
    for value, mark, size in ((row.median, "|", 15.0), (row.p95, "^", 5.0)):
        axes.plot(
            [log2(value)],
            [place + (0.4 if mark == "|" else 0.1)],
            marker=mark,
            markersize=size,
            markeredgewidth=1.8 if mark == "|" else 0.8,
            markerfacecolor=palette.GOOD,
            markeredgecolor=palette.GOOD,
            linestyle="none",
            clip_on=False,
            zorder=4,
        )
