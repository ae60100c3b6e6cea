"""Where the time by the clock went, model by model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.records import PhaseName
from evaluation.reports import fields
from evaluation.reports import format as fmt
from evaluation.reports.fields import Field, Table
from evaluation.reports.usage import ModelRuns, Run

PHASE_PARTS: tuple[tuple[PhaseName, str], ...] = (
    ("prefill", "prompts"),
    ("scoring", "choices"),
    ("decode", "answers"),
    ("mixed", "prompts + answers"),
)
LOAD, UNTOLD, OTHER = "load", "not told apart", "other"
PARTS = (LOAD, *(name for _, name in PHASE_PARTS), UNTOLD, OTHER)
CAPTION = (
    "Time by the clock, from the beginning of a load to the last answer. Load: reading a model "
    "and putting it onto its device. Prompts, choices and answers: the engine's passes that read "
    "prompts, that read prompts with the choices whose probability is asked for, and that write "
    "answers; an engine that does both in the same passes, and a server, have one number for them. "
    "Not told apart: engine time of a session that was killed before it had measured itself. "
    "Other: what is left of the run between the passes (making requests into tokens, planning "
    "batches, writing answers down). A session that answered for other tiers too counts in "
    "proportion to the engine time this tier took of it. Jobs that prepare data and compute scores "
    "are not measured here."
)


@dataclass(frozen=True)
class TimeSpent:
    """Seconds of a model by part, all of PARTS; `notes` say what is not among them, and why."""

    title: str
    seconds: dict[str, float]
    notes: tuple[str, ...]

    @property
    def total(self) -> float:
        """Seconds of all parts."""
        return sum(self.seconds.values())


def time_spent(found: Sequence[ModelRuns]) -> list[TimeSpent]:
    """Where the time of each model went."""
    return [_of_model(one) for one in found]


def parts_there(rows: Sequence[TimeSpent]) -> list[str]:
    """The parts that took any time, in their order."""
    return [part for part in PARTS if any(row.seconds[part] > 0 for row in rows)]


def table(rows: Sequence[TimeSpent]) -> Table:
    """Seconds and shares of each part."""
    parts = parts_there(rows)

    def fields_of(row: TimeSpent) -> tuple[Field, ...]:
        each = (_part(row.seconds[part], row.total) for part in parts)
        total = fields.seconds(row.total) if row.total else fields.NOTHING
        return (fields.words(row.title), total, *each)

    heads = ("Model", "Total", *(part.capitalize() for part in parts))
    return Table("time", "", CAPTION, heads, [fields_of(row) for row in rows])


def _part(seconds: float, total: float) -> Field:
    if not seconds > 0:  # nor what is no number
        return fields.NOTHING
    share = "<1%" if seconds / total < 0.005 else fmt.share(seconds / total)
    return Field(f"{fields.seconds(seconds).text} ({share})", seconds)


def _of_model(found: ModelRuns) -> TimeSpent:
    seconds = dict.fromkeys(PARTS, 0.0)
    notes = []
    for run in found.runs:
        note = _add(seconds, run)
        if note:
            notes.append(f"{found.title}: session {fmt.short(run.session.id, 8)} {note}")
    return TimeSpent(found.title, seconds, tuple(notes))


def _add(seconds: dict[str, float], run: Run) -> str:
    """Add a session to the sums of its model; what cannot be added is told."""
    session, usage, share = run.session, run.session.usage, run.share
    if run.seconds is None:
        return "is not counted: its results do not say how much of it they took."
    if usage is None or share is None:
        seconds[LOAD] += session.load_seconds
        seconds[UNTOLD] += run.seconds
        return (
            "was killed before it had measured itself: its load and the engine time of its "
            "answers are counted, its time between passes is not known."
        )
    seconds[LOAD] += share * session.load_seconds
    passes = 0.0
    for name, part in PHASE_PARTS:
        if phase := usage.phases.get(name):
            seconds[part] += share * phase.seconds
            passes += phase.seconds
    seconds[OTHER] += share * max(0.0, usage.wall_seconds - passes)
    return ""
