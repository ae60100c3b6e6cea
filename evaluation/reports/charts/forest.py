"""A forest plot: paired differences with their intervals, one row a dataset.

Lewis and Clarke, "Forest plots: trying to see the wood and the trees" (BMJ 2001), plus a bar a row
for what its samples could have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from evaluation.records import Verdict
from evaluation.reports.charts import palette
from evaluation.reports.charts.drawing import drawing, label, svg
from evaluation.reports.differences import known, signed

ROW = 0.27  # inches
FRAME = 0.75  # inches for the axis and its label
LEAST = 5.0  # points that the axis reaches at least
MOST = 105.0
BAR = 0.62  # of a row
LIMIT = 30  # characters of a name
SPACE = "\N{NO-BREAK SPACE}" * 4  # browsers draw several plain ones as one

# Mark, colour and whether it is filled.
MARKS: dict[Verdict, tuple[str, str, bool]] = {
    "better": ("^", palette.GOOD, True),
    "worse": ("v", palette.BAD, True),
    "equal": ("s", palette.INK, True),
    "no difference shown": ("o", palette.UNSURE, False),
    "not enough samples": ("D", palette.UNSURE, False),
    "not comparable": ("x", palette.UNSURE, False),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A difference in points. `detectable`: the smallest that would show; None: none would."""

    name: str
    value: float
    low: float | None
    high: float | None
    detectable: float | None
    verdict: Verdict


def forest(
    rows: Sequence[Row],
    total: Row | None,
    models: tuple[str, str],
    margin: float,
    title: str,
    description: str,
) -> Markup:
    """Rows from the top in the order given, and below a line the `total`.

    Values are the first model's less the second's, in points; `margin` is the least that matters,
    in points. Raises ValueError without rows or for a value that is no number.
    """
    shown = [*rows, *([total] if total is not None else [])]
    if not shown or not all(known(row.value) for row in shown):
        raise ValueError("a forest plot needs rows, each with a number")
    with drawing(7.2, FRAME + ROW * len(shown) + (0.1 if total is not None else 0.0)) as figure:
        axes = figure.add_subplot()
        places = [-float(place) for place in range(len(shown))]
        if rows and total is not None:
            places[-1] -= 0.4
            axes.axhline(places[-1] + 0.7, color=palette.LINE, linewidth=0.8, zorder=1)
        reach = _reach(shown, margin)
        axes.axvline(0, color=palette.INK, linewidth=0.8, zorder=2)
        for side in (-margin, margin):
            axes.axvline(side, color=palette.MUTED, linewidth=0.6, linestyle=(0, (3, 3)), zorder=2)
        for place, row in zip(places, shown, strict=True):
            _draw(axes, place, row, reach, bold=row is total)
        axes.set_yticks(places, [label(row.name, LIMIT) for row in shown])
        if total is not None:
            axes.get_yticklabels()[-1].set_fontweight("bold")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(places[-1] - 0.6, 0.6)
        axes.set_xlim(-reach, reach)
        axes.xaxis.set_major_formatter(lambda value, _: signed(value, 0))
        first, second = (label(name, LIMIT) for name in models)
        axes.set_xlabel(f"← for {second}{SPACE}points{SPACE}for {first} →")
        return svg(figure, title, description)


def _reach(rows: Sequence[Row], margin: float) -> float:
    """How far the axis goes to both sides, so that the middle is no difference."""
    found = [margin, LEAST]
    for row in rows:
        found += [abs(v) for v in (row.value, row.low, row.high, row.detectable) if known(v)]
    return min(MOST, 1.05 * max(found))


def _draw(axes: Any, place: float, row: Row, reach: float, *, bold: bool) -> None:
    mark, colour, filled = MARKS[row.verdict]
    half = row.detectable if known(row.detectable) else 2 * reach
    axes.barh(
        place,
        2 * half,
        left=-half,
        height=BAR,
        color=palette.BAND,
        edgecolor=palette.LINE,
        linewidth=0.5,
        zorder=0,
    )
    if known(row.low) and known(row.high):
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=1.6, zorder=3)
    axes.plot(
        [row.value],
        [place],
        marker=mark,
        markersize=7.5 if bold else 6,
        markerfacecolor=colour if filled else palette.SURFACE,
        markeredgecolor=colour,
        markeredgewidth=1.3,
        linestyle="none",
        zorder=4,
        clip_on=False,
    )
    # Beside the row, so that no mark needs a legend.
    edge = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
    weight = "bold" if bold else "normal"
    told = signed(row.value, 1)
    axes.annotate(told, (1, place), xytext=(38, 0), ha="right", fontweight=weight, **edge)
    axes.annotate(row.verdict, (1, place), xytext=(46, 0), ha="left", color=palette.MUTED, **edge)
