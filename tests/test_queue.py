"""The queue: journals decide what is open, every response is kept, follow-ups survive a stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import PromptSettings
from evaluation.config import EngineSettings
from evaluation.engines.base import Engine, Pool, PooledRequest
from evaluation.engines.counters import Counters
from evaluation.errors import EvaluationError
from evaluation.files import read_lines, write_record, write_records
from evaluation.journal import Journal
from evaluation.progress import Progress
from evaluation.queue import Task, TaskState, open_tasks, write_responses
from evaluation.records import (
    Ceiling,
    DatasetManifest,
    GenerateRequest,
    LoglikelihoodRequest,
    Response,
    ResponsesHeader,
    Sample,
    Session,
)
from evaluation.requests import EngineIdentity, identity
from evaluation.run_queue import run_queue
from tests.synthetic_results import session

PROMPTS = {
    "gsm8k": PromptSettings(protocol="chat", max_new_tokens=16, seed=1),
    "mt_bench": PromptSettings(protocol="chat", max_new_tokens=16, seed=1),
    "winogrande": PromptSettings(protocol="harness", few_shot=1, seed=1),
}


def rows(dataset: str, count: int) -> list[dict[str, object]]:
    """Rows of our own."""
    return [
        {
            "gsm8k": {"question": f"What is {i} + {i}?", "answer": f"Twice.\n#### {2 * i}"},
            "mt_bench": {
                "category": "math",
                "prompt": [f"What is {i} + {i}?", "And twice that?"],
                "reference": [],
                "prompt_id": 900_000 + i,
            },
            "winogrande": {
                "sentence": f"The tin did not fit on shelf {i} because the _ was too tall.",
                "option1": "tin",
                "option2": "shelf",
                "answer": "1",
            },
        }[dataset]
        for i in range(count)
    ]


class Folder:
    """A workflow's folder with prepared datasets."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self, dataset: str, count: int = 4) -> Task:
        """Write a dataset and its manifest; the task of all its samples."""
        kind = benchmark(dataset)
        *samples, shot = (
            kind.sample(raw, index) for index, raw in enumerate(rows(dataset, count + 1))
        )
        write_records(self.path / f"{dataset}.jsonl", samples)
        record = DatasetManifest(
            dataset=dataset,
            source="bundled",
            location="here",
            revision="1",
            licence="none",
            fingerprint="f",
            rows=count,
            seed=1,
            few_shot=[shot],
        )
        write_record(self.path / f"{dataset}.manifest.json", record)
        return self.task(dataset, 0, count)

    def task(self, dataset: str, start: int, stop: int) -> Task:
        return Task(
            dataset=dataset,
            start=start,
            stop=stop,
            prompt=PROMPTS[dataset],
            samples=str(self.path / f"{dataset}.jsonl"),
            manifest=str(self.path / f"{dataset}.manifest.json"),
            journal=str(self.path / f"journals/{dataset}/{start}-{stop}.jsonl"),
        )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def who(*, exact: bool = False, preset: str = "balanced", **changes: Any) -> EngineIdentity:
    found = identity("weights", preset, EngineSettings(exact=exact), 1, thinking=False)
    return found.model_copy(update=changes)


class Stopped(BaseException):
    """What a kill or Ctrl-C is to the queue."""


class Fake:
    """An engine that answers with the sample's name; stops or fails when told to."""

    def __init__(self, name: str, stop_after: int | None = None, fail: str = "") -> None:
        self.session = session(id=name)
        self.counters = Counters()
        self.stop_after = stop_after
        self.fail = fail
        self.asked: list[PooledRequest] = []

    def ceiling(self) -> Ceiling | None:
        return None

    def run(self, pool: Pool) -> Iterator[Response]:
        while pool:
            item = pool.popleft()
            if self.stop_after is not None and len(self.asked) >= self.stop_after:
                raise Stopped
            self.asked.append(item)
            yield self.answer(item)

    def answer(self, item: PooledRequest) -> Response:
        request = item.request
        broken = self.fail != "" and self.fail in request.sample_id
        return Response(
            key=item.key,
            sample_id=request.sample_id,
            turn=request.turn,
            session=self.session.id,
            prompt="p",
            text=f"<think>hm</think>{request.sample_id}, turn {request.turn}",
            finish_reason="error" if broken else "stop",
            error="RuntimeError: broken" if broken else None,
        )

    @property
    def names(self) -> list[tuple[str, int]]:
        """Samples and turns that were asked, in order."""
        return [(item.request.sample_id, item.request.turn) for item in self.asked]


