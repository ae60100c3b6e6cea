"""MMLU: requests, examples of the same subject, scores by subject group."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.mmlu import BENCHMARK, GROUP_OF, GROUPS
from evaluation.records import (
    Continuation,
    ContinuationScore,
    LoglikelihoodRequest,
    Response,
    Sample,
    SampleScore,
)
from tests.evidence import evidence

REPO = Path(__file__).resolve().parents[2]


def row(**changes: object) -> dict[str, Any]:
    """A row of our own; the third choice is right."""
    return {
        "question": " Which is a prime number?\n",
        "subject": "elementary_mathematics",
        "choices": ["4", "6", "7", "9"],
        "answer": 2,
        **changes,
    }


def ask(sample: Sample, few_shot: Sequence[Sample] = ()) -> tuple[Continuation, ...]:
    """The continuations that are asked for."""
    settings = PromptSettings(protocol="harness", few_shot=len(few_shot))
    [request] = BENCHMARK.requests(sample, few_shot, settings)
    assert isinstance(request, LoglikelihoodRequest)
    assert request.sample_id == sample.id
    return request.continuations


def scored(sample: Sample, logprobs: Sequence[float]) -> Response:
    """A response with these log-probabilities."""
    return Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        continuations=[ContinuationScore(logprob=p, tokens=1) for p in logprobs],
        finish_reason="scored",
    )


def hub_rows(name: str) -> list[dict[str, Any]]:
    """Rows of the local Hub stand-in; skips the test where there is none."""
    path = REPO.parent / "shared/data/hub" / BENCHMARK.card.hub_id / name
    if not path.is_file():
        pytest.skip(f"no Hub stand-in at {path}")
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return rows


def bundled_rows(name: str) -> list[dict[str, Any]]:
    """Rows of the bundled samples; skips the test where they are not written yet."""
    path = REPO / "resources/samples" / BENCHMARK.card.name / name
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


QUESTION = "Which is a prime number?\nA. 4\nB. 6\nC. 7\nD. 9\nAnswer:"


def test_letters_follow_the_question_and_its_choices() -> None:
    sample = BENCHMARK.sample(row(), 7)
    assert (sample.id, sample.category) == ("mmlu/7", "elementary_mathematics")
    asked = ask(sample)
    assert {c.context for c in asked} == {
        "The following are multiple choice questions (with answers) about elementary "
        f"mathematics.\n\n{QUESTION}"
    }
    assert [c.text for c in asked] == [" A", " B", " C", " D"]


def test_worked_examples_follow_the_description() -> None:
    shot = BENCHMARK.sample(row(question="Half of 8?", answer=0), 0)
    context = ask(BENCHMARK.sample(row(), 1), [shot])[0].context
    assert context.partition("\n\n")[2] == (
        f"Half of 8?\nA. 4\nB. 6\nC. 7\nD. 9\nAnswer: A\n\n{QUESTION}"
    )


def test_worked_examples_are_the_first_of_the_same_subject() -> None:
    subjects = ["virology", "sociology", "virology", "sociology", "virology"]
    pool = [BENCHMARK.sample(row(subject=s), i) for i, s in enumerate(subjects)]
    sample = BENCHMARK.sample(row(subject="virology"), 9)
    assert [s.id for s in BENCHMARK.pick_few_shot(sample, pool, 2)] == ["mmlu/0", "mmlu/2"]
    assert len(BENCHMARK.pick_few_shot(sample, pool, 5)) == 3
    assert BENCHMARK.pick_few_shot(sample, pool, 0) == []
    other = BENCHMARK.sample(row(subject="astronomy"), 10)
    assert BENCHMARK.pick_few_shot(other, pool, 5) == []


@pytest.mark.parametrize(
    ("logprobs", "acc", "letter"),
    [
        ([-3.0, -2.0, -1.0, -4.0], 1.0, "C"),
        ([-1.0, -2.0, -3.0, -4.0], 0.0, "A"),
        ([-9.0, -2.0, -2.0, -9.0], 0.0, "B"),
    ],
)
def test_likeliest_letter_decides(logprobs: list[float], acc: float, letter: str) -> None:
    sample = BENCHMARK.sample(row(), 0)
    verdict = BENCHMARK.score(sample, evidence([scored(sample, logprobs)], [""]))
    assert verdict.scores == {"acc": acc}
    assert (verdict.extracted, verdict.gold) == (letter, "C")


def test_every_subject_is_in_one_group() -> None:
    assert len(GROUP_OF) == sum(len(names.split()) for names in GROUPS.values()) == 57
    assert {g: len(n.split()) for g, n in GROUPS.items()} == {
        "stem": 19,
        "humanities": 13,
        "social_sciences": 12,
        "other": 13,
    }


def test_groups_that_occur_are_scored_beside_the_whole() -> None:
    verdicts = [("virology", 1.0), ("virology", 0.0), ("astronomy", 1.0), ("astronomy", None)]
    cell = [
        (
            BENCHMARK.sample(row(subject=subject), i),
            SampleScore(scores={} if acc is None else {"acc": acc}),
        )
        for i, (subject, acc) in enumerate(verdicts)
    ]
    scores = {s.metric: s for s in BENCHMARK.aggregate(cell)}
    # The sample that could not be scored counts nowhere.
    assert {m: (s.value, s.n) for m, s in scores.items()} == {
        "acc": (pytest.approx(2 / 3), 3),
        "acc_stem": (1.0, 1),
        "acc_other": (0.5, 2),
    }
    assert [m for m, s in scores.items() if s.primary] == ["acc"]
    assert all(s.chance == 0.25 for s in scores.values())
    assert all(s.interval and s.interval.method == "Wilson" for s in scores.values())


def test_aggregate_of_nothing_has_no_value() -> None:
    [score] = BENCHMARK.aggregate([])
    assert (score.metric, score.value, score.n, score.primary) == ("acc", None, 0, True)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"question": "\n"}, "the question is empty"),
        ({"subject": "alchemy"}, "the subject 'alchemy'"),
        ({"choices": ["a", "b", "c"]}, "3 choices"),
        ({"answer": 4}, "the answer 4"),
        ({"answer": -1}, "the answer -1"),
        ({"answer": "C"}, "answer"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 3: ")


@given(
    text=st.text(),
    logprobs=st.lists(st.floats(), max_size=6),
)
def test_any_response_scores_within_range(text: str, logprobs: list[float]) -> None:
    sample = BENCHMARK.sample(row(), 0)
    verdict = BENCHMARK.score(sample, evidence([scored(sample, logprobs)], [text]))
    assert set(verdict.scores.values()) <= {0.0, 1.0}
    assert bool(verdict.scores) != bool(verdict.reason)


def test_bundled_samples_reach_both_ends_of_the_scale() -> None:
    pool = [BENCHMARK.sample(r, i) for i, r in enumerate(bundled_rows("few_shot.jsonl"))]
    for index, raw in enumerate(bundled_rows("samples.jsonl")):
        sample = BENCHMARK.sample(raw, index)
        asked = ask(sample, BENCHMARK.pick_few_shot(sample, pool, 2))
        gold = raw["answer"]
        right = [-1.0 if i == gold else -900.0 for i in range(len(asked))]
        wrong = [-900.0 if i == gold else -1.0 for i in range(len(asked))]
        assert BENCHMARK.score(sample, evidence([scored(sample, right)], [""])).scores == {
            "acc": 1.0
        }
        assert BENCHMARK.score(sample, evidence([scored(sample, wrong)], [""])).scores == {
            "acc": 0.0
        }
        empty = BENCHMARK.score(sample, evidence([scored(sample, [])], [""]))
        assert empty.scores == {}
        assert "0 log-probabilities" in empty.reason


def test_all_hub_rows_are_usable() -> None:
    pool = [
        BENCHMARK.sample(raw, i) for i, raw in enumerate(hub_rows("all/dev-00000-of-00001.parquet"))
    ]
    rows = hub_rows("all/test-00000-of-00001.parquet")
    samples = [BENCHMARK.sample(raw, i) for i, raw in enumerate(rows)]
    assert len({s.id for s in samples}) == len(rows) > 0
    assert {s.category for s in samples} == set(GROUP_OF)
    for sample in samples:
        shots = BENCHMARK.pick_few_shot(sample, pool, 5)
        assert len(shots) == 5
        assert ask(sample, shots)[0].context.endswith("\nAnswer:")
