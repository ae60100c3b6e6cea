"""The intervals that Student's t was chosen over for graded differences: three bootstraps.

Percentile, bias-corrected and accelerated (BCa) and studentised (Efron & Tibshirani 1993), as a
reader would write them. None has a width where no difference was seen.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from benchmarks.simulations import ALPHA, GRADED, Floats

RESAMPLES = 999
TAILS = np.array([ALPHA / 2, 1 - ALPHA / 2])


def coverages(kind: str, n: int, draws: int, seed: int) -> dict[str, float]:
    """Share of intervals that hold the true difference, 0, by method."""
    random = np.random.default_rng(seed)
    values = GRADED[kind]((draws, n), random)
    held = np.array([_held(row, random) for row in values])
    return dict(zip(("percentile", "BCa", "studentised"), held.mean(axis=0).tolist(), strict=True))


def _held(values: Floats, random: np.random.Generator) -> list[bool]:
    n, mean, error = values.size, values.mean(), values.std(ddof=1) / np.sqrt(values.size)
    if error < 1e-12:
        return [abs(mean) < 1e-12] * 3
    drawn = values[random.integers(0, n, (RESAMPLES, n))]
    means, errors = drawn.mean(axis=1), drawn.std(axis=1, ddof=1) / np.sqrt(n)
    below = np.mean(means < mean) + np.mean(means == mean) / 2
    bias = special.ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    # The means without one sample each are as skewed as the samples are, the other way round.
    left = values - mean
    skew = np.sum(left**3) / (6 * np.sum(left**2) ** 1.5)
    z = bias + special.ndtri(TAILS)
    corrected = special.ndtr(bias + z / (1 - skew * z))
    ts = (means - mean)[errors > 0] / errors[errors > 0]
    ends = (
        np.quantile(means, TAILS),
        np.quantile(means, corrected),
        mean - error * np.quantile(ts, TAILS[::-1]),
    )
    return [bool(low <= 0 <= high) for low, high in ends]
