"""The paired permutation test: under no difference, each sample's sign is a coin's.

Fisher (1935). Flipping signs keeps the squares, so that the mean is as good a statistic as t. All
flips are gone through where they are few; else they are drawn, and the observed one counts as one
of the draws (Phipson & Smyth 2010), so that p is never 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Sums that differ by less than this share of the largest possible one are equal.
TOLERANCE = 1e-9
# Fewer extreme draws than this leave p vague: more are drawn, up to ROUNDS times as many.
ENOUGH_EXTREMES = 10
ROUNDS = 10


def sign_flip_p(values: NDArray[np.float64], draws: int, seed: int) -> tuple[float, bool]:
    """Two-sided p that the sum of `values` is this far from 0, and whether it is exact."""
    moved = np.abs(values[values != 0])
    if moved.size == 0:
        return 1.0, True
    total = float(moved.sum())
    least = abs(float(values.sum())) - TOLERANCE * total
    if moved.size < 63 and 2**moved.size <= draws:
        sums = np.zeros(1)
        for value in moved:
            sums = np.concatenate([sums - value, sums + value])
        return float(np.mean(np.abs(sums) >= least)), True
    generator = np.random.default_rng(seed)
    width = -(-moved.size // 8)  # bytes for a coin a sample
    extremes = drawn = 0
    for _ in range(ROUNDS):
        bits = np.frombuffer(generator.bytes(draws * width), dtype=np.uint8)
        kept = np.unpackbits(bits.reshape(draws, width), axis=1, count=moved.size)
        sums = 2 * (kept @ moved) - total
        extremes += int(np.count_nonzero(np.abs(sums) >= least))
        drawn += draws
        if extremes >= ENOUGH_EXTREMES:
            break
    return (extremes + 1) / (drawn + 1), False
