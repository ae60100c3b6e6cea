"""One judge job: rate the answers of its own task, and with the same load those that wait.

The queue is that of generate (queue.py), and so are its journals: what differs is where requests
come from. A task's requests are made from the answers of one model, one for each answer, and a
reply without a readable rating gets one more request.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation.benchmarks.base import AnyRequest
from evaluation.config import EndpointSettings, Preset
from evaluation.engines.base import Engine
from evaluation.engines.openai_engine import OpenAIEngine
from evaluation.files import read_record
from evaluation.generate import Machine, load_model, one_at_a_time
from evaluation.judging import (
    Judge,
    ModelJudge,
    answers_of,
    judge_exchanges,
    judge_identity,
    judged,
    judgment_key,
)
from evaluation.progress import Progress
from evaluation.queue import (
    Task,
    TaskState,
    open_tasks,
    read_responses,
    write_responses,
)
from evaluation.records import ModelManifest, Record, Sample
from evaluation.requests import EngineIdentity, Exchange
from evaluation.run_notes import Load, note
from evaluation.run_queue import run_queue

log = logging.getLogger(__name__)


class JudgeTask(Task):
    """The answers of a model to one (dataset, slice), in the file `responses`, to be rated.

    `prompt` is what they were asked with.
    """

    model: str
    preset: str
    responses: str

    @property
    def group(self) -> str:
        """What an exact batch may not mix with anything else."""
        return f"{self.model}/{self.preset}/{super().group}"


class JudgeJob(Record):
    """The settings that decide a judge job's ratings.

    `requests` is the digest of what the judge is asked: a change in the judge's prompts makes
    Snakemake run the job again.
    """

    judge: Judge
    task: JudgeTask
    requests: str
    # Batch sizes decide ratings only where their composition is fixed.
    exact_preset: Preset | None = None


class JudgeMachine(Record):
    """How the judge is reached from here: changing it makes no rating invalid."""

    local: Machine | None = None
    endpoint: EndpointSettings | None = None


class JudgeState(TaskState):
    """A judge's task with the answers to rate and the judgments it has so far."""

    task: JudgeTask

    def __init__(self, task: JudgeTask, engine: EngineIdentity, max_new_tokens: int) -> None:
        self.judged = judged(task.dataset)
        self.max_new_tokens = max_new_tokens
        responses, _ = read_responses([Path(task.responses)])
        self.answers = answers_of(responses, task.prompt)
        super().__init__(task, engine)

    def key(self, request: AnyRequest) -> str:
        """The key of a request to the judge."""
        task = self.task
        return judgment_key(task.dataset, task.model, task.preset, request, self.engine)

    def exchanges(self, sample: Sample) -> Iterator[Exchange]:
        """The requests about a sample's answers with the judge's responses in the journal."""
        answers = self.answers.get(sample.id)
        if answers is None:
            return iter(())
        known = self.journal.responses
        return judge_exchanges(self.judged, sample, answers, self.max_new_tokens, self.key, known)

    def first_requests(self) -> list[AnyRequest]:
        """One request an answer."""
        return [
            request
            for sample in self.samples.values()
            if sample.id in self.answers
            for request in self.judged.judge_requests(
                sample, self.answers[sample.id], self.max_new_tokens
            )
        ]

    def next_request(
        self, sample: Sample, repeat: int, answers: Sequence[str]
    ) -> AnyRequest | None:
        """The retry after a reply without a rating."""
        evidence = self.answers[sample.id]
        (first,) = (
            request
            for request in self.judged.judge_requests(sample, evidence, self.max_new_tokens)
            if request.repeat == repeat
        )
        return self.judged.judge_follow_up(first, answers)


def judge(
    job: JudgeJob,
    machine: JudgeMachine,
    queue: Sequence[JudgeTask],
    manifest_path: Path | None,
    output: Path,
    threads: int | None,
) -> None:
    """Write `output`; `queue` lists the other pending tasks of the same judge.

    `manifest_path` is the judge's if it is a model of ours. Raises EvaluationError when the
    judge cannot be reached or loaded, or fails altogether; finished judgments are kept.
    """
    who, task = job.judge, job.task
    manifest = read_record(manifest_path, ModelManifest) if manifest_path is not None else None

    def load() -> Engine:
        if not isinstance(who, ModelJudge):
            assert machine.endpoint is not None
            return OpenAIEngine(who.name, machine.endpoint)
        assert manifest is not None
        assert manifest_path is not None
        assert machine.local is not None
        return load_model(
            manifest,
            manifest_path,
            machine.local,
            who.preset,
            thinking=who.thinking,
            threads=threads,
        )

    others = [other for other in queue if other != task]
    with one_at_a_time(Path(task.journal).parents[4]):
        states = open_tasks(
            [task, *others],
            judge_identity(who, manifest),
            lambda one, engine: JudgeState(one, engine, who.max_new_tokens),
        )
        label = f"judge {who.name}, {len(states)} sets of answers"
        engine = run_queue(states, load, Progress(label))
    if engine is not None and isinstance(who, ModelJudge):
        session = engine.session
        log.info("judge %s was loaded once for %d tasks", who.name, len(states))
        note(Load(model=f"{who.name} (judge)", seconds=session.load_seconds), session.id)
    write_responses(states[0], task.model, task.preset, output)
