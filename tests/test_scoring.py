"""Scoring: from responses made by hand to counts, flags, scores and provenance."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evaluation.benchmarks import benchmark
from evaluation.benchmarks.base import AnyRequest, Evidence, PromptSettings
from evaluation.benchmarks.gsm8k import Gsm8k
from evaluation.config import EngineSettings
from evaluation.errors import EvaluationError
from evaluation.files import read_lines, read_record, write_record, write_records
from evaluation.prepare import PrepareSettings, prepare_dataset
from evaluation.queue import read_responses
from evaluation.records import (
    ContinuationScore,
    DatasetManifest,
    GenerateRequest,
    Hardware,
    ModelFile,
    ModelManifest,
    Response,
    ResponsesHeader,
    Result,
    Sample,
    SampleResult,
    SampleScore,
    Session,
)
from evaluation.requests import identity, request_key
from evaluation.scoring import ScoreSettings, score
from evaluation.statistics import wilson

CHAT = PromptSettings(protocol="chat", max_new_tokens=64, seed=1)
HARNESS = PromptSettings(protocol="harness", few_shot=2, max_new_tokens=64, seed=1)
SETTINGS = {"gsm8k": CHAT, "mt_bench": CHAT, "arc_challenge": HARNESS}
MODEL = ModelManifest(
    model="m",
    source="hub",
    id="org/m",
    revision="abc",
    licence="MIT",
    directory="d",
    files=[ModelFile(name="model.safetensors", size=1)],
    fingerprint="weights",
    architecture="A",
    parameters=1,
    context_length=1,
    chat_template=True,
)

Answer = Callable[[int, Sample, int], dict[str, Any]]


def session(name: str, seconds: float = 2.0) -> Session:
    return Session(
        id=name,
        model="m",
        revision="abc",
        preset="balanced",
        engine="transformers",
        engine_revision=1,
        dtype="float32",
        exact=False,
        started="then",
        load_seconds=seconds,
        packages={},
        hardware=Hardware(platform="p", processor="c", cores=1, memory=1, device="cpu"),
    )


def bounds(path: Path) -> tuple[int, int]:
    """Where a responses file's slice begins and ends."""
    low, _, high = path.stem.partition("-")
    return int(low), int(high)


class Cell:
    """The files behind one cell, with responses made by a function instead of a model."""

    def __init__(self, folder: Path, dataset: str, size: int, slices: Sequence[int] = ()) -> None:
        self.folder, self.dataset, self.size = folder, dataset, size
        self.prompt = SETTINGS[dataset]
        self.samples_file = folder / "samples.jsonl"
        self.manifest_file = folder / "manifest.json"
        self.model_file = folder / "model.json"
        write_record(self.model_file, MODEL)
        prepare_dataset(
            PrepareSettings(
                dataset=dataset,
                source="bundled",
                revision=None,
                mirror=None,
                few_shot=self.prompt.few_shot,
                seed=1,
                normaliser="",
            ),
            self.samples_file,
            self.manifest_file,
        )
        self.samples = read_lines(self.samples_file, Sample, limit=size)
        edges = [0, *slices, len(self.samples)]
        self.files = {
            folder / f"{low}-{high}.jsonl": self.samples[low:high] for low, high in pairwise(edges)
        }

    def spoil(self, *indices: int) -> None:
        """Make some samples unscorable, as rows without their columns are."""
        raw: dict[str, object] = {"unrelated": 1}
        for index in indices:
            self.samples[index] = benchmark(self.dataset).sample(raw, index)
        write_records(self.samples_file, self.samples)
        self.files = {path: self.samples[slice(*bounds(path))] for path in self.files}

    def settings(self, **changes: Any) -> ScoreSettings:
        given: dict[str, Any] = {
            "model": "m",
            "dataset": self.dataset,
            "tier": "quick",
            "size": self.size,
            "preset": "balanced",
            "prompt": self.prompt,
            "sandbox": None,
            "engine": EngineSettings(),
            "engine_revision": 1,
            "thinking": False,
        }
        return ScoreSettings(**(given | changes))

    def answer(self, answer: Answer) -> None:
        """Write the responses; `answer` says what a response to a sample and turn is like."""
        task = benchmark(self.dataset)
        pool = read_record(self.manifest_file, DatasetManifest).few_shot
        index = -1
        for number, (path, samples) in enumerate(self.files.items()):
            responses: list[Response] = []
            for sample in samples:
                index += 1
                if sample.unscorable:
                    continue
                shots = task.pick_few_shot(sample, pool, self.prompt.few_shot)
                for first in task.requests(sample, shots, self.prompt):
                    request: AnyRequest | None = first
                    answers: list[str] = []
                    while request is not None:
                        response = self.response(
                            request, f"s{number}", index, answer(index, sample, request.turn)
                        )
                        responses.append(response)
                        answers.append(response.text)
                        request = (
                            None
                            if response.error
                            else task.follow_up(sample, shots, self.prompt, answers)
                        )
            header = ResponsesHeader(
                model="m",
                dataset=self.dataset,
                preset="balanced",
                slice=path.stem,
                protocol=self.prompt.protocol,
                few_shot=self.prompt.few_shot,
                samples=len(samples),
                sessions=[session(f"s{number}")],
            )
            # Follow-ups come whenever the engine gets to them.
            write_records(path, [header, *reversed(responses)])

    def response(
        self, request: AnyRequest, session: str, index: int, changes: dict[str, Any]
    ) -> Response:
        """The response to a request, with changes."""
        engine = identity("weights", "balanced", EngineSettings(), 1, thinking=False)
        fields = {
            "key": request_key(self.dataset, request, engine),
            "sample_id": request.sample_id,
            "turn": request.turn,
            "repeat": request.repeat,
            "session": session,
            "prompt": "the prompt",
            "finish_reason": "stop" if isinstance(request, GenerateRequest) else "scored",
            "prompt_tokens": 10,
            "engine_seconds": 0.5,
            "peak_memory": 100 + index,
        }
        return Response(**(fields | changes))

    def score(self, **changes: Any) -> Result:
        return score(
            self.settings(**changes),
            list(self.files),
            self.samples_file,
            self.manifest_file,
            self.model_file,
        )

    def refused(self, **changes: Any) -> EvaluationError:
        with pytest.raises(EvaluationError) as caught:
            self.score(**changes)
        return caught.value


