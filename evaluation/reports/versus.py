"""A comparison of two models, seen from either of them: for the headline and the matrix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from evaluation.records import Comparison, Difference, Verdict
from evaluation.reports import links
from evaluation.reports.differences import known, points
from evaluation.reports.inputs import TierReport

# A difference with one of these is decided, one with `OPEN` is not.
DECIDED: tuple[Verdict, ...] = ("better", "worse", "equal")
OPEN: tuple[Verdict, ...] = ("no difference shown", "not enough samples")
SYMBOLS: Mapping[Verdict, str] = {
    "better": "▲",
    "worse": "▼",
    "equal": "=",
    "no difference shown": "○",
    "not enough samples": "?",
    "not comparable": "✕",
}
TURNED: Mapping[Verdict, Verdict] = {"better": "worse", "worse": "better"}


@dataclass(frozen=True)
class Versus:
    """The macro average of `model` less that of `other`, over the datasets they share.

    Texts are in points (hundredths) and empty where there is no number. `datasets` counts the
    verdicts on single datasets; `n` and `needed` are samples of all datasets together.
    """

    model: str
    other: str
    link: str
    verdict: Verdict
    reason: str
    value: float | None
    difference: str
    interval: str
    n: int
    needed: int | None
    datasets: Counter[Verdict]

    @property
    def symbol(self) -> str:
        """The sign of the verdict."""
        return SYMBOLS[self.verdict]

    @property
    def style(self) -> str:
        """The verdict as a class name."""
        return self.verdict.replace(" ", "-")

    @property
    def undecided(self) -> bool:
        """Whether more samples could decide it."""
        return self.verdict in OPEN

    @property
    def open(self) -> int:
        """Datasets on which nothing is decided."""
        return sum(self.datasets[verdict] for verdict in OPEN)


def versus(one: Comparison, model: str) -> Versus:
    """A comparison as `model`, one of its two, sees it."""
    turned = model == one.b
    found = one.overall
    value = (-1 if turned else 1) * found.difference if known(found.difference) else None
    verdicts = Counter(each.difference.verdict for each in one.datasets)
    return Versus(
        model=model,
        other=one.a if turned else one.b,
        link=links.pair_page(one.a, one.b),
        verdict=TURNED.get(found.verdict, found.verdict) if turned else found.verdict,
        reason=found.reason,
        value=value,
        difference="" if value is None else points(value),
        interval=_interval(found, turned),
        n=found.n,
        needed=found.needed,
        datasets=Counter({TURNED.get(v, v) if turned else v: n for v, n in verdicts.items()}),
    )


def opponents(report: TierReport, model: str) -> dict[str, Versus]:
    """All comparisons of a model with another one, by the other's name."""
    found = (versus(one, model) for one in report.pairs() if model in (one.a, one.b))
    return {one.other: one for one in found}


def _interval(found: Difference, turned: bool) -> str:
    ends = found.interval
    if ends is None or not (known(ends.low) and known(ends.high)):
        return ""
    low, high = (-ends.high, -ends.low) if turned else (ends.low, ends.high)
    return f"{points(low)} to {points(high)}"
