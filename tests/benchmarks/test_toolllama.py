"""ToolLLaMA, steps: prompt, parsing, the scores of one step and of all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.toolllama import BENCHMARK
from evaluation.benchmarks.toolllama_rows import StepRow
from evaluation.benchmarks.toolllama_steps import (
    Step,
    argument_f1,
    offered_apis,
    parse_step,
    rouge_l,
    score_step,
)
from evaluation.records import GenerateRequest, Response, Sample, SampleScore
from tests.computing import limited_computing
from tests.evidence import evidence

SETTINGS = PromptSettings(protocol="chat", max_new_tokens=300, seed=5)

APIS = [
    {"name": "status_for_ferries", "description": 'it\'s [late] or "not" ]', "parameters": {}},
    {"name": "ports_for_ferries", "description": "", "parameters": {}},
    {"name": "Finish", "description": "end", "parameters": {}},
]
SYSTEM = f"Use functions. You have access to the following APIs: {APIS}"
CALL = '\nThought: Look.\nAction: status_for_ferries\nAction Input: {"line": "A", "day": 2}'
FINISH = (
    "\nThought: Done.\nAction: Finish\nAction Input: "
    '{"return_type": "give_answer", "final_answer": "The ferry is late by ten minutes."}'
)
GIVE_UP = '\nAction: Finish\nAction Input: {"return_type": "give_up_and_restart"}'


def make_row(
    reference: str = CALL, *before: tuple[str, str], system: str = SYSTEM
) -> dict[str, Any]:
    turns = [("system", system), ("user", "\nIs the ferry late?\nBegin!\n"), *before]
    turns.append(("assistant", reference))
    conversation = [{"from": f, "value": v} for f, v in turns]
    return {"kind": "step", "id": "Step 2: x", "conversations": conversation}


def make_sample(reference: str = CALL, *before: tuple[str, str]) -> Sample:
    return BENCHMARK.sample(make_row(reference, *before), 4)


def judge(sample: Sample, text: str) -> SampleScore:
    response = Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        text=text,
        finish_reason="stop",
    )
    return BENCHMARK.score(sample, evidence([response], [text]))


def score(sample: Sample, text: str) -> dict[str, float]:
    """Our own metrics; the published ones are tested in test_toolllama_compat."""
    return {m: v for m, v in judge(sample, text).scores.items() if not m.endswith("(compat)")}


def call(name: str, arguments: str) -> str:
    return f"Thought: x\nAction: {name}\nAction Input: {arguments}"


# ---- prompt ----


def test_prompt_ends_before_the_reference() -> None:
    sample = make_sample(
        FINISH,
        ("assistant", CALL),
        ("function", '{"error": "", "response": "late"}\n'),
        ("user", "Go on."),
    )
    (request,) = BENCHMARK.requests(sample, [], SETTINGS)
    assert isinstance(request, GenerateRequest)
    assert (request.max_new_tokens, request.seed, request.temperature) == (300, 5, 0.0)
    assert [(m.role, m.content) for m in request.messages] == [
        ("system", SYSTEM),
        ("user", "Is the ferry late?\nBegin!"),
        ("assistant", CALL.strip()),
        ("user", 'Result of the call:\n{"error": "", "response": "late"}\n\nGo on.'),
    ]


def test_ids_and_categories() -> None:
    assert make_sample().id == "step/4"
    assert make_sample().category == "steps/first call"
    assert make_sample(CALL, ("user", "Try another call.")).category == "steps/first call"
    later = make_sample(CALL, ("assistant", CALL), ("function", "{}"))
    assert later.category == "steps/later call"
    assert make_sample(FINISH).category == "steps/finish"
    assert make_sample(GIVE_UP).category == "steps/give up"


def test_turns_after_the_last_answer_are_ignored() -> None:
    row = make_row()
    row["conversations"].append({"from": "function", "value": "{}"})
    assert BENCHMARK.sample(row, 0).category == "steps/first call"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (make_row() | {"conversations": []}, "no assistant turn"),
        (make_row() | {"conversations": make_row()["conversations"][:2]}, "no assistant turn"),
        (make_row() | {"conversations": [{"from": "gpt", "value": ""}]}, "conversations.0.from"),
        ({"kind": "step", "id": "x"}, "conversations"),
        (make_row() | {"kind": "other"}, "kind"),
        (make_row() | {"kind": []}, "kind"),
        ({"conversations": make_row()["conversations"]}, "kind"),
        (make_row(CALL, ("user", " \n"), ("assistant", CALL)), "before the reference is of the"),
        (make_row(system="Hello."), "no list after 'the following APIs:'"),
        (make_row(system="the following APIs: [{'name': 'a'}"), "not a list of named APIs"),
        (make_row(system="the following APIs: ['a']"), "not a list of named APIs"),
        (make_row(system="the following APIs: [{'name': f()}]"), "not a list of named APIs"),
        (make_row(system="the following APIs: [{'name': 'a"), "not a list of named APIs"),
        (make_row(system="the following APIs: " + "[" * 5000), "not a list of named APIs"),
    ],
)
def test_impossible_rows_are_named(row: dict[str, object], message: str) -> None:
    found = BENCHMARK.sample(row, 7).unscorable
    assert found.startswith("row 7: ") and message in found


def test_a_list_of_no_apis_offers_only_to_finish() -> None:
    sample = BENCHMARK.sample(make_row(FINISH, system="the following APIs: []]"), 7)
    assert not sample.unscorable
    assert score(sample, FINISH) == {"plan_em": 1, "rouge_l": 1}


def test_empty_question_is_named() -> None:
    row = make_row()
    row["conversations"][1]["value"] = " \n"
    assert "no message of the user" in BENCHMARK.sample(row, 0).unscorable


def test_api_list_may_contain_brackets_and_be_followed_by_text() -> None:
    row = StepRow.model_validate(make_row(system=f"{SYSTEM}\nUse [any] of 'em."))
    assert offered_apis(row) == {"status_for_ferries", "ports_for_ferries", "Finish"}


# ---- steps ----


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (CALL, Step("call", "status_for_ferries", '{"line": "A", "day": 2}')),
        ("Action: a\nAction Input: {}\nAction: b\nAction Input: [1]", Step("call", "b", "[1]")),
        ("Action: a\nAction Input: {}\nAction: b", Step("call", "b", "{}")),
        ("Action: a", Step("call", "a", "{}")),
        ("Action: é 東\nAction Input: {", Step("call", "é 東", "{")),
        (call("Finish", "{}"), Step("give up", "Finish", "{}")),
        (call("Finish", "[]"), Step("give up", "Finish", "[]")),
        (
            call("Finish", '{"return_type": "give_ans'),
            Step("give up", "Finish", '{"return_type": "give_ans'),
        ),
        (
            call("Finish", '{"return_type": "give_answer"}'),
            Step("finish", "Finish", '{"return_type": "give_answer"}'),
        ),
        ("Action: none", Step("none")),
        ("Action:\nAction Input: {}", Step("none")),
        ("Action Input: {}", Step("none")),
        ("The ferry is late.", Step("none")),
        ("", Step("none")),
    ],
)
def test_parse_step(text: str, step: Step) -> None:
    assert parse_step(text) == step


def test_parse_finish() -> None:
    assert parse_step(FINISH).answer == "The ferry is late by ten minutes."
    number = call("Finish", '{"return_type": "give_answer", "final_answer": 7}')
    assert parse_step(number).answer == "7"


# ---- scores ----


@pytest.mark.parametrize(
    ("given_", "wanted", "f1"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, 1.0),
        ({"a": 1, "b": 3}, {"a": 1, "b": 2}, 0.75),
        ({"a": 1}, {"a": 1, "b": 2}, 2 / 3),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}, 0.8),
        ({"a": 2}, {"a": 1}, 0.5),
        ({"c": 1}, {"a": 1}, 0.0),
        ({}, {"a": 1}, 0.0),
        ({}, {}, 1.0),
        ({"a": 1}, {}, 0.0),
        (None, {"a": 1}, 0.0),
        (None, {}, 0.0),
    ],
)
def test_argument_f1(given_: dict[str, Any] | None, wanted: dict[str, Any], f1: float) -> None:
    assert argument_f1(given_, wanted) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("answer", "plan", "act", "f1", "hallucination"),
    [
        (CALL, 1, 1, 1, 0),
        (call("status_for_ferries", '{"line": "A", "day": 3}'), 1, 1, 0.75, 0),
        (call("status_for_ferries", '{"line": "A"'), 1, 1, 0, 0),
        (call("status_for_ferries", '["line"]'), 1, 1, 0, 0),
        (call("ports_for_ferries", '{"line": "A", "day": 2}'), 1, 0, 0, 0),
        (call("boats", '{"line": "A", "day": 2}'), 1, 0, 0, 1),
        (FINISH, 0, 0, 0, None),
        (GIVE_UP, 0, 0, 0, None),
        ("", 0, 0, 0, None),
    ],
)
def test_reference_call(
    answer: str, plan: int, act: int, f1: float, hallucination: int | None
) -> None:
    expected: dict[str, float] = {"plan_em": plan, "act_em": act, "arg_f1": f1}
    if hallucination is not None:  # no call, so none that could be hallucinated
        expected["hallucination_rate"] = hallucination
    assert score(make_sample(CALL), answer) == pytest.approx(expected)


def test_reference_answer() -> None:
    sample = make_sample(FINISH)
    assert score(sample, FINISH) == {"plan_em": 1, "rouge_l": 1}
    # 3 of 4 words in order, 3 of 7 reference words: P = 3/4, R = 3/7, F = 6/11.
    short = FINISH.replace("The ferry is late by ten minutes.", "Ferry is not late")
    assert score(sample, short)["rouge_l"] == pytest.approx(6 / 11)
    assert score(sample, CALL) == {"plan_em": 0, "hallucination_rate": 0, "rouge_l": 0}
    for other in (GIVE_UP, "The ferry is late by ten minutes."):
        assert score(sample, other) == {"plan_em": 0, "rouge_l": 0}


def test_give_up_references_stay_in_whatever_the_model_says() -> None:
    sample = make_sample(GIVE_UP)
    assert score(sample, GIVE_UP) == {"plan_em": 1}
    assert score(sample, CALL) == {"plan_em": 0, "hallucination_rate": 0}
    assert score(sample, "") == {"plan_em": 0}


@pytest.mark.parametrize("reference", [call("invalid_function", "{}"), "I am lost."])
def test_impossible_references_have_none_of_our_metrics(reference: str) -> None:
    for answer in (CALL, reference, ""):
        found = judge(make_sample(reference), answer)
        assert not score(make_sample(reference), answer)
        assert "not among the offered APIs" in found.reason


def test_reference_without_arguments_to_compare() -> None:
    found = score(make_sample(call("status_for_ferries", "{broken")), CALL)
    assert "arg_f1" not in found and found["act_em"] == 1


def test_reports_show_the_step() -> None:
    found = judge(make_sample(CALL), "Hm.\nAction: boats\nAction Input: {}")
    assert found.extracted == "boats {}"
    assert found.gold == 'status_for_ferries {"line": "A", "day": 2}'
    assert judge(make_sample(CALL), "Hm.").extracted is None


def test_rouge_l_of_other_scripts() -> None:
    assert rouge_l("渡し船は遅れています", "渡し船は遅れています") == 1.0
    assert rouge_l("", "渡し船") == 0.0


def test_aggregate_counts_what_each_metric_is_over() -> None:
    scored = [
        (s, judge(s, answer))
        for s, answer in (
            (make_sample(CALL), CALL),
            (make_sample(CALL), call("status_for_ferries", '{"line": "B", "day": 2}')),
            (make_sample(FINISH), call("boats", "{}")),
            (make_sample(FINISH), FINISH.replace("late", "early")),
            (make_sample(GIVE_UP), GIVE_UP),
            (make_sample("lost"), CALL),
        )
    ]
    found = {s.metric: s for s in BENCHMARK.aggregate(scored)}
    assert {m: (s.value, s.n) for m, s in found.items() if m in OURS} == {
        "arg_f1": (0.875, 2),
        "plan_em": (0.8, 5),
        "act_em": (1.0, 2),
        "hallucination_rate": (pytest.approx(1 / 3), 3),  # of three calls
        "rouge_l": (pytest.approx(3 / 7), 2),
    }
    assert [m for m, s in found.items() if s.primary] == ["arg_f1"]
    f1, plan = found["arg_f1"].interval, found["plan_em"].interval
    assert f1 and f1.method.startswith("bootstrap")
    assert plan and plan.method == "Wilson"


OURS = ("arg_f1", "plan_em", "act_em", "hallucination_rate", "rouge_l")


def test_metrics_of_faults_are_marked_so() -> None:
    faults = {m for m in BENCHMARK.card.metrics if "hallucination" in m}
    assert faults == set(BENCHMARK.card.lower_is_better)


FRAGMENTS = st.sampled_from(
    [
        "Action:", "Action Input:", "Finish", "status_for_ferries", "\n", '{"line": "A"}',
        '{"return_type": "give_answer", "final_answer": ', '"\\ud800"', "NaN", "}", "[" * 3000,
        "9" * 5000,
    ]
)  # fmt: skip


@given(st.lists(FRAGMENTS | st.text(max_size=20), max_size=12).map("".join))
def test_any_text_is_scored(text: str) -> None:
    for reference in (CALL, FINISH, GIVE_UP):
        found = judge(make_sample(reference), text).scores
        assert "plan_em" in found and all(0 <= v <= 1 for v in found.values())


@given(st.lists(FRAGMENTS | st.text(max_size=20), max_size=12).map("".join))
def test_any_reference_is_compared_with(recorded: str) -> None:
    reference = parse_step(recorded)
    scores = score_step(reference, reference, frozenset({"Finish", "status_for_ferries"}))
    assert set(scores.values()) <= {0.0, 1.0} and scores.get("plan_em", 1) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Action:" * 150_000,
        "Action: a Action Input:" * 45_000,
        call("Finish", json.dumps({"return_type": "give_answer", "final_answer": "a " * 500_000})),
        call("status_for_ferries", "[" * 1_000_000),
        call("status_for_ferries", json.dumps({str(i): i for i in range(60_000)})),
        "\n" * 1_000_000,
    ],
)
def test_long_answers_are_scored_fast(text: str) -> None:
    samples = [make_sample(CALL), make_sample(FINISH)]
    with limited_computing():
        for sample in samples:
            judge(sample, text)
