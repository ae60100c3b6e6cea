"""Tidy tables as CSV and Parquet: one row a sample and metric, one row a comparison.

Parquet has the values as they are. A CSV file will be opened in a spreadsheet, where text of a
model or a dataset that begins like a formula would run as one: there it begins with an apostrophe
instead (OWASP, "CSV Injection"), control characters are shown, and long text is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from evaluation.files import write_with
from evaluation.records import Comparison, Comparisons, Difference, Record, Result, SampleResult
from evaluation.reports.format import visible

# What spreadsheets take for the beginning of a formula, in ASCII and in full width.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
LONGEST = 500
DTYPES = {str: "string", int: "Int64", float: "Float64", bool: "boolean"}


class SampleRow(Record):
    """One metric of one sample; a sample without any score has one row without a metric.

    Tokens and `latency_seconds` are sums over the sample's requests.
    """

    tier: str
    model: str
    dataset: str
    source: str
    protocol: str
    few_shot: int
    preset: str
    sample: str
    category: str
    status: str
    metric: str | None = None
    primary: bool | None = None
    score: float | None = None
    extracted: str | None
    gold: str
    reason: str
    requests: int
    finish_reasons: str
    prompt_tokens: int
    completion_tokens: int
    thinking_tokens: int
    truncated_prompt_tokens: int
    latency_seconds: float


class ComparisonRow(Record):
    """a against b on one dataset, or overall (the macro average), where `dataset` is empty."""

    tier: str
    kind: str
    a: str
    b: str
    dataset: str | None = None
    protocol: str | None = None
    metric: str | None = None
    n: int
    score_a: float | None = None
    score_b: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    p: float | None = None
    adjusted_p: float | None = None
    family: int | None = None
    method: str = ""
    wins: int | None = None
    losses: int | None = None
    ties: int | None = None
    both_right: int | None = None
    only_a_right: int | None = None
    only_b_right: int | None = None
    neither_right: int | None = None
    detectable: float | None = None
    needed: int | None = None
    verdict: str
    reason: str = ""
    warnings: str = ""


def sample_rows(result: Result) -> list[SampleRow]:
    """The rows of a result, sample by sample."""
    primary = {score.metric for score in result.scores if score.primary}
    return [row for sample in result.samples for row in _rows_of(result, sample, primary)]


def _rows_of(result: Result, sample: SampleResult, primary: set[str]) -> list[SampleRow]:
    turns = sample.turns
    base = SampleRow(
        tier=result.tier,
        model=result.model,
        dataset=result.dataset,
        source=result.provenance.dataset_source,
        protocol=result.protocol,
        few_shot=result.few_shot,
        preset=result.provenance.preset,
        sample=sample.id,
        category=sample.category,
        status=sample.status,
        extracted=sample.extracted,
        gold=sample.gold,
        reason=sample.reason,
        requests=len(turns),
        finish_reasons=" ".join(turn.finish_reason for turn in turns),
        prompt_tokens=sum(turn.prompt_tokens for turn in turns),
        completion_tokens=sum(turn.completion_tokens for turn in turns),
        thinking_tokens=sum(turn.thinking_tokens for turn in turns),
        truncated_prompt_tokens=sum(turn.truncated_prompt_tokens for turn in turns),
        latency_seconds=sum(turn.latency_seconds for turn in turns),
    )
    rows = [
        base.model_copy(update={"metric": metric, "primary": metric in primary, "score": value})
        for metric, value in sample.scores.items()
    ]
    return rows or [base]


def comparison_rows(found: Comparisons) -> list[ComparisonRow]:
    """The rows of all comparisons; what was left out is `not comparable` with its reason."""
    rows = []
    for comparison in found.comparisons:
        named = {"tier": found.tier, "kind": comparison.kind, "a": comparison.a, "b": comparison.b}
        rows += _dataset_rows(comparison, named)
        overall = comparison.overall
        rows.append(ComparisonRow(**named, **_difference(overall), metric="macro average"))
    return rows


def _dataset_rows(comparison: Comparison, named: dict[str, Any]) -> list[ComparisonRow]:
    rows = []
    for one in comparison.datasets:
        agreement = one.agreement
        rows.append(
            ComparisonRow(
                **named,
                **_difference(one.difference),
                dataset=one.dataset,
                protocol=one.protocol,
                metric=one.metric,
                both_right=agreement.both if agreement else None,
                only_a_right=agreement.only_a if agreement else None,
                only_b_right=agreement.only_b if agreement else None,
                neither_right=agreement.neither if agreement else None,
                warnings="; ".join(one.warnings),
            )
        )
    compared = {one.dataset for one in comparison.datasets}
    rows += [
        ComparisonRow(**named, dataset=name, n=0, verdict="not comparable", reason=reason)
        for name, reason in comparison.left_out.items()
        if name not in compared
    ]
    return rows


def _difference(found: Difference) -> dict[str, Any]:
    interval = found.interval
    return {
        "n": found.n,
        "score_a": found.a,
        "score_b": found.b,
        "difference": found.difference,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "level": interval.level if interval else None,
        "p": found.p,
        "adjusted_p": found.adjusted_p,
        "family": found.family,
        "method": found.method,
        "wins": found.wins,
        "losses": found.losses,
        "ties": found.ties,
        "detectable": found.detectable,
        "needed": found.needed,
        "verdict": found.verdict,
        "reason": found.reason,
    }


def safe(text: str) -> str:
    """Text of models and datasets as a spreadsheet may have it.

    >>> safe("=1+1")
    "'=1+1"
    """
    cut = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    shown = visible(cut)
    return f"'{shown}" if cut.lstrip(" ").startswith(FORMULA) or shown.startswith("'") else shown


def write_table(rows: Iterable[Record], kind: type[Record], csv: Path, parquet: Path) -> None:
    """Write records of one kind as both files; without rows, tables with columns only."""
    import pandas as pd

    types = {name: DTYPES[_plain(field.annotation)] for name, field in kind.model_fields.items()}
    raw = [row.model_dump() for row in rows]
    columns = {name: pd.array([row[name] for row in raw], dtype=types[name]) for name in types}
    table = pd.DataFrame(columns)
    write_with(parquet, lambda path: table.to_parquet(path, index=False))
    texts = [name for name, dtype in types.items() if dtype == "string"]
    plain = table.assign(**{name: table[name].map(safe, na_action="ignore") for name in texts})
    write_with(csv, lambda path: plain.to_csv(path, index=False))


def _plain(annotation: Any) -> Any:
    """The type of a column: `float` of `float | None`."""
    if isinstance(annotation, UnionType):
        options: Sequence[Any] = get_args(annotation)
        return next(option for option in options if option is not type(None))
    return annotation
