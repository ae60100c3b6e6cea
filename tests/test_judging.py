"""Judging: one load rates all answers, ratings belong to their judge, and what a result says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation import run_notes
from evaluation.aggregate import to_cell, write_tables
from evaluation.benchmarks import mt_bench_judge
from evaluation.benchmarks.base import PromptSettings
from evaluation.config import EndpointSettings, EngineSettings, Preset
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.counters import Counters
from evaluation.errors import EvaluationError
from evaluation.files import read_lines, read_record, write_record
from evaluation.generate import Machine
from evaluation.journal import Journal
from evaluation.judge import JudgeJob, JudgeMachine, JudgeTask, judge
from evaluation.judging import EndpointJudge, Judge, ModelJudge, judge_requests_digest
from evaluation.models.directory import describe
from evaluation.prepare import PrepareSettings, prepare_dataset
from evaluation.progress import Progress
from evaluation.queue import Task, open_tasks, write_responses
from evaluation.records import (
    Aggregate,
    GenerateRequest,
    ModelFile,
    ModelManifest,
    Response,
    Result,
    Sample,
    Score,
)
from evaluation.requests import identity, requests_digest
from evaluation.run_queue import run_queue
from evaluation.scoring import ScoreSettings, score
from tests.openai_server import Server, completion
from tests.synthetic_results import session
from tests.tiny_models import build

PROMPT = PromptSettings(protocol="chat", max_new_tokens=16, seed=1)
COUNT = 10
KEY = "sk-secret-0123456789"


class Stopped(BaseException):
    """What a kill or Ctrl-C is to the queue."""


class Fake:
    """An engine that answers with `reply(request)`; an exception in its place is a failure."""

    def __init__(
        self,
        reply: Callable[[GenerateRequest], str | Exception],
        name: str = "fake",
        stop_after: int | None = None,
    ) -> None:
        self.counters = Counters()
        self.session = session(id=f"session of {name}", model=name, load_seconds=2.0)
        self.reply = reply
        self.stop_after = stop_after
        self.asked: list[PooledRequest] = []

    def ceiling(self) -> None:
        return None

    def run(self, pool: Pool) -> Iterator[Response]:
        while pool:
            item = pool.popleft()
            if self.stop_after is not None and len(self.asked) >= self.stop_after:
                raise Stopped
            self.asked.append(item)
            request = item.request
            assert isinstance(request, GenerateRequest)
            reply = self.reply(request)
            failed = isinstance(reply, Exception)
            yield Response(
                key=item.key,
                sample_id=request.sample_id,
                turn=request.turn,
                repeat=request.repeat,
                session=self.session.id,
                prompt="p",
                text="" if failed else str(reply),
                finish_reason="error" if failed else "stop",
                prompt_tokens=10,
                completion_tokens=3,
                error=str(reply) if failed else None,
            )


def model(name: str, **changes: Any) -> ModelManifest:
    fields: dict[str, Any] = {
        "model": name,
        "source": "hub",
        "id": f"org/{name}",
        "revision": f"commit of {name}",
        "licence": "MIT",
        "directory": "d",
        "files": [ModelFile(name="model.safetensors", size=1)],
        "fingerprint": f"weights of {name}",
        "architecture": "A",
        "parameters": 1,
        "context_length": 1,
        "chat_template": True,
    }
    return ModelManifest(**fields | changes)


def by_model(name: str = "referee", **changes: Any) -> ModelJudge:
    fields: dict[str, Any] = {
        "name": name,
        "preset": "balanced",
        "engine": EngineSettings(),
        "engine_revision": 1,
        "thinking": False,
        "max_new_tokens": 64,
    }
    return ModelJudge(**fields | changes)


class Folder:
    """A workflow's folder, the current one: MT-Bench prepared and answered by two models."""

    def __init__(self, path: Path) -> None:
        self.path = path
        settings = PrepareSettings(
            dataset="mt_bench",
            source="bundled",
            revision=None,
            mirror=None,
            few_shot=0,
            seed=1,
            normaliser="",
        )
        prepare_dataset(settings, Path("data/mt_bench.jsonl"), Path("data/mt_bench.manifest.json"))
        self.samples = read_lines(Path("data/mt_bench.jsonl"), Sample, limit=COUNT)
        for name in ("one", "two", "referee"):
            write_record(Path(f"models/{name}.json"), model(name))
        for name in ("one", "two"):
            self.answer(name)

    def answer(
        self, name: str, reply: Callable[[GenerateRequest], str | Exception] | None = None
    ) -> None:
        """Answers of a model; both say the same unless told otherwise."""
        task = Task(
            dataset="mt_bench",
            start=0,
            stop=COUNT,
            prompt=PROMPT,
            samples="data/mt_bench.jsonl",
            manifest="data/mt_bench.manifest.json",
            journal=f"results/journals/{name}.jsonl",
        )
        manifest = read_record(Path(f"models/{name}.json"), ModelManifest)
        engine = identity(manifest.fingerprint, "balanced", EngineSettings(), 1, thinking=False)
        states = open_tasks([task], engine)
        fake = Fake(reply or (lambda r: f"answer {r.turn}"), name)
        run_queue(states, lambda: fake, Progress("test"))
        write_responses(states[0], name, "balanced", self.responses(name))

    def responses(self, name: str) -> Path:
        return Path(f"results/responses/{name}.jsonl")

    def judgments(self, name: str, who: Judge) -> Path:
        return Path(f"results/judgments/{who.name}/{name}.jsonl")

    def task(self, name: str, who: Judge) -> JudgeTask:
        return JudgeTask(
            dataset="mt_bench",
            start=0,
            stop=COUNT,
            prompt=PROMPT,
            samples="data/mt_bench.jsonl",
            manifest="data/mt_bench.manifest.json",
            journal=f"results/journals/judge-{who.name}/{name}/balanced/mt_bench/chat/0-10.jsonl",
            model=name,
            preset="balanced",
            responses=str(self.responses(name)),
        )

    def judge(self, name: str, who: Judge | None = None, **machine: Any) -> None:
        """A judge job, whose queue are both models' answers."""
        who = who or by_model()
        local = isinstance(who, ModelJudge)
        if local and not machine:
            preset = Preset(batch_tokens=100_000, batch_rows=16)
            machine = {"local": Machine(engine=EngineSettings(device="cpu"), preset=preset)}
        judge(
            JudgeJob(judge=who, task=self.task(name, who), requests="digest"),
            JudgeMachine(**machine),
            [self.task(n, who) for n in ("one", "two") if not self.judgments(n, who).exists()],
            Path(f"models/{who.name}.json") if local else None,
            self.judgments(name, who),
            threads=1,
        )

    def score(self, name: str = "one", who: Judge | None = None, **changes: Any) -> Result:
        judged = {"judge": who or by_model()} | changes
        found = judged["judge"]
        return score(
            ScoreSettings(
                **{
                    "model": name,
                    "dataset": "mt_bench",
                    "tier": "quick",
                    "size": COUNT,
                    "preset": "balanced",
                    "prompt": PROMPT,
                    "sandbox": None,
                    "engine": EngineSettings(),
                    "engine_revision": 1,
                    "thinking": False,
                    **judged,
                }
            ),
            [self.responses(name)],
            Path("data/mt_bench.jsonl"),
            Path("data/mt_bench.manifest.json"),
            Path(f"models/{name}.json"),
            1,
            [self.judgments(name, found)] if found else [],
            Path(f"models/{found.name}.json") if isinstance(found, ModelJudge) else None,
        )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


