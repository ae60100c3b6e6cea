"""Bars of shares: what a whole is made of, one bar a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evaluation.reports.charts import palette
from evaluation.reports.charts.drawing import drawing, label, svg

# A part that is wider has its share in it; one that is wider still its name, too.
SHARE, NAME = 0.06, 0.17


@dataclass(frozen=True)
class Bar:
    """A row: its parts in any unit, and what stands behind the bar, its sum say."""

    name: str
    parts: tuple[float, ...]
    note: str = ""


def stacked(
    bars: Sequence[Bar], parts: Sequence[str], colours: Sequence[str], title: str, description: str
) -> Markup:
    """Bars that are all as long, divided as their `parts`, which are named in their order."""
    with drawing(8.4, 0.75 + 0.34 * len(bars)) as figure:
        axes = figure.add_subplot()
        places = range(len(bars))
        sums = [sum(bar.parts) or 1.0 for bar in bars]
        left = [0.0] * len(bars)
        for number, (part, colour) in enumerate(zip(parts, colours, strict=True)):
            shares = [bar.parts[number] / whole for bar, whole in zip(bars, sums, strict=True)]
            axes.barh(
                places,
                shares,
                left=left,
                height=0.68,
                color=colour,
                edgecolor=palette.SURFACE,
                linewidth=0.8,
                label=part,
            )
            for place, share in enumerate(shares):
                if share >= SHARE:
                    named = f"{part} " if share >= NAME + 0.012 * len(part) else ""
                    axes.text(
                        left[place] + share / 2,
                        place,
                        f"{named}{100 * share:.0f}%",
                        ha="center",
                        va="center",
                        fontsize=7.5,
                        color=palette.SURFACE,
                    )
            left = [start + share for start, share in zip(left, shares, strict=True)]
        for place, bar in enumerate(bars):
            axes.text(1.012, place, bar.note, va="center", fontsize=8, color=palette.MUTED)
        axes.set_yticks(list(places), [label(bar.name, 28) for bar in bars])
        axes.set_ylim(len(bars) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.set_xticks([])
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        figure.legend(
            loc="outside upper left",
            ncols=len(parts),
            fontsize=8,
            handlelength=1,
            handleheight=1,
            columnspacing=1.4,
            handletextpad=0.5,
        )
        return svg(figure, title, description)