def run(states: list[TaskState], engine: Fake) -> Engine | None:
    return run_queue(states, lambda: engine, Silent())


class Silent(Progress):
    """A progress line that only counts."""

    def __init__(self) -> None:
        super().__init__("test")
        self.total = self.done = 0

    def start(self, total: int) -> None:
        self.total = total

    def advance(self, response: Response, *, more: bool) -> None:
        self.done += 1
        self.total += more


def never() -> Engine:
    raise AssertionError("the engine was loaded though nothing is open")


def stop_after(count: int, tasks: list[Task], engine: EngineIdentity) -> Fake:
    """A run that is killed after `count` responses."""
    fake = Fake("first", stop_after=count)
    with pytest.raises(Stopped):
        run(open_tasks(tasks, engine), fake)
    return fake


def read(path: Path) -> tuple[ResponsesHeader, list[Response]]:
    head, *lines = path.read_text("utf-8").splitlines()
    return ResponsesHeader.model_validate_json(head), [
        Response.model_validate_json(line) for line in lines
    ]


GSM = [f"gsm8k/{i}" for i in range(4)]


# ---- one load for all ------------------------------------------------------------------------


def test_all_open_requests_of_all_tasks_go_to_one_engine(folder: Folder) -> None:
    tasks = [folder.prepare(name) for name in ("gsm8k", "winogrande", "mt_bench")]
    engine = Fake("one")
    states = open_tasks(tasks, who())
    assert run(states, engine) is engine
    assert len(engine.asked) == 4 + 4 + 4 * 2
    assert {item.group for item in engine.asked} == {
        "gsm8k/chat-0shot/0-4",
        "winogrande/harness-1shot/0-4",
        "mt_bench/chat-0shot/0-4",
    }
    assert len({item.key for item in engine.asked}) == 16
    for state, count in zip(states, (4, 4, 8), strict=True):
        journal = Journal(Path(state.task.journal))
        assert len(journal.responses) == count
        assert list(journal.sessions) == ["one"]


def test_requests_are_those_of_the_benchmark_with_its_worked_examples(folder: Folder) -> None:
    task = folder.prepare("winogrande", 1)
    engine = Fake("one")
    run(open_tasks([task], who()), engine)
    [item] = engine.asked
    assert isinstance(item.request, LoglikelihoodRequest)
    assert "shelf 1" in item.request.continuations[0].context, "the worked example"
    assert "shelf 0" in item.request.continuations[1].context


def test_a_slice_is_its_own_samples(folder: Folder) -> None:
    folder.prepare("gsm8k")
    engine = Fake("one")
    state = TaskState(folder.task("gsm8k", 1, 3), who())
    run([state], engine)
    assert [name for name, _ in engine.names] == GSM[1:3]
    assert {item.group for item in engine.asked} == {"gsm8k/chat-0shot/1-3"}


def test_responses_are_written_in_the_samples_order_and_the_journal_goes(folder: Folder) -> None:
    task = folder.prepare("mt_bench", 3)
    state = TaskState(task, who())

    class Backwards(Fake):
        def run(self, pool: Pool) -> Iterator[Response]:
            while pool:
                yield self.answer(pool.pop())

    run([state], Backwards("one"))
    output = folder.path / "out" / "responses.jsonl"
    write_responses(state, "tiny", "balanced", output)
    header, responses = read(output)
    assert [(r.sample_id, r.turn) for r in responses] == [
        (f"mt_bench/{900_000 + i}", turn) for i in range(3) for turn in range(2)
    ]
    assert (header.model, header.preset, header.dataset) == ("tiny", "balanced", "mt_bench")
    assert (header.slice, header.samples, header.protocol) == ("0-3", 3, "chat")
    assert [s.id for s in header.sessions] == ["one"]
    assert not Path(task.journal).exists()


def test_a_session_keeps_what_its_run_took(folder: Folder) -> None:
    tasks = [folder.prepare("gsm8k"), folder.prepare("mt_bench", 2)]
    engine = Fake("one")
    engine.counters.add("decode", tokens=6, seconds=2.0, rows=3)
    states = open_tasks(tasks, who())
    run(states, engine)
    for state in states:
        write_responses(state, "tiny", "balanced", folder.path / state.task.dataset)
        header, _ = read(folder.path / state.task.dataset)
        usage = header.sessions[0].usage
        assert usage is not None
        assert (usage.requests, usage.mean_rows, usage.device) == (8, 3.0, None)
        assert usage.phases["decode"].tokens == 6


