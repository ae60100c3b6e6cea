"""The comparisons of a tier as plain text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from evaluation.files import read_record
from evaluation.records import Comparison, Comparisons, Difference
from evaluation.reports import format as fmt
from evaluation.terminal.words import moment, points, say, table


def print_tier(console: Console, folder: Path) -> None:
    """Print the averages of the models, and each comparison by dataset."""
    path = folder / "comparisons.json"
    found = read_record(path, Comparisons)
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
    say(
        console,
        f"Tier {found.tier}: comparisons at {100 * found.confidence:g}% confidence, "
        f"equal within {found.margin:g}, made {moment(made)} UTC",
        style="bold",
    )
    rows = [
        [
            average.model,
            fmt.NONE if average.value is None else f"{average.value:.3f}",
            fmt.interval("", average.interval),
            fmt.count(len(average.datasets)),
            ", ".join(average.left_out) or fmt.NONE,
        ]
        for average in found.averages
    ]
    table(console, ["macro average", "value", "interval", "datasets", "left out"], rows)
    if not found.comparisons:
        say(console, "One model: there is nothing to compare it with.\n")
    for comparison in found.comparisons:
        _comparison(console, comparison)


def _comparison(console: Console, found: Comparison) -> None:
    of = f" ({found.kind} of {found.model})" if found.model else ""
    say(console, f"{found.a} (a) against {found.b} (b){of}", style="bold")
    rows = [[one.dataset, *_difference(one.metric, one.difference)] for one in found.datasets]
    rows.append(["macro average", *_difference("", found.overall)])
    headings = ["dataset", "n", "a", "b", "a less b", "p, adjusted", "verdict for a"]
    table(console, headings, rows)
    points(console, "What to know", _remarks(found))


def _remarks(found: Comparison) -> list[str]:
    """Reasons and warnings, each once with the datasets it is about."""
    about: dict[str, list[str]] = {}
    for one in found.datasets:
        if one.difference.reason:
            words = f"{one.difference.verdict}: {one.difference.reason}"
            about.setdefault(words, []).append(one.dataset)
    if found.overall.reason:
        words = f"{found.overall.verdict}: {found.overall.reason}"
        about.setdefault(words, []).append("macro average")
    explained = {one.dataset for one in found.datasets if one.difference.reason}
    for dataset, reason in found.left_out.items():
        if dataset not in explained:
            about.setdefault(f"left out: {reason}", []).append(dataset)
    for one in found.datasets:
        for warning in one.warnings:
            about.setdefault(warning, []).append(one.dataset)
    return [f"{', '.join(names)}: {remark}" for remark, names in about.items()]


def _difference(metric: str, found: Difference) -> list[str]:
    def plain(value: float | None) -> str:
        return fmt.NONE if value is None else fmt.number(metric, value)

    words = fmt.NONE
    if found.difference is not None:
        words = fmt.change(metric, found.difference)
        if found.interval is not None:
            low, high = found.interval.low, found.interval.high
            words += f" ({fmt.change(metric, low)} to {fmt.change(metric, high)})"
    p = fmt.NONE if found.adjusted_p is None else f"{found.adjusted_p:.3g}"
    return [fmt.count(found.n), plain(found.a), plain(found.b), words, p, found.verdict]
