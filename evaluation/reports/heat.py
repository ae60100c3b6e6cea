"""The heat table of the overview: every cell's primary score, and the models' averages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import isfinite

from evaluation.records import Aggregate, Cell, MacroAverage
from evaluation.reports import format as fmt
from evaluation.reports.differences import hundredths
from evaluation.reports.facts import judge_name
from evaluation.reports.inputs import Key, TierReport
from evaluation.reports.notes import flags, not_scored, plain_title, stem


@dataclass(frozen=True)
class HeatCell:
    """One field of the heat table; `word` stands in for the score when there is none.

    `order` is what rows are sorted by: the score's number, or nothing.
    """

    model: str
    dataset: str
    score: str = ""
    word: str = ""
    reason: str = ""
    interval: str = ""
    n: str = ""
    heat: str = ""
    order: str = ""
    facts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    link: str = ""

    @property
    def warned(self) -> bool:
        """Whether there is anything that a reader must know about the score."""
        return bool(self.word or self.flags)


@dataclass(frozen=True)
class HeatRow:
    """One dataset of the heat table. `facts` hold for all its cells."""

    dataset: str
    title: str
    sources: tuple[str, ...]
    facts: tuple[str, ...]
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True)
class Averages:
    """The averages of the models, one cell each, and the datasets that are in none of them."""

    over: str
    cells: tuple[HeatCell, ...]
    left_out: tuple[tuple[str, str], ...]


def heat_rows(aggregate: Aggregate, links: Mapping[Key, str]) -> list[HeatRow]:
    """The heat table: datasets down, models across; a cell that is not there is `missing`."""
    cells = {(c.model, c.dataset): c for c in aggregate.cells}
    unread = {(one.model, one.dataset): one.reason for one in aggregate.unread}
    rows = []
    for dataset in aggregate.datasets:
        row = [c for m in aggregate.models if (c := cells.get((m, dataset)))]
        facts = [_facts(c) for c in row]
        shared = tuple(f for f in (facts[0] if facts else ()) if all(f in other for other in facts))
        title = plain_title(row[0].title) if row else dataset
        heat = tuple(
            _cell(cell, shared, links)
            if (cell := cells.get((m, dataset)))
            else _absent(m, dataset, unread.get((m, dataset), ""))
            for m in aggregate.models
        )
        sources = tuple(dict.fromkeys(c.provenance.dataset_source for c in row))
        rows.append(HeatRow(dataset, title, sources, shared, heat))
    return rows


def averages(report: TierReport) -> Averages | None:
    """The macro average of each model, as the comparisons have them; None without comparisons."""
    if report.comparisons is None or not report.comparisons.averages:
        return None
    found = {one.model: one for one in report.comparisons.averages}
    there = [one for one in found.values() if one.value is not None]
    used = there[0].datasets if there else []
    reasons = there[0].left_out if there else next(iter(found.values())).left_out
    return Averages(
        over=f"{len(used)} of {fmt.plural(len(report.aggregate.datasets), 'dataset')}",
        cells=tuple(_average(model, found.get(model)) for model in report.aggregate.models),
        left_out=tuple((plain_title(report.title(one)), why) for one, why in reasons.items()),
    )


def _average(model: str, found: MacroAverage | None) -> HeatCell:
    if found is None or found.value is None:
        return HeatCell(model, "", word="no average")
    known = found.interval
    return HeatCell(
        model,
        "",
        score=hundredths(found.value),
        interval=f"{hundredths(known.low)} to {hundredths(known.high)}"
        if known is not None
        else "",
        heat=f"h{min(9, max(0, int(found.value * 10)))}",
        order=repr(found.value),
    )


def _facts(cell: Cell) -> tuple[str, ...]:
    score = fmt.primary(cell.scores)
    facts = [score.metric] if score else []
    facts.append(fmt.setup(cell.protocol, cell.few_shot, cell.repeats))
    if score and score.chance is not None:
        facts.append(f"chance {fmt.number(score.metric, score.chance)}")
    if score and score.lower_is_better:
        facts.append("lower is better")
    if cell.judge is not None:
        facts += [
            f"judged by {judge_name(cell.judge)}",
            f"ratings read: {cell.judge.parsed} of {cell.judge.asked}",
        ]
    # In a few words: badges and the notes above the table say more.
    facts += {"bundled": ["not the benchmark"], "mirror": ["a local mirror"]}.get(
        cell.provenance.dataset_source, []
    )
    return tuple(facts)


def _absent(model: str, dataset: str, unread: str) -> HeatCell:
    if unread:
        return HeatCell(model, dataset, word="not read", reason=unread)
    return HeatCell(model, dataset, word="missing", reason="no result in this report")


def _cell(cell: Cell, shared: Collection[str], links: Mapping[Key, str]) -> HeatCell:
    score = fmt.primary(cell.scores)
    facts = tuple(f for f in _facts(cell) if f not in shared)
    link = links.get((cell.model, cell.dataset), "")
    if score is not None and score.value is not None and isfinite(score.value):
        return HeatCell(
            cell.model,
            cell.dataset,
            score=fmt.number(score.metric, score.value),
            interval=fmt.interval(score.metric, score.interval) if score.interval else "",
            n=f"n {score.n:,}",
            heat=fmt.heat(score),
            order=repr(score.value),
            facts=facts,
            flags=flags(cell),
            link=link,
        )
    word, reason = not_scored(cell, score)
    if score is not None and score.value is not None:
        reason = f"its {score.metric} is no finite number"
    # The word and n already say how many were not scored.
    return HeatCell(
        cell.model,
        cell.dataset,
        word=word,
        reason=reason,
        n=f"n {score.n if score else 0} of {cell.counts.samples}",
        facts=facts,
        flags=tuple(f for f in flags(cell) if stem(f) != stem(word)),
        link=link,
    )
