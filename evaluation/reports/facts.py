"""Facts of cells as text: code, machine, judge, and what each model's runs took."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.records import Aggregate, Cell, Hardware, JudgeFacts, Provenance, Session
from evaluation.reports import format as fmt

Rows = list[tuple[str, ...]]


def performance(aggregate: Aggregate) -> Rows:
    """One row a model. A session that served several datasets counts as one load."""
    rows: Rows = []
    for model in aggregate.models:
        cells = [c for c in aggregate.cells if c.model == model]
        if not cells:
            continue
        sessions = answer_sessions(cells)
        answering = [c for c in cells if c.performance.completion_tokens]
        scoring = [c for c in cells if not c.performance.completion_tokens]
        rows.append(
            (
                model,
                fmt.count(len(sessions)),
                fmt.duration(sum(s.load_seconds for s in sessions)),
                fmt.duration(sum(c.performance.engine_seconds for c in cells)),
                fmt.count(sum(c.performance.prompt_tokens for c in cells)),
                fmt.count(sum(c.performance.completion_tokens for c in cells)),
                _rate(answering, sum(c.performance.completion_tokens for c in answering)),
                _rate(scoring, sum(c.performance.prompt_tokens for c in scoring)),
                fmt.size(max(c.performance.peak_memory for c in cells)),
            )
        )
    return rows


def _rate(cells: list[Cell], tokens: int) -> str:
    seconds = sum(c.performance.engine_seconds for c in cells)
    return fmt.rate(tokens / seconds if seconds > 0 and tokens else None)


def answer_sessions(cells: Iterable[Cell]) -> list[Session]:
    """The sessions that answered for cells, each once."""
    return list({(s.model, s.id): s for c in cells for s in c.provenance.sessions}.values())


def judge_name(judge: JudgeFacts) -> str:
    """A judge and its revision as text."""
    return f"{judge.id} @ {fmt.short(judge.revision)}"


def code(found: Provenance) -> str:
    """The commit that scored a cell and whether the tree was as committed."""
    state = {True: "with uncommitted changes", False: "clean", None: "state of the tree unknown"}
    return f"{fmt.short(found.git_commit)} ({state[found.git_dirty]})"


def machine(found: Hardware) -> tuple[str, ...]:
    """A machine as text."""
    return (
        found.device,
        fmt.size(found.device_memory),
        found.processor or fmt.NONE,
        fmt.count(found.cores),
        fmt.size(found.memory),
        found.platform,
    )
