"""What the page of a model says first and last: its standing in words, its preset and its runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluation.records import Cell, MacroAverage, Session
from evaluation.reports import format as fmt
from evaluation.reports.differences import known
from evaluation.reports.facts import answer_sessions
from evaluation.reports.inputs import TierReport
from evaluation.reports.notes import plain_title
from evaluation.reports.versus import Versus

Rows = list[tuple[str, ...]]
# Verdicts on the whole, in the words that come before the names.
STANDING = (
    ("better", "Better over all datasets than"),
    ("worse", "Worse over all datasets than"),
    ("equal", "As good, within the margin that matters, as"),
    ("", "Not decided against"),
    ("not comparable", "Not comparable with"),
)


@dataclass(frozen=True, slots=True)
class Average:
    """The macro average; `why` says why there is none. `left_out` has datasets with reasons.

    `over` says in words what it is an average of.
    """

    value: str
    interval: str
    over: str
    left_out: Rows
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Other models that the verdict holds against."""

    words: str
    others: tuple[Versus, ...]


@dataclass(frozen=True, slots=True)
class Losses:
    """Samples of all cells: how many were asked for, and what became of them in words."""

    requested: int
    scored: int
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preset:
    """The presets of a model's cells, and the one `chosen` by measuring, "" without a choice."""

    names: tuple[str, ...]
    chosen: str
    reason: str


def average(report: TierReport, model: str) -> Average:
    """The mean of the model's scores over datasets, as the comparisons have it."""
    if report.comparisons is None:
        why = "averages come with the comparisons, which need two models"
        return Average("", "", "", [], why)
    found = next((a for a in report.comparisons.averages if a.model == model), None)
    if found is None:
        return Average("", "", "", [], "the comparisons have no average of this model")
    left_out: Rows = [(plain_title(report.title(d)), why) for d, why in found.left_out.items()]
    if not known(found.value):
        why = "no dataset has a score of every model that can be averaged"
        return Average("", "", "", left_out, why)
    return Average(
        value=fmt.number("share", found.value),
        interval=_interval(found),
        over=_over(report, found),
        left_out=left_out,
        why="",
    )


def _over(report: TierReport, found: MacroAverage) -> str:
    bundled = report.bundled(found.datasets)
    text = fmt.plural(len(found.datasets), "dataset")
    if not bundled:
        return text
    return f"{text}, {'all' if bundled == len(found.datasets) else bundled} of bundled samples"


def _interval(found: MacroAverage) -> str:
    one = found.interval
    if one is None or not (known(one.low) and known(one.high)):
        return ""
    return f"{100 * one.level:g}% interval {fmt.interval('share', one)}"


def standing(found: Iterable[Versus]) -> list[Standing]:
    """The verdicts over all datasets, the decided ones first."""
    groups: dict[str, list[Versus]] = {key: [] for key, _ in STANDING}
    for one in found:
        groups[one.verdict if one.verdict in groups else ""].append(one)
    return [Standing(words, tuple(groups[key])) for key, words in STANDING if groups[key]]


def losses(cells: Sequence[Cell]) -> Losses:
    """What became of the samples of a model's cells."""
    counts = [cell.counts for cell in cells]
    words = (
        (sum(max(0, c.requested - c.samples) for c in counts), "not in the datasets"),
        (sum(c.failed for c in counts), "failed"),
        (sum(c.unscorable for c in counts), "unscorable"),
        (sum(c.not_scored for c in counts), "not scored"),
    )
    return Losses(
        requested=sum(c.requested for c in counts),
        scored=sum(c.scored for c in counts),
        lost=tuple(f"{fmt.count(n)} {word}" for n, word in words if n),
    )


def preset(report: TierReport, model: str) -> Preset:
    """The preset the model ran with, and why it is that one."""
    names = tuple(dict.fromkeys(c.provenance.preset for c in report.cells_of(model)))
    choice = next((c for c in report.presets if c.model == model), None)
    if choice is None:
        return Preset(names, "", "")
    return Preset(names, choice.chosen, choice.reason)


def sessions(cells: Iterable[Cell]) -> list[Session]:
    """The sessions that the model's answers came from, in the order they were started."""
    return sorted(answer_sessions(cells), key=lambda session: session.started)


def session_rows(found: Iterable[Session]) -> Rows:
    """One row a session."""
    return [
        (
            fmt.short(one.id),
            one.started,
            fmt.duration(one.load_seconds),
            f"{one.engine}, revision {one.engine_revision}",
            one.dtype,
            one.preset,
            one.hardware.device,
            _end(one),
        )
        for one in found
    ]


def _end(session: Session) -> str:
    if session.usage is None:
        return "not recorded: it was killed, or measured nothing"
    backoffs = session.usage.backoffs
    return f"after {fmt.plural(backoffs, 'back-off')}" if backoffs else "without back-offs"


def notes(found: Iterable[Session]) -> list[str]:
    """What sessions had to say, each once."""
    return list(dict.fromkeys(note for session in found for note in session.notes))


def identity(cells: Iterable[Cell]) -> Rows:
    """What was run: distinct values, should cells differ."""
    found = [cell.provenance for cell in cells]
    facts = {
        "Model": [p.model_id for p in found],
        "Revision": [fmt.short(p.model_revision) for p in found],
        "Licence": [p.model_licence for p in found],
        "Fingerprint": [fmt.short(p.model_fingerprint) for p in found],
        "Seed": [str(p.seed) for p in found],
    }
    return [(k, ", ".join(filter(None, dict.fromkeys(v))) or fmt.NONE) for k, v in facts.items()]
