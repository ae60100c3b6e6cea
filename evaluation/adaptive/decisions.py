"""One look at a family of comparisons: what is decided, what is stopped, what needs more samples.

Looking again and again, and at many datasets, must not multiply errors. Each look's p becomes a
repeated p (Jennison & Turnbull 2000, chapter 9): the smallest error at which a group-sequential
test with the chosen spending of error would have stopped there. A comparison keeps the smallest it
reached, so the value never grows, and Holm's correction over the family of these values holds its
error at every look and at the end (Maurer & Bretz 2013). Comparisons that were stopped stay in the
family; stopping for futility does not bind: it can lose power, never add errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from evaluation.comparing.shared import Shared
from evaluation.config import TIERS, AdaptiveSettings, ComparisonSettings
from evaluation.records import AdaptiveDecision, DatasetComparison, Difference, Interval, Look
from evaluation.statistics.clustered import mean_of
from evaluation.statistics.families import holm
from evaluation.statistics.paired import change_interval, differences, pair
from evaluation.statistics.sequential import Design, Spending, conditional_power, repeated_p
from evaluation.statistics.verdicts import decide

Name = tuple[str, str, str]
Status = Literal["open", "decided", "stopped", "exhausted"]


@dataclass(frozen=True)
class Seen:
    """Two results of one dataset at a tier: their comparison as a single test, and its samples."""

    comparison: DatasetComparison
    shared: Shared
    presets: tuple[str, str]


def name(decision: AdaptiveDecision) -> Name:
    """What tells a decision from the others: a, b and the dataset."""
    return decision.a, decision.b, decision.dataset


def look_sizes(tiers: Sequence[int], rows: int) -> list[int]:
    """Samples at each look: the tiers' sizes, as far as the dataset goes.

    >>> look_sizes([20, 100, 200], 164), look_sizes([20, 100, 200], 12)
    ([20, 100, 164], [12])
    """
    return sorted({min(size, rows) for size in tiers})


def before_looks(a: str, b: str, dataset: str, sizes: list[int]) -> AdaptiveDecision:
    """A comparison that was not looked at yet."""
    return AdaptiveDecision(
        a=a,
        b=b,
        dataset=dataset,
        metric="",
        status="open",
        sizes=sizes,
        looks=[],
        difference=Difference(n=0, verdict="not enough samples"),
    )


def take_look(
    decisions: Sequence[AdaptiveDecision],
    seen: Mapping[Name, Seen],
    tier: str,
    comparison: ComparisonSettings,
    adaptive: AdaptiveSettings,
) -> list[AdaptiveDecision]:
    """The decisions after a tier's samples, of the comparisons that have them.

    Decided ones stay as they are. Those without new samples are judged again as members of the
    family: the error that others leave over may be enough for them. Raises ValueError for a
    decision that never had a look.
    """
    alpha = 1 - comparison.confidence
    looked = [
        _add_look(d, seen[name(d)], tier, alpha, adaptive.spending)
        if d.status != "decided" and name(d) in seen
        else d
        for d in decisions
    ]
    adjusted = holm([_least(d).repeated_p for d in looked])
    shown = sum(p is not None and p <= alpha for p in adjusted)
    remaining = max(1, len(looked) - shown)
    found = []
    for decision, p in zip(looked, adjusted, strict=True):
        if decision.status == "decided":
            found.append(decision)
            continue
        judged = _judge(decision, p, len(looked), remaining, comparison)
        if judged.status != "decided" and name(decision) in seen:
            judged = _go_on(judged, alpha / remaining, adaptive)
        found.append(judged)
    return found


def _index(decision: AdaptiveDecision, tier: str) -> int:
    """Which of its looks a tier is; where the dataset ends early, later tiers add nothing."""
    return min(TIERS.index(tier), len(decision.sizes) - 1)


def _add_look(
    decision: AdaptiveDecision, seen: Seen, tier: str, alpha: float, spending: Spending
) -> AdaptiveDecision:
    """The decision with one more look, whose verdict is still to be found."""
    found = seen.comparison.difference
    if found.p is None or found.difference is None:
        raise ValueError(f"nothing to look at: {name(decision)}, {tier}")
    sizes, index = tuple(decision.sizes), _index(decision, tier)
    repeated = repeated_p(found.p, index, sizes, spending)
    look = Look(
        tier=tier,
        n=found.n,
        difference=found.difference,
        p=found.p,
        repeated_p=min([repeated, *(look.repeated_p for look in decision.looks)]),
        presets=seen.presets,
    )
    update = {
        "interval": _interval(seen.shared, _levels(sizes, alpha, spending)[index]),
        "p": look.repeated_p,
        "method": f"{found.method}; look {index + 1} of {len(sizes)}, {spending} spending",
    }
    warnings = [*decision.warnings, *seen.comparison.warnings, *_presets(decision, look)]
    return decision.model_copy(
        update={
            "metric": seen.comparison.metric,
            "looks": [*decision.looks, look],
            "difference": found.model_copy(update=update),
            "warnings": list(dict.fromkeys(warnings)),
        }
    )


def _presets(decision: AdaptiveDecision, look: Look) -> list[str]:
    """A word about a model whose preset is another than at the look before."""
    if not decision.looks:
        return []
    last = decision.looks[-1]
    models = zip((decision.a, decision.b), last.presets, look.presets, strict=True)
    return [
        f"{model} ran with preset {old} in {last.tier} and {new} in {look.tier}: the samples of "
        f"{last.tier} were answered anew, so that the looks share their questions only"
        for model, old, new in models
        if old != new
    ]


def _interval(shared: Shared, level: float) -> Interval:
    """A repeated confidence interval: the look's own, at its nominal `level` of error.

    The intervals of all looks together hold the true difference with `comparison.confidence`.
    """
    first, second = pair(shared.weighted_a, shared.weighted_b)
    change = differences(first, second, shared.lower_is_better)
    return change_interval(first, second, change, mean_of(change), 1 - level)


@cache
def _levels(sizes: tuple[int, ...], alpha: float, spending: Spending) -> tuple[float, ...]:
    """The nominal levels of the looks; kept, as most datasets have the same sizes."""
    return Design(sizes, alpha, spending).nominal()


def _least(decision: AdaptiveDecision) -> Look:
    """The look that showed most: the first with the smallest repeated p."""
    if not decision.looks:
        raise ValueError(f"{name(decision)} has not been looked at")
    return min(decision.looks, key=lambda look: look.repeated_p)


def _judge(
    decision: AdaptiveDecision,
    adjusted_p: float | None,
    family: int,
    remaining: int,
    settings: ComparisonSettings,
) -> AdaptiveDecision:
    """The decision with what the family's correction says: better, worse, equal, or none of it."""
    judged = decide(
        decision.difference, settings, adjusted_p=adjusted_p, family=family, remaining=remaining
    )
    status = decision.status
    if judged.verdict in ("better", "worse"):
        # Shown by an earlier look, once others left their error over: then that look says who.
        least = _least(decision)
        verdict = "better" if least.difference > 0 else "worse"
        status, judged = "decided", judged.model_copy(update={"verdict": verdict})
    elif judged.verdict == "equal":
        status = "decided"
    elif status != "open":
        # Nothing new: the verdict of its own last look stands.
        keep = {"verdict": decision.difference.verdict, "reason": decision.difference.reason}
        judged = judged.model_copy(update=keep)
    return decision.model_copy(update={"status": status, "difference": judged})