def gold(sample: Sample) -> str:
    return str(sample.row["answer"]).rpartition("#### ")[2]


def right(index: int, sample: Sample, turn: int) -> dict[str, Any]:
    return {"text": f"So the answer is {gold(sample)}.", "completion_tokens": 6}


def wrong(index: int, sample: Sample, turn: int) -> dict[str, Any]:
    return {"text": "The answer is -77.", "completion_tokens": 6}


def by_index(special: dict[int, dict[str, Any]], other: Answer = right) -> Answer:
    """Answers of one kind, with changes for some samples."""

    def answer(index: int, sample: Sample, turn: int) -> dict[str, Any]:
        return other(index, sample, turn) | special.get(index, {})

    return answer


@pytest.fixture
def gsm8k(tmp_path: Path) -> Cell:
    return Cell(tmp_path, "gsm8k", 10)


# ---- scores --------------------------------------------------------------------------------


def test_right_and_wrong_answers_are_counted(gsm8k: Cell) -> None:
    gsm8k.answer(lambda i, s, t: (right if i < 7 else wrong)(i, s, t))
    result = gsm8k.score()
    primary = next(one for one in result.scores if one.primary)
    assert (primary.metric, primary.value, primary.n) == ("exact_match_strict", 0.7, 10)
    assert primary.interval == wilson(7, 10)
    assert [sample.scores["exact_match_strict"] for sample in result.samples] == [1.0] * 7 + [
        0.0
    ] * 3
    assert [sample.id for sample in result.samples] == [sample.id for sample in gsm8k.samples]
    counts = result.counts
    assert (counts.requested, counts.samples, counts.scored) == (10, 10, 10)
    assert (counts.failed, counts.not_scored, counts.thinking) == (0, 0, 0)
    assert result.flags == ["bundled samples, not the benchmark"]
    assert result.title == "bundled samples in the form of GSM8K"


def test_a_sample_shows_what_was_asked_said_and_extracted(gsm8k: Cell) -> None:
    gsm8k.answer(by_index({0: {"latency_seconds": 1.5}}))
    sample = gsm8k.score().samples[0]
    (turn,) = sample.turns
    assert (turn.prompt, turn.response) == ("the prompt", right(0, gsm8k.samples[0], 0)["text"])
    assert (turn.prompt_tokens, turn.completion_tokens, turn.latency_seconds) == (10, 6, 1.5)
    assert sample.extracted == sample.gold == gold(gsm8k.samples[0])
    assert (sample.status, sample.reason) == ("scored", "")


