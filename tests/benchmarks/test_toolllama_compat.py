"""ToolLLaMA by the published script's rules, where they differ from ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.toolllama import BENCHMARK
from evaluation.benchmarks.toolllama_compat import INVALID, read_step, score_step_as_published
from evaluation.benchmarks.toolllama_steps import Step
from tests.benchmarks.test_toolllama import CALL, FINISH, GIVE_UP, call, judge, make_sample

OFFERED = frozenset({"Finish", "status_for_ferries", "ports_for_ferries"})


def score(recorded: str, answer: str) -> dict[str, float]:
    found = score_step_as_published(answer, recorded, OFFERED)
    return {metric.removesuffix(" (compat)"): value for metric, value in found.items()}


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (CALL, Step("call", "status_for_ferries", '{"line": "A", "day": 2}')),
        ("The ferry is late.", Step("call", "none", "{}")),
        ("", Step("call", "none", "{}")),
        ("Action: ", Step("call", "", "{}")),
        ("Action Input: {} Action: a", Step("call", "a", "{} Action: a")),
        (GIVE_UP, Step("give up", "none", "{}")),
        (call("Finish", "{broken"), Step("give up", "none", "{}")),
        (
            call("Finish", '{"return_type": "give_answer"}'),
            Step("finish", "Finish", '{"return_type": "give_answer"}', "None"),
        ),
    ],
)
def test_steps_are_read_as_in_the_script(text: str, step: Step) -> None:
    assert read_step(text) == step


def test_a_reference_that_gives_up_counts_only_if_the_model_does() -> None:
    assert score(GIVE_UP, GIVE_UP) == {"plan_em": 1, "hallucination_rate": 0}
    for answer in (CALL, FINISH, ""):
        assert score(GIVE_UP, answer) == {}


def test_a_reference_that_is_not_offered_counts_only_if_the_model_gives_up() -> None:
    recorded = call("boats", "{}")
    assert score(recorded, CALL) == {}
    assert score(recorded, GIVE_UP) == {
        "plan_em": 0,
        "hallucination_rate": 0,
        "act_em": 0,
        "arg_f1": 0,
    }
    assert score(call(INVALID, "{}"), GIVE_UP) == {}


def test_silence_is_the_plan_to_call() -> None:
    found = {"plan_em": 1, "hallucination_rate": 0, "act_em": 0, "arg_f1": 0}
    assert score(CALL, "") == found
    assert score("I am lost.", "So am I.") == found | {"act_em": 1, "arg_f1": 1}


def test_final_answers_are_compared_with_none_where_the_model_has_none() -> None:
    assert score(FINISH, FINISH) == {"plan_em": 1, "hallucination_rate": 0, "rouge_l": 1}
    assert score(FINISH, CALL) == {"plan_em": 0, "hallucination_rate": 0, "rouge_l": 0}
    empty = call("Finish", '{"return_type": "give_answer", "final_answer": " "}')
    assert score(empty, empty)["rouge_l"] == 1


@pytest.mark.parametrize(
    ("wanted", "given_", "f1"),
    [
        ("{}", "{}", 1),
        ("{}", "[]", 0),
        ('{"a": 1}', '{"a": 2}', 0.5),
        ('{"a": 1}', "{broken", 0),
        ("[]", "[]", 0),
        ("{broken", "{}", None),
    ],
)
def test_arguments_are_compared_as_in_the_script(
    wanted: str, given_: str, f1: float | None
) -> None:
    found = score(call("status_for_ferries", wanted), call("status_for_ferries", given_))
    assert found.get("arg_f1") == f1
    other = score(call("status_for_ferries", wanted), call("ports_for_ferries", given_))
    assert other["arg_f1"] == 0


def test_hallucinated_calls_are_divided_by_all_steps() -> None:
    scored = [
        (s, judge(s, answer))
        for s, answer in (
            (make_sample(CALL), call("boats", "{}")),
            (make_sample(CALL), CALL),
            (make_sample(FINISH), FINISH),
            (make_sample(GIVE_UP), call("boats", "{}")),  # left out, but counted
        )
    ]
    found = {s.metric: (s.value, s.n) for s in BENCHMARK.aggregate(scored)}
    assert found["hallucination_rate (compat)"] == (0.25, 4)
    assert found["hallucination_rate"] == (2 / 3, 3)
    assert found["plan_em (compat)"] == (1.0, 3)
    assert found["plan_em"] == (0.75, 4)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_texts_are_compared(recorded: str, answer: str) -> None:
    for prefix in ("", "Action: Finish Action Input: ", "Action: status_for_ferries Action Input:"):
        found = score(prefix + recorded, prefix + answer)
        assert all(0 <= value <= 1 for value in found.values())
