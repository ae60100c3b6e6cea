"""The queue of a model: open requests of all its pending datasets, run with one load.

Each task is one (dataset, slice) of a model and preset. The first generate job of a model runs
all tasks' open requests in one pool and writes each response to its task's journal; the jobs
after it find their journals complete and only write their files.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, PromptSettings
from evaluation.engines.base import Engine, Pool, PooledRequest
from evaluation.errors import EvaluationError
from evaluation.files import read_lines, read_record, write_records
from evaluation.journal import Journal
from evaluation.progress import Progress
from evaluation.records import (
    DatasetManifest,
    Record,
    Response,
    ResponsesHeader,
    Sample,
)
from evaluation.requests import EngineIdentity, exchanges, first_requests, request_key
from evaluation.thinking import split_thinking

log = logging.getLogger(__name__)


class Task(Record):
    """One (dataset, slice) to be answered; paths are relative to the workflow's folder."""

    dataset: str
    start: int
    stop: int
    prompt: PromptSettings
    samples: str
    manifest: str
    journal: str

    @property
    def slice(self) -> str:
        """The slice's name, e.g. `20-100`."""
        return f"{self.start}-{self.stop}"


class TaskState:
    """A task with its samples and the responses it has so far."""

    def __init__(self, task: Task, engine: EngineIdentity) -> None:
        self.task = task
        self.engine = engine
        self.benchmark = benchmark(task.dataset)
        samples = read_lines(Path(task.samples), Sample, limit=task.stop)[task.start :]
        self.samples = {sample.id: sample for sample in samples}
        self.pool = read_record(Path(task.manifest), DatasetManifest).few_shot
        self.journal = Journal(Path(task.journal))
        self.used: list[Response] = []
        self.unanswered = self._open_requests()

    def _open_requests(self) -> list[tuple[str, AnyRequest]]:
        """Requests without a valid response in the journal, follow-ups included."""
        task, open_requests = self.task, []
        for sample in self.samples.values():
            for key, request, response in exchanges(
                task.dataset, sample, self.pool, task.prompt, self.engine, self.journal.responses
            ):
                if response is None:
                    open_requests.append((key, request))
                else:
                    self.used.append(response)
        if self.engine.exact and open_requests:
            # Exact batches are whole or not at all: a partly answered slice starts again.
            self.used.clear()
            samples = list(self.samples.values())
            return [
                (request_key(task.dataset, request, self.engine), request)
                for request in first_requests(task.dataset, samples, self.pool, task.prompt)
            ]
        return open_requests

    def _shots(self, sample: Sample) -> list[Sample]:
        return self.benchmark.pick_few_shot(sample, self.pool, self.task.prompt.few_shot)

    def follow_up(self, response: Response) -> AnyRequest | None:
        """The request that comes after a response, if any."""
        if response.error is not None:
            return None
        sample = self.samples[response.sample_id]
        answers = [
            split_thinking(r.text)[1]
            for r in sorted(self.used, key=lambda r: r.turn)
            if r.sample_id == sample.id and r.turn <= response.turn
        ]
        return self.benchmark.follow_up(sample, self._shots(sample), self.task.prompt, answers)

    def pooled(self, key: str, request: AnyRequest) -> PooledRequest:
        """A request as it enters the pool."""
        return PooledRequest(
            key=key, group=f"{self.task.dataset}/{self.task.slice}", request=request
        )

    def header(self, model: str, preset: str) -> ResponsesHeader:
        """The first line of the task's responses file."""
        sessions = {r.session for r in self.used}
        return ResponsesHeader(
            model=model,
            dataset=self.task.dataset,
            preset=preset,
            slice=self.task.slice,
            protocol=self.task.prompt.protocol,
            few_shot=self.task.prompt.few_shot,
            samples=len(self.samples),
            sessions=[s for s in self.journal.sessions.values() if s.id in sessions],
        )


def open_tasks(tasks: Sequence[Task], engine: EngineIdentity) -> list[TaskState]:
    """The states of all tasks whose dataset is prepared; the first one must be.

    Another dataset that failed to prepare, or cannot be read, costs only itself: its own job
    reports it.
    """
    states = [TaskState(tasks[0], engine)]
    for task in tasks[1:]:
        try:
            states.append(TaskState(task, engine))
        except EvaluationError as error:
            log.warning("dataset %s is left out of the queue: %s", task.dataset, error)
    return states


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
    opened: set[int] = set()
    # Until something works, failures may be the model's and not the samples': they are not kept.
    works = any(response.error is None for state in states for response in state.used)
    held: list[tuple[TaskState, Response]] = []
    for response in engine.run(pool):
        state = owners.pop(response.key)
        state.used.append(response)
        held.append((state, response))
        works = works or response.error is None
        if works:
            for owner, done in held:
                if id(owner) not in opened:
                    owner.journal.append([engine.session])
                    opened.add(id(owner))
                owner.journal.append([done])
            held.clear()
        follow_up = state.follow_up(response)
        if follow_up is not None:
            key = request_key(state.task.dataset, follow_up, state.engine)
            owners[key] = state
            pool.append(state.pooled(key, follow_up))
        progress.advance(response, more=follow_up is not None)
    progress.close()
    if held:
        raise EvaluationError(
            f"All {len(held)} requests failed, the first with: {held[0][1].error}",
            where=f"model {engine.session.model}, dataset {held[0][0].task.dataset} and others",
            remedy="the model or its tokenizer does not work as it is; the log has the tracebacks",
        )
    if owners:
        raise RuntimeError(f"the engine left {len(owners)} requests without a response")
    return engine


def write_responses(state: TaskState, model: str, preset: str, output: Path) -> None:
    """Write a complete task's responses file, then remove its journal."""
    order = {sample_id: index for index, sample_id in enumerate(state.samples)}
    responses = sorted(state.used, key=lambda r: (order[r.sample_id], r.turn))
    write_records(output, [state.header(model, preset), *responses])
    state.journal.remove()
