"""HellaSwag: text clean-up, requests and scores."""

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
from evaluation.benchmarks.hellaswag import BENCHMARK, clean, endings, query
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
    """A row of our own; the second ending is right."""
    return {
        "ind": 900000,
        "activity_label": "Baking bread",
        "ctx_a": "A man kneads dough on a table.",
        "ctx_b": "then He",
        "ctx": "A man kneads dough on a table. then He",
        "endings": ["paints it.", "sets it aside to rise.", "sings to the fox.", "leaves."],
        "source_id": "activitynet~v_0",
        "split": "val",
        "split_type": "indomain",
        "label": "1",
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


def test_query_is_the_activity_and_the_scene() -> None:
    sample = BENCHMARK.sample(row(), 7)
    assert sample.id == "hellaswag/7"
    assert sample.category == "activitynet"
    asked = ask(sample)
    # str.capitalize also lower-cases the rest, as the harness does.
    assert {c.context for c in asked} == {"Baking bread: A man kneads dough on a table. Then he"}
    assert [c.text for c in asked] == [
        " paints it.",
        " sets it aside to rise.",
        " sings to the fox.",
        " leaves.",
    ]


def test_worked_examples_come_before_the_query() -> None:
    shot = BENCHMARK.sample(row(activity_label="Knots", ctx_a="A rope.", ctx_b="", label="3"), 0)
    context = ask(BENCHMARK.sample(row(), 1), [shot])[0].context
    assert context == (
        "Knots: A rope. leaves.\n\nBaking bread: A man kneads dough on a table. Then he"
    )


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  plain ", "plain"),
        ("How to fold [title] Take paper. [step] Fold it.", "How to fold. Take paper. Fold it."),
        ("[header] Fold", " Fold"),
        ("a [step] b [substeps] c", "a b c"),
        ("a    b", "a  b"),
        ("Fold it [step]", "Fold it "),
        ("not closed [step", "not closed [step"),
        ("[step]", ""),
        ("Faltblätter [title] 紙", "Faltblätter. 紙"),
    ],
)
def test_clean_removes_marks_as_the_harness_does(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_empty_second_context_leaves_no_space() -> None:
    typed = BENCHMARK.row(BENCHMARK.sample(row(ctx_a="A rope. then", ctx_b=""), 0))
    assert query(typed) == "Baking bread: A rope. then"


def test_scores_use_the_length_of_the_cleaned_ending() -> None:
    raw = row(endings=["[header] " + "x" * 9, "y" * 20, "z" * 5, "w" * 5])
    sample = BENCHMARK.sample(raw, 0)
    assert [len(e) for e in endings(BENCHMARK.row(sample))] == [10, 20, 5, 5]
    # Sums: the first is best. Per character: -1.0, -0.9, -4, -4, the second is best.
    verdict = BENCHMARK.score(sample, evidence([scored(sample, [-10, -18, -20, -20])], [""]))
    assert verdict.scores == {"acc": 0.0, "acc_norm": 1.0}
    assert verdict.extracted == verdict.gold == "y" * 20


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"ctx_a": " ", "ctx_b": ""}, "the context is empty"),
        ({"endings": ["a", "b"]}, "2 endings"),
        ({"endings": ["a", "b", "", "d"]}, "an ending is empty"),
        ({"label": ""}, "the label ''"),
        ({"label": "4"}, "the label '4'"),
        ({"label": "²"}, "the label '²'"),
        ({"endings": None}, "endings"),
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
        gold = int(raw["label"])
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


@pytest.mark.parametrize("split", ["validation", "train"])
def test_all_hub_rows_are_usable(split: str) -> None:
    rows = hub_rows(f"data/{split}-00000-of-00001.parquet")
    samples = [BENCHMARK.sample(raw, i) for i, raw in enumerate(rows)]
    assert len({s.id for s in samples}) == len(rows) > 0
    assert all(len(ask(s, samples[:1])) == 4 for s in samples)
