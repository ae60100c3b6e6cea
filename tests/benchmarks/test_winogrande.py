"""WinoGrande: partial evaluation, requests and scores."""

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
from evaluation.benchmarks.winogrande import BENCHMARK
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
    """A row of our own; the second option is right."""
    return {
        "sentence": "Uma lent Ivo her ladder because _ had to clean the gutter.",
        "option1": "Uma",
        "option2": "Ivo",
        "answer": "2",
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


def test_options_differ_in_the_context_only() -> None:
    sample = BENCHMARK.sample(row(), 7)
    assert (sample.id, sample.category) == ("winogrande/7", "")
    assert ask(sample) == (
        Continuation(
            context="Uma lent Ivo her ladder because Uma", text=" had to clean the gutter."
        ),
        Continuation(
            context="Uma lent Ivo her ladder because Ivo", text=" had to clean the gutter."
        ),
    )


def test_worked_examples_are_whole_sentences() -> None:
    shot = BENCHMARK.sample(
        row(sentence="The _ is wet.", option1="sea", option2="sun", answer="1"), 0
    )
    asked = ask(BENCHMARK.sample(row(), 1), [shot])
    assert [c.context for c in asked] == [
        "The sea is wet.\n\nUma lent Ivo her ladder because Uma",
        "The sea is wet.\n\nUma lent Ivo her ladder because Ivo",
    ]


def test_harness_puts_a_space_even_before_punctuation() -> None:
    sample = BENCHMARK.sample(row(sentence="Give it to _, who asked for _."), 0)
    assert ask(sample)[1] == Continuation(context="Give it to Ivo", text=" , who asked for _.")


@pytest.mark.parametrize(
    ("logprobs", "acc", "picked"),
    [([-9.0, -4.0], 1.0, "Ivo"), ([-4.0, -9.0], 0.0, "Uma"), ([-4.0, -4.0], 0.0, "Uma")],
)
def test_likelier_ending_decides(logprobs: list[float], acc: float, picked: str) -> None:
    sample = BENCHMARK.sample(row(), 0)
    verdict = BENCHMARK.score(sample, evidence([scored(sample, logprobs)], [""]))
    assert verdict.scores == {"acc": acc}
    assert (verdict.extracted, verdict.gold) == (picked, "Ivo")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sentence": "No gap here."}, "no blank"),
        ({"sentence": ""}, "no blank"),
        ({"sentence": "It ends with _ "}, "nothing follows the blank"),
        ({"option2": " "}, "an option is empty"),
        ({"answer": ""}, "the answer ''"),
        ({"answer": "3"}, "the answer '3'"),
        ({"option1": None}, "option1"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 3: ")


@given(
    text=st.text(),
    logprobs=st.lists(st.floats(), max_size=4),
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
        gold = int(raw["answer"]) - 1
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


@pytest.mark.parametrize("split", ["validation", "train"])
def test_all_hub_rows_are_usable(split: str) -> None:
    rows = hub_rows(f"winogrande_xl/{split}-00000-of-00001.parquet")
    samples = [BENCHMARK.sample(raw, i) for i, raw in enumerate(rows)]
    assert len({s.id for s in samples}) == len(rows) > 0
    for sample in samples:
        first, second = ask(sample, samples[:1])
        assert first.text == second.text
        assert first.context != second.context