def test_what_the_device_reaches_is_measured_once_the_run_is_over(folder: Folder) -> None:
    tasks = [folder.prepare("gsm8k"), folder.prepare("mt_bench", 2)]
    engine = Fake("one")
    best = Ceiling(dtype="bfloat16", bandwidth=4e10, matrix=1e12, weights=10, weight_bytes=22)
    asked_before = []

    def ceiling() -> Ceiling:
        asked_before.append(len(engine.asked))
        return best

    engine.ceiling = ceiling  # type: ignore[method-assign]
    states = open_tasks(tasks, who())
    run(states, engine)
    assert asked_before == [8]
    for state in states:
        write_responses(state, "tiny", "balanced", folder.path / state.task.dataset)
        header, _ = read(folder.path / state.task.dataset)
        (found,) = header.sessions
        assert found.usage is not None
        assert (found.usage.ceiling, found.usage.requests) == (best, 8)


def test_a_stopped_run_leaves_its_measurements_too(folder: Folder) -> None:
    tasks = [folder.prepare("gsm8k")]
    stop_after(2, tasks, who())
    usage = Journal(Path(tasks[0].journal)).sessions["first"].usage
    assert usage is not None
    assert usage.requests == 2


def test_measurements_that_cannot_be_written_hide_no_error(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = [folder.prepare("gsm8k")]
    append = Journal.append

    def full(self: Journal, records: Any) -> None:
        if any(isinstance(one, Session) and one.usage for one in records):
            raise EvaluationError("The disk is full.")
        append(self, records)

    monkeypatch.setattr(Journal, "append", full)
    stop_after(2, tasks, who())
    assert "measurements of a session are lost" in caplog.text
    assert len(Journal(Path(tasks[0].journal)).responses) == 2


def test_progress_counts_open_requests_and_follow_ups(folder: Folder) -> None:
    tasks = [folder.prepare("gsm8k"), folder.prepare("mt_bench", 2)]
    progress = Silent()
    run_queue(open_tasks(tasks, who()), lambda: Fake("one"), progress)
    assert (progress.total, progress.done) == (4 + 2 * 2, 4 + 2 * 2)


def test_variants_of_one_dataset_are_asked_with_one_load_and_kept_apart(folder: Folder) -> None:
    few = folder.prepare("winogrande")
    none = few.model_copy(
        update={
            "prompt": few.prompt.model_copy(update={"few_shot": 0}),
            "journal": str(folder.path / "journals/winogrande/harness-0shot/0-4.jsonl"),
        }
    )
    assert (few.variant, none.variant) == ("harness-1shot", "harness-0shot")
    engine = Fake("one")
    states = open_tasks([few, none], who())
    run(states, engine)
    assert len(engine.asked) == len({item.key for item in engine.asked}) == 8
    assert {item.group for item in engine.asked} == {
        "winogrande/harness-1shot/0-4",
        "winogrande/harness-0shot/0-4",
    }
    for state, shots in zip(states, (1, 0), strict=True):
        output = folder.path / "out.jsonl"
        write_responses(state, "tiny", "balanced", output)
        header, responses = read(output)
        assert (header.few_shot, len(responses)) == (shots, 4)
        asked = {item.key for item in engine.asked if state.task.variant in item.group}
        assert {r.key for r in responses} == asked


# ---- samples that cannot be scored -----------------------------------------------------------


def spoil(folder: Folder, dataset: str, *indices: int) -> list[str]:
    """Make some samples of a prepared dataset unscorable; the names of the others."""
    path = folder.path / f"{dataset}.jsonl"
    samples = read_lines(path, Sample)
    raw: dict[str, object] = {"unrelated": 1}
    found = [
        benchmark(dataset).sample(raw, index) if index in indices else sample
        for index, sample in enumerate(samples)
    ]
    write_records(path, found)
    return [sample.id for sample in found if not sample.unscorable]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("dataset", ["gsm8k", "winogrande", "mt_bench"])
def test_an_unscorable_sample_is_never_asked(folder: Folder, dataset: str, exact: bool) -> None:
    task = folder.prepare(dataset)
    usable = spoil(folder, dataset, 0, 2)
    engine = Fake("one")
    state = TaskState(task, who(exact=exact))
    run([state], engine)
    assert len(usable) == 2 and {name for name, _ in engine.names} == set(usable)
    output = folder.path / "out.jsonl"
    write_responses(state, "tiny", "balanced", output)
    header, responses = read(output)
    assert {r.sample_id for r in responses} == set(usable)
    assert header.samples == 4, "it is one of the slice's samples all the same"


@pytest.mark.parametrize("exact", [False, True])
def test_a_complete_journal_beside_unscorable_samples_loads_no_model(
    folder: Folder, exact: bool
) -> None:
    task = folder.prepare("gsm8k")
    spoil(folder, "gsm8k", 1)
    run(open_tasks([task], who(exact=exact)), Fake("one"))
    assert run_queue(open_tasks([task], who(exact=exact)), never, Silent()) is None


def test_a_slice_of_unscorable_samples_only_loads_no_model(folder: Folder) -> None:
    folder.prepare("gsm8k")
    spoil(folder, "gsm8k", 1)
    state = TaskState(folder.task("gsm8k", 1, 2), who())
    assert run_queue([state], never, Silent()) is None
    output = folder.path / "out.jsonl"
    write_responses(state, "tiny", "balanced", output)
    header, responses = read(output)
    assert (header.samples, header.sessions, responses) == (1, [], [])


# ---- complete and partial journals -----------------------------------------------------------


def test_with_complete_journals_the_engine_is_never_loaded(folder: Folder) -> None:
    tasks = [folder.prepare("gsm8k"), folder.prepare("mt_bench")]
    run(open_tasks(tasks, who()), Fake("one"))
    again = open_tasks(tasks, who())
    progress = Silent()
    assert run_queue(again, never, progress) is None
    assert progress.total == 0
    output = folder.path / "out.jsonl"
    write_responses(again[1], "tiny", "balanced", output)
    header, responses = read(output)
    assert len(responses) == 8 and [s.id for s in header.sessions] == ["one"]


@pytest.mark.parametrize("count", range(1, 4))
def test_after_a_stop_only_open_requests_are_asked(folder: Folder, count: int) -> None:
    task = folder.prepare("gsm8k")
    stop_after(count, [task], who())
    state = TaskState(task, who())
    second = Fake("second")
    run([state], second)
    assert [name for name, _ in second.names] == GSM[count:]
    output = folder.path / "out.jsonl"
    write_responses(state, "tiny", "balanced", output)
    header, responses = read(output)
    assert [r.sample_id for r in responses] == GSM
    assert [r.session for r in responses] == ["first"] * count + ["second"] * (4 - count)
    assert [s.id for s in header.sessions] == ["first", "second"]


def test_each_response_is_on_the_disk_before_the_next_is_asked_for(folder: Folder) -> None:
    task = folder.prepare("mt_bench", 3)
    written: list[int] = []

    class Watching(Fake):
        def run(self, pool: Pool) -> Iterator[Response]:
            while pool:
                item = pool.popleft()
                written.append(len(Journal(Path(task.journal)).responses))
                yield self.answer(item)

    run(open_tasks([task], who()), Watching("one"))
    assert written == list(range(6))


def test_a_torn_last_line_is_one_response_to_redo(folder: Folder) -> None:
    task = folder.prepare("gsm8k")
    stop_after(3, [task], who())
    journal = Path(task.journal)
    session_, *answers, _usage = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([session_, *answers])[:-20])
    second = Fake("second")
    state = TaskState(task, who())
    run([state], second)
    assert [name for name, _ in second.names] == GSM[2:]
    assert TaskState(task, who()).unanswered == [], "the journal is whole again"


