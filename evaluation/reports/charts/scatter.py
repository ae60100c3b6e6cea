"""Points with an interval each, labelled with their names: a score against an amount."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from evaluation.reports.charts import palette
from evaluation.reports.charts.drawing import drawing, label, svg

# Amounts that lie further apart are drawn on a logarithmic axis.
WIDE = 8
# Where a label may stand, tried one after the other: offset in points and how it is aligned.
PLACES = (
    (7, 0, "left", "center"),
    (-7, 0, "right", "center"),
    (6, 7, "left", "bottom"),
    (6, -7, "left", "top"),
    (-6, 7, "right", "bottom"),
    (-6, -7, "right", "top"),
    (6, 18, "left", "bottom"),
    (6, -18, "left", "top"),
)


@dataclass(frozen=True)
class Dot:
    """A point: `x` above 0, `low` and `high` the ends of the interval around `y`."""

    name: str
    x: float
    y: float
    low: float
    high: float


def scatter(dots: Sequence[Dot], axes_names: tuple[str, str], title: str, text: str) -> Markup:
    """The points with their intervals; `axes_names` are those of x and y, `text` describes it."""
    with drawing(8.4, 4.2) as figure:
        axes = figure.add_subplot()
        for number, dot in enumerate(dots):
            axes.errorbar(
                dot.x,
                dot.y,
                yerr=[[max(0.0, dot.y - dot.low)], [max(0.0, dot.high - dot.y)]],
                fmt=palette.marker(number),
                color=palette.series(number),
                markersize=6.5,
                elinewidth=1.2,
                capsize=3,
            )
        xs = [dot.x for dot in dots]
        if max(xs) > WIDE * min(xs):
            axes.set_xscale("log")
        axes.margins(x=0.12, y=0.08)
        _ticks(axes, max(xs) > WIDE * min(xs))
        axes.set_xlabel(label(axes_names[0], 80))
        axes.set_ylabel(axes_names[1])
        axes.grid(visible=True)
        axes.set_axisbelow(True)
        _name(figure, axes, dots)
        return svg(figure, title, text)


def _ticks(axes: Any, log: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    if log:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_formatter(NullFormatter())


def _name(figure: Any, axes: Any, dots: Sequence[Dot]) -> None:
    """Write each name where it covers no other name and no point."""
    figure.draw_without_rendering()
    taken = [_around(axes, dot) for dot in dots]
    edge = axes.get_window_extent()
    for number, dot in enumerate(dots):
        others = [one for place, one in enumerate(taken) if place != number]
        for place in PLACES:
            text = _write(axes, dot, *place)
            box = text.get_window_extent()
            inside = edge.x0 <= box.x0 and box.x1 <= edge.x1
            if (inside and not any(box.overlaps(one) for one in others)) or place == PLACES[-1]:
                break
            text.remove()
        taken.append(box)


def _write(axes: Any, dot: Dot, dx: float, dy: float, ha: str, va: str) -> Any:
    return axes.annotate(
        label(dot.name, 28),
        (dot.x, dot.y),
        xytext=(dx, dy),
        textcoords="offset points",
        ha=ha,
        va=va,
        fontsize=8.5,
        color=palette.INK,
    )


def _around(axes: Any, dot: Dot) -> Any:
    """The place of a point and its interval on the drawing."""
    from matplotlib.transforms import Bbox

    (x, low), (_, high) = axes.transData.transform([(dot.x, dot.low), (dot.x, dot.high)])
    return Bbox([[x - 4, min(low, high)], [x + 4, max(low, high)]])
