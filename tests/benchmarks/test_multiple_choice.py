"""What the multiple-choice benchmarks share: requests, examples, argmax and both accuracies."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.multiple_choice import (
    argmax,
    choices_request,
    few_shot_prefix,
    score_choices,
)
from evaluation.records import Continuation, ContinuationScore, Response, Sample


def response(logprobs: Sequence[float]) -> Response:
    """A response with these log-probabilities."""
    return Response(
        key="k",
        sample_id="s",
        turn=0,
        session="s",
        prompt="",
        continuations=[ContinuationScore(logprob=p, tokens=1) for p in logprobs],
        finish_reason="scored",
    )


def test_choices_follow_one_context_after_one_space() -> None:
    sample = Sample(id="s", category="", row={})
    request = choices_request(sample, "Q:", ["yes", " odd "])
    assert request.sample_id == "s"
    assert request.continuations == (
        Continuation(context="Q:", text=" yes"),
        Continuation(context="Q:", text="  odd "),
    )


def test_examples_are_joined_by_an_empty_line() -> None:
    assert few_shot_prefix([]) == ""
    assert few_shot_prefix([("Q1:", "a"), ("Q2:", "b")]) == "Q1: a\n\nQ2: b\n\n"


@pytest.mark.parametrize(
    ("values", "best"),
    [([-1.0], 0), ([-2.0, -1.0], 1), ([-1.0, -1.0], 0), ([-inf, -inf, -3.0], 2), ([-inf, -inf], 0)],
)
def test_argmax_takes_the_first_of_the_largest(values: list[float], best: int) -> None:
    assert argmax(values) == best


def test_both_accuracies_by_hand() -> None:
    # Sums: "no" wins. Per character: -1.5 for "no", -1.25 for "perhaps" and "certain!" (-10/8).
    verdict = score_choices(response([-3.0, -8.75, -10.0]), ["no", "perhaps", "certain!"], 1)
    assert verdict.scores == {"acc": 0.0, "acc_norm": 1.0}
    assert (verdict.extracted, verdict.gold) == ("perhaps", "perhaps")


def test_length_is_in_characters_not_bytes() -> None:
    # Per character -2 and -1.5; per byte the first, of 6 bytes, would have -1.
    verdict = score_choices(response([-6.0, -4.5]), ["äöü", "aou"], 1)
    assert verdict.scores["acc_norm"] == 1.0


def test_without_norm_the_sum_decides_what_is_extracted() -> None:
    verdict = score_choices(response([-3.0, -4.0]), ["a", "bbbb"], 1, with_norm=False)
    assert verdict.scores == {"acc": 0.0}
    assert verdict.extracted == "a"


def test_an_empty_choice_never_wins_by_length() -> None:
    verdict = score_choices(response([-0.1, -5.0]), ["", "long"], 1)
    assert verdict.scores == {"acc": 0.0, "acc_norm": 1.0}


@pytest.mark.parametrize(
    ("logprobs", "reason"),
    [
        ([], "0 log-probabilities for 2 choices"),
        ([-1.0], "1 log-probabilities for 2 choices"),
        ([-1.0, -2.0, -3.0], "3 log-probabilities for 2 choices"),
        ([nan, -1.0], "not a number"),
    ],
)
def test_incomplete_responses_are_not_scored(logprobs: list[float], reason: str) -> None:
    verdict = score_choices(response(logprobs), ["a", "b"], 1)
    assert verdict.scores == {}
    assert verdict.extracted is None
    assert verdict.gold == "b"
    assert reason in verdict.reason


@given(
    choices=st.lists(
        st.tuples(st.text(min_size=1), st.floats(min_value=-1e6, max_value=-1e-6)), min_size=2
    ),
    data=st.data(),
)
def test_raising_the_right_choice_never_hurts(
    choices: list[tuple[str, float]], data: st.DataObject
) -> None:
    texts = [text for text, _ in choices]
    gold = data.draw(st.integers(0, len(texts) - 1))
    before = score_choices(response([p for _, p in choices]), texts, gold).scores
    raised = [0.0 if i == gold else p for i, (_, p) in enumerate(choices)]
    after = score_choices(response(raised), texts, gold).scores
    assert after == {"acc": 1.0, "acc_norm": 1.0}
    assert all(before[m] in (0.0, 1.0) for m in after)
