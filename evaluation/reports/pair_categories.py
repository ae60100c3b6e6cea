"""Differences of two models within the categories of a dataset: hints where to look, not tested."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.records import Comparison, DatasetComparison
from evaluation.reports import differences as diff
from evaluation.reports.notes import plain_title


@dataclass(frozen=True, slots=True)
class Mark:
    """A category's difference; places on an axis from -100 to 100 points, None where unknown."""

    category: str
    n: int
    difference: str
    own_unit: str
    interval: str
    place: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Categories:
    """The differences by category of a dataset, the largest for either model first."""

    title: str
    dataset: str
    marks: tuple[Mark, ...]


def categories(found: Comparison) -> list[Categories]:
    """The datasets with categories."""
    return [
        Categories(plain_title(one.title), one.dataset, _marks(one))
        for one in found.datasets
        if one.categories
    ]


def _marks(one: DatasetComparison) -> tuple[Mark, ...]:
    own = diff.scale(one.metric)
    ordered = sorted(
        one.categories, key=lambda each: -each.difference if diff.known(each.difference) else 2.0
    )
    return tuple(
        Mark(
            category=each.category,
            n=each.n,
            difference=diff.points(each.difference),
            own_unit=own.change(each.difference),
            interval=diff.interval(each.interval),
            place=_place(each.difference),
            low=_place(each.interval.low if each.interval else None),
            high=_place(each.interval.high if each.interval else None),
        )
        for each in ordered
    )


def _place(share: float | None) -> float | None:
    return round(100 * max(-1.0, min(1.0, share)), 1) if diff.known(share) else None
