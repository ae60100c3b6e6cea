"""A result's primary score as numbers that can be compared: one a sample, from 0 to 1.

What is compared must be what is reported, so the samples' numbers are used only where they lead to
the score of the result: as their plain mean, or as the mean of the categories' means (BFCL).
Ratings from 1 to 10 are put on a scale from 0 to 1, so that one margin fits all datasets and they
can be averaged with shares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isclose, isfinite
from statistics import fmean

from evaluation.benchmarks.mt_bench_judge import HIGHEST, LOWEST
from evaluation.records import Interval, Result, SampleResult

# Metrics on another scale than from 0 to 1: (least, most).
SCALES: Mapping[str, tuple[float, float]] = {"rating": (LOWEST, HIGHEST)}
ROUNDING = 1e-9


class NotComparableError(Exception):
    """A result has no numbers to compare; the message says why, for people."""


@dataclass(frozen=True)
class Measured:
    """The primary score of a result.

    `label` names the metric and its scale for people. `values` are the samples' scores on a scale
    from 0 to 1 by id, in the order of the result; `value` is the result's score on that scale.
    `plain` and `by_category` say which averages of the samples the score is.
    """

    metric: str
    label: str
    lower_is_better: bool
    value: float
    values: Mapping[str, float]
    samples: Mapping[str, SampleResult]
    plain: bool
    by_category: bool


def measure(result: Result, name: str) -> Measured:
    """The primary score of a result, which people know as `name`.

    Raises NotComparableError when there is none, when it or a sample's number is not finite or
    off its scale, or when it is no average of the samples' numbers.
    """
    primary = [score for score in result.scores if score.primary]
    if len(primary) != 1:
        raise NotComparableError(f"{name} has {len(primary)} primary scores, not one")
    score = primary[0]
    if score.value is None:
        why = f": {score.reason}" if score.reason else ""
        raise NotComparableError(f"{name} has no {score.metric}{why}")
    if not isfinite(score.value):
        raise NotComparableError(f"the {score.metric} of {name} is {score.value}")
    low, high = SCALES.get(score.metric, (0.0, 1.0))
    found = [sample for sample in result.samples if score.metric in sample.scores]
    for sample in found:
        value = sample.scores[score.metric]
        if not low - ROUNDING <= value <= high + ROUNDING:  # so is NaN
            raise NotComparableError(
                f"the {score.metric} of sample {sample.id} of {name} is {value}, "
                f"which is not from {low:g} to {high:g}"
            )
    values = {s.id: (s.scores[score.metric] - low) / (high - low) for s in found}
    if len(values) != len(found):
        raise NotComparableError(f"samples of {name} share an id")
    value = (score.value - low) / (high - low)
    categories = [sample.category for sample in found]
    plain = agrees(value, list(values.values()))
    by_category = agrees(value, weighted(list(values.values()), categories))
    if not (plain or by_category):
        raise NotComparableError(
            f"the {score.metric} of {name} ({score.value:g}) is not the mean of its samples' "
            "numbers, so that samples cannot stand for it"
        )
    return Measured(
        metric=score.metric,
        label=label(score.metric),
        lower_is_better=score.lower_is_better,
        value=value,
        values=values,
        samples={sample.id: sample for sample in found},
        plain=plain,
        by_category=by_category,
    )


def label(metric: str) -> str:
    """A metric for people, with its scale where that is not from 0 to 1."""
    if metric not in SCALES:
        return metric
    low, high = SCALES[metric]
    return f"{metric} ({low:g} to {high:g} as 0 to 1)"


def agrees(value: float, values: Sequence[float]) -> bool:
    """Whether `value` is the mean of `values`, but for rounding."""
    return bool(values) and isclose(value, fmean(values), rel_tol=0, abs_tol=ROUNDING)


def weights(categories: Sequence[str]) -> list[float]:
    """A weight a sample, with mean 1, so that categories count alike however many each has."""
    sizes = Counter(categories)
    return [len(categories) / (len(sizes) * sizes[category]) for category in categories]


def weighted(values: Iterable[float], categories: Sequence[str]) -> list[float]:
    """Values whose plain mean is the mean of the categories' means."""
    return [value * w for value, w in zip(values, weights(categories), strict=True)]


def clip(interval: Interval | None, least: float) -> Interval | None:
    """The part of an interval from `least` to 1: weighted numbers may be larger than a score."""
    if interval is None:
        return None
    return interval.model_copy(
        update={"low": max(least, interval.low), "high": min(1.0, interval.high)}
    )
