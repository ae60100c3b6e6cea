"""How a model answered, dataset by dataset: lengths, how answers ended, and how long they took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evaluation.records import FinishReason
from evaluation.reports import format as fmt
from evaluation.reports.charts.histogram import Spread, spreads
from evaluation.reports.inputs import SampleDigest, TierReport
from evaluation.reports.notes import plain_title
from evaluation.reports.spread import quantile

ENDINGS: tuple[FinishReason, ...] = ("stop", "length", "scored", "error")


@dataclass(frozen=True, slots=True)
class Length:
    """Tokens written for a sample, over those for which any were; `thinking` is a share of them."""

    title: str
    answers: int
    median: float
    p95: float
    most: int
    cut: int
    thinking: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """How the requests of a dataset ended: counts and shares in the order of ENDINGS."""

    title: str
    requests: int
    counts: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from a sample's first pass to its end, summed over its requests."""

    title: str
    samples: int
    median: float
    p95: float
    most: float


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of the answers; `unknown` are datasets whose samples were not given."""

    lengths: tuple[Length, ...]
    endings: tuple[Ending, ...]
    total: Ending
    latencies: tuple[Latency, ...]
    unknown: tuple[str, ...]
    scored_only: tuple[str, ...]


def answers(report: TierReport, model: str) -> Answers:
    """The answers of a model, in the order of its datasets."""
    lengths, endings, latencies, unknown, silent = [], [], [], [], []
    for cell in report.cells_of(model):
        title = plain_title(cell.title)
        samples = report.digests.get((model, cell.dataset))
        if samples is None:
            unknown.append(title)
            continue
        asked = [one for one in samples if one.finish_reasons]
        if not asked:
            continue
        endings.append(_ending(title, asked))
        seconds = [one.latency_seconds for one in asked]
        latencies.append(
            Latency(
                title, len(asked), quantile(seconds, 0.5), quantile(seconds, 0.95), max(seconds)
            )
        )
        if any(one.completion_tokens for one in asked):
            lengths.append(_length(title, asked))
        elif all(set(one.finish_reasons) <= {"scored", "error"} for one in asked):
            silent.append(title)
    return Answers(
        lengths=tuple(lengths),
        endings=tuple(endings),
        total=_total(endings),
        latencies=tuple(latencies),
        unknown=tuple(unknown),
        scored_only=tuple(silent),
    )


def chart(found: Sequence[Length], model: str) -> Markup | None:
    """The lengths of the answers; None without any."""
    if not found:
        return None
    return spreads(
        [Spread(one.title, one.tokens, one.median, one.p95) for one in found],
        "tokens written for a sample (logarithmic scale)",
        f"Lengths of the answers of {model}",
        f"A histogram for each of {fmt.plural(len(found), 'dataset')}: tokens that {model} wrote "
        "for a sample. The table below has the median, the 95th percentile and the longest.",
    )


def _length(title: str, asked: Sequence[SampleDigest]) -> Length:
    answered = [one for one in asked if one.completion_tokens > 0]
    tokens = [one.completion_tokens for one in answered]
    thought = sum(one.thinking_tokens for one in answered)
    # Thinking is counted anew from its text, so that it may come out longer by a token.
    thinking = fmt.share(min(1.0, thought / sum(tokens))) if thought else "none"
    return Length(
        title=title,
        answers=len(answered),
        median=quantile(tokens, 0.5),
        p95=quantile(tokens, 0.95),
        most=max(tokens),
        cut=sum(one.truncated_answer for one in answered),
        thinking=thinking,
        tokens=tuple(tokens),
    )


def _ending(title: str, asked: Sequence[SampleDigest]) -> Ending:
    counts = Counter(reason for one in asked for reason in one.finish_reasons)
    return _shares(title, [counts[reason] for reason in ENDINGS])


def _total(endings: Sequence[Ending]) -> Ending:
    counts = [sum(one.counts[place][0] for one in endings) for place in range(len(ENDINGS))]
    return _shares("All datasets", counts)


def _shares(title: str, counts: Sequence[int]) -> Ending:
    total = sum(counts)
    shares = tuple((n, fmt.share(n / total) if total else fmt.NONE) for n in counts)
    return Ending(title, total, shares)


def seconds(value: float) -> str:
    """A latency: hundredths of short ones, as they are compared."""
    return f"{value:.2f} s" if value < 10 else fmt.duration(value)
