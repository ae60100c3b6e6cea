"""ToolLLaMA, queries: prompt, names out of answers, and their scores."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.toolllama import BENCHMARK
from evaluation.benchmarks.toolllama_queries import rate_over_names, read_names
from evaluation.records import GenerateRequest, Response, Sample, SampleScore, Score
from tests.computing import limited_computing
from tests.evidence import evidence


def api(tool: str, name: str, description: str = "", *parameters: str) -> dict[str, Any]:
    return {
        "category_name": "Travel",
        "tool_name": tool,
        "api_name": name,
        "api_description": description,
        "required_parameters": [{"name": p, "type": "STRING", "default": 1} for p in parameters],
        "optional_parameters": [],
    }


APIS = [
    api("Ferries", "status", "Whether a ferry\n is late.", "line", "day"),
    api("Ferries", "Ports"),
    api("Weather  Now", "status", "Wind and “rain”."),
]
RELEVANT = [["Ferries", "status"], ["Weather  Now", "status"]]


def make_row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "kind": "query",
        "group": "g2_category",
        "query_id": "28",
        "query": "Is the ferry {late} in this wind?",
        "api_list": json.dumps(APIS),
        "relevant_apis": json.dumps(RELEVANT),
    }
    return row | changes


def judge(text: str, **changes: object) -> tuple[Sample, SampleScore]:
    sample = BENCHMARK.sample(make_row(**changes), 0)
    response = Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        text=text,
        finish_reason="stop",
    )
    return sample, BENCHMARK.score(sample, evidence([response], [text]))


# ---- prompt and rows ----


def test_the_prompt_lists_the_apis_and_asks_for_names_last() -> None:
    settings = PromptSettings(protocol="chat", max_new_tokens=300, seed=5)
    sample = BENCHMARK.sample(make_row(), 3)
    (request,) = BENCHMARK.requests(sample, [], settings)
    assert isinstance(request, GenerateRequest)
    assert (request.max_new_tokens, request.seed, request.temperature) == (300, 5, 0.0)
    (message,) = request.messages
    before, _, after = message.content.partition("\nRequest: ")
    assert before.splitlines()[1:] == [
        '- ["Ferries", "status"]: Whether a ferry is late. (parameters: line, day)',
        '- ["Ferries", "Ports"]',
        '- ["Weather  Now", "status"]: Wind and “rain”.',
    ]
    assert after.startswith("Is the ferry {late} in this wind?\n")
    assert after.endswith('[["first tool", "first API"], ["second tool", "second API"]]')


def test_ids_and_categories_are_those_of_the_group() -> None:
    sample = BENCHMARK.sample(make_row(), 3)
    assert (sample.id, sample.category) == ("g2_category/28", "queries/g2_category")


def test_prepared_samples_are_read_again() -> None:
    sample = BENCHMARK.sample(make_row(), 3)
    assert BENCHMARK.row(Sample.model_validate_json(sample.model_dump_json())) == BENCHMARK.row(
        sample
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"group": "g4_tool"}, "group"),
        ({"query": " \n"}, "the query is empty"),
        ({"query": None}, "query"),
        ({"api_list": "[{"}, "api_list"),
        ({"api_list": "[" * 100_000}, "nested too deeply"),
        ({"api_list": "{}"}, "api_list"),
        ({"api_list": '[{"tool_name": "Ferries"}]'}, "api_list.0.api_name"),
        ({"api_list": "[]"}, "'status' of 'Ferries' is not offered"),
        ({"relevant_apis": "[]"}, "no API is relevant"),
        ({"relevant_apis": '[["Ferries"]]'}, "relevant_apis.0"),
        ({"relevant_apis": '[["Ferries", "boats"]]'}, "'boats' of 'Ferries' is not offered"),
    ],
)
def test_impossible_rows_are_named(changes: dict[str, object], message: str) -> None:
    found = BENCHMARK.sample(make_row(**changes), 7).unscorable
    assert found.startswith("row 7: ") and message in found


# ---- names ----

ONE, TWO = ("ferries", "status"), ("weather now", "status")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('[["Ferries", "status"]]', {ONE}),
        ('[["ferries","Status "],\n ["Weather Now", "status"]]', {ONE, TWO}),
        ('```json\n[\n  ["Ferries", "status"]\n]\n```', {ONE}),
        ('First [["a", "b"]], no: [["Ferries", "status"]]. Done.', {ONE}),
        ('[["Ferries", "status"]] with the parameters [] and [[1, 2]]', {ONE}),
        ('[["Ferries", "status"], ["Ferries", "status"]]', {ONE}),
        ('[["a]]", "[[b"]]', {("a]]", "[[b")}),
        ('[["東京", "\\u00c9tat"]]', {("東京", "état")}),
        ('[[["Ferries", "status"]]]', {ONE}),
        ('[["Ferries", "status"], ["Weather', set()),
        ('[["Ferries", "status", "x"]]', set()),
        ('["Ferries", "status"]', set()),
        ('[["Ferries", "status"], "Weather"]', set()),
        ("[['Ferries', 'status']]", set()),
        ('[["Ferries", "sta\ntus"]]', set()),
        ('[["Ferries", "\\status"]]', set()),
        ("[]", set()),
        ("[[]]", set()),
        ("Ferries: status", set()),
        ("None", set()),
        ("", set()),
    ],
)
def test_the_last_list_of_pairs_is_the_answer(text: str, names: set[tuple[str, str]]) -> None:
    assert read_names(text)[0] == names


def test_reports_show_the_list_as_it_was_written() -> None:
    _, found = judge('So: [["Ferries",  "status"]]!')
    assert found.extracted == '[["Ferries",  "status"]]'
    assert json.loads(found.gold) == RELEVANT
    assert judge("Hm.")[1].extracted is None


# ---- scores ----


@pytest.mark.parametrize(
    ("names", "precision", "recall", "hallucinated"),
    [
        (RELEVANT, 1, 1, 0),
        (RELEVANT[::-1], 1, 1, 0),
        (RELEVANT[:1], 1, 1 / 2, 0),
        ([*RELEVANT, ["Ferries", "Ports"]], 2 / 3, 1, 0),
        ([["Ferries", "Ports"]], 0, 0, 0),
        ([["Ferries", "status"], ["Boats", "status"], ["Ferries", "x"]], 1 / 3, 1 / 2, 2 / 3),
        ([["status", "Ferries"]], 0, 0, 1),
    ],
)
def test_names_are_compared_as_sets(
    names: list[list[str]], precision: float, recall: float, hallucinated: float
) -> None:
    total = precision + recall
    assert judge(json.dumps(names))[1].scores == pytest.approx(
        {
            "api_precision": precision,
            "api_recall": recall,
            "api_f1": 2 * precision * recall / total if total else 0,
            "api_names": len(names),
            "api_hallucination_rate": hallucinated,
        }
    )


@pytest.mark.parametrize("text", ["", "None", "[]", "Take the ferry.", "\x00\u202e\U0001f6a2"])
def test_an_answer_without_names_has_nothing_right_and_nothing_made_up(text: str) -> None:
    zeros = dict.fromkeys(("api_f1", "api_precision", "api_recall", "api_names"), 0.0)
    assert judge(text)[1].scores == zeros


def aggregate(*answers: tuple[str, list[list[str]]]) -> dict[str, Score]:
    scored = [judge(json.dumps(names), group=group) for group, names in answers]
    return {score.metric: score for score in BENCHMARK.aggregate(scored)}


def test_means_are_over_queries_and_the_hallucination_rate_over_names() -> None:
    many = [["x", str(i)] for i in range(9)]
    found = aggregate(("g1_tool", RELEVANT), ("g1_tool", []), ("g3_instruction", many))
    assert {m: (s.value, s.n) for m, s in found.items() if m.startswith("api")} == {
        "api_f1": (pytest.approx(1 / 3), 3),
        "api_precision": (pytest.approx(1 / 3), 3),
        "api_recall": (pytest.approx(1 / 3), 3),
        "api_hallucination_rate": (pytest.approx(9 / 11), 11),
        "api_f1 (g1_tool)": (0.5, 2),
        "api_f1 (g3_instruction)": (0.0, 1),
    }
    interval = found["api_hallucination_rate"].interval
    assert interval and interval.method.startswith("bootstrap")
    assert interval.low == 0 and interval.high == 1  # of two queries with names
    assert (found["arg_f1"].value, found["arg_f1"].n) == (None, 0)


def test_a_rate_of_nothing_has_no_value_and_one_without_faults_an_interval_with_a_width() -> None:
    empty = aggregate(("g1_tool", []))["api_hallucination_rate"]
    assert (empty.value, empty.n, empty.reason) == (None, 0, "no API was named")
    faultless = rate_over_names("rate", [{"api_names": 3.0, "rate": 0.0}] * 10)
    assert (faultless.value, faultless.n) == (0.0, 30)
    assert faultless.interval and faultless.interval.method == "Wilson"
    assert faultless.interval.low == 0 and 0.2 < faultless.interval.high < 0.4


NAMES = st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=5)


@given(NAMES, st.booleans(), st.sampled_from(["{}", "The APIs:\n{}\n", "```json\n{}\n```"]))
def test_written_names_are_read_back(
    names: list[tuple[str, str]], escaped: bool, form: str
) -> None:
    written = json.dumps(names, ensure_ascii=escaped)
    found, source = read_names(form.replace("{}", written))
    tidy = {tuple(" ".join(part.split()).casefold() for part in one) for one in names}
    assert found == tidy and source == written


FRAGMENTS = st.sampled_from(
    ["[[", "]]", "[", "]", ",", '"', '"\\ud800"', '["Ferries", "status"]', "NaN", "9" * 5000]
)


@given(st.lists(FRAGMENTS | st.text(max_size=10), max_size=15).map("".join))
def test_any_text_is_scored(text: str) -> None:
    scores = judge(text)[1].scores
    assert all(0 <= v <= 1 for metric, v in scores.items() if metric != "api_names")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[ [" * 300_000,
        '[["a", "b"], ' * 80_000,
        '[["a", "b"]]' * 80_000,
        "[[" + "9" * 1_000_000,
        '[["' * 400_000,
        '[["a", "' + "\\\\" * 500_000,
        "[" + " " * 1_000_000,
        "\n" * 1_000_000,
    ],
)
def test_degenerate_answers_are_scored_fast(text: str) -> None:
    with limited_computing():
        scores = judge(text)[1].scores
    assert scores["api_f1"] == 0
