"""Draw clusters, macro averages and looks at growing data, as benchmarks.simulations does pairs."""

from __future__ import annotations

import numpy as np
from scipy import stats

from benchmarks.simulations import ALPHA, CONFIDENCE, FLIPS, LOOKS, Floats, draw_pairs, paired_ps
from evaluation.config import ComparisonSettings
from evaluation.statistics import averages, clustered
from evaluation.statistics.families import holm
from evaluation.statistics.intervals import wilson
from evaluation.statistics.permutation import sign_flip_p
from evaluation.statistics.sequential import Design, Spending, repeated_p

OBRIEN_FLEMING: Spending = "obrien_fleming"
POCOCK: Spending = "pocock"


def cluster_coverage(groups: int, draws: int, seed: int) -> tuple[float, float]:
    """Coverage of a mean of `groups` clusters of 4, of 0 and 1, with and without the clusters.

    Within a cluster scores correlate by 0.3 (beta-binomial); the mean is 0.7.
    """
    random = np.random.default_rng(seed)
    total = 1 / 0.3 - 1
    ease = random.beta(0.7 * total, 0.3 * total, (draws, groups, 1))
    scores = (random.random((draws, groups, 4)) < ease).astype(float).reshape(draws, -1)
    names = [str(place // 4) for place in range(4 * groups)]
    aware = [clustered.clustered_mean(row.tolist(), names, CONFIDENCE) for row in scores]
    naive = [wilson(int(row.sum()), row.size, CONFIDENCE) for row in scores]
    held = [float(np.mean([i.low <= 0.7 <= i.high for i in found])) for found in (aware, naive)]
    return held[0], held[1]


def cluster_shown(groups: int, draws: int, seed: int) -> tuple[float, float]:
    """Share of equal models that seem to differ when clusters of 4 are flipped whole, or not."""
    random = np.random.default_rng(seed)
    lean = random.choice([-1, 0, 1], (draws, groups, 1), p=[0.2, 0.6, 0.2])
    own = random.choice([-1, 0, 1], (draws, groups, 4), p=[0.15, 0.7, 0.15])
    change = np.where(random.random((draws, groups, 4)) < 0.5, lean, own).astype(float)
    whole = [sign_flip_p(row.sum(axis=1), FLIPS, k)[0] for k, row in enumerate(change)]
    single = [sign_flip_p(row.reshape(-1), FLIPS, k)[0] for k, row in enumerate(change)]
    return float(np.mean(np.array(whole) <= ALPHA)), float(np.mean(np.array(single) <= ALPHA))


def macro(n: int, draws: int, seed: int) -> tuple[float, float, float]:
    """Macro averages over five datasets of n samples, of models that are equal.

    Returns the coverage of the average, that of the difference, and the share of differences shown.
    """
    random = np.random.default_rng(seed)
    settings = ComparisonSettings(confidence=CONFIDENCE, draws=FLIPS)
    eases = (0.3, 0.5, 0.7, 0.9, 0.97)
    average = difference = shown = 0
    for draw in range(draws):
        pairs = {}
        for ease in eases:
            # Half of the samples are answered alike by both models.
            both, a, b = (random.random((3, n)) < ease).astype(float)
            alike = random.random(n) < 0.5
            pairs[str(ease)] = (
                np.where(alike, both, a).tolist(),
                np.where(alike, both, b).tolist(),
            )
        _, interval = averages.macro_average({k: a for k, (a, _) in pairs.items()}, settings)
        average += interval.low <= float(np.mean(eases)) <= interval.high
        found = averages.macro_difference(pairs, settings, seed=draw)
        assert found.interval is not None
        assert found.p is not None
        difference += found.interval.low <= 0 <= found.interval.high
        shown += found.p <= ALPHA
    return average / draws, difference / draws, shown / draws


def draw_looks(
    discordance: float, difference: float, draws: int, random: np.random.Generator
) -> list[Floats]:
    """The p of each look at growing data."""
    wins = losses = np.zeros(draws, dtype=np.int64)
    found, before = [], 0
    for size in LOOKS:
        more = draw_pairs(size - before, discordance, difference, draws, random)
        wins, losses, before = wins + more[0], losses + more[1], size
        found.append(paired_ps(wins, losses))
    return found


def looks_shown(
    spending: Spending | None, discordance: float, difference: float, draws: int, seed: int
) -> float:
    """Share of comparisons that show a difference at any look; None spends no error: naive."""
    ps = draw_looks(discordance, difference, draws, np.random.default_rng(seed))
    levels = (ALPHA,) * len(LOOKS) if spending is None else Design(LOOKS, ALPHA, spending).nominal()
    ended = [p <= level for p, level in zip(ps, levels, strict=True)]
    return float(np.mean(np.any(ended, axis=0)))


def normal_looks_shown(spending: Spending, draws: int, seed: int) -> float:
    """The same for graded scores, of no true difference, whose means are normal."""
    random = np.random.default_rng(seed)
    steps = np.diff([0, *LOOKS])
    walk = np.cumsum(random.normal(0, np.sqrt(steps), (draws, steps.size)), axis=1)
    ps = 2 * stats.norm.sf(np.abs(walk) / np.sqrt(LOOKS))
    return float(np.mean(np.any(ps <= Design(LOOKS, ALPHA, spending).nominal(), axis=1)))


def family_errors(spending: Spending, equal: int, other: int, draws: int, seed: int) -> float:
    """Share of families, looked at three times, in which Holm shows any of the `equal` pairs.

    Discordance is 0.3, and the `other` pairs differ by 0.15.
    """
    random = np.random.default_rng(seed)
    truths = [0.0] * equal + [0.15] * other
    least = []
    for difference in truths:
        looks = draw_looks(0.3, difference, draws, random)
        repeated = [_repeated(ps, look, spending) for look, ps in enumerate(looks)]
        least.append(np.min(repeated, axis=0))
    rows = np.array(least).T
    wrong = sum(
        any(p is not None and p <= ALPHA for p in holm(row)[:equal]) for row in rows.tolist()
    )
    return wrong / draws


def _repeated(ps: Floats, look: int, spending: Spending) -> Floats:
    different, place = np.unique(ps, return_inverse=True)
    found: Floats = np.array([repeated_p(float(p), look, LOOKS, spending) for p in different])[
        place
    ]
    return found
