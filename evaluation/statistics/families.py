"""Many tests at once: Holm's correction, and the verdicts of a family of differences.

Holm (1979) keeps the chance of any false difference in the family at 1 - confidence, however the
tests depend on each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.config import ComparisonSettings
from evaluation.records import Difference
from evaluation.statistics.verdicts import decide


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values, in the order given; None is no test and stays None."""
    order = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    least = 0.0
    for rank, (p, place) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        adjusted[place] = least
    return adjusted


def judge_family(
    differences: Sequence[Difference], settings: ComparisonSettings
) -> list[Difference]:
    """The differences, in their order, with `adjusted_p`, `family` and the verdicts that follow.

    What has no p (no samples, not comparable) is no part of the family and comes back as it is.
    What is not shown is planned at the level that Holm asks of the next to be shown: `detectable`
    and `needed` are larger than for one test alone.
    """
    adjusted = holm([difference.p for difference in differences])
    family = sum(p is not None for p in adjusted)
    shown = sum(p is not None and p <= 1 - settings.confidence for p in adjusted)
    return [
        decide(
            difference,
            settings,
            adjusted_p=p,
            family=family,
            remaining=family - shown,
        )
        for difference, p in zip(differences, adjusted, strict=True)
    ]