def test_a_sample_that_failed_is_answered_and_has_no_follow_up(folder: Folder) -> None:
    task = folder.prepare("mt_bench", 2)
    engine = Fake("one", fail="900001")
    state = TaskState(task, who())
    run([state], engine)
    assert sorted(engine.names) == [
        ("mt_bench/900000", 0),
        ("mt_bench/900000", 1),
        ("mt_bench/900001", 0),
    ]
    assert TaskState(task, who()).unanswered == []


def test_an_engine_that_leaves_requests_unanswered_is_a_defect(folder: Folder) -> None:
    class Lazy(Fake):
        def run(self, pool: Pool) -> Iterator[Response]:
            yield self.answer(pool.popleft())

    with pytest.raises(RuntimeError, match="left 3 requests without a response"):
        run(open_tasks([folder.prepare("gsm8k")], who()), Lazy("one"))


# ---- follow-ups ------------------------------------------------------------------------------


def contents(item: PooledRequest) -> list[tuple[str, str]]:
    assert isinstance(item.request, GenerateRequest)
    return [(m.role, m.content) for m in item.request.messages]


def test_the_second_turn_carries_the_first_answer_without_its_thinking(folder: Folder) -> None:
    engine = Fake("one")
    run(open_tasks([folder.prepare("mt_bench", 1)], who()), engine)
    assert contents(engine.asked[1]) == [
        ("user", "What is 0 + 0?"),
        ("assistant", "mt_bench/900000, turn 0"),
        ("user", "And twice that?"),
    ]


