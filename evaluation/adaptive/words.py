"""The summary of the adaptive tier in plain words, for the end of a run."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.records import AdaptiveDecision, AdaptiveSummary, Difference


def words(summary: AdaptiveSummary) -> list[str]:
    """Lines for a terminal: what it took, then each pair, dataset by dataset."""
    lines = [*_effort(summary)]
    for overall in summary.overall:
        lines += ["", f"{overall.a} against {overall.b}"]
        own = [d for d in summary.decisions if (d.a, d.b) == (overall.a, overall.b)]
        shown = [(d.dataset, d.difference, _samples(d)) for d in own]
        average = f"{overall.difference.n} samples"
        shown += [(f"average of {len(overall.datasets)}", overall.difference, average)]
        lines += _table(shown)
        lines += [
            f"  {one.dataset} left out: {one.reason}"
            for one in summary.left_out
            if (one.a, one.b) == (overall.a, overall.b)
        ]
    return lines


def _effort(summary: AdaptiveSummary) -> Iterable[str]:
    if not summary.samples_full:
        yield "Adaptive: nothing could be compared."
        return
    saved = 1 - summary.samples / summary.samples_full
    yield (
        f"Adaptive: {summary.samples:,} samples asked, {abs(saved):.0%} "
        f"{'fewer' if saved >= 0 else 'more'} than the "
        f"{summary.samples_full:,} of full."
    )
    if summary.seconds_saved is not None:
        yield f"  engine time saved: about {duration(summary.seconds_saved)} (an estimate)"


def _samples(decision: AdaptiveDecision) -> str:
    return f"{decision.difference.n} of {decision.sizes[-1]} samples"


def _table(rows: Iterable[tuple[str, Difference, str]]) -> list[str]:
    cells = [(label, found.verdict, _number(found), note) for label, found, note in rows]
    wide = [max(len(row[column]) for row in cells) for column in range(3)]
    return [
        f"  {label:<{wide[0]}}  {verdict:<{wide[1]}}  {number:<{wide[2]}}  {note}".rstrip()
        for label, verdict, number, note in cells
    ]


def _number(found: Difference) -> str:
    if found.difference is None:
        return found.reason
    if found.interval is None:
        return f"{found.difference:+.3f}"
    return f"{found.difference:+.3f} ({found.interval.low:+.3f} to {found.interval.high:+.3f})"


def duration(seconds: float) -> str:
    """A length of time in the unit that fits, e.g. `2.4 h`."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
