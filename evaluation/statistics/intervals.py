"""Intervals around scores.

Wilson for proportions (Wilson 1927; Agresti & Coull 1998), percentile bootstrap for graded
scores. Kept free of scipy, whose import costs more than a whole scoring job; the tests compare
with scipy.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import NormalDist, fmean
from typing import TypeVar

from evaluation.records import Interval, Score

T = TypeVar("T")
DRAWS = 1000


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Wilson score interval of a proportion; raises ValueError for n = 0."""
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"need 0 <= successes <= n and n > 0, found {successes} of {n}")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(low=low, high=high, level=level, method="Wilson")


def bootstrap(
    items: Sequence[T],
    statistic: Callable[[Sequence[T]], float],
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap interval of `statistic` over resampled items (Efron 1979)."""
    if not items:
        raise ValueError("cannot resample an empty list")
    generator = random.Random(seed)
    draws = sorted(statistic(generator.choices(items, k=len(items))) for _ in range(DRAWS))
    tail = (1 - level) / 2
    return Interval(
        low=draws[int(tail * DRAWS)],
        high=draws[min(DRAWS - 1, int((1 - tail) * DRAWS))],
        level=level,
        method=f"bootstrap ({DRAWS} draws)",
    )


def mean_score(
    metric: str, values: Sequence[float], *, primary: bool = False, chance: float | None = None
) -> Score:
    """The mean of per-sample values with its interval: Wilson when all are 0 or 1."""
    if not values:
        return Score(metric=metric, value=None, n=0, primary=primary, chance=chance)
    binary = all(v in (0.0, 1.0) for v in values)
    interval = wilson(round(sum(values)), len(values)) if binary else bootstrap(values, fmean)
    return Score(
        metric=metric,
        value=fmean(values),
        n=len(values),
        interval=interval,
        primary=primary,
        chance=chance,
    )
