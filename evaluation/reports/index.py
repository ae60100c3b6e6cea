"""What the index page shows: the heat table and the tables below it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from evaluation.records import Aggregate, Cell, Score
from evaluation.reports import format as fmt
from evaluation.reports.facts import judge_name
from evaluation.reports.notes import flags, not_scored, plain_reason, plain_title, source_note, stem

Key = tuple[str, str]


@dataclass(frozen=True)
class HeatCell:
    """One field of the heat table; `word` stands in for the score when there is none."""

    model: str
    dataset: str
    score: str = ""
    word: str = ""
    reason: str = ""
    interval: str = ""
    n: str = ""
    heat: str = ""
    facts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True)
class HeatRow:
    """One dataset of the heat table. `facts` hold for all its cells."""

    dataset: str
    title: str
    sources: tuple[str, ...]
    facts: tuple[str, ...]
    cells: tuple[HeatCell, ...]


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
    """The primary metric of one dataset by category: one field (value, n) per model."""

    title: str
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


def heat_rows(aggregate: Aggregate, links: Mapping[Key, str]) -> list[HeatRow]:
    """The heat table: datasets down, models across; a cell that is not there is `missing`."""
    cells = {(c.model, c.dataset): c for c in aggregate.cells}
    rows = []
    for dataset in aggregate.datasets:
        row = [c for m in aggregate.models if (c := cells.get((m, dataset)))]
        facts = [_facts(c) for c in row]
        shared = tuple(f for f in (facts[0] if facts else ()) if all(f in other for other in facts))
        title = plain_title(row[0].title) if row else dataset
        heat = tuple(
            _heat_cell(m, dataset, cells.get((m, dataset)), shared, links) for m in aggregate.models
        )
        sources = _distinct(c.provenance.dataset_source for c in row)
        rows.append(HeatRow(dataset, title, sources, shared, heat))
    return rows


def _facts(cell: Cell) -> tuple[str, ...]:
    score = fmt.primary(cell.scores)
    facts = [score.metric] if score else []
    facts.append(fmt.setup(cell.protocol, cell.few_shot, cell.repeats))
    if score and score.chance is not None:
        facts.append(f"chance {fmt.number(score.metric, score.chance)}")
    if cell.judge is not None:
        facts += [
            f"judged by {judge_name(cell.judge)}",
            f"ratings read: {cell.judge.parsed} of {cell.judge.asked}",
        ]
    if cell.provenance.dataset_source != "hub":
        facts.append(source_note(cell.provenance.dataset_source, cell.title))
    return tuple(facts)


def _heat_cell(
    model: str,
    dataset: str,
    cell: Cell | None,
    shared: Collection[str],
    links: Mapping[Key, str],
) -> HeatCell:
    if cell is None:
        return HeatCell(model, dataset, word="missing", reason="not in this aggregate")
    score = fmt.primary(cell.scores)
    facts = tuple(f for f in _facts(cell) if f not in shared)
    link = links.get((model, dataset), "")
    if score is None or score.value is None:
        word, reason = not_scored(cell, score)
        n = f"n {score.n if score else 0} of {cell.counts.samples}"
        # The word and n already say how many were not scored.
        rest = tuple(f for f in flags(cell) if stem(f) != stem(word))
        return HeatCell(
            model, dataset, word=word, reason=reason, n=n, facts=facts, flags=rest, link=link
        )
    return HeatCell(
        model,
        dataset,
        score=fmt.number(score.metric, score.value),
        interval=fmt.interval(score.metric, score.interval),
        n=f"n {score.n}",
        heat=fmt.heat(score),
        facts=facts,
        flags=flags(cell),
        link=link,
    )


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
        title=row[0].title,
        metrics=_distinct(s.metric for c in row if (s := fmt.primary(c.scores))),
        models=tuple(c.model for c in row),
        rows=tuple(
            (n or "(none)", tuple(t.get(n, ("missing", "")) for t in tables)) for n in names
        ),
    )


def methods(aggregate: Aggregate) -> tuple[str, ...]:
    """What the intervals of this report are."""
    found = {fmt.method(s.interval) for c in aggregate.cells for s in c.scores if s.interval}
    return tuple(sorted(found))


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
