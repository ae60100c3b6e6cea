"""A model's scores with their intervals, one row a dataset, against chance and the other models.

A dot plot (Cleveland and McGill, "Graphical Perception", JASA 1984): places along one scale are
read better than lengths of bars, and several models fit in a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from evaluation.reports.charts import palette
from evaluation.reports.charts.drawing import drawing, label, svg
from evaluation.reports.differences import known

ROW = 0.29  # inches
FRAME = 0.7  # inches for the axis and its label
LIMIT = 22  # characters of a name


@dataclass(frozen=True, slots=True)
class Dot:
    """A score from 0 to 1; None is what is not known. `others` are scores of the other models."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    others: tuple[float, ...] = ()


def dots(rows: Sequence[Dot], title: str, description: str) -> Markup:
    """Rows from the top in the order given. Raises ValueError without any."""
    if not rows:
        raise ValueError("a dot chart needs rows")
    with drawing(7.2, FRAME + ROW * len(rows)) as figure:
        axes = figure.add_subplot()
        axes.grid(visible=True, axis="x")
        for place, row in enumerate(rows):
            _draw(axes, -place, row)
        axes.set_yticks(
            [-place for place in range(len(rows))], [label(r.name, LIMIT) for r in rows]
        )
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(0.6 - len(rows), 0.6)
        axes.set_xlim(0, 100)
        axes.set_xticks(range(0, 101, 20))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
        axes.set_axisbelow(True)
        return svg(figure, title, description)


def _draw(axes: Any, place: float, row: Dot) -> None:
    others = [100 * value for value in row.others if known(value)]
    axes.plot(
        others,
        [place] * len(others),
        marker="o",
        markersize=4.5,
        markerfacecolor="none",
        markeredgecolor=palette.MUTED,
        markeredgewidth=0.8,
        alpha=0.75,
        linestyle="none",
        clip_on=False,
        zorder=2,
    )
    if known(row.chance):
        axes.plot([100 * row.chance] * 2, [place - 0.32, place + 0.32], color=palette.INK, zorder=3)
    if not known(row.value):
        return
    if known(row.low) and known(row.high):
        ends = [100 * row.low, 100 * row.high]
        axes.plot(ends, [place, place], color=palette.GOOD, linewidth=2.2, clip_on=False, zorder=4)
    axes.plot(
        [100 * row.value],
        [place],
        marker="o",
        markersize=7.5,
        markerfacecolor=palette.GOOD,
        markeredgecolor=palette.SURFACE,
        markeredgewidth=1.0,
        linestyle="none",
        clip_on=False,
        zorder=5,
    )
    # Beside the row, so that a reader need not measure.
    axes.annotate(
        f"{100 * row.value:.1f}",
        (1, place),
        xycoords=axes.get_yaxis_transform(),
        xytext=(34, 0),
        textcoords="offset points",
        ha="right",
        va="center",
    )