def choose(index: int) -> Answer:
    """Log-probabilities that favour the right choice of even samples, the wrong of odd ones."""

    def answer(number: int, sample: Sample, turn: int) -> dict[str, Any]:
        choices: Any = sample.row["choices"]
        best = choices["label"].index(sample.row["answerKey"])
        if number % 2:
            best = (best + 1) % len(choices["text"])
        scores = [
            ContinuationScore(logprob=-1.0 if i == best else -1000.0, tokens=2)
            for i in range(len(choices["text"]))
        ]
        return {"continuations": scores[:index] if number == 0 else scores}

    return answer


def test_choices_are_scored_with_chance(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "arc_challenge", 8)
    cell.answer(choose(99))
    result = cell.score()
    assert {one.metric: one.value for one in result.scores} == {"acc_norm": 0.5, "acc": 0.5}
    assert [(one.primary, one.chance) for one in result.scores] == [(True, 0.25), (False, None)]
    assert (result.protocol, result.few_shot) == ("harness", 2)
    assert len(result.samples[0].turns[0].continuations) >= 2


def test_a_sample_without_all_choices_is_not_scored_and_counted(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "arc_challenge", 8)
    cell.answer(choose(1))
    result = cell.score()
    first = result.samples[0]
    assert (first.status, first.scores) == ("not scored", {})
    assert first.reason == "1 log-probabilities for 4 choices"
    assert (result.counts.scored, result.counts.not_scored) == (7, 1)
    assert "1 not scored" in result.flags
    assert {one.n for one in result.scores} == {7}


def test_conversations_are_kept_and_say_why_they_have_no_rating(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "mt_bench", 6)
    cell.answer(lambda i, s, t: {"text": f"turn {t}", "completion_tokens": 3})
    result = cell.score()
    (rating,) = result.scores
    assert (rating.metric, rating.value, rating.n, rating.primary) == ("rating", None, 0, True)
    assert result.flags[0] == rating.reason == "not scored: no judge"
    assert (result.counts.scored, result.counts.not_scored) == (0, 6)
    # Nothing but the reason: no sample could have been scored.
    assert not any(flag.startswith("6 ") for flag in result.flags)
    for sample in result.samples:
        assert [turn.response for turn in sample.turns] == ["turn 0", "turn 1"]
        assert (sample.status, sample.reason) == ("not scored", "no judge")
    assert result.categories == []


def test_categories_have_the_primary_metric_of_their_samples(
    gsm8k: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Gsm8k, "categorise", lambda _, row: "even" if len(row.question) % 2 == 0 else "odd"
    )
    cell = Cell(gsm8k.folder, "gsm8k", 10)
    cell.answer(lambda i, s, t: (right if s.category == "even" else wrong)(i, s, t))
    sizes = {name: sum(s.category == name for s in cell.samples) for name in ("even", "odd")}
    assert [(c.category, c.value, c.n) for c in cell.score().categories] == [
        ("even", 1.0, sizes["even"]),
        ("odd", 0.0, sizes["odd"]),
    ]


# ---- what went wrong with samples ----------------------------------------------------------


def test_failed_request_is_counted_named_and_left_out_of_the_score(gsm8k: Cell) -> None:
    failure = {"text": "", "finish_reason": "error", "error": "OutOfMemoryError: too long"}
    gsm8k.answer(by_index({3: failure}))
    result = gsm8k.score()
    failed = result.samples[3]
    assert (failed.status, failed.reason) == ("failed", "OutOfMemoryError: too long")
    assert (failed.scores, failed.turns[0].error) == ({}, "OutOfMemoryError: too long")
    assert (result.counts.samples, result.counts.scored, result.counts.failed) == (10, 9, 1)
    assert "1 failed" in result.flags
    assert {(one.value, one.n) for one in result.scores} == {(1.0, 9)}


def test_cell_of_failures_has_no_number(gsm8k: Cell) -> None:
    gsm8k.answer(lambda *_: {"finish_reason": "error", "error": "boom"})
    result = gsm8k.score()
    assert {(one.value, one.n, one.interval) for one in result.scores} == {(None, 0, None)}
    assert (result.counts.failed, result.counts.scored) == (10, 0)
    assert "10 failed" in result.flags
    assert result.performance.tokens_per_second is None


