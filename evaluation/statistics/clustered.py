"""Means and their intervals, also where several samples come from one source.

Questions on one text, turns of one conversation or programs of one contest rise and fall together;
counted as independent they promise too much (Miller 2024, "Adding error bars to evals"). The
variance is that of sums over clusters (Liang & Zeger 1986) times G / (G - 1) for G clusters, with
Student's t at G - 1 degrees of freedom (Cameron & Miller 2015). A sample of its own is a cluster of
one, so that independent samples are the special case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaluation.records import Interval

# A standard error this small is rounding, not spread.
NO_SPREAD = 1e-12


@dataclass(frozen=True)
class Mean:
    """A mean of `n` values in `units` independent clusters; `error` is None for one cluster."""

    value: float
    error: float | None
    n: int
    units: int


def mean_of(values: NDArray[np.float64], clusters: Sequence[str] | None = None) -> Mean:
    """The mean and its standard error; raises ValueError without values."""
    n = len(values)
    if n == 0:
        raise ValueError("no mean of no values")
    mean = float(values.mean())
    sums = cluster_sums(values - mean, clusters)
    units = len(sums)
    if units == 1:
        return Mean(mean, None, n, 1)
    return Mean(mean, sqrt(units / (units - 1) * float(np.sum(sums**2))) / n, n, units)


def cluster_sums(
    values: NDArray[np.float64], clusters: Sequence[str] | None
) -> NDArray[np.float64]:
    """The sum of the values of each cluster; without clusters, the values."""
    if clusters is None:
        return values
    if len(clusters) != len(values):
        raise ValueError(f"{len(values)} values, but the clusters of {len(clusters)}")
    _, place = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    return np.bincount(place, weights=values).astype(np.float64)


def mean_interval(mean: Mean, lowest: float, highest: float, level: float) -> Interval:
    """Student's t interval of a mean of values from `lowest` to `highest`.

    Values without any spread say little of the next ones: for u units a share of z² / (u + z²) may
    be anything yet unseen. That is the score interval's bound for a share found 0 times.
    """
    if mean.error is None or mean.error <= NO_SPREAD:
        unseen = unseen_share(mean.units, level)
        low = mean.value - unseen * (mean.value - lowest)
        high = mean.value + unseen * (highest - mean.value)
        return Interval(low=low, high=high, level=level, method="bound, no spread seen")
    half = float(special.stdtrit(mean.units - 1, 0.5 + level / 2)) * mean.error
    return Interval(
        low=max(lowest, mean.value - half),
        high=min(highest, mean.value + half),
        level=level,
        method="t" if mean.units == mean.n else f"t, {mean.units} clusters",
    )


def unseen_share(units: int, level: float) -> float:
    """The share of all samples that may still be anything when `units` were all alike."""
    z = float(special.ndtri(0.5 + level / 2))
    return 1 / (1 + units / (z * z))


def clustered_mean(values: Sequence[float], clusters: Sequence[str], level: float) -> Interval:
    """Interval of the mean of one model's scores when samples of a cluster go together.

    Scores of 0 and 1 get Wilson's interval at the effective number of samples, n over the design
    effect, with t in place of z (Dean & Pagano 2015; Korn & Graubard 1998); where all are equal,
    each cluster counts as one sample. Others get the t interval. Raises ValueError without values
    or where one is not finite.
    """
    scores = finite(values, "the scores")
    mean = mean_of(scores, clusters)
    if not np.isin(scores, (0.0, 1.0)).all():
        lowest, highest = score_range(scores)
        return mean_interval(mean, lowest, highest, level)
    p, spread = mean.value, mean.value * (1 - mean.value)
    if mean.error is None or mean.error <= NO_SPREAD:
        effective = float(mean.units)
    else:
        effective = min(float(mean.n), spread / mean.error**2)
    tail = 0.5 + level / 2
    z = float(special.stdtrit(mean.units - 1, tail) if mean.units > 1 else special.ndtri(tail))
    centre = (p + z * z / (2 * effective)) / (1 + z * z / effective)
    half = z / (1 + z * z / effective) * sqrt(spread / effective + (z / (2 * effective)) ** 2)
    return Interval(
        low=0.0 if p == 0 else max(0.0, centre - half),
        high=1.0 if p == 1 else min(1.0, centre + half),
        level=level,
        method=f"Wilson, {mean.units} clusters",
    )


def finite(values: Sequence[float], name: str) -> NDArray[np.float64]:
    """The values as an array; raises ValueError with the place of one that is not finite."""
    found = np.asarray(values, dtype=np.float64)
    if not np.isfinite(found).all():
        place = int(np.flatnonzero(~np.isfinite(found))[0])
        raise ValueError(f"value {place} of {name} is {found[place]}, not a number to count with")
    return found


def score_range(scores: NDArray[np.float64]) -> tuple[float, float]:
    """The range of such scores: [0, 1] if all are in it, else what was seen, at least 1 wide."""
    lowest, highest = float(scores.min()), float(scores.max())
    if lowest >= 0 and highest <= 1:
        return 0.0, 1.0
    missing = max(0.0, 1 - (highest - lowest)) / 2
    return lowest - missing, highest + missing