def rating(request: GenerateRequest) -> str:
    """8 for first answers, 5 for second ones."""
    return f"Fine.\nRating: [[{8 - 3 * request.repeat}]]"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fake]:
    """Makes the next local judge a fake one; only one load is allowed."""

    def load(reply: Callable[[GenerateRequest], str | Exception] = rating, **kind: Any) -> Fake:
        fake, loads = Fake(reply, **kind), []

        def once(*_: Any, **__: Any) -> Fake:
            assert not loads, "the judge was loaded again"
            loads.append(1)
            return fake

        monkeypatch.setattr("evaluation.judge.load_model", once)
        return fake

    return load


def by_metric(result: Result) -> dict[str, Score]:
    return {one.metric: one for one in result.scores}


# ---- one load for all answers --------------------------------------------------------------


def test_the_first_job_rates_all_models_answers_and_the_next_only_writes(
    folder: Folder, loaded: Callable[..., Fake]
) -> None:
    fake = loaded()
    folder.judge("one")
    assert len(fake.asked) == 2 * COUNT * 2, "though the answers of both are the same"
    assert len({item.key for item in fake.asked}) == len(fake.asked)
    assert not Path(folder.task("one", by_model()).journal).exists()
    folder.judge("two")
    assert len(fake.asked) == 2 * COUNT * 2
    assert [note.model for note in run_notes.loads()] == ["referee (judge)"]
    for name in ("one", "two"):
        result = folder.score(name)
        assert by_metric(result)["rating"].value == 6.5
        assert by_metric(result)["rating_turn_1"].value == 8
        assert by_metric(result)["rating_turn_2"].value == 5
        assert {c.value for c in result.categories} == {6.5}