def test_conversation_that_fails_in_its_second_turn_has_failed(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "mt_bench", 3)
    cell.answer(
        lambda i, s, t: {"error": "boom", "finish_reason": "error"} if (i, t) == (1, 1) else {}
    )
    result = cell.score()
    assert [sample.status for sample in result.samples] == ["not scored", "failed", "not scored"]
    assert result.counts.failed == 1 and "1 failed" in result.flags


def test_truncated_answers_and_prompts_are_counted_and_scored(gsm8k: Cell) -> None:
    gsm8k.answer(
        by_index(
            {
                0: {"finish_reason": "length"},
                1: {"finish_reason": "length", "truncated_prompt_tokens": 4},
                2: {"truncated_prompt_tokens": 9},
                3: {"truncated_prompt_tokens": 1},
            }
        )
    )
    result = gsm8k.score()
    assert (result.counts.truncated_answers, result.counts.truncated_prompts) == (2, 3)
    assert {"2 truncated answers", "3 truncated prompts"} <= set(result.flags)
    assert result.counts.scored == 10
    assert result.samples[1].turns[0].truncated_prompt_tokens == 4


def test_thinking_is_shown_apart_and_never_scored(gsm8k: Cell) -> None:
    def thinking(index: int, sample: Sample, turn: int) -> dict[str, Any]:
        closed = f"<think>the answer is {gold(sample)}</think>\n\nThe answer is -77."
        return {"text": closed, "thinking_tokens": 5, "completion_tokens": 9}

    gsm8k.answer(by_index({1: {"text": "<think>the answer is 5", "thinking_tokens": 3}}, thinking))
    result = gsm8k.score()
    assert result.counts.thinking == 10
    assert {one.value for one in result.scores} == {0.0}
    turn = result.samples[0].turns[0]
    assert turn.thinking == f"the answer is {gold(gsm8k.samples[0])}"
    assert turn.response == "The answer is -77."
    cut = result.samples[1]
    assert (cut.turns[0].thinking, cut.turns[0].response) == ("the answer is 5", "")
    assert cut.extracted is None


# ---- samples that cannot be scored ---------------------------------------------------------


@pytest.fixture
def twenty(tmp_path: Path) -> Cell:
    return Cell(tmp_path, "gsm8k", 20)


def defective(monkeypatch: pytest.MonkeyPatch, *broken: Sample) -> None:
    """Let the scorer raise on some samples."""
    original = Gsm8k.score
    names = {sample.id for sample in broken}

    def score_or_raise(self: Gsm8k, sample: Sample, evidence: Evidence) -> SampleScore:
        if sample.id in names:
            raise ZeroDivisionError("division by zero\nsecond line")
        return original(self, sample, evidence)

    monkeypatch.setattr(Gsm8k, "score", score_or_raise)


@pytest.mark.parametrize("other", [right, wrong])
def test_one_bad_row_of_twenty_is_counted_named_and_left_out_of_the_score(
    twenty: Cell, other: Answer
) -> None:
    twenty.spoil(4)
    twenty.answer(other)
    result = twenty.score()
    bad = result.samples[4]
    assert (bad.id, bad.status, bad.scores, bad.turns) == ("row 4", "unscorable", {}, [])
    assert bad.reason.startswith("row 4: wrong columns: question: Field required")
    counts = result.counts
    assert (counts.samples, counts.scored, counts.unscorable) == (20, 19, 1)
    assert (counts.failed, counts.not_scored) == (0, 0)
    assert "1 unscorable" in result.flags
    assert {(one.value, one.n) for one in result.scores} == {(float(other is right), 19)}
    assert result.performance.prompt_tokens == 190, "it was never asked"


def test_two_bad_rows_of_twenty_fail_the_cell_with_what_to_do(twenty: Cell) -> None:
    twenty.spoil(4, 11)
    twenty.answer(right)
    error = twenty.refused()
    assert error.what.startswith(
        "2 of 20 samples cannot be scored, more than 5%; the first: row 4: wrong columns: question"
    )
    assert error.where == "model m, dataset gsm8k, tier quick"
    assert "columns and values of openai/gsm8k" in error.remedy


def test_a_bad_row_is_one_of_its_tier_and_not_of_the_tiers_before(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "gsm8k", 25, slices=[20])
    cell.spoil(22)
    cell.answer(right)
    assert cell.score().counts.unscorable == 1
    quick = score(
        cell.settings(size=20),
        list(cell.files)[:1],
        cell.samples_file,
        cell.manifest_file,
        cell.model_file,
    )
    assert (quick.counts.samples, quick.counts.scored, quick.counts.unscorable) == (20, 20, 0)


