"""A model's scores, one a dataset, against chance and the other models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from evaluation.records import Cell, Score, SourceKind, Verdict
from evaluation.reports import format as fmt
from evaluation.reports import links
from evaluation.reports.charts.dots import Dot, dots
from evaluation.reports.differences import known
from evaluation.reports.inputs import TierReport
from evaluation.reports.notes import flags, not_scored, plain_title
from evaluation.reports.versus import DECIDED, OPEN, TURNED

# What the column about chance says already.
CHANCE_FLAGS = frozenset({"below chance", "interval includes chance"})


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One dataset; `word` and `reason` stand in for a score that is not there.

    `dot` is its row in the chart, None where the score is on a scale of its own.
    """

    dataset: str
    title: str
    source: SourceKind
    score: str
    word: str
    reason: str
    interval: str
    n: int | None
    facts: tuple[str, ...]
    chance: str
    others: str
    decided: tuple[tuple[Verdict, int], ...]
    undecided: int
    flags: tuple[str, ...]
    link: str
    place: float | None
    dot: Dot | None


def score_rows(report: TierReport, model: str) -> list[ScoreRow]:
    """A row a dataset, in the order of the aggregate; a cell that is not there is `missing`."""
    verdicts = _verdicts(report, model)
    return [
        _row(report, model, dataset, verdicts.get(dataset, Counter()))
        for dataset in report.aggregate.datasets
    ]


def chart(rows: Sequence[ScoreRow], model: str) -> Markup | None:
    """The scores on the scale from 0 to 1; None where no dataset is on it."""
    found = [row.dot for row in rows if row.dot is not None]
    if not any(known(dot.value) for dot in found):
        return None
    return dots(
        found,
        f"Scores of {model}",
        f"The scores of {model} on {fmt.plural(len(found), 'dataset')} with their intervals, the "
        "scores of the other models and what chance would reach. The table below has the numbers.",
    )


def precision(rows: Sequence[ScoreRow]) -> str:
    """How well scores are known, in words; "" where none has an interval."""
    known_rows = [row for row in rows if row.dot is not None and row.n]
    halves = [
        50 * (row.dot.high - row.dot.low)
        for row in known_rows
        if row.dot is not None and known(row.dot.low) and known(row.dot.high)
    ]
    if not halves:
        return ""
    sizes = [row.n for row in known_rows if row.n]
    least, most = min(sizes), max(sizes)
    samples = fmt.count(least) if least == most else f"{fmt.count(least)} to {fmt.count(most)}"
    narrow, wide = f"{min(halves):.1f}", f"{max(halves):.1f}"
    width = wide if narrow == wide else f"{narrow} to {wide}"
    noun = "sample" if most == 1 else "samples"
    return f"With {samples} scored {noun} a dataset, scores are known to about ±{width} points."


def _row(report: TierReport, model: str, dataset: str, verdicts: Counter[Verdict]) -> ScoreRow:
    cell = report.cell(model, dataset)
    if cell is None:
        return _missing(report, model, dataset)
    score = fmt.primary(cell.scores)
    title = plain_title(cell.title)
    value = score.value if score is not None and known(score.value) else None
    word, reason = ("", "") if value is not None else _absent(cell, score)
    others = _others(report, model, dataset, score.metric if score else "")
    facts = [fmt.setup(cell.protocol, cell.few_shot, cell.repeats)]
    if score is not None:
        facts.insert(0, score.metric)
        facts += ["lower is better"] * score.lower_is_better
    return ScoreRow(
        dataset=dataset,
        title=title,
        source=cell.provenance.dataset_source,
        score="" if score is None or value is None else fmt.number(score.metric, value),
        word=word,
        reason=reason,
        interval=_interval(score),
        n=score.n if score else 0,
        facts=tuple(facts),
        chance=_against_chance(score),
        others=_range(score.metric, others) if score is not None else fmt.NONE,
        decided=tuple((v, verdicts[v]) for v in DECIDED if verdicts[v]),
        undecided=sum(verdicts[v] for v in OPEN),
        flags=tuple(flag for flag in flags(cell) if flag not in CHANCE_FLAGS),
        link=links.cell_samples(model, dataset) if report.digests.get((model, dataset)) else "",
        place=value,
        dot=_dot(cell, score, others),
    )


