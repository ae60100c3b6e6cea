"""The queue of a model: open requests of all its pending datasets, run with one load.

Each task is one (dataset, slice) of a model and preset. The first generate job of a model runs
all tasks' open requests in one pool and writes each response to its task's journal; the jobs
after it find their journals complete and only write their files. Judging works the same way, with
tasks and states of its own (judge.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, PromptSettings
from evaluation.engines.base import PooledRequest
from evaluation.errors import EvaluationError
from evaluation.files import parse_record, read_lines, read_record, read_text, write_records
from evaluation.journal import Journal
from evaluation.records import (
    DatasetManifest,
    Record,
    Response,
    ResponsesHeader,
    Sample,
    Session,
)
from evaluation.requests import (
    EngineIdentity,
    Exchange,
    exchanges,
    first_requests,
    request_key,
)
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
    def variant(self) -> str:
        """How the dataset is asked, e.g. `harness-25shot`."""
        return f"{self.prompt.protocol}-{self.prompt.few_shot}shot"

    @property
    def slice(self) -> str:
        """The slice's name, e.g. `20-100`."""
        return f"{self.start}-{self.stop}"

    @property
    def group(self) -> str:
        """What an exact batch may not mix with anything else."""
        return f"{self.dataset}/{self.variant}/{self.slice}"


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
        open_requests = []
        for sample in self.samples.values():
            for key, request, response in self.exchanges(sample):
                if response is None:
                    open_requests.append((key, request))
                else:
                    self.used.append(response)
        if self.engine.exact and open_requests:
            # Exact batches are whole or not at all: a partly answered slice starts again.
            self.used.clear()
            return [(self.key(request), request) for request in self.first_requests()]
        return open_requests

    def key(self, request: AnyRequest) -> str:
        """The key of one of the task's requests."""
        return request_key(self.task.dataset, request, self.engine)

    def exchanges(self, sample: Sample) -> Iterator[Exchange]:
        """A sample's requests with their responses in the journal."""
        task, known = self.task, self.journal.responses
        return exchanges(task.dataset, sample, self.pool, task.prompt, self.engine, known)

    def first_requests(self) -> list[AnyRequest]:
        """The first requests of all samples."""
        samples = list(self.samples.values())
        return first_requests(self.task.dataset, samples, self.pool, self.task.prompt)

    def follow_up(self, response: Response) -> AnyRequest | None:
        """The request that comes after a response, if any."""
        if response.error is not None:
            return None
        answers = [
            split_thinking(r.text)[1]
            for r in sorted(self.used, key=lambda r: r.turn)
            if (r.sample_id, r.repeat) == (response.sample_id, response.repeat)
            and r.turn <= response.turn
        ]
        return self.next_request(self.samples[response.sample_id], response.repeat, answers)

    def next_request(
        self, sample: Sample, repeat: int, answers: Sequence[str]
    ) -> AnyRequest | None:
        """What comes after the answers that an attempt has so far, if anything."""
        shots = self.benchmark.pick_few_shot(sample, self.pool, self.task.prompt.few_shot)
        return self.benchmark.follow_up(sample, shots, self.task.prompt, answers)

    def pooled(self, key: str, request: AnyRequest) -> PooledRequest:
        """A request as it enters the pool."""
        return PooledRequest(key=key, group=self.task.group, request=request)

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


TaskT = TypeVar("TaskT", bound=Task)


def open_tasks(
    tasks: Sequence[TaskT],
    engine: EngineIdentity,
    state: Callable[[TaskT, EngineIdentity], TaskState] = TaskState,
) -> list[TaskState]:
    """The states of all tasks whose dataset is prepared; the first one must be.

    Another dataset that failed to prepare, or cannot be read, costs only itself: its own job
    reports it.
    """
    states = [state(tasks[0], engine)]
    for task in tasks[1:]:
        try:
            states.append(state(task, engine))
        except EvaluationError as error:
            log.warning("dataset %s is left out of the queue: %s", task.dataset, error)
    return states


def write_responses(state: TaskState, model: str, preset: str, output: Path) -> None:
    """Write a complete task's responses file, then remove its journal."""
    order = {sample_id: index for index, sample_id in enumerate(state.samples)}
    responses = sorted(state.used, key=lambda r: (order[r.sample_id], r.repeat, r.turn))
    write_records(output, [state.header(model, preset), *responses])
    state.journal.remove()


def read_responses(files: Sequence[Path]) -> tuple[list[Response], list[Session]]:
    """All responses of some responses files and the sessions they came from."""
    responses: list[Response] = []
    sessions: dict[str, Session] = {}
    for path in files:
        remedy = f"delete {path} and run again: it is rebuilt"
        head, _, body = read_text(path).partition("\n")
        header = parse_record(head, ResponsesHeader, f"{path}, line 1", remedy)
        sessions |= {session.id: session for session in header.sessions}
        responses += [
            parse_record(line, Response, f"{path}, line {number}", remedy)
            for number, line in enumerate(body.split("\n"), 2)
            if line
        ]
    return responses, list(sessions.values())
