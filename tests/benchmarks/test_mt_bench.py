"""MT-Bench: both turns of the conversation, temperatures, and the field without a judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.mt_bench import BENCHMARK, TEMPERATURES
from evaluation.records import GenerateRequest, Message, Response, Sample, Score
from tests.evidence import evidence

REPO = Path(__file__).resolve().parents[2]
SETTINGS = PromptSettings(protocol="chat", max_new_tokens=321, seed=5)


def row(**changes: object) -> dict[str, Any]:
    """A row of our own."""
    return {
        "category": "math",
        "prompt": ["What is 12 % of 250?", "And of twice that number?"],
        "reference": ["30", "60"],
        "prompt_id": 900000,
        **changes,
    }


def first(sample: Sample) -> GenerateRequest:
    """The request of the first turn."""
    [request] = BENCHMARK.requests(sample, [], SETTINGS)
    assert isinstance(request, GenerateRequest)
    return request


def answered(text: str, turn: int) -> Response:
    """A response with this text."""
    return Response(
        key="k",
        sample_id="s",
        turn=turn,
        session="s",
        prompt="",
        text=text,
        finish_reason="stop",
    )


def converse(sample: Sample, texts: list[str]) -> list[GenerateRequest]:
    """All requests of a conversation in which the model answers `texts`."""
    requests = [first(sample)]
    for turn in range(1, len(texts) + 1):
        request = BENCHMARK.follow_up(sample, [], SETTINGS, texts[:turn])
        if request is None:
            break
        requests.append(request)
    return requests


def test_first_turn_is_the_bare_prompt() -> None:
    sample = BENCHMARK.sample(row(), 7)
    assert (sample.id, sample.category) == ("mt_bench/900000", "math")
    assert first(sample) == GenerateRequest(
        sample_id="mt_bench/900000",
        turn=0,
        messages=(Message(role="user", content="What is 12 % of 250?"),),
        max_new_tokens=321,
        temperature=0.0,
        seed=5,
    )


def test_second_turn_carries_the_conversation() -> None:
    sample = BENCHMARK.sample(row(category="roleplay"), 0)
    request = BENCHMARK.follow_up(sample, [], SETTINGS, ["It is 30."])
    assert request == GenerateRequest(
        sample_id="mt_bench/900000",
        turn=1,
        messages=(
            Message(role="user", content="What is 12 % of 250?"),
            Message(role="assistant", content="It is 30."),
            Message(role="user", content="And of twice that number?"),
        ),
        max_new_tokens=321,
        temperature=0.7,
        seed=5,
    )


def test_conversation_ends_after_two_turns() -> None:
    sample = BENCHMARK.sample(row(), 0)
    assert BENCHMARK.follow_up(sample, [], SETTINGS, ["30", "60"]) is None


def test_temperatures_by_category() -> None:
    expected = {
        "writing": 0.7,
        "roleplay": 0.7,
        "stem": 0.1,
        "humanities": 0.1,
        "extraction": 0.0,
        "math": 0.0,
        "coding": 0.0,
        "reasoning": 0.0,
    }
    assert expected == TEMPERATURES
    for category, temperature in expected.items():
        assert first(BENCHMARK.sample(row(category=category), 0)).temperature == temperature


@pytest.mark.parametrize(
    ("reference", "gold"),
    [
        (["30", "60"], "Turn 1: 30\n\nTurn 2: 60"),
        (["", "60"], "Turn 2: 60"),
        (["30", ""], "Turn 1: 30"),
        ([], ""),
    ],
)
def test_without_a_judge_answers_are_kept_unrated(reference: list[str], gold: str) -> None:
    sample = BENCHMARK.sample(row(reference=reference), 0)
    verdict = BENCHMARK.score(
        sample, evidence([answered("30", 0), answered("60", 1)], ["30", "60"])
    )
    assert verdict.scores == {}
    assert verdict.extracted is None
    assert (verdict.gold, verdict.reason) == (gold, "no judge")


def test_aggregate_says_why_it_has_no_value() -> None:
    sample = BENCHMARK.sample(row(), 0)
    verdict = BENCHMARK.score(sample, evidence([answered("30", 0)], ["30"]))
    assert BENCHMARK.aggregate([(sample, verdict)]) == [
        Score(metric="rating", value=None, n=0, primary=True, reason="not scored: no judge")
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"category": "poetry"}, "the category 'poetry'"),
        ({"prompt": ["only one"]}, "1 turns"),
        ({"prompt": ["one", "two", "three"]}, "3 turns"),
        ({"prompt": ["one", " "]}, "a turn is empty"),
        ({"reference": ["30"]}, "1 references"),
        ({"prompt_id": "x"}, "prompt_id"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 3: ")


@given(texts=st.lists(st.text(), min_size=1, max_size=3))
def test_any_answer_is_carried_and_kept(texts: list[str]) -> None:
    sample = BENCHMARK.sample(row(), 0)
    requests = converse(sample, texts)
    assert [r.turn for r in requests] == [0, 1]
    assert requests[1].messages[1] == Message(role="assistant", content=texts[0])
    responses = [answered(t, i) for i, t in enumerate(texts)]
    assert BENCHMARK.score(sample, evidence(responses, texts)).scores == {}


def test_bundled_samples_hold_a_conversation() -> None:
    path = REPO / "resources/samples/mt_bench/samples.jsonl"
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    lines = path.read_text(encoding="utf-8").splitlines()
    for index, raw in enumerate(json.loads(line) for line in lines):
        sample = BENCHMARK.sample(raw, index)
        # Without a judge neither the reference answer nor an empty one has a rating.
        for texts in (raw["reference"] or ["fine", "fine"], ["", ""]):
            requests = converse(sample, texts)
            asked = [m.content for m in requests[-1].messages if m.role == "user"]
            assert asked == raw["prompt"]
            responses = [answered(t, i) for i, t in enumerate(texts)]
            verdict = BENCHMARK.score(sample, evidence(responses, texts))
            assert (verdict.scores, verdict.reason) == ({}, "no judge")


def test_all_hub_rows_are_usable() -> None:
    folder = REPO.parent / "shared/data/hub" / BENCHMARK.card.hub_id
    path = folder / "data/train-00000-of-00001.parquet"
    if not path.is_file():
        pytest.skip(f"no Hub stand-in at {path}")
    rows = pyarrow.parquet.read_table(path).to_pylist()
    samples = [BENCHMARK.sample(raw, i) for i, raw in enumerate(rows)]
    assert len({s.id for s in samples}) == len(rows) == 80
    assert {s.category for s in samples} == set(TEMPERATURES)
    assert all(len(converse(s, ["a", "b"])) == 2 for s in samples)
