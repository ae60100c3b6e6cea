"""How differences of two models are written: in points, with a sign, by the unit of a metric.

Differences of all datasets are shares of one scale from 0 to 1 (docs/comparisons.md), so they are
written in points: hundredths of it. Scores keep the unit of their metric.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from typing import TypeGuard

from evaluation.records import Difference, Interval
from evaluation.reports import format as fmt

MINUS = "\N{MINUS SIGN}"
# How comparisons name a metric that they put on the scale from 0 to 1.
RESCALED = re.compile(r"(.+) \((\S+) to (\S+) as 0 to 1\)")


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit of a metric: what its scores from 0 to 1 mean to people."""

    metric: str
    low: float = 0.0
    high: float = 1.0

    @property
    def own(self) -> bool:
        """Whether it was put on the scale from 0 to 1."""
        return (self.low, self.high) != (0.0, 1.0)

    def score(self, value: float | None) -> str:
        """A score in the metric's own unit."""
        if not known(value):
            return fmt.NONE
        return fmt.number(self.metric, self.low + value * (self.high - self.low))

    def change(self, value: float | None) -> str:
        """A difference in the metric's own unit, where that is not points."""
        if not self.own or not known(value):
            return ""
        return f"{signed(value * (self.high - self.low), 2)} {self.metric}"


def scale(metric: str) -> Scale:
    """The scale of a metric, by the name that comparisons give it."""
    found = RESCALED.fullmatch(metric)
    if found is None:
        return Scale(metric)
    try:
        return Scale(found[1], float(found[2]), float(found[3]))
    except ValueError:
        return Scale(metric)


def known(value: float | None) -> TypeGuard[float]:
    """Whether there is a number: neither missing nor NaN or infinite."""
    return value is not None and isfinite(value)


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign; zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if not text.strip("+-0.") else text.replace("-", MINUS)


def points(value: float | None) -> str:
    """A difference in points with its sign, from a share."""
    return signed(100 * value) if known(value) else fmt.NONE


def size(value: float | None) -> str:
    """How large a difference is, in points and without a sign."""
    return hundredths(abs(value)) if known(value) else fmt.NONE


def hundredths(value: float | None) -> str:
    """A score from 0 to 1 as hundredths, in which differences are points."""
    return f"{100 * value:.1f}" if known(value) else fmt.NONE


def interval(found: Interval | None) -> str:
    """Both ends of a difference's interval, in points."""
    if found is None or not (known(found.low) and known(found.high)):
        return fmt.NONE
    return f"{points(found.low)} to {points(found.high)}"


def p_value(value: float | None) -> str:
    """A p-value as papers write it."""
    if not known(value):
        return fmt.NONE
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def target(found: Difference, margin: float) -> float:
    """The difference that `needed` samples would show: the one found, but at least the margin."""
    return max(abs(found.difference), margin) if known(found.difference) else margin


def samples_needed(found: Difference) -> str:
    """About how many samples would show a difference; "" where nothing was tested."""
    if not known(found.p):
        return ""
    if found.needed is None:
        return "more than a billion"
    # It is as uncertain as the difference: two digits are as good as all.
    step = 10 ** max(0, len(str(found.needed)) - 2)
    return f"about {-(-found.needed // step) * step:,}"
