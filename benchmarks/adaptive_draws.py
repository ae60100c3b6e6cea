"""Families of comparisons of two models, drawn and taken through the looks of the adaptive tier.

The rules are those of `evaluation.adaptive.decisions`, here for thousands of families at once; a
test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaluation.config import ComparisonSettings
from evaluation.statistics.mcnemar import score_interval
from evaluation.statistics.sequential import Design, Spending, repeated_p

SIZES = (20, 100, 200)
ALPHA = 1 - ComparisonSettings().confidence
MARGIN = ComparisonSettings().margin
SPENDINGS: tuple[Spending, ...] = ("obrien_fleming", "pocock")
# Share of samples that only one of two models gets right: two models of one kind (accuracies near
# 0.7 that correlate with 0.5) disagree on about a fifth.
DISCORDANCE = 0.2
# Sign flips of the permutation test, shared by all draws of a dataset.
FLIPS = 10_000
STEPS = 9  # ratings from 1 to 10
AT_ONCE = 500  # draws, for memory

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
OPEN, SHOWN, EQUAL, STOPPED, EXHAUSTED = range(5)


@dataclass(frozen=True)
class Looks:
    """What each draw, dataset and look (the axes) has: the single test, and the trend so far.

    `equal`: whether the repeated confidence interval lies within the margin, by spending.
    """

    p: Numbers
    difference: Numbers
    sd: Numbers
    equal: Mapping[Spending, Flags]


@dataclass(frozen=True)
class Outcome:
    """How each draw and dataset (the axes) ended: its status, the sign shown, samples asked."""

    status: NDArray[np.int_]
    sign: Numbers
    samples: NDArray[np.int_]


# ---- samples --------------------------------------------------------------------------------


def binary(
    truth: Sequence[float], draws: int, seed: int, discordance: float = DISCORDANCE
) -> Looks:
    """Right and wrong answers with these true differences, one dataset each."""
    return binary_looks(*binary_counts(truth, draws, seed, discordance))


def binary_counts(
    truth: Sequence[float], draws: int, seed: int, discordance: float
) -> tuple[Numbers, Numbers]:
    """Samples that only the first model gets right, and only the second, up to each look."""
    generator = np.random.default_rng(seed)
    rates = [((max(discordance, d) + d) / 2, (max(discordance, d) - d) / 2) for d in truth]
    counts = [
        [generator.multinomial(n, (win, loss, 1 - win - loss), draws) for n in np.diff((0, *SIZES))]
        for win, loss in rates
    ]
    wins, losses, _ = np.array(counts, dtype=float).cumsum(axis=1).transpose(3, 2, 0, 1)
    return wins, losses


def binary_looks(wins: Numbers, losses: Numbers) -> Looks:
    """The exact McNemar test and Tango's interval of these counts."""
    n = np.array(SIZES, dtype=float)
    p = np.minimum(
        1.0, 2 * special.bdtr(np.minimum(wins, losses), (wins + losses).astype(int), 0.5)
    )
    p[wins + losses == 0] = 1.0
    difference = (wins - losses) / n
    variance = (wins + losses - n * difference**2) / (n - 1)
    spread = np.sqrt(np.maximum(variance, 0.0))
    sd = np.where(spread > 1e-9, spread, np.sqrt(1 / (n + 2)))
    return Looks(
        p,
        difference,
        sd,
        {spending: _within_margin(wins, losses, difference, spending) for spending in SPENDINGS},
    )


def _within_margin(
    wins: Numbers, losses: Numbers, difference: Numbers, spending: Spending
) -> Flags:
    """Whether Tango's interval at each look's level lies within the margin."""
    found = np.zeros(wins.shape, dtype=bool)
    for look, level in enumerate(Design(SIZES, ALPHA, spending).nominal()):
        near = np.abs(difference[..., look]) <= MARGIN
        counts = wins[..., look][near], losses[..., look][near]
        low, high = score_interval(*counts, SIZES[look], 1 - level)
        found[..., look][near] = (low >= -MARGIN) & (high <= MARGIN)
    return found


def ratings(truth: Sequence[float], draws: int, seed: int) -> Looks:
    """Ratings from 1 to 10, with the permutation test of flips.

    Two models' ratings share the question's difficulty and correlate with about 0.5. A true
    difference is in shares of the scale (the ends of the scale take a tenth of it).
    """
    generator = np.random.default_rng(seed)
    parts = [
        _ratings(truth, min(AT_ONCE, draws - start), generator)
        for start in range(0, draws, AT_ONCE)
    ]
    p, difference, sd = (np.concatenate(found) for found in zip(*parts, strict=True))
    n = np.array(SIZES, dtype=float)
    equal: dict[Spending, Flags] = {}
    for spending in SPENDINGS:
        levels = np.array(Design(SIZES, ALPHA, spending).nominal())
        half = special.stdtrit(n - 1, 1 - levels / 2) * sd / np.sqrt(n)
        equal[spending] = np.abs(difference) + half <= MARGIN
    return Looks(p, difference, sd, equal)


