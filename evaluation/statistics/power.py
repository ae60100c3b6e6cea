"""How small a difference n samples show, and how many samples show a difference.

For scores of 0 and 1 the power of the exact McNemar test is computed, not approximated: discordant
samples are binomial, and so are the wins among them. Where there are thousands of them, Connor's
(1987) normal approximation does. For graded scores it is that of the paired t test, which flips of
signs equal but for the smallest n.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

# Standard deviations of the number of discordant samples that count; beyond is one in 10,000.
WINDOW = 4.0
# Discordant samples above which the normal approximation is as good.
MANY = 5000
# No number of samples above this is a plan.
MOST = 10**9
# Halvings of the largest difference until the detectable one is known to a millionth of it.
HALVINGS = 20


def mcnemar_power(difference: float, n: int, discordance: float, alpha: float) -> float:
    """Probability that the exact McNemar test of n samples shows a true `difference` > 0.

    `discordance` is the share of samples that only one of the two gets right; it is at least the
    difference.
    """
    share = min(1.0, max(discordance, difference))
    if share == 0 or alpha <= 0:
        return 0.0
    if n * share > MANY:
        margin = difference * n - 1 + special.ndtri(alpha / 2) * np.sqrt(share * n)
        return float(special.ndtr(margin / np.sqrt(max(n * (share - difference**2), 1e-9))))
    spread = WINDOW * np.sqrt(n * share * (1 - share)) + 1
    counts = np.arange(max(0, int(n * share - spread)), min(n, int(n * share + spread) + 1) + 1)
    weights = np.exp(
        special.gammaln(n + 1)
        - special.gammaln(counts + 1)
        - special.gammaln(n - counts + 1)
        + special.xlogy(counts, share)
        + special.xlog1py(n - counts, -share)
    )
    critical = _critical(counts, alpha)
    wins = (share + difference) / (2 * share)
    possible = critical >= 0
    floor = np.maximum(critical, 0)
    rejected = special.bdtr(floor, counts, 1 - wins) + special.bdtr(floor, counts, wins)
    return float(np.sum(weights * np.where(possible, rejected, 0.0)) / np.sum(weights))


def t_power(difference: float, n: int, sd: float, alpha: float) -> float:
    """Probability that a paired test of n graded differences shows a true `difference` > 0."""
    if n < 2 or alpha <= 0 or 2.0 ** (1 - n) > alpha:
        return 0.0
    limit = special.stdtrit(n - 1, 1 - alpha / 2)
    shift = difference * np.sqrt(n) / sd
    # The non-central t by its normal approximation (Johnson & Welch 1940).
    scale = np.sqrt(1 + limit**2 / (2 * (n - 1)))
    centre = limit * (1 - 1 / (4 * (n - 1)))
    return float(special.ndtr((shift - centre) / scale) + special.ndtr((-shift - centre) / scale))


@lru_cache(maxsize=10_000)
def detectable(
    n: int,
    *,
    alpha: float,
    power: float,
    discordance: float | None = None,
    sd: float | None = None,
    most: float = 1.0,
) -> float | None:
    """The smallest true difference that n samples show at level `alpha` with `power`.

    Give the `discordance` of scores of 0 and 1, or the `sd` of graded differences, whose largest
    possible one is `most`. None if n samples show no difference at all.
    """
    if n < 1 or _power(most, n, discordance, sd, alpha) < power:
        return None
    low, high = 0.0, most
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = _power(middle, n, discordance, sd, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


@lru_cache(maxsize=10_000)
def needed(
    difference: float,
    *,
    alpha: float,
    power: float,
    discordance: float | None = None,
    sd: float | None = None,
) -> int | None:
    """How many samples show a true `difference` at level `alpha` with `power`.

    None where more than a billion would be needed.
    """
    size = abs(difference)
    if size == 0:
        return None
    low, high = 0, 8
    while _power(size, high, discordance, sd, alpha) < power:
        low, high = high, high * 2
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = _power(size, middle, discordance, sd, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return high


def _power(
    difference: float, n: int, discordance: float | None, sd: float | None, alpha: float
) -> float:
    if discordance is not None:
        return mcnemar_power(difference, n, discordance, alpha)
    if sd is None or sd <= 0:
        raise ValueError("power needs the discordance of the samples or the sd of differences")
    return t_power(difference, n, sd, alpha)


def _critical(counts: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """For each number of discordant samples the most losses that are still significant, or -1."""
    guess = counts / 2 + special.ndtri(alpha / 2) * np.sqrt(counts) / 2
    found: NDArray[np.float64] = np.maximum(np.floor(guess), -1.0)
    while np.any(more := special.bdtr(found + 1, counts, 0.5) <= alpha / 2):
        found = found + more
    while np.any(over := (found >= 0) & (special.bdtr(found, counts, 0.5) > alpha / 2)):
        found = found - over
    return found
