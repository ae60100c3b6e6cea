"""Draw data whose truth is known and count how often evaluation.statistics says it.

Each function draws `draws` data sets with its own seed and returns shares between 0 and 1: of
intervals that hold the truth, of tests that show a difference. Correlated answers of two models are
drawn as wins, losses and ties: that is all the tests see of scores of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evaluation.statistics import clustered, mcnemar, power
from evaluation.statistics.intervals import wilson
from evaluation.statistics.permutation import sign_flip_p

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
POWER = 0.8
# Draws of a permutation test: more would only cost time, not change its error.
FLIPS = 1000
PROPORTIONS = np.arange(1, 50) / 50
LOOKS = (20, 100, 200)


def wilson_ends(n: int) -> tuple[Floats, Floats]:
    """Both ends of the interval for each number of right answers."""
    found = [wilson(right, n, CONFIDENCE) for right in range(n + 1)]
    return np.array([i.low for i in found]), np.array([i.high for i in found])


def drawn_coverage(n: int, draws: int, seed: int) -> Floats:
    """Share of draws whose Wilson interval holds p, for each p of PROPORTIONS."""
    low, high = wilson_ends(n)
    right = np.random.default_rng(seed).binomial(n, PROPORTIONS[:, None], (PROPORTIONS.size, draws))
    truth = PROPORTIONS[:, None]
    found: Floats = ((low[right] <= truth) & (truth <= high[right])).mean(axis=1)
    return found


def computed_coverage(low: Floats, high: Floats) -> Floats:
    """The same without drawing, for any interval given by its ends."""
    truth = PROPORTIONS[:, None]
    held = (low <= truth) & (truth <= high)
    found: Floats = (held * stats.binom.pmf(np.arange(low.size), low.size - 1, truth)).sum(axis=1)
    return found


def closest_coverage(n: int) -> Floats:
    """For each p the coverage nearest to CONFIDENCE that any interval at all can have there.

    An interval holds p for numbers of right answers from some to some: all such runs are tried.
    """
    below = stats.binom.cdf(np.arange(-1, n + 1), n, PROPORTIONS[:, None])
    runs = below[:, None, :] - below[:, :, None]
    at = np.abs(runs - CONFIDENCE).reshape(PROPORTIONS.size, -1).argmin(axis=1)
    found: Floats = runs.reshape(PROPORTIONS.size, -1)[np.arange(PROPORTIONS.size), at]
    return found


def other_intervals(n: int) -> dict[str, tuple[Floats, Floats]]:
    """Ends of the usual rivals of Wilson's interval."""
    right = np.arange(n + 1)
    tails = (ALPHA / 2, 1 - ALPHA / 2)
    z2 = stats.norm.ppf(tails[1]) ** 2
    centre = (right + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * centre * (1 - centre) / (n + z2))
    jeffreys = [stats.beta.ppf(tail, right + 0.5, n - right + 0.5) for tail in tails]
    exact = [
        stats.beta.ppf(tails[0], right, n - right + 1),
        stats.beta.ppf(tails[1], right + 1, n - right),
    ]
    for low, high in (jeffreys, exact):
        low[0], high[-1] = 0.0, 1.0
    return {
        "Agresti-Coull": (centre - half, centre + half),
        "Jeffreys": (jeffreys[0], jeffreys[1]),
        "Clopper-Pearson": (exact[0], exact[1]),
    }


def draw_pairs(
    n: int, discordance: float, difference: float, draws: int, random: np.random.Generator
) -> tuple[Ints, Ints]:
    """Wins and losses of `draws` comparisons over n samples."""
    wins, losses = (discordance + difference) / 2, (discordance - difference) / 2
    found = random.multinomial(n, [wins, losses, 1 - discordance], size=draws)
    return found[:, 0], found[:, 1]


@lru_cache(maxsize=1)
def _table() -> Floats:
    most = max(LOOKS) + 1
    return np.array([[mcnemar.exact_p(w, n) for n in range(most)] for w in range(most)])


def paired_ps(wins: Ints, losses: Ints) -> Floats:
    """The exact McNemar p of each comparison."""
    found: Floats = _table()[wins, losses]
    return found