def test_bad_rows_of_several_slices_are_counted_together(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "gsm8k", 25, slices=[20])
    cell.spoil(4, 22)
    cell.answer(right)
    assert cell.refused().what.startswith("2 of 25 samples cannot be scored")


def test_scorers_defect_makes_one_sample_unscorable_and_is_logged(
    twenty: Cell, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = twenty.samples[4]
    defective(monkeypatch, broken)
    twenty.answer(right)
    with caplog.at_level(logging.WARNING):
        result = twenty.score()
    bad = result.samples[4]
    assert (bad.id, bad.status, bad.scores) == (broken.id, "unscorable", {})
    assert bad.reason == "the scorer failed: ZeroDivisionError: division by zero"
    assert bad.turns[0].response == right(4, broken, 0)["text"], "the answer is kept"
    assert (result.counts.scored, result.counts.unscorable) == (19, 1)
    assert "1 unscorable" in result.flags
    assert {(one.value, one.n) for one in result.scores} == {(1.0, 19)}
    (record,) = caplog.records
    assert broken.id in record.getMessage() and record.exc_info


def test_a_scorer_that_fails_more_often_fails_the_cell(
    twenty: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    defective(monkeypatch, twenty.samples[4], twenty.samples[5])
    twenty.answer(right)
    assert twenty.refused().what == (
        "2 of 20 samples cannot be scored, more than 5%; the first: "
        f"{twenty.samples[4].id}: the scorer failed: ZeroDivisionError: division by zero"
    )


def test_bad_rows_and_a_scorers_defects_add_up(
    twenty: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    twenty.spoil(4)
    defective(monkeypatch, twenty.samples[5])
    twenty.answer(right)
    assert twenty.refused().what.startswith("2 of 20 samples cannot be scored")


def test_a_scorer_may_call_a_row_unscorable(twenty: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores beside such a verdict do not count."""
    original = Gsm8k.score

    def verdict(self: Gsm8k, sample: Sample, evidence: Evidence) -> SampleScore:
        found = original(self, sample, evidence)
        if sample.id != twenty.samples[2].id:
            return found
        return found.model_copy(update={"unscorable": True, "reason": "its own answer fails"})

    monkeypatch.setattr(Gsm8k, "score", verdict)
    twenty.answer(lambda i, s, t: (right if i == 2 else wrong)(i, s, t))
    result = twenty.score()
    assert (result.samples[2].status, result.samples[2].reason) == (
        "unscorable",
        "its own answer fails",
    )
    assert {(one.value, one.n) for one in result.scores} == {(0.0, 19)}


def test_failed_requests_are_no_fault_of_the_rows(twenty: Cell) -> None:
    failure = {"text": "", "finish_reason": "error", "error": "boom"}
    twenty.answer(by_index(dict.fromkeys(range(10), failure)))
    result = twenty.score()
    assert (result.counts.failed, result.counts.unscorable, result.counts.scored) == (10, 0, 10)


def test_an_unscorable_sample_is_in_no_category(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Gsm8k, "categorise", lambda _, row: str(len(row.question) % 3))
    cell = Cell(tmp_path, "gsm8k", 20)
    cell.spoil(3)
    cell.answer(right)
    result = cell.score()
    assert result.samples[3].category == ""
    assert {one.category for one in result.categories} == {"0", "1", "2"}
    assert sum(one.n for one in result.categories) == 19


# ---- several attempts and threads ----------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 4])
def test_threads_change_nothing_in_a_result(twenty: Cell, threads: int) -> None:
    twenty.spoil(7)
    twenty.answer(lambda i, s, t: (right if i % 3 else wrong)(i, s, t))
    one = twenty.score()
    many = score(
        twenty.settings(),
        list(twenty.files),
        twenty.samples_file,
        twenty.manifest_file,
        twenty.model_file,
        threads,
    )
    assert (many.samples, many.scores, many.counts) == (one.samples, one.scores, one.counts)


def test_a_scorer_sees_all_attempts_in_order_and_the_settings(
    gsm8k: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Evidence] = {}

    def requests(
        self: Gsm8k, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        (first,) = original(self, sample, few_shot, settings)
        return [first.model_copy(update={"repeat": n}) for n in range(settings.repeats)]

    def verdict(self: Gsm8k, sample: Sample, evidence: Evidence) -> SampleScore:
        seen[sample.id] = evidence
        return SampleScore(scores={"exact_match_strict": 1.0, "exact_match_flexible": 1.0})

    original = Gsm8k.requests
    monkeypatch.setattr(Gsm8k, "requests", requests)
    monkeypatch.setattr(Gsm8k, "score", verdict)
    gsm8k.prompt = CHAT.model_copy(update={"repeats": 3})
    gsm8k.answer(lambda i, s, t: {"text": "<think>hm</think>an attempt"})
    result = gsm8k.score()
    assert len(seen) == 10
    for sample in result.samples:
        evidence = seen[sample.id]
        assert [r.repeat for r in evidence.responses] == [0, 1, 2]
        assert list(evidence.answers) == ["an attempt"] * 3
        assert evidence.settings.repeats == 3
        assert (evidence.sandbox, evidence.no_sandbox) == (None, "")
        assert [turn.repeat for turn in sample.turns] == [0, 1, 2]


# ---- the size of a cell --------------------------------------------------------------------


def test_dataset_smaller_than_the_tier_is_flagged(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "gsm8k", 200)
    cell.answer(right)
    result = cell.score()
    assert (result.counts.requested, result.counts.samples) == (200, len(cell.samples))
    assert f"{len(cell.samples)} of 200 samples: the dataset has no more" in result.flags


@pytest.mark.parametrize(
    ("source", "flags", "title"),
    [("hub", [], "GSM8K"), ("mirror", ["local mirror"], "GSM8K")],
)
def test_source_is_flagged_unless_it_is_the_hub(
    gsm8k: Cell, source: str, flags: list[str], title: str
) -> None:
    manifest = read_record(gsm8k.manifest_file, DatasetManifest)
    write_record(gsm8k.manifest_file, manifest.model_copy(update={"source": source}))
    gsm8k.answer(right)
    result = gsm8k.score()
    assert (result.flags, result.title) == (flags, title)


# ---- figures and provenance ----------------------------------------------------------------


def test_slices_add_up(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "gsm8k", 10, slices=[4])
    assert len(cell.files) == 2
    cell.answer(right)
    result = cell.score()
    figures = result.performance
    assert (figures.loads, figures.load_seconds) == (2, 4.0)
    assert (figures.engine_seconds, figures.prompt_tokens, figures.completion_tokens) == (
        5,
        100,
        60,
    )
    assert figures.tokens_per_second == pytest.approx(12.0)
    assert figures.peak_memory == 109
    assert [one.id for one in result.provenance.sessions] == ["s0", "s1"]


def test_a_tier_is_a_prefix_of_the_next(tmp_path: Path) -> None:
    cell = Cell(tmp_path, "gsm8k", 10, slices=[4])
    cell.answer(right)
    paths = list(cell.files)
    small = score(
        cell.settings(size=4), paths[:1], cell.samples_file, cell.manifest_file, cell.model_file
    )

    def verdicts(samples: Sequence[SampleResult]) -> list[tuple[str, dict[str, float]]]:
        return [(sample.id, sample.scores) for sample in samples]

    assert verdicts(small.samples) == verdicts(cell.score().samples[:4])


def test_tokens_per_second_leaves_out_what_generated_nothing(gsm8k: Cell) -> None:
    gsm8k.answer(by_index({0: {"completion_tokens": 0, "engine_seconds": 100.0}}))
    figures = gsm8k.score().performance
    assert figures.engine_seconds == 104.5
    assert figures.tokens_per_second == pytest.approx(54 / 4.5)


def test_provenance_says_where_the_number_came_from(gsm8k: Cell) -> None:
    gsm8k.answer(right)
    found = gsm8k.score().provenance
    dataset = read_record(gsm8k.manifest_file, DatasetManifest)
    assert (found.model_id, found.model_revision, found.model_licence, found.model_fingerprint) == (
        "org/m",
        "abc",
        "MIT",
        "weights",
    )
    assert (found.dataset_source, found.dataset_location) == ("bundled", dataset.location)
    assert (found.dataset_revision, found.dataset_fingerprint) == ("bundled", dataset.fingerprint)
    assert (found.preset, found.seed) == ("balanced", 1)
    assert "pydantic" in found.packages and "math-verify" in found.packages
    assert found.hardware.cores >= 1 and found.hardware.memory > 0
    assert found.git_commit and found.scored.endswith("+00:00")


def test_result_comes_back_from_its_file(gsm8k: Cell) -> None:
    gsm8k.answer(right)
    result = gsm8k.score()
    write_record(gsm8k.folder / "result.json", result)
    assert read_record(gsm8k.folder / "result.json", Result) == result


# ---- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"engine_revision": 2},
        {"preset": "throughput"},
        {"thinking": True},
        {"engine": EngineSettings(dtype="float32")},
        {"prompt": CHAT.model_copy(update={"max_new_tokens": 65})},
        {"prompt": CHAT.model_copy(update={"protocol": "harness"})},
    ],
)
def test_responses_to_other_requests_are_refused(gsm8k: Cell, changes: dict[str, Any]) -> None:
    gsm8k.answer(right)
    error = gsm8k.refused(**changes)
    assert error.what.startswith("The responses were made for other requests than the current ones")
    assert error.where == f"model m, dataset gsm8k, sample {gsm8k.samples[0].id}, turn 1"
    preset = changes.get("preset", "balanced")
    assert error.remedy == f"delete results/responses/m/{preset}/gsm8k/ and run again"


def test_responses_of_other_weights_are_refused(gsm8k: Cell) -> None:
    gsm8k.answer(right)
    write_record(gsm8k.model_file, MODEL.model_copy(update={"fingerprint": "other"}))
    assert "made for other requests" in gsm8k.refused().what


def test_missing_response_is_named(gsm8k: Cell) -> None:
    gsm8k.answer(right)
    (path,) = gsm8k.files
    lines = path.read_text().splitlines(keepends=True)
    # Responses were written last first: the last line answers the first sample.
    path.write_text("".join(lines[:-1]))
    error = gsm8k.refused()
    assert "or some are missing" in error.what
    assert error.where.endswith(f"sample {gsm8k.samples[0].id}, turn 1")


def test_missing_responses_file_is_named(gsm8k: Cell) -> None:
    error = gsm8k.refused()
    assert error.what == "A file is missing." and error.where == str(next(iter(gsm8k.files)))
    assert "run the workflow" in error.remedy


@pytest.mark.parametrize(
    ("damage", "what", "line"),
    [
        (lambda text: "", "cut off", 1),
        (lambda text: text[:40], "cut off", 1),
        (lambda text: text[:-40], "cut off", 11),
        (lambda text: text.replace('"turn":0', '"turn":"x"', 1), "turn: ", 2),
        (lambda text: text.replace('"schema_version":1', '"schema_version":9'), "version 9", 1),
    ],
)
def test_damaged_responses_file_is_named_with_its_line(
    gsm8k: Cell, damage: Callable[[str], str], what: str, line: int
) -> None:
    gsm8k.answer(right)
    (path,) = gsm8k.files
    path.write_text(damage(path.read_text()))
    error = gsm8k.refused()
    assert what in error.what
    assert error.where == f"{path}, line {line}"
    assert error.remedy == f"delete {path} and run again: it is rebuilt"


def test_responses_file_that_is_not_text_is_named(gsm8k: Cell) -> None:
    gsm8k.answer(right)
    (path,) = gsm8k.files
    path.write_bytes(path.read_bytes() + b"\xff")
    error = gsm8k.refused()
    assert (error.what, error.where) == ("A file is not text.", str(path))


def test_responses_may_hold_any_text(gsm8k: Cell) -> None:
    text = "one\u2028two\x85three\r\n\x0b The answer is 5"
    gsm8k.answer(lambda *_: {"text": text})
    responses, sessions = read_responses(list(gsm8k.files))
    assert {response.text for response in responses} == {text}
    assert [one.id for one in sessions] == ["s0"]
    assert gsm8k.score().samples[0].turns[0].response == text


def test_lost_second_turn_is_named(tmp_path: Path) -> None:
    mt_bench = Cell(tmp_path, "mt_bench", 3)
    mt_bench.answer(lambda i, s, t: {"text": f"turn {t}"})
    path = next(iter(mt_bench.files))
    lines = path.read_text("utf-8").splitlines(keepends=True)
    second = next(line for line in lines[1:] if Response.model_validate_json(line).turn == 1)
    lines.remove(second)
    path.write_text("".join(lines), "utf-8")
    with pytest.raises(EvaluationError) as caught:
        mt_bench.score()
    assert caught.value.where.endswith(", turn 2")
    assert "or some are missing" in caught.value.what
