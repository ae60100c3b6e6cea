"""What the index page says about pairs of models: the verdicts in words and their numbers."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.records import Comparison, Comparisons, DatasetComparison, Difference, Verdict
from evaluation.reports import format as fmt
from evaluation.reports.notes import plain_title

Rows = list[tuple[str, ...]]
ORDER: tuple[tuple[Verdict, str], ...] = (
    ("better", "better on"),
    ("worse", "worse on"),
    ("equal", "as good, within the margin that matters, on"),
    ("no difference shown", "no difference shown on"),
    ("not enough samples", "not enough samples to say on"),
    ("not comparable", "not comparable on"),
)


@dataclass(frozen=True)
class Pair:
    """One pair: `summary` in words, `rows` of the table, and what was left out with the reason."""

    title: str
    summary: list[str]
    rows: Rows
    left_out: Rows


def pairs(found: Comparisons | None) -> list[Pair]:
    """All pairs of a tier; none where models were not compared."""
    return [_pair(one) for one in found.comparisons] if found is not None else []


def _pair(one: Comparison) -> Pair:
    return Pair(
        title=f"{one.a} against {one.b}",
        summary=summary(one),
        rows=[
            *(_row(plain_title(each.title), each.metric, each.difference) for each in one.datasets),
            _row("Mean over the datasets", "", one.overall),
        ],
        left_out=[
            *sorted(one.left_out.items()),
            *((plain_title(each.title), word) for each in one.datasets for word in each.warnings),
        ],
    )


def summary(one: Comparison) -> list[str]:
    """The verdicts in words, the overall one first."""
    overall = one.overall
    lines = []
    if overall.difference is None:
        lines.append(f"Overall: {overall.verdict}. {overall.reason}".strip())
    else:
        lines.append(
            f"Overall {signed('', overall.difference)} points for {one.a} "
            f"({_interval('', overall)}): {overall.verdict}."
        )
    for verdict, words in ORDER:
        titles = [
            plain_title(each.title) for each in one.datasets if each.difference.verdict == verdict
        ]
        if titles:
            lines.append(f"{words[0].upper()}{words[1:]} {', '.join(titles)}.")
    needed = [(each.difference.needed, each) for each in one.datasets if _short(each)]
    if needed:
        count, each = min((number or 0, index) for index, (number, _) in enumerate(needed))
        lines.append(
            f"The nearest to a verdict is {plain_title(needed[each][1].title)}: about {count} "
            "samples would show a difference as large as the one seen."
        )
    return lines


def _short(each: DatasetComparison) -> bool:
    found = each.difference
    return found.verdict == "not enough samples" and found.needed is not None


def _row(title: str, metric: str, found: Difference) -> tuple[str, ...]:
    return (
        title,
        metric or fmt.NONE,
        str(found.n) if found.n else fmt.NONE,
        fmt.NONE if found.a is None else fmt.number(metric or "score", found.a),
        fmt.NONE if found.b is None else fmt.number(metric or "score", found.b),
        fmt.NONE if found.difference is None else signed(metric, found.difference),
        _interval(metric, found),
        fmt.NONE if found.adjusted_p is None else _p(found.adjusted_p),
        fmt.NONE if found.detectable is None else signed(metric, found.detectable).lstrip("+"),
        str(found.needed) if found.needed else fmt.NONE,
        found.verdict,
        found.reason or fmt.NONE,
    )


def _interval(metric: str, found: Difference) -> str:
    if found.interval is None:
        return fmt.NONE
    return f"{signed(metric, found.interval.low)} to {signed(metric, found.interval.high)}"


def signed(metric: str, value: float) -> str:
    """A difference with its sign; the mean over datasets, without a metric, is in points."""
    # Adding 0 makes a zero of either sign a positive one.
    return fmt.change(metric or "share", value + 0.0).replace("-", "\N{MINUS SIGN}")


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"
