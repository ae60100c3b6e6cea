"""Tables of the overview: every metric, the counts and the categories, dataset by dataset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.records import Aggregate, Cell, Score
from evaluation.reports import format as fmt
from evaluation.reports.notes import plain_reason, plain_title

# Datasets with more categories show them on the pages of the models only.
MOST_CATEGORIES = 30


@dataclass(frozen=True)
class ScoreRow:
    """One metric of one cell."""

    model: str
    metric: str
    primary: bool
    lower_is_better: bool
    scored: bool
    value: str
    interval: str
    method: str
    n: int
    chance: str


@dataclass(frozen=True)
class Categories:
    """The primary metric of one dataset by category: one field (value, n) per model.

    `rows` is empty where there are too many of them: `number` says how many.
    """

    title: str
    number: int
    metrics: tuple[str, ...]
    models: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class Group:
    """The score and count rows of one dataset."""

    title: str
    sources: tuple[str, ...]
    scores: tuple[ScoreRow, ...]
    cells: tuple[Cell, ...]
    categories: Categories | None


def groups(aggregate: Aggregate) -> list[Group]:
    """Every metric, the counts and the categories, dataset by dataset."""
    cells = {(c.model, c.dataset): c for c in aggregate.cells}
    found = []
    for dataset in aggregate.datasets:
        row = [c for m in aggregate.models if (c := cells.get((m, dataset)))]
        if not row:
            continue
        found.append(
            Group(
                plain_title(row[0].title),
                _distinct(c.provenance.dataset_source for c in row),
                tuple(score_row(c.model, s) for c in row for s in c.scores),
                tuple(row),
                _categories(row),
            )
        )
    return found


def score_row(model: str, score: Score) -> ScoreRow:
    """One metric as text."""
    return ScoreRow(
        model=model,
        metric=score.metric,
        primary=score.primary,
        lower_is_better=score.lower_is_better,
        scored=score.value is not None,
        value="not scored" + (f": {plain_reason(score.reason)}" if score.reason else "")
        if score.value is None
        else fmt.number(score.metric, score.value),
        interval=fmt.interval(score.metric, score.interval),
        method=fmt.method(score.interval),
        n=score.n,
        chance=fmt.NONE if score.chance is None else fmt.number(score.metric, score.chance),
    )


def _categories(row: list[Cell]) -> Categories | None:
    names = _distinct(c.category for cell in row for c in cell.categories)
    if not any(names):
        return None
    shown = names if len(names) <= MOST_CATEGORIES else ()
    tables = []
    for cell in row:
        score = fmt.primary(cell.scores)
        metric = score.metric if score else ""
        tables.append(
            {
                c.category: (
                    "not scored" if c.value is None else fmt.number(metric, c.value),
                    f"n {c.n}",
                )
                for c in cell.categories
            }
        )
    return Categories(
        title=plain_title(row[0].title),
        number=len(names),
        metrics=_distinct(s.metric for c in row if (s := fmt.primary(c.scores))),
        models=tuple(c.model for c in row),
        rows=tuple(
            (n or "(none)", tuple(t.get(n, ("missing", "")) for t in tables)) for n in shown
        ),
    )


def methods(aggregate: Aggregate) -> tuple[str, ...]:
    """What the intervals of this report are."""
    found = {fmt.method(s.interval) for c in aggregate.cells for s in c.scores if s.interval}
    return tuple(sorted(found))


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
