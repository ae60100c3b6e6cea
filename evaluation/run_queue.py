"""Run the queue of a model: every open request answered, each response on the disk at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from evaluation.engines.base import Engine, Pool
from evaluation.errors import EvaluationError
from evaluation.monitor import Monitor
from evaluation.progress import Progress
from evaluation.queue import TaskState
from evaluation.records import Response, Session, Usage

log = logging.getLogger(__name__)


def run_queue(
    states: Sequence[TaskState], load: Callable[[], Engine], progress: Progress
) -> Engine | None:
    """Answer all open requests of all tasks; returns the engine, or None if nothing was open.

    Every response is in its journal before the next one is asked for.
    """
    owners: dict[str, TaskState] = {}
    pool: Pool = Pool()
    for state in states:
        for key, request in state.unanswered:
            owners[key] = state
            pool.append(state.pooled(key, request))
    if not pool:
        return None
    progress.start(len(pool))
    engine = load()
    record = Recorder(states)
    with Monitor(engine.session.hardware.device_uuid) as monitor:
        try:
            for response in engine.run(pool):
                monitor.add(response)
                state = owners.pop(response.key)
                record.take(state, response, engine.session)
                follow_up = state.follow_up(response)
                if follow_up is not None:
                    key = state.key(follow_up)
                    owners[key] = state
                    pool.append(state.pooled(key, follow_up))
                progress.advance(response, more=follow_up is not None)
        finally:
            usage = monitor.usage(engine.counters)
            record.end(engine.session, usage)
    progress.close()
    if record.held:
        raise EvaluationError(
            f"All {len(record.held)} requests failed, the first with: {record.held[0][1].error}",
            where=f"model {engine.session.model}, dataset {record.held[0][0].task.dataset} and "
            "others",
            remedy="the model or its tokenizer does not work as it is; the log has the tracebacks",
        )
    if owners:
        raise RuntimeError(f"the engine left {len(owners)} requests without a response")
    # Only now: it takes memory and processor time that are no part of the run.
    ceiling = engine.ceiling()
    if ceiling is not None:
        record.end(engine.session, usage.model_copy(update={"ceiling": ceiling}))
    return engine


class Recorder:
    """Puts responses into the journals of their tasks, each behind its session.

    Until something works, failures may be the model's and not the samples': they are `held`.
    """

    def __init__(self, states: Sequence[TaskState]) -> None:
        self.works = any(r.error is None for state in states for r in state.used)
        self.held: list[tuple[TaskState, Response, Session]] = []
        self.opened: dict[tuple[int, str], TaskState] = {}

    def take(self, state: TaskState, response: Response, session: Session) -> None:
        """Keep a response; it is on the disk before the next one is asked for."""
        state.used.append(response)
        self.held.append((state, response, session))
        self.works = self.works or response.error is None
        if not self.works:
            return
        for owner, done, its_session in self.held:
            if (id(owner), its_session.id) not in self.opened:
                owner.journal.append([its_session])
                self.opened[id(owner), its_session.id] = owner
            owner.journal.append([done])
        self.held.clear()

    def end(self, session: Session, usage: Usage) -> None:
        """Add to a session what its run took; what stopped the run is never hidden by it."""
        measured = session.model_copy(update={"usage": usage})
        for (_, opened), state in self.opened.items():
            if opened == session.id:
                try:
                    state.journal.append([measured])
                except EvaluationError as error:
                    log.warning("the measurements of a session are lost: %s", error)