def test_the_judge_sees_the_answers_without_their_thinking(
    folder: Folder, loaded: Callable[..., Fake]
) -> None:
    folder.answer("one", lambda r: f"<think>hm</think>said {r.turn}")
    fake = loaded()
    folder.judge("one")
    texts = [
        item.request.messages[-1].content
        for item in fake.asked
        if isinstance(item.request, GenerateRequest) and "said" in item.request.messages[-1].content
    ]
    assert len(texts) == 2 * COUNT
    assert not any("hm" in text for text in texts)


@pytest.mark.parametrize("count", [1, 7, 20, 33])
def test_after_a_kill_only_open_ratings_are_asked_for(
    folder: Folder, loaded: Callable[..., Fake], count: int
) -> None:
    def unsure(request: GenerateRequest) -> str:
        return rating(request) if request.turn else "Hm."

    first = loaded(unsure, stop_after=count)
    with pytest.raises(Stopped):
        folder.judge("one")
    second = loaded(unsure)
    folder.judge("one")
    assert len(first.asked) + len(second.asked) == 2 * COUNT * 2 * 2
    assert not {item.key for item in first.asked} & {item.key for item in second.asked}
    loaded()
    folder.judge("two")
    assert by_metric(folder.score("two"))["rating"].value == 6.5


def test_answers_that_are_not_there_yet_cost_only_their_own_job(
    folder: Folder, loaded: Callable[..., Fake]
) -> None:
    folder.responses("two").unlink()
    fake = loaded()
    folder.judge("one")
    assert len(fake.asked) == COUNT * 2


def test_an_answer_that_failed_is_not_rated(folder: Folder, loaded: Callable[..., Fake]) -> None:
    bad = folder.samples[3].id
    folder.answer(
        "one", lambda r: ValueError("broken") if (r.sample_id, r.turn) == (bad, 1) else "fine"
    )
    fake = loaded()
    folder.judge("one")
    assert (bad, "one") not in {
        (item.request.sample_id, item.group.partition("/")[0]) for item in fake.asked
    }
    result = folder.score()
    assert result.judge is not None
    assert (result.judge.asked, result.judge.parsed) == (2 * COUNT - 2, 2 * COUNT - 2)
    assert [s.status for s in result.samples if s.id == bad] == ["failed"]


