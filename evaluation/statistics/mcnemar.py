"""Two models' right and wrong answers to the same questions: exact test and score interval.

Only discordant samples, right under one model and wrong under the other, speak: `wins` for the
first model, `losses` for the second. The exact test (McNemar 1947, with the binomial distribution)
keeps its level at any n. The interval inverts the score test of a difference of paired proportions
(Tango 1998): it stays within [-1, 1] and has a width also where all samples agree.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

# The interval's name, by which verdicts know scores of 0 and 1.
TANGO = "Tango"
# Keeps the statistic finite where the variance is 0, at a difference of -1.
TINY = 1e-300
# Halvings of [-1, 1] until an end of the interval is known to 1e-12.
HALVINGS = 41


def exact_p(wins: int, losses: int) -> float:
    """Two-sided p of the exact McNemar test; 1 where no sample is discordant."""
    discordant = wins + losses
    if discordant == 0:
        return 1.0
    return float(min(1.0, 2 * special.bdtr(min(wins, losses), discordant, 0.5)))


def score_interval(wins: Any, losses: Any, n: Any, level: float) -> tuple[Any, Any]:
    """Ends of Tango's interval for the share of wins less that of losses, elementwise."""
    won, lost, size = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (wins, losses, n))
    )
    if np.any(size < 1) or np.any(won + lost > size):
        raise ValueError("need n > 0 and wins + losses <= n")
    # The upper end is the lower one of the mirrored comparison.
    both = _lower(np.stack([won, lost]), np.stack([lost, won]), np.stack([size, size]), level)
    return both[0], -both[1]


@lru_cache(maxsize=2**14)
def one_interval(wins: int, losses: int, n: int, level: float) -> tuple[float, float]:
    """The same for one comparison; many comparisons of a run have the same counts."""
    low, high = score_interval(wins, losses, n, level)
    return float(low), float(high)


def _lower(
    wins: NDArray[np.float64], losses: NDArray[np.float64], n: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    z = special.ndtri(0.5 + level / 2)
    low, high = np.full(n.shape, -1.0), (wins - losses) / n
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        outside = _score(wins, losses, n, middle) > z
        low, high = np.where(outside, middle, low), np.where(outside, high, middle)
    return high


def _score(
    wins: NDArray[np.float64],
    losses: NDArray[np.float64],
    n: NDArray[np.float64],
    difference: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The score statistic of a true `difference`, with the most likely rate of losses under it."""
    linear = (2 * n - wins + losses) * difference - wins - losses
    constant = -losses * difference * (1 - difference)
    root = np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0.0))
    rate = (root - linear) / (4 * n)
    variance = n * np.maximum(2 * rate + difference * (1 - difference), 0.0)
    found: NDArray[np.float64] = (wins - losses - n * difference) / np.sqrt(
        np.maximum(variance, TINY)
    )
    return found
