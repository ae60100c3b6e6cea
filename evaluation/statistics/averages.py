"""Averages over datasets, each with the same weight, and their differences.

The intervals of the datasets are put together by their squared distances from the means (MOVER:
Zou & Donner 2008), which keeps what Wilson's and Tango's intervals know of small n and of all right
or all wrong; with symmetric intervals it is the usual propagation of standard errors. Datasets have
samples of their own and are independent given the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np

from evaluation.config import ComparisonSettings
from evaluation.records import Difference, Interval
from evaluation.statistics.clustered import finite, mean_interval, mean_of, score_range
from evaluation.statistics.intervals import wilson
from evaluation.statistics.paired import (
    NO_SAMPLES,
    change_interval,
    differences,
    flip_method,
    is_binary,
    pair,
    planning_sd,
)
from evaluation.statistics.permutation import sign_flip_p
from evaluation.statistics.verdicts import decide


def macro_average(
    scores: Mapping[str, Sequence[float]], settings: ComparisonSettings
) -> tuple[float, Interval]:
    """The mean of the datasets' mean scores and its interval.

    All scores must be on one scale. Raises ValueError without datasets, and names the dataset that
    has no score or one that is not finite.
    """
    means: list[float] = []
    intervals: list[Interval] = []
    for dataset, values in scores.items():
        found = finite(values, f"the scores of {dataset}")
        if not len(found):
            raise ValueError(f"{dataset} has no scores to average")
        means.append(float(found.mean()))
        if is_binary(found):
            interval = wilson(int(found.sum()), len(found), settings.confidence)
        else:
            lowest, highest = score_range(found)
            interval = mean_interval(mean_of(found), lowest, highest, settings.confidence)
        intervals.append(interval)
    return _together(means, intervals, settings.confidence)


def macro_difference(
    pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    settings: ComparisonSettings,
    seed: int = 0,
) -> Difference:
    """The first model's macro average less the second's, over datasets with samples of both.

    The test flips the signs of samples within their datasets, each with its dataset's weight; `n`
    counts samples of all datasets, and `needed` supposes that all grow alike. Without datasets
    there is a verdict and no number. Raises ValueError, with the dataset, where lengths differ, a
    score is not finite or there is none.
    """
    if not pairs:
        return Difference(n=0, verdict="not enough samples", reason=NO_SAMPLES)
    averages: list[tuple[float, float]] = []
    changes = []
    means: list[float] = []
    intervals: list[Interval] = []
    variance = 0.0
    for dataset, (a, b) in pairs.items():
        try:
            first, second = pair(a, b)
        except ValueError as error:
            raise ValueError(f"{dataset}: {error}") from error
        if not len(first):
            raise ValueError(f"{dataset} has no scores to compare")
        change = differences(first, second)
        mean = mean_of(change)
        averages.append((float(first.mean()), float(second.mean())))
        changes.append(change / (len(change) * len(pairs)))
        means.append(mean.value)
        intervals.append(change_interval(first, second, change, mean, settings.confidence))
        variance += planning_sd(first, second, mean) ** 2 / len(change)
    flips = np.concatenate(changes)
    p, exact = sign_flip_p(flips, settings.draws, seed)
    difference, interval = _together(means, intervals, settings.confidence)
    n, wins, losses = len(flips), int(np.sum(flips > 0)), int(np.sum(flips < 0))
    found = Difference(
        n=n,
        a=sum(a for a, _ in averages) / len(pairs),
        b=sum(b for _, b in averages) / len(pairs),
        difference=difference,
        interval=interval,
        p=p,
        method=flip_method(exact),
        wins=wins,
        losses=losses,
        ties=n - wins - losses,
        sd=sqrt(variance * n) / len(pairs),
        verdict="no difference shown",
    )
    return decide(found, settings)


def _together(
    means: Sequence[float], intervals: Sequence[Interval], level: float
) -> tuple[float, Interval]:
    if not means:
        raise ValueError("no datasets to average over")
    parts = list(zip(means, intervals, strict=True))
    value = sum(means) / len(means)
    down = sqrt(sum((mean - part.low) ** 2 for mean, part in parts)) / len(means)
    up = sqrt(sum((part.high - mean) ** 2 for mean, part in parts)) / len(means)
    return value, Interval(
        low=value - down, high=value + up, level=level, method=f"MOVER over {len(means)} datasets"
    )
