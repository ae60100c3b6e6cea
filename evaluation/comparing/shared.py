"""The samples that two results both have a score for, matched by id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.comparing.measured import Measured, NotComparableError, weights
from evaluation.records import Agreement, Result, SampleResult

MOST_NAMED = 50


@dataclass(frozen=True)
class Shared:
    """Scores of the same samples in the same order, from 0 to 1.

    `a` and `b` are raw; `weight` makes their mean the score that is reported. `warnings` say what
    was left out, in words.
    """

    ids: Sequence[str]
    categories: Sequence[str]
    a: Sequence[float]
    b: Sequence[float]
    weight: Sequence[float]
    lower_is_better: bool
    warnings: Sequence[str]

    @property
    def weighted_a(self) -> list[float]:
        """Numbers of a whose plain mean is its score."""
        return [value * w for value, w in zip(self.a, self.weight, strict=True)]

    @property
    def weighted_b(self) -> list[float]:
        """Numbers of b whose plain mean is its score."""
        return [value * w for value, w in zip(self.b, self.weight, strict=True)]

    def agreement(self) -> Agreement | None:
        """Who was right how often; None where scores are graded or less is better."""
        if self.lower_is_better or not self.ids or {*self.a, *self.b} - {0.0, 1.0}:
            return None
        found = Counter(zip(self.a, self.b, strict=True))
        return Agreement(
            both=found[1.0, 1.0],
            only_a=found[1.0, 0.0],
            only_b=found[0.0, 1.0],
            neither=found[0.0, 0.0],
        )

    def disagreements(self) -> tuple[list[str], list[str]]:
        """Ids of samples that went better under a, and under b: largest differences first.

        Equal differences stay in the order of the dataset; at most 50 of either are named.
        """
        sign = -1 if self.lower_is_better else 1
        gains = {
            sample: sign * (x - y) for sample, x, y in zip(self.ids, self.a, self.b, strict=True)
        }
        better = sorted((s for s, gain in gains.items() if gain > 0), key=lambda s: -gains[s])
        worse = sorted((s for s, gain in gains.items() if gain < 0), key=lambda s: gains[s])
        return better[:MOST_NAMED], worse[:MOST_NAMED]


def share(
    results: tuple[Result, Result], measured: tuple[Measured, Measured], names: tuple[str, str]
) -> Shared:
    """Match two results of one dataset sample by sample.

    A sample that failed or was not scored in one of them is left out and counted, and so is one
    of other rows that is another question under the same id. Raises
    NotComparableError where the two scores are other metrics or other kinds of averages.
    """
    left, right = measured
    if (left.metric, left.lower_is_better) != (right.metric, right.lower_is_better):
        raise NotComparableError(f"other metrics: {left.metric} and {right.metric}")
    if not (left.plain and right.plain) and not (left.by_category and right.by_category):
        raise NotComparableError(
            f"{left.metric} is the mean over samples for one and over categories for the other"
        )
    both = [sample for sample in left.values if sample in right.values]
    same = both
    if len({result.provenance.dataset_fingerprint for result in results}) > 1:
        same = [s for s in both if _same_question(left.samples[s], right.samples[s])]
    warnings = [
        *_left_out(results[0], left, right, names[0]),
        *_left_out(results[1], right, left, names[1]),
    ]
    if len(same) < len(both):
        number = len(both) - len(same)
        warnings.append(
            f"{number} left out: another category or answer to expect under the same id"
        )
    categories = [left.samples[sample].category for sample in same]
    plain = left.plain and right.plain
    return Shared(
        ids=same,
        categories=categories,
        a=[left.values[sample] for sample in same],
        b=[right.values[sample] for sample in same],
        weight=[1.0] * len(same) if plain else weights(categories),
        lower_is_better=left.lower_is_better,
        warnings=warnings,
    )


def _same_question(a: SampleResult, b: SampleResult) -> bool:
    return (a.category, a.gold) == (b.category, b.gold)


def _left_out(result: Result, own: Measured, other: Measured, name: str) -> list[str]:
    """What has no score in `result` but has one in the other, by what became of it."""
    lost = Counter(
        "no score in this metric" if sample.status == "scored" else sample.status
        for sample in result.samples
        if sample.id not in own.values and sample.id in other.values
    )
    return [f"{number} left out: {what} under {name}" for what, number in sorted(lost.items())]