@pytest.mark.parametrize("count", range(1, 8))
def test_second_turns_are_asked_after_a_resume(folder: Folder, count: int) -> None:
    task = folder.prepare("mt_bench", 4)
    first = stop_after(count, [task], who())
    second = Fake("second")
    state = TaskState(task, who())
    run([state], second)
    samples = [f"mt_bench/{900_000 + i}" for i in range(4)]
    asked = first.names + second.names
    assert sorted(asked) == [(name, turn) for name in samples for turn in range(2)]
    for item in second.asked:
        if item.request.turn == 1:
            assert contents(item)[1] == ("assistant", f"{item.request.sample_id}, turn 0")
    assert TaskState(task, who()).unanswered == []
    assert len(state.used) == 8


# ---- journals of something else --------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        who(model_fingerprint="other weights"),
        who(preset="throughput"),
        who(engine_revision=2),
        who(dtype="bfloat16"),
        who(thinking=True),
        who(exact=True),
    ],
    ids=lambda engine: " ".join(name for name, value in engine if value != getattr(who(), name)),
)
def test_a_journal_of_another_model_or_engine_is_not_used(
    folder: Folder, other: EngineIdentity
) -> None:
    task = folder.prepare("gsm8k")
    run(open_tasks([task], who()), Fake("first"))
    state = TaskState(task, other)
    second = Fake("second")
    run([state], second)
    assert [name for name, _ in second.names] == GSM
    assert {r.session for r in state.used} == {"second"}
    assert [s.id for s in state.header("m", "p").sessions] == ["second"]


@pytest.mark.parametrize("change", [{"max_new_tokens": 17}, {"protocol": "harness"}])
def test_a_journal_of_other_prompts_is_not_used(folder: Folder, change: dict[str, Any]) -> None:
    task = folder.prepare("gsm8k")
    run(open_tasks([task], who()), Fake("first"))
    changed = task.model_copy(update={"prompt": task.prompt.model_copy(update=change)})
    assert len(TaskState(changed, who()).unanswered) == 4


def test_an_edited_sample_alone_is_asked_again(folder: Folder) -> None:
    task = folder.prepare("gsm8k")
    run(open_tasks([task], who()), Fake("first"))
    path = Path(task.samples)
    samples = [Sample.model_validate_json(line) for line in path.read_text().splitlines()]
    row = {**samples[2].row, "question": "What is 7 + 7?"}
    samples[2] = samples[2].model_copy(update={"row": row})
    write_records(path, samples)
    state = TaskState(task, who())
    assert [request.sample_id for _, request in state.unanswered] == [GSM[2]]


# ---- datasets that cannot be read ------------------------------------------------------------


def remove_samples(folder: Folder) -> None:
    (folder.path / "winogrande.jsonl").unlink()


def cut_samples(folder: Folder) -> None:
    path = folder.path / "winogrande.jsonl"
    path.write_bytes(path.read_bytes()[:-30])


def empty_manifest(folder: Folder) -> None:
    (folder.path / "winogrande.manifest.json").write_text("{}")


DAMAGES = [remove_samples, cut_samples, empty_manifest]


@pytest.mark.parametrize("damage", DAMAGES)
def test_another_dataset_that_cannot_be_read_is_left_out(
    folder: Folder, damage: Callable[[Folder], None], caplog: pytest.LogCaptureFixture
) -> None:
    tasks = [folder.prepare(name) for name in ("gsm8k", "winogrande", "mt_bench")]
    damage(folder)
    with caplog.at_level(logging.WARNING):
        states = open_tasks(tasks, who())
    assert [state.task.dataset for state in states] == ["gsm8k", "mt_bench"]
    assert "dataset winogrande is left out of the queue" in caplog.text
    assert str(folder.path / "winogrande") in caplog.text
    engine = Fake("one")
    run(states, engine)
    assert len(engine.asked) == 4 + 8


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_job_s_own_dataset_must_be_readable(
    folder: Folder, damage: Callable[[Folder], None]
) -> None:
    tasks = [folder.prepare(name) for name in ("winogrande", "gsm8k")]
    damage(folder)
    with pytest.raises(EvaluationError) as caught:
        open_tasks(tasks, who())
    assert caught.value.what
    assert "winogrande" in caught.value.where
    assert "run" in caught.value.remedy


