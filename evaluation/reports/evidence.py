"""How much of a tier is decided, and how small a difference its samples show, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median

from evaluation.records import Difference
from evaluation.reports import format as fmt
from evaluation.reports.inputs import TierReport
from evaluation.reports.versus import DECIDED, OPEN


def decided(report: TierReport) -> Iterator[str]:
    """How many comparisons are decided: of pairs of models, and on single datasets."""
    pairs = report.pairs()
    if len(pairs) > 1:
        found = [one.overall for one in pairs]
        yield f"Of {len(pairs)} pairs of models, {_counts(found)} over all datasets together."
    single = _single(report)
    if single:
        yield f"Of {fmt.plural(len(single), 'comparison')} on single datasets, {_counts(single)}."


def sizes(report: TierReport) -> Iterator[str]:
    """The samples a dataset, and how small a difference so many show."""
    single = [one for one in _single(report) if one.n]
    if not single:
        return
    n = sorted(one.n for one in single)
    samples = fmt.plural(n[-1], "sample")
    start = f"{samples if n[0] == n[-1] else f'{n[0]:,} to {samples}'} a dataset: "
    least = _detectable(single)
    if least is None:
        yield f"{start}too few to show a difference of any size on most datasets."
        return
    overall = _detectable([one.overall for one in report.pairs()])
    together = f"; all of them together, those of about {overall} or more" if overall else ""
    family = f"corrected for {len(single):,} comparisons, " if len(single) > 1 else ""
    alone = f"a single dataset shows only differences of about {least} or more"
    yield f"{start}{family}{alone}{together}."


def _single(report: TierReport) -> list[Difference]:
    return [each.difference for one in report.pairs() for each in one.datasets]


def _counts(found: Sequence[Difference]) -> str:
    verdicts = Counter(one.verdict for one in found)
    settled = sum(verdicts[verdict] for verdict in DECIDED)
    still = sum(verdicts[verdict] for verdict in OPEN)
    text = f"{settled} {'is' if settled == 1 else 'are'} decided and {still} open"
    impossible = verdicts["not comparable"]
    return f"{text} ({impossible} cannot be made)" if impossible else text


def _detectable(found: Sequence[Difference]) -> str | None:
    """The middle one of the smallest differences that would show; None where most show none."""
    counted = [one for one in found if one.n]
    known = [one.detectable for one in counted if one.detectable is not None]
    if not known or 2 * len(known) < len(counted):
        return None
    value = 100 * median(known)
    return f"{value:.0f} points" if value >= 10 else f"{value:.1f} points"
