"""Two models on the same samples: how far apart they are, and how sure that is.

Scores of 0 and 1 get the exact McNemar test and Tango's interval, graded ones the sign-flip
permutation test and Student's t interval of the differences (docs/statistics.md has the coverage of
the candidates). Where several samples come from one source, whole sources are flipped and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from evaluation.config import ComparisonSettings
from evaluation.records import Difference, Interval
from evaluation.statistics import mcnemar
from evaluation.statistics.clustered import (
    NO_SPREAD,
    Mean,
    cluster_sums,
    finite,
    mean_interval,
    mean_of,
    score_range,
)
from evaluation.statistics.permutation import sign_flip_p
from evaluation.statistics.verdicts import decide

# Decimals of a difference that count: 0.1 + 0.2 and 0.3 are a tie.
DECIMALS = 12
NO_SAMPLES = "No sample has a score under both."


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    settings: ComparisonSettings,
    *,
    lower_is_better: bool = False,
    seed: int = 0,
    clusters: Sequence[str] | None = None,
) -> Difference:
    """a less b, from the scores of the same samples in the same order.

    With `lower_is_better` the sign is turned, so that a positive difference always speaks for a.
    `clusters` names each sample's source. The verdict is that of this test alone (a family of one):
    `families.judge_family` gives the one that counts. Without samples there is a verdict and no
    number. Raises ValueError where lengths differ or a score is not finite.
    """
    first, second = pair(a, b)
    n = len(first)
    if n == 0:
        return Difference(n=0, verdict="not enough samples", reason=NO_SAMPLES)
    change = differences(first, second, lower_is_better)
    mean = mean_of(change, clusters)
    wins, losses = int(np.sum(change > 0)), int(np.sum(change < 0))
    if mean.units == n and is_binary(first) and is_binary(second):
        p, method = mcnemar.exact_p(wins, losses), "exact McNemar"
    else:
        p, exact = sign_flip_p(cluster_sums(change, clusters), settings.draws, seed)
        method = flip_method(exact)
    found = Difference(
        n=n,
        a=float(first.mean()),
        b=float(second.mean()),
        difference=mean.value,
        interval=change_interval(first, second, change, mean, settings.confidence),
        p=p,
        method=method,
        wins=wins,
        losses=losses,
        ties=n - wins - losses,
        sd=planning_sd(first, second, mean),
        clusters=None if mean.units == n else mean.units,
        verdict="no difference shown",
    )
    return decide(found, settings)


def pair(a: Sequence[float], b: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both lists as arrays; raises ValueError where they do not fit or a score is not finite."""
    if len(a) != len(b):
        raise ValueError(f"a has {len(a)} scores and b {len(b)}: not of the same samples")
    return finite(a, "a"), finite(b, "b")


def differences(
    first: NDArray[np.float64], second: NDArray[np.float64], lower_is_better: bool = False
) -> NDArray[np.float64]:
    """What each sample says for a, without the noise of the last decimals."""
    change = second - first if lower_is_better else first - second
    return np.round(change, DECIMALS)


def is_binary(scores: NDArray[np.float64]) -> bool:
    """Whether all scores are 0 or 1."""
    return bool(np.isin(scores, (0.0, 1.0)).all())


def change_interval(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    change: NDArray[np.float64],
    mean: Mean,
    level: float,
) -> Interval:
    """The interval of the mean difference: Tango's for scores of 0 and 1, else Student's t."""
    if mean.units == mean.n and is_binary(first) and is_binary(second):
        wins, losses = int(np.sum(change > 0)), int(np.sum(change < 0))
        low, high = mcnemar.one_interval(wins, losses, mean.n, level)
        return Interval(low=low, high=high, level=level, method=mcnemar.TANGO)
    unit = _unit(first, second)
    return mean_interval(mean, -unit, unit, level)


def planning_sd(first: NDArray[np.float64], second: NDArray[np.float64], mean: Mean) -> float:
    """The standard deviation of one sample's difference, such that n of them give the error seen.

    Where no spread was seen it is that of one sample in n + 2 that is off by the whole range: a few
    equal differences do not promise that all will be.
    """
    least = _unit(first, second) / sqrt(mean.units + 2)
    if mean.error is None or mean.error <= NO_SPREAD:
        return least * sqrt(mean.n / mean.units)
    return mean.error * sqrt(mean.n)


def flip_method(exact: bool) -> str:
    """The name of the permutation test, exact or drawn."""
    return "exact sign flips" if exact else "drawn sign flips"


def _unit(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The largest difference that two scores of this kind can have."""
    lowest, highest = score_range(np.concatenate([first, second]))
    return float(highest - lowest)