# ---- exact mode ------------------------------------------------------------------------------


@pytest.mark.parametrize("count", range(1, 8))
def test_exact_mode_redoes_a_partly_answered_slice_whole(folder: Folder, count: int) -> None:
    engine = who(exact=True)
    tasks = [folder.prepare("mt_bench", 4)]
    stop_after(count, tasks, engine)
    state = TaskState(tasks[0], engine)
    second = Fake("second")
    run([state], second)
    assert len(second.asked) == 8, "first turns and their follow-ups"
    output = folder.path / "out.jsonl"
    write_responses(state, "tiny", "balanced", output)
    header, responses = read(output)
    assert [r.session for r in responses] == ["second"] * 8
    assert [s.id for s in header.sessions] == ["second"]


def test_exact_mode_uses_a_complete_journal(folder: Folder) -> None:
    tasks = [folder.prepare("mt_bench"), folder.prepare("gsm8k")]
    run(open_tasks(tasks, who(exact=True)), Fake("one"))
    states = open_tasks(tasks, who(exact=True))
    assert run_queue(states, never, Silent()) is None
    assert [len(state.used) for state in states] == [8, 4]


def test_exact_mode_redoes_only_the_slice_that_is_open(folder: Folder) -> None:
    tasks = [folder.prepare("gsm8k"), folder.prepare("winogrande")]
    stop_after(6, tasks, who(exact=True))
    second = Fake("second")
    run(open_tasks(tasks, who(exact=True)), second)
    assert {item.group for item in second.asked} == {"winogrande/harness-1shot/0-4"}
    assert len(second.asked) == 4


def test_exact_slices_are_asked_in_the_same_order_after_a_stop(folder: Folder) -> None:
    task = folder.prepare("gsm8k")
    whole = Fake("whole")
    run(open_tasks([task], who(exact=True)), whole)
    Path(task.journal).unlink()
    stop_after(2, [task], who(exact=True))
    second = Fake("second")
    run(open_tasks([task], who(exact=True)), second)
    assert second.asked == whole.asked


# ---- the progress line -----------------------------------------------------------------------


def test_the_progress_line_names_the_model_and_counts(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    states = open_tasks([folder.prepare("mt_bench", 2)], who())
    run_queue(states, lambda: Fake("one"), Progress("tiny, 1 datasets"))
    line = capsys.readouterr().err.splitlines()[-1].rpartition("\r")[2]
    assert line.startswith("tiny, 1 datasets: 100%")
    assert " 4/4 " in line
    assert "left" in line and "tokens/s" in line


def test_nothing_open_prints_nothing(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    tasks = [folder.prepare("gsm8k")]
    run(open_tasks(tasks, who()), Fake("one"))
    run_queue(open_tasks(tasks, who()), never, Progress("tiny"))
    assert capsys.readouterr() == ("", "")


def test_the_speed_is_that_of_the_answers_tokens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([100.0, 102.0, 104.0])
    monkeypatch.setattr("evaluation.progress.perf_counter", lambda: next(clock))
    progress = Progress("tiny")
    progress.start(2)
    response = Fake("one").answer(
        PooledRequest(key="k", group="g", request=GenerateRequest(sample_id="s", max_new_tokens=1))
    )
    for tokens in (30, 50):
        progress.advance(response.model_copy(update={"completion_tokens": tokens}), more=False)
    progress.close()
    assert "20 tokens/s" in capsys.readouterr().err


def test_when_every_request_fails_nothing_is_kept_and_the_job_fails(folder: Folder) -> None:
    task = folder.prepare("mt_bench", 2)
    with pytest.raises(EvaluationError) as caught:
        run([TaskState(task, who())], Fake("one", fail="mt_bench"))
    assert "All 2 requests failed" in caught.value.what
    assert "RuntimeError: broken" in caught.value.what
    assert "mt_bench" in caught.value.where
    assert "does not work" in caught.value.remedy
    assert len(TaskState(task, who()).unanswered) == 2


def test_failures_before_the_first_success_are_kept_once_something_works(folder: Folder) -> None:
    task = folder.prepare("mt_bench", 2)
    run([TaskState(task, who())], Fake("one", fail="900000"))
    state = TaskState(task, who())
    assert state.unanswered == []
    assert sorted(r.error is None for r in state.used) == [False, True, True]