def _ratings(
    truth: Sequence[float], draws: int, generator: np.random.Generator
) -> tuple[Numbers, Numbers, Numbers]:
    """p, difference and sd of some draws."""
    shape = (draws, len(truth), SIZES[-1])
    question = generator.normal(0.6, 0.2, shape)
    shift = np.array(truth)[:, None] / 2
    first, second = (
        np.clip(np.rint(STEPS * (question + generator.normal(0, 0.2, shape) + own)), 0, STEPS)
        for own in (shift, -shift)
    )
    # Whole numbers, so that sums are exact in 32 bits and ties are ties.
    change = (first - second).astype(np.float32)
    p = np.stack([_flips(change[..., :k], generator) for k in SIZES], axis=2)
    difference = np.stack([change[..., :k].mean(axis=2) for k in SIZES], axis=2) / STEPS
    sd = np.stack([change[..., :k].std(axis=2, ddof=1) for k in SIZES], axis=2) / STEPS
    return p, difference, sd


def _flips(change: NDArray[np.float32], generator: np.random.Generator) -> Numbers:
    """Two-sided p of drawn sign flips; one set of flips serves all draws of a dataset."""
    found = np.empty(change.shape[:2])
    for dataset in range(change.shape[1]):
        signs = generator.integers(0, 2, (change.shape[2], FLIPS)).astype(np.float32) * 2 - 1
        own = change[:, dataset]
        extreme = np.abs(own @ signs) >= np.abs(own.sum(axis=1))[:, None]
        found[:, dataset] = (extreme.sum(axis=1) + 1) / (FLIPS + 1)
    return found


# ---- looks ----------------------------------------------------------------------------------


def take_looks(looks: Looks, spending: Spending, futility: float) -> Outcome:
    """All looks of all draws; with a `futility` of 0 none is stopped as hopeless."""
    family = looks.p.shape[1]
    status = np.full(looks.p.shape[:2], OPEN)
    least, sign = np.full(status.shape, 2.0), np.zeros(status.shape)
    samples = np.full(status.shape, SIZES[0])
    for look, size in enumerate(SIZES):
        worth = repeated(looks.p[..., look], look, spending)
        less = (status == OPEN) & (worth < least)
        least = np.where(less, worth, least)
        sign = np.where(less, np.sign(looks.difference[..., look]), sign)
        shown = holm(least) <= ALPHA
        status = np.where(shown & np.isin(status, (OPEN, STOPPED)), SHOWN, status)
        status = np.where((status == OPEN) & looks.equal[spending][..., look], EQUAL, status)
        if size == SIZES[-1]:
            status = np.where(status == OPEN, EXHAUSTED, status)
            break
        remaining = np.maximum(1, family - shown.sum(axis=1))
        chance = _chance(looks, look, remaining, spending)
        status = np.where((status == OPEN) & (chance < futility), STOPPED, status)
        samples = np.where(status == OPEN, SIZES[look + 1], samples)
    return Outcome(status, sign, samples)


def repeated(p: Numbers, look: int, spending: Spending) -> Numbers:
    """`repeated_p` of many p, between the values of a fine grid."""
    logs, values = _grid(look, spending)
    found: Numbers = np.exp(np.interp(np.log(p), logs, values))
    return found


@cache
def _grid(look: int, spending: Spending) -> tuple[Numbers, Numbers]:
    logs = np.linspace(-40.0, 0.0, 4001)
    values = [repeated_p(float(np.exp(x)), look, SIZES, spending) for x in logs]
    return logs, np.log(values)


def holm(p: Numbers) -> Numbers:
    """Holm's adjusted p of each draw's family."""
    order = np.argsort(p, axis=1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=1) * np.arange(p.shape[1], 0, -1)
    adjusted = np.empty_like(p)
    rising = np.maximum.accumulate(np.minimum(1.0, ranked), axis=1)
    np.put_along_axis(adjusted, order, rising, axis=1)
    return adjusted


def _chance(looks: Looks, look: int, remaining: NDArray[np.int_], spending: Spending) -> Numbers:
    """`conditional_power` of the last look, at the level that Holm leaves for the next test."""
    final = {k: Design(SIZES, ALPHA / k, spending).nominal()[-1] for k in set(remaining.tolist())}
    limit = -special.ndtri(np.array([final[k] for k in remaining.tolist()]) / 2)[:, None]
    seen = SIZES[look] / SIZES[-1]
    z = np.abs(looks.difference[..., look]) * np.sqrt(SIZES[look]) / looks.sd[..., look]
    mean, spread = z / np.sqrt(seen), np.sqrt(1 - seen)
    chance: Numbers = special.ndtr((mean - limit) / spread) + special.ndtr((-mean - limit) / spread)
    return chance
