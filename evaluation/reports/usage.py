"""The sessions behind a tier, by model: what the performance page is made from.

A session may have answered for other tiers too; what it took is counted in proportion to the
engine's time that this tier's answers took of it, as in the tier's costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evaluation.records import Aggregate, Phase, PhaseName, Session
from evaluation.reports import format as fmt

PHASES: tuple[tuple[PhaseName, str], ...] = (
    ("prefill", "prompts"),
    ("decode", "answers"),
    ("scoring", "choices"),
    ("mixed", "prompts and answers together"),
)


@dataclass(frozen=True)
class Run:
    """A session; `seconds` is the engine's time of this tier's answers, None where unknown."""

    session: Session
    seconds: float | None

    @property
    def share(self) -> float | None:
        """The part of the session that is this tier's; None where that is not known."""
        usage = self.session.usage
        if usage is None or self.seconds is None:
            return None
        return self.seconds / usage.engine_seconds if usage.engine_seconds > 0 else 0.0

    def phase(self, name: PhaseName) -> Phase | None:
        """One kind of the session's work, as a whole."""
        usage = self.session.usage
        return None if usage is None else usage.phases.get(name)


@dataclass(frozen=True)
class ModelRuns:
    """The sessions in which a model answered, or rated the answers of others as their judge."""

    name: str
    rates: bool
    runs: tuple[Run, ...]

    @property
    def title(self) -> str:
        """The model's name, and whether it is there as the judge."""
        return f"{self.name} (judge)" if self.rates else self.name


def model_runs(aggregate: Aggregate) -> list[ModelRuns]:
    """The sessions of each model of a tier, then of its judges, each session once."""
    found = []
    for model in aggregate.models:
        own = [cell for cell in aggregate.cells if cell.model == model]
        parts = [(c.provenance.sessions, c.performance.session_seconds) for c in own]
        found.append(ModelRuns(model, rates=False, runs=_runs(parts)))
    judges = [cell.judge for cell in aggregate.cells if cell.judge is not None]
    for name in dict.fromkeys(judge.name for judge in judges):
        parts = [(j.sessions, j.session_seconds) for j in judges if j.name == name]
        found.append(ModelRuns(name, rates=True, runs=_runs(parts)))
    return [one for one in found if one.runs]


def name_of(found: ModelRuns, run: Run) -> str:
    """A session's preset; where a model has several, the beginning of its id, too."""
    preset = run.session.preset
    return preset if len(found.runs) == 1 else f"{preset}, {fmt.short(run.session.id, 8)}"


def _runs(parts: Iterable[tuple[Sequence[Session], dict[str, float]]]) -> tuple[Run, ...]:
    sessions: dict[str, Session] = {}
    seconds: dict[str, float | None] = {}
    for found, took in parts:
        for session in found:
            sessions[session.id] = session
            before = seconds.get(session.id, 0.0)
            own = took.get(session.id)
            seconds[session.id] = None if before is None or own is None else before + own
    return tuple(Run(session, seconds[key]) for key, session in sessions.items())