def test_nothing_to_rate_needs_no_judge(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("the judge was loaded for nothing")

    monkeypatch.setattr("evaluation.judge.load_model", never)
    path = folder.responses("one")
    head, *lines = path.read_text().splitlines()
    failed = [json.loads(x) | {"error": "broken", "finish_reason": "error"} for x in lines[::2]]
    path.write_text("\n".join([head, *map(json.dumps, failed)]) + "\n")
    folder.responses("two").unlink()
    folder.judge("one")
    assert folder.judgments("one", by_model()).exists()


# ---- replies without a rating --------------------------------------------------------------


def test_an_unreadable_reply_is_asked_again_once_in_the_same_conversation(
    folder: Folder, loaded: Callable[..., Fake]
) -> None:
    first = folder.samples[0].id

    def mumbling(request: GenerateRequest) -> str:
        if request.sample_id == first and request.repeat == 0:
            return "Hm." if request.turn == 0 else "<think>[[2]]</think>[[4]]"
        return rating(request)

    fake = loaded(mumbling)
    folder.judge("one")
    again = [item.request for item in fake.asked if item.request.turn > 0]
    assert [(r.sample_id, r.repeat, r.turn) for r in again] == [(first, 0, 1)] * 2
    assert isinstance(again[0], GenerateRequest)
    assert again[0].messages[-2].content == "Hm."
    result = folder.score()
    assert result.judge is not None
    assert (result.judge.parsed, result.judge.retried) == (2 * COUNT, 1)
    (sample,) = (s for s in result.samples if s.id == first)
    assert sample.scores["rating_turn_1"] == 4
    assert [(t.repeat, t.response) for t in sample.judgments] == [
        (0, "Hm."),
        (0, "[[4]]"),
        (1, rating(GenerateRequest(sample_id="", repeat=1, max_new_tokens=1))),
    ]


def test_one_unreadable_rating_is_left_out_bounded_and_flagged(
    folder: Folder, loaded: Callable[..., Fake]
) -> None:
    first = folder.samples[0].id
    loaded(lambda r: "Hm." if (r.sample_id, r.repeat) == (first, 1) else rating(r))
    folder.judge("one")
    result = folder.score()
    scores = by_metric(result)
    assert scores["rating"].value == pytest.approx((8 + 9 * 6.5) / 10)
    assert scores["rating_lower"].value == pytest.approx(((8 + 1) / 2 + 9 * 6.5) / 10)
    assert scores["rating_upper"].value == pytest.approx(((8 + 10) / 2 + 9 * 6.5) / 10)
    assert (scores["parse_rate"].value, scores["parse_rate"].n) == (0.95, 20)
    assert "1 of 20 ratings could not be read" in result.flags
    assert result.samples[0].reason == "the judge's rating of turn 2 could not be read"


def test_below_95_percent_there_is_no_score_but_everything_else(
    folder: Folder, loaded: Callable[..., Fake]
) -> None:
    ids = [s.id for s in folder.samples[:2]]
    loaded(lambda r: "Hm." if r.sample_id in ids and r.repeat == 0 else rating(r))
    folder.judge("one")
    result = folder.score()
    scores = by_metric(result)
    reason = "invalid: the judge's rating could be read from 18 of 20 answers (90%), 95% are needed"
    assert (scores["rating"].value, scores["rating"].reason) == (None, reason)
    assert result.flags[:1] == [reason]
    assert result.categories == []
    assert scores["rating_turn_1"].value == 8
    assert scores["rating_lower"].value is not None


def test_a_judge_that_fails_on_some_is_counted(folder: Folder, loaded: Callable[..., Fake]) -> None:
    first = folder.samples[0].id
    loaded(lambda r: ValueError("too long") if r.sample_id == first else rating(r))
    folder.judge("one")
    result = folder.score()
    assert result.judge is not None
    assert (result.judge.asked, result.judge.parsed, result.judge.failed) == (20, 18, 2)
    assert "2 of the judge's requests failed" in result.flags
    assert result.samples[0].status == "not scored"
    assert result.samples[0].judgments[0].error == "too long"
    assert result.counts.not_scored == 1


# ---- whose ratings they are ----------------------------------------------------------------


def test_a_result_names_its_judge(folder: Folder, loaded: Callable[..., Fake]) -> None:
    loaded()
    folder.judge("one")
    facts = folder.score().judge
    assert facts is not None
    assert (facts.name, facts.id, facts.revision) == (
        "referee",
        "org/referee",
        "commit of referee",
    )
    assert not facts.self_judged
    assert (facts.prompt_tokens, facts.completion_tokens) == (200, 60)
    assert [s.id for s in facts.sessions] == ["session of fake"]


@pytest.mark.parametrize("changes", [{"id": "org/one"}, {"fingerprint": "weights of one"}])
def test_a_model_that_rates_itself_is_labelled_under_any_name(
    folder: Folder, loaded: Callable[..., Fake], changes: dict[str, str]
) -> None:
    write_record(Path("models/referee.json"), model("referee", **changes))
    loaded()
    folder.judge("one")
    folder.judge("two")
    result, other = folder.score("one"), folder.score("two")
    assert result.judge is not None and result.judge.self_judged
    assert "self-judged" in result.flags
    assert other.judge is not None and not other.judge.self_judged
    assert "self-judged" not in other.flags
    cells = [to_cell(result), to_cell(other)]
    found = Aggregate(tier="quick", models=["one", "two"], datasets=["mt_bench"], cells=cells)
    write_tables(found, *(Path(f"all.{kind}") for kind in ("json", "csv", "parquet")))
    head, *rows = [line.split(",") for line in Path("all.csv").read_text().splitlines()]
    labels = {(r[head.index("model")], r[head.index("self_judged")]) for r in rows}
    assert labels == {("one", "True"), ("two", "False")}


@pytest.mark.parametrize(
    ("asked", "reported", "expected"),
    [
        ("one", "x", True),
        ("ORG/One", "x", True),
        ("alias", "/models/one", True),
        ("someone", "two", False),
        ("gpt", "", False),
    ],
)
def test_an_endpoint_that_serves_the_judged_model_is_labelled(
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    reported: str,
    expected: bool,
) -> None:
    fake = Fake(rating)
    fake.session = fake.session.model_copy(update={"revision": f"{reported}, fp_1"})
    monkeypatch.setattr("evaluation.judge.OpenAIEngine", lambda *_: fake)
    who = EndpointJudge(base_url="http://h/v1", model=asked, engine_revision=1, max_new_tokens=64)
    endpoint = EndpointSettings(base_url="http://h/v1", model=asked)
    folder.judge("one", who, endpoint=endpoint)
    facts = folder.score("one", who).judge
    assert facts is not None
    assert facts.self_judged is expected
    assert (facts.id, facts.revision) == (asked, f"{reported}, fp_1")


def test_without_a_judge_answers_are_kept_unrated(folder: Folder) -> None:
    result = folder.score(judge=None)
    (primary,) = result.scores
    assert (primary.value, primary.reason) == (None, "not scored: no judge")
    assert result.judge is None
    assert {s.status for s in result.samples} == {"not scored"}
    assert all(len(s.turns) == 2 and s.judgments == [] for s in result.samples)


@pytest.mark.parametrize(
    "changes",
    [
        {"thinking": True},
        {"preset": "throughput"},
        {"engine_revision": 2},
        {"engine": EngineSettings(dtype="float16")},
    ],
)
def test_a_changed_judge_rates_anew(
    folder: Folder, loaded: Callable[..., Fake], changes: dict[str, Any]
) -> None:
    loaded(stop_after=30)
    with pytest.raises(Stopped):
        folder.judge("one")
    fake = loaded()
    folder.judge("one", by_model(**changes))
    assert len(fake.asked) == 2 * COUNT * 2, "the journals are another judge's"
    with pytest.raises(EvaluationError, match="by another judge") as caught:
        folder.score("one", by_model())
    assert "delete results/judgments/referee/one/balanced/mt_bench/" in str(caught.value)


def test_changed_answers_are_rated_anew(folder: Folder, loaded: Callable[..., Fake]) -> None:
    loaded()
    folder.judge("one")
    folder.answer("one", lambda r: "another answer")
    with pytest.raises(EvaluationError, match="other answers than the current ones"):
        folder.score("one")


def test_edited_judge_prompts_change_the_judges_digest_and_no_other(
    folder: Folder, loaded: Callable[..., Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded()
    folder.judge("one")
    before = judge_requests_digest("mt_bench"), requests_digest("mt_bench", PROMPT)
    for name in ("SYSTEM", "OPEN_CRITERIA", "REFERENCE_CRITERIA", "RATING_LINE", "RETRY"):
        with monkeypatch.context() as edit:
            edit.setattr(mt_bench_judge, name, "Other words.")
            assert judge_requests_digest("mt_bench") != before[0], name
            assert requests_digest("mt_bench", PROMPT) == before[1]
    monkeypatch.setattr(mt_bench_judge, "SYSTEM", "Other words.")
    with pytest.raises(EvaluationError, match="with other words"):
        folder.score("one")


def test_exact_batches_of_one_models_answers_start_again_as_a_whole(
    folder: Folder, loaded: Callable[..., Fake]
) -> None:
    who = by_model(engine=EngineSettings(exact=True))
    loaded(stop_after=5)
    with pytest.raises(Stopped):
        folder.judge("one", who)
    assert len(Journal(Path(folder.task("one", who).journal)).responses) == 5
    fake = loaded()
    folder.judge("one", who)
    assert len(fake.asked) == 2 * COUNT * 2
    assert len({item.group for item in fake.asked}) == 2


# ---- real engines --------------------------------------------------------------------------


def test_a_tiny_random_model_judges_and_is_found_invalid(folder: Folder) -> None:
    weights = build("llama", folder.path / "tiny")
    record = describe("referee", "path", str(weights), "local", weights, hash_files=True)
    write_record(Path("models/referee.json"), record)
    who = by_model(max_new_tokens=4, engine=EngineSettings(device="cpu", dtype="float32"))
    preset = Preset(batch_tokens=100_000, batch_rows=64)
    local = Machine(engine=who.engine, preset=preset)
    folder.judge("one", who, local=local)
    result = folder.score("one", who)
    assert result.judge is not None
    assert (result.judge.asked, result.judge.parsed, result.judge.retried) == (20, 0, 20)
    scores = by_metric(result)
    assert "0 of 20 answers (0%)" in scores["rating"].reason
    assert (scores["rating_lower"].value, scores["rating_upper"].value) == (1, 10)
    assert [note.model for note in run_notes.loads()] == ["referee (judge)"]


def test_an_endpoint_judges_and_its_key_is_nowhere(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("JUDGE_KEY", KEY)
    server.answer = lambda number, body: completion("Good. Rating: [[9]]")
    who = EndpointJudge(
        base_url=server.url, model="big-judge", engine_revision=1, max_new_tokens=64
    )
    endpoint = EndpointSettings(
        base_url=server.url, model="big-judge", api_key_env="JUDGE_KEY", concurrency=4
    )
    try:
        folder.judge("one", who, endpoint=endpoint)
    finally:
        server.close()
    assert {h["authorization"] for h in server.headers} == {f"Bearer {KEY}"}
    result = folder.score("one", who)
    write_record(Path("result.json"), result)
    assert by_metric(result)["rating"].value == 9
    assert result.judge is not None
    assert (result.judge.name, result.judge.id) == ("endpoint", "big-judge")
    assert result.judge.revision == "big-judge-2031, fp_1"
    assert result.judge.prompt_tokens == 11 * 2 * COUNT
    assert run_notes.loads() == [], "nothing was loaded"
    files = [p for p in folder.path.rglob("*") if p.is_file()]
    assert len(files) > 8
    assert not [p for p in files if KEY.encode() in p.read_bytes()]
