"""The samples that two models did not answer alike, with both answers in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evaluation.records import Comparison, DatasetComparison
from evaluation.reports import links
from evaluation.reports.inputs import SampleDigest, TierReport
from evaluation.reports.notes import plain_title

# Samples of each kind with their answers; the others are links. Keeps a page below 1 MB.
SHOWN = 8

Digests = Mapping[str, SampleDigest]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A sample; `first` and `second` are None where the samples of a result were not given."""

    id: str
    link: str
    category: str
    gold: str
    first: SampleDigest | None
    second: SampleDigest | None


@dataclass(frozen=True, slots=True)
class Side:
    """The samples that went better under one model: `total` in all, the largest gains first.

    `shown` are in the table, `others` are named with a link.
    """

    model: str
    total: int
    shown: tuple[Disagreement, ...]
    others: tuple[Disagreement, ...]

    @property
    def unnamed(self) -> int:
        """How many more there are than the comparison names."""
        return max(0, self.total - len(self.shown) - len(self.others))


@dataclass(frozen=True, slots=True)
class Disagreements:
    """The disagreements on one dataset, by who did better."""

    dataset: str
    title: str
    sides: tuple[Side, Side]


def disagreements(report: TierReport, found: Comparison) -> list[Disagreements]:
    """By dataset, those with any; in the order of the comparison."""
    made = []
    for one in found.datasets:
        if not (one.only_a or one.only_b):
            continue
        digests = tuple(
            {digest.id: digest for digest in report.digests.get((model, one.dataset), ())}
            for model in (found.a, found.b)
        )
        wins, losses = one.difference.wins, one.difference.losses
        made.append(
            Disagreements(
                dataset=one.dataset,
                title=plain_title(one.title),
                sides=(
                    _side(found, one, found.a, one.only_a, wins, digests),
                    _side(found, one, found.b, one.only_b, losses, digests),
                ),
            )
        )
    return made


def _side(
    found: Comparison,
    one: DatasetComparison,
    model: str,
    ids: Sequence[str],
    total: int,
    digests: Sequence[Digests],
) -> Side:
    samples = tuple(_sample(found, one.dataset, identifier, digests) for identifier in ids)
    return Side(model, max(total, len(ids)), samples[:SHOWN], samples[SHOWN:])


def _sample(
    found: Comparison, dataset: str, identifier: str, digests: Sequence[Digests]
) -> Disagreement:
    first, second = (own.get(identifier) for own in digests)
    either = first or second
    # The samples page has only what it was given: without the first there is nothing to open.
    link = links.sample(found.a, dataset, identifier, beside=found.b if second else "")
    return Disagreement(
        id=identifier,
        link=link if first else "",
        category=either.category if either else "",
        gold=either.gold if either else "",
        first=first,
        second=second,
    )