def paired_shown(n: int, discordance: float, difference: float, draws: int, seed: int) -> float:
    """Share of comparisons of scores of 0 and 1 that show a difference."""
    drawn = draw_pairs(n, discordance, difference, draws, np.random.default_rng(seed))
    return float(np.mean(paired_ps(*drawn) <= ALPHA))


def paired_coverage(n: int, discordance: float, difference: float, draws: int, seed: int) -> float:
    """Share of Tango's intervals that hold the true difference."""
    wins, losses = draw_pairs(n, discordance, difference, draws, np.random.default_rng(seed))
    low, high = mcnemar.score_interval(wins, losses, n, CONFIDENCE)
    return float(np.mean((low <= difference + 1e-12) & (difference - 1e-12 <= high)))


def _instructions(size: tuple[int, int], random: np.random.Generator) -> Floats:
    """Shares of one to three instructions followed, as IFEval counts them; mostly ties."""
    asked = random.integers(1, 4, size)
    ease = 0.3 + 0.6 * random.random(size)
    return (random.binomial(asked, ease) - random.binomial(asked, ease)) / asked


def _repeats(size: tuple[int, int], random: np.random.Generator) -> Floats:
    """Means of four attempts at samples that are easy or hard."""
    ease = random.beta(0.5, 0.5, size)
    return (random.binomial(4, ease) - random.binomial(4, ease)) / 4


def _ratings(size: tuple[int, int], random: np.random.Generator) -> Floats:
    """Ratings from 1 to 10, in halves."""
    level = random.normal(6.5, 1.5, size)
    first, second = (level + random.normal(0, 1.2, size) for _ in range(2))
    return np.clip(np.round(2 * first) / 2, 1, 10) - np.clip(np.round(2 * second) / 2, 1, 10)


def _rare(size: tuple[int, int], random: np.random.Generator) -> Floats:
    """One sample in ten moves, by up to 1: hard for any method that must guess at the unseen."""
    return np.where(random.random(size) < 0.1, random.uniform(-1, 1, size), 0.0)


def _lopsided(size: tuple[int, int], random: np.random.Generator) -> Floats:
    """One sample in ten is better by up to 1, the others are worse by 0.05: equal on average."""
    return np.where(random.random(size) < 0.1, random.random(size), 0.0) - 0.05


GRADED: dict[str, Callable[[tuple[int, int], np.random.Generator], Floats]] = {
    "shares of instructions": _instructions,
    "means of four attempts": _repeats,
    "ratings": _ratings,
    "one in ten differs": _rare,
    "one in ten wins": _lopsided,
}


def graded_shown(kind: str, n: int, draws: int, seed: int, shift: float = 0.0) -> float:
    """Share of comparisons of graded scores that show a difference; `shift` is the true one."""
    values = GRADED[kind]((draws, n), np.random.default_rng(seed)) + shift
    return float(np.mean([sign_flip_p(v, FLIPS, k)[0] <= ALPHA for k, v in enumerate(values)]))


def graded_coverage(kind: str, n: int, draws: int, seed: int) -> float:
    """Share of t intervals that hold the true difference, 0."""
    values = GRADED[kind]((draws, n), np.random.default_rng(seed))
    range_ = 9.0 if kind == "ratings" else 1.0
    found = (
        clustered.mean_interval(clustered.mean_of(v), -range_, range_, CONFIDENCE) for v in values
    )
    return float(np.mean([interval.low <= 0 <= interval.high for interval in found]))


def paired_power(n: int, discordance: float, draws: int, seed: int) -> tuple[float | None, float]:
    """The detectable difference, and the share of draws that show it."""
    found = power.detectable(n, alpha=ALPHA, power=POWER, discordance=discordance)
    if found is None:
        return None, 0.0
    return found, paired_shown(n, max(found, discordance), found, draws, seed)


def graded_power(kind: str, n: int, draws: int, seed: int) -> tuple[float | None, float]:
    """The detectable difference of graded scores, and the share of draws that show it."""
    sd = float(GRADED[kind]((1, 100_000), np.random.default_rng(seed + 1)).std())
    found = power.detectable(n, alpha=ALPHA, power=POWER, sd=sd, most=100 * sd)
    return found, 0.0 if found is None else graded_shown(kind, n, draws, seed, found)