def _go_on(
    decision: AdaptiveDecision, level: float, adaptive: AdaptiveSettings
) -> AdaptiveDecision:
    """Whether an undecided comparison gets more samples; `level` is the error left for its test."""
    look, found = decision.looks[-1], decision.difference
    index = _index(decision, look.tier)
    status: Status
    if index == len(decision.sizes) - 1:
        status, verdict = "exhausted", "no difference shown"
        reason = f"all {decision.sizes[-1]} samples were looked at"
        if found.needed is not None and found.needed > found.n:
            reason += f"; about {found.needed:,} would show one like this"
    else:
        chance = _chance(decision, index, level, adaptive.spending)
        look = look.model_copy(update={"chance": chance})
        if chance < adaptive.futility:
            status, verdict = "stopped", "no difference shown"
            reason = (
                f"if things go on like this, all {decision.sizes[-1]} samples show a difference "
                f"with a probability of {chance:.0%}"
            )
        else:
            status, verdict = "open", "not enough samples"
            reason = f"{decision.sizes[index + 1]} samples are next"
    difference = found.model_copy(update={"verdict": verdict, "reason": reason})
    return decision.model_copy(
        update={
            "status": status,
            "looks": [*decision.looks[:-1], look],
            "difference": difference,
        }
    )


def _chance(decision: AdaptiveDecision, index: int, level: float, spending: Spending) -> float:
    """The probability that the last look shows a difference, under the trend so far.

    Samples without a score are expected in the same proportion.
    """
    found, sizes = decision.difference, tuple(decision.sizes)
    assert found.difference is not None
    assert found.sd is not None
    final = max(found.n + 1, round(found.n * sizes[-1] / sizes[index]))
    nominal = _levels(sizes, level, spending)[-1]
    return conditional_power(found.difference, found.sd, found.n, final, nominal)