def _missing(report: TierReport, model: str, dataset: str) -> ScoreRow:
    title = plain_title(report.title(dataset))
    cells = [c for c in report.aggregate.cells if c.dataset == dataset]
    unread = (u for u in report.aggregate.unread if (u.model, u.dataset) == (model, dataset))
    scores = [s for c in cells if (s := fmt.primary(c.scores)) is not None]
    others = _others(report, model, dataset, scores[0].metric) if scores else ()
    return ScoreRow(
        dataset=dataset,
        title=title,
        source=cells[0].provenance.dataset_source if cells else "hub",
        score="",
        word="missing",
        reason=next((one.reason for one in unread), "not in this report"),
        interval=fmt.NONE,
        n=None,
        facts=(scores[0].metric,) if scores else (),
        chance=fmt.NONE,
        others=_range(scores[0].metric, others) if scores else fmt.NONE,
        decided=(),
        undecided=0,
        flags=(),
        link="",
        place=None,
        dot=None,
    )


def _absent(cell: Cell, score: Score | None) -> tuple[str, str]:
    if not cell.counts.samples:
        return "no samples", "the dataset gave none to this cell"
    if score is not None and score.value is not None:
        return "not a number", "the score that was recorded is none"
    return not_scored(cell, score)


def _interval(score: Score | None) -> str:
    found = score.interval if score is not None and known(score.value) else None
    if score is None or found is None or not (known(found.low) and known(found.high)):
        return fmt.NONE
    return fmt.interval(score.metric, found)


def _against_chance(score: Score | None) -> str:
    """Whether the interval lies above or below chance; without one, nothing is said."""
    if score is None or not known(score.chance):
        return fmt.NONE
    chance = fmt.number(score.metric, score.chance)
    found = score.interval
    if not known(score.value) or found is None:
        return f"chance is {chance}"
    if found.low > score.chance:
        return f"above {chance}"
    return f"below {chance}" if found.high < score.chance else f"interval includes {chance}"


def _others(report: TierReport, model: str, dataset: str, metric: str) -> tuple[float, ...]:
    """The other models' scores in the same metric."""
    found = []
    for cell in report.aggregate.cells:
        if cell.dataset == dataset and cell.model != model:
            score = fmt.primary(cell.scores)
            if score is not None and score.metric == metric and known(score.value):
                found.append(score.value)
    return tuple(found)


def _range(metric: str, values: tuple[float, ...]) -> str:
    if not values:
        return fmt.NONE
    ends = [fmt.number(metric, end) for end in (min(values), max(values))]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _dot(cell: Cell, score: Score | None, others: tuple[float, ...]) -> Dot | None:
    """The chart's row, with a star for bundled samples.

    None for a score on a scale of its own, or of which less is better.
    """
    if score is None or not known(score.value) or not fmt.heat(score) or score.lower_is_better:
        return None
    title = plain_title(cell.title)
    bundled = cell.provenance.dataset_source == "bundled"
    return Dot(
        name=f"{fmt.one_line(title, 20)} *" if bundled else title,
        value=score.value,
        low=score.interval.low if score.interval else None,
        high=score.interval.high if score.interval else None,
        chance=score.chance,
        others=tuple(value for value in others if 0 <= value <= 1),
    )


def _verdicts(report: TierReport, model: str) -> dict[str, Counter[Verdict]]:
    """Verdicts for this model against the others, counted by dataset."""
    found: dict[str, Counter[Verdict]] = {}
    for pair in report.pairs():
        if model in (pair.a, pair.b):
            for one in pair.datasets:
                verdict = one.difference.verdict
                seen = TURNED.get(verdict, verdict) if model == pair.b else verdict
                found.setdefault(one.dataset, Counter())[seen] += 1
    return found
