"""Looking at growing data: group-sequential levels that keep the error where it was promised.

Testing at every look at the usual level shows false differences far more often than promised. The
error is spent over the looks (Lan & DeMets 1983), as O'Brien and Fleming would (strict early) or as
Pocock would (evenly); the levels come from the joint normal distribution of the looks, integrated
look by look (Armitage, McPherson & Rowe 1969; Jennison & Turnbull 2000). A family of comparisons
uses repeated p-values in Holm's procedure (Maurer & Bretz 2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import e, exp, log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, optimize, special

Spending = Literal["obrien_fleming", "pocock"]

# Nodes of the integration between two boundaries, and where the normal distribution ends.
NODES = 160
FARTHEST = 9.0
# Levels between which repeated p-values are interpolated.
LEAST_P = 1e-9
MOST_ALPHA = 0.999
LEVELS = 160


@dataclass(frozen=True)
class Design:
    """Looks after `sizes` samples at a two-sided error of `alpha` in all."""

    sizes: tuple[int, ...]
    alpha: float
    spending: Spending

    def __post_init__(self) -> None:
        if not self.sizes or self.sizes[0] < 1 or list(self.sizes) != sorted(set(self.sizes)):
            raise ValueError(f"the sizes of looks must grow from 1 or more, found {self.sizes}")
        if not 0 < self.alpha < 1:
            raise ValueError(f"the error must lie between 0 and 1, found {self.alpha}")

    def nominal(self) -> tuple[float, ...]:
        """The two-sided level at which each look's p is tested.

        A look at data of which p is at most its level ends the test; all looks together err with
        probability `alpha` at most.
        """
        return _nominal(self)

    def spent(self) -> tuple[float, ...]:
        """The error that may have been spent by each look."""
        return tuple(
            _spent(self.alpha, size / self.sizes[-1], self.spending) for size in self.sizes
        )


def repeated_p(p: float, look: int, sizes: tuple[int, ...], spending: Spending) -> float:
    """The smallest overall error at which look number `look` (from 0) would end on this p.

    The least over the looks so far is a p-value of the whole sequence at any look, so that Holm
    over a family of them keeps the family's error.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p must lie between 0 and 1, found {p}")
    if not 0 <= look < len(sizes):
        raise ValueError(f"there are looks 0 to {len(sizes) - 1}, found {look}")
    if len(sizes) == 1:
        return p
    error = _inverse(sizes, look, spending)
    if error is None:
        return 1.0
    least, most = error.x[0], error.x[-1]
    if p >= exp(most):
        return 1.0
    return exp(float(error(max(log(p), least) if p > 0 else least)))


def conditional_power(
    difference: float, sd: float, n: int, final_n: int, nominal_final: float
) -> float:
    """Probability that the last look shows a difference, should all go on as it went so far.

    `difference` and `sd` are those of n samples; the last look, at `final_n`, tests at the
    two-sided level `nominal_final`. Stopping for futility on this spends no error, and going on
    all the same breaks nothing (non-binding; Lan, Simon & Halperin 1982).
    """
    if n < 1 or final_n < n:
        raise ValueError(f"need 0 < n <= final_n, found {n} and {final_n}")
    if sd <= 0:
        raise ValueError(f"the sd of differences must be above 0, found {sd}")
    limit = -float(special.ndtri(nominal_final / 2))
    z = abs(difference) * sqrt(n) / sd
    seen = n / final_n
    if n == final_n:
        return float(z >= limit)
    spread = sqrt(1 - seen)
    mean = z / sqrt(seen)
    return float(special.ndtr((mean - limit) / spread) + special.ndtr((-mean - limit) / spread))


def _spent(alpha: float, share: float, spending: Spending) -> float:
    """The error spent at a share of all samples (Lan & DeMets 1983), both sides together."""
    if spending == "pocock":
        return alpha * log(1 + (e - 1) * share)
    return float(4 * special.ndtr(special.ndtri(alpha / 4) / sqrt(share)))


@lru_cache(maxsize=10_000)
def _nominal(design: Design) -> tuple[float, ...]:
    times = [size / design.sizes[-1] for size in design.sizes]
    spent = design.spent()
    levels = [spent[0]]
    places, weights = _nodes(-float(special.ndtri(spent[0] / 2)) * sqrt(times[0]), times[0])
    density = weights * _normal(places, times[0])
    for look in range(1, len(times)):
        step = times[look] - times[look - 1]
        share = spent[look] - spent[look - 1]
        limit = _limit(places, density, times[look], step, share)
        levels.append(float(2 * special.ndtr(-limit)))
        further, weights = _nodes(limit * sqrt(times[look]), times[look])
        density = weights * (_normal(further[:, None] - places[None, :], step) @ density)
        places = further
    return tuple(levels)


def _limit(
    places: NDArray[np.float64],
    density: NDArray[np.float64],
    time: float,
    step: float,
    share: float,
) -> float:
    """The |z| above which a look ends the test with probability `share`, not having ended yet."""

    def excess(z: float) -> float:
        edge = z * sqrt(time)
        over = special.ndtr((places - edge) / sqrt(step))
        under = special.ndtr((-places - edge) / sqrt(step))
        return float(density @ (over + under)) / share - 1

    if share <= 0 or excess(0.0) <= 0:
        return FARTHEST if share <= 0 else 0.0
    return float(optimize.brentq(excess, 0.0, 40.0, xtol=1e-10))


def _nodes(edge: float, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre places and weights between -edge and edge."""
    places, weights = _legendre()
    half = min(edge, FARTHEST * sqrt(time))
    return half * places, half * weights


@lru_cache(maxsize=1)
def _legendre() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places, weights = special.roots_legendre(NODES)
    return places, weights


def _normal(values: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.exp(-(values**2) / (2 * variance))
    return found / sqrt(2 * np.pi * variance)


@lru_cache(maxsize=1000)
def _inverse(
    sizes: tuple[int, ...], look: int, spending: Spending
) -> interpolate.PchipInterpolator | None:
    """The logarithm of the overall error, from that of a look's level.

    None for a look so early that no p, however small, would end the test there.
    """
    levels = np.exp(np.linspace(log(LEAST_P), log(MOST_ALPHA), LEVELS))
    nominal = np.array([Design(sizes, float(one), spending).nominal()[look] for one in levels])
    # A look's level may only grow with the error; where it does not, the smaller one counts.
    rising = np.minimum.accumulate(nominal[::-1])[::-1]
    kept = np.concatenate([[True], np.diff(rising) > 0]) & (rising > 0)
    if np.count_nonzero(kept) < 2:
        return None
    return interpolate.PchipInterpolator(np.log(rising[kept]), np.log(levels[kept]))
