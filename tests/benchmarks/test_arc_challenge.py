"""ARC-Challenge: requests and scores, with letter and number labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.arc_challenge import BENCHMARK
from evaluation.benchmarks.base import PromptSettings
from evaluation.records import (
    Continuation,
    ContinuationScore,
    LoglikelihoodRequest,
    Response,
    Sample,
)
from tests.evidence import evidence

REPO = Path(__file__).resolve().parents[2]


def row(**changes: object) -> dict[str, Any]:
    """A row of our own; the second choice is right."""
    return {
        "id": "Bundled_900",
        "question": "Which tool measures temperature?",
        "choices": {"text": ["ruler", "thermometer", "scale"], "label": ["A", "B", "C"]},
        "answerKey": "B",
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


def test_choice_texts_follow_the_question() -> None:
    sample = BENCHMARK.sample(row(), 7)
    assert (sample.id, sample.category) == ("Bundled_900", "")
    asked = ask(sample)
    assert {c.context for c in asked} == {"Question: Which tool measures temperature?\nAnswer:"}
    assert [c.text for c in asked] == [" ruler", " thermometer", " scale"]


def test_worked_examples_come_before_the_question() -> None:
    shot = BENCHMARK.sample(row(question="Which is hot?", answerKey="A"), 0)
    assert ask(BENCHMARK.sample(row(), 1), [shot])[0].context == (
        "Question: Which is hot?\nAnswer: ruler\n\n"
        "Question: Which tool measures temperature?\nAnswer:"
    )


def test_numbered_labels_are_understood() -> None:
    choices = {"text": ["ice", "steam", "fog", "dew", "rain"], "label": ["1", "2", "3", "4", "5"]}
    sample = BENCHMARK.sample(row(choices=choices, answerKey="5"), 0)
    verdict = BENCHMARK.score(sample, evidence([scored(sample, [-9, -9, -9, -9, -1])], [""]))
    assert verdict.scores == {"acc": 1.0, "acc_norm": 1.0}
    assert verdict.gold == "rain"


def test_long_choices_win_by_length_only_when_normalised() -> None:
    sample = BENCHMARK.sample(row(), 0)
    # Per character: ruler -1.2, thermometer -0.91, scale -4.
    verdict = BENCHMARK.score(sample, evidence([scored(sample, [-6, -10, -20])], [""]))
    assert verdict.scores == {"acc": 0.0, "acc_norm": 1.0}
    assert verdict.extracted == "thermometer"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"question": " "}, "the question is empty"),
        ({"choices": {"text": ["a"], "label": ["A", "B"]}}, "1 choices with 2 labels"),
        ({"choices": {"text": ["a"], "label": ["A"]}}, "1 choices with 1 labels"),
        ({"answerKey": "E"}, "the answer 'E'"),
        ({"answerKey": ""}, "the answer ''"),
        ({"choices": {"text": ["a", "b"]}}, "choices.label"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 3: ")


@given(
    text=st.text(),
    logprobs=st.lists(st.floats(), max_size=5),
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
        gold = raw["choices"]["label"].index(raw["answerKey"])
        right = [-1.0 if i == gold else -900.0 for i in range(len(asked))]
        wrong = [-900.0 if i == gold else -1.0 for i in range(len(asked))]
        assert BENCHMARK.score(sample, evidence([scored(sample, right)], [""])).scores == {
            "acc": 1.0,
            "acc_norm": 1.0,
        }
        assert BENCHMARK.score(sample, evidence([scored(sample, wrong)], [""])).scores == {
            "acc": 0.0,
            "acc_norm": 0.0,
        }
        empty = BENCHMARK.score(sample, evidence([scored(sample, [])], [""]))
        assert empty.scores == {}
        assert "0 log-probabilities" in empty.reason


@pytest.mark.parametrize("split", ["test", "train"])
def test_all_hub_rows_are_usable(split: str) -> None:
    rows = hub_rows(f"ARC-Challenge/{split}-00000-of-00001.parquet")
    samples = [BENCHMARK.sample(raw, i) for i, raw in enumerate(rows)]
    assert len({s.id for s in samples}) == len(rows) > 0
    for sample, raw in zip(samples, rows, strict=True):
        assert len(ask(sample, samples[:1])) == len(raw["choices"]["text"])
