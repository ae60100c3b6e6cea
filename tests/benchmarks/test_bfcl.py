"""BFCL: rows, prompt and scores; decoder, checker, files and tools have tests of their own."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.bfcl import BENCHMARK, macro_average
from evaluation.benchmarks.bfcl_checker import TYPES as BFCL_TYPES
from evaluation.benchmarks.bfcl_checker import value_matches
from evaluation.benchmarks.bfcl_decoder import Call
from evaluation.benchmarks.bfcl_files import AST_CATEGORIES, CATEGORIES, read_rows
from evaluation.benchmarks.bfcl_tools import tool_name
from evaluation.records import GenerateRequest, Protocol, Response, Sample, SampleScore, Score
from tests.evidence import evidence

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "resources" / "samples" / "bfcl" / "samples.jsonl"
HUB = ROOT.parent / "shared/data/hub/gorilla-llm/Berkeley-Function-Calling-Leaderboard"
SETTINGS = PromptSettings(protocol="chat", max_new_tokens=300, seed=5)
PROTOCOLS: tuple[Protocol, ...] = BENCHMARK.card.protocols

LAMP: dict[str, Any] = {
    "name": "lamp.dim",
    "description": "Dim a lamp.",
    "parameters": {
        "type": "dict",
        "properties": {
            "room": {"type": "string", "description": "Where the lamp is."},
            "percent": {"type": "integer", "description": "Brightness."},
            "seconds": {"type": "float", "description": "How slowly."},
        },
        "required": ["room", "percent"],
    },
}
TRUTH: list[dict[str, Any]] = [
    {"lamp.dim": {"room": ["hall", "the hall"], "percent": [40], "seconds": [2.0, ""]}}
]


def make_row(category: str = "simple_python", **changes: object) -> dict[str, object]:
    truth = TRUTH if category in AST_CATEGORIES else []
    row: dict[str, object] = {
        "id": f"{category}_0",
        "category": category,
        "question": [[{"role": "user", "content": "Dim the lamp in the hall to 40 percent."}]],
        "function": [LAMP],
        "ground_truth": truth,
    }
    return row | changes


def respond(sample: Sample, text: str) -> Response:
    return Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        text=text,
        finish_reason="stop",
    )


def score(sample: Sample, text: str, protocol: Protocol = "chat") -> SampleScore:
    return BENCHMARK.score(sample, evidence([respond(sample, text)], [text], protocol))


def messages(row: dict[str, object]) -> list[tuple[str, str]]:
    (request,) = BENCHMARK.requests(BENCHMARK.sample(row, 0), [], SETTINGS)
    assert isinstance(request, GenerateRequest)
    assert (request.max_new_tokens, request.seed, request.temperature) == (300, 5, 0.0)
    return [(m.role, m.content) for m in request.messages]


def gold_calls(row: Mapping[str, Any]) -> list[Call]:
    """The accepted calls, with the first accepted value of the documented type for each argument.

    Arguments that may be left out and have no such value are left out.
    """
    documented = {f["name"]: f["parameters"]["properties"] for f in row["function"]}
    calls = []
    for expected in row["ground_truth"]:
        ((name, accepted),) = expected.items()
        arguments = {}
        for parameter, values in accepted.items():
            schema = documented[name].get(parameter)
            fitting = [pick(v, schema) for v in values if v != ""] if schema else []
            fitting = [v for v in fitting if value_matches(v, values, schema)]
            if fitting:
                arguments[parameter] = fitting[0]
        calls.append(Call(name, arguments))
    return calls


def pick(value: Any, schema: dict[str, Any]) -> Any:
    """Dictionaries hold a list of accepted values under each key, also inside lists."""
    if isinstance(value, dict):
        return {k: next(v for v in vs if v != "") for k, vs in value.items() if vs != [""]}
    if isinstance(value, list) and schema.get("items", {}).get("type") == "dict":
        return [pick(v, {}) for v in value]
    return value


def gold_answer(row: Mapping[str, Any], protocol: Protocol = "chat") -> str:
    """The accepted calls as a model would write them in the form that a protocol asks for."""
    calls = gold_calls(row)
    if protocol == "tools":
        stated = [{"name": tool_name(c.name), "arguments": c.arguments} for c in calls]
        return "\n".join(f"<tool_call>\n{json.dumps(s)}\n</tool_call>" for s in stated)
    written = (", ".join(f"{k}={v!r}" for k, v in c.arguments.items()) for c in calls)
    return "[" + ", ".join(f"{c.name}({w})" for c, w in zip(calls, written, strict=True)) + "]"


def contradictory(row: Mapping[str, Any]) -> bool:
    """Whether no answer can be right: BFCL accepts an argument that the docs do not know, or
    none for one that they require."""
    documented = {f["name"]: f["parameters"] for f in row["function"]}
    return any(
        not accepted.keys() <= documented[name]["properties"].keys()
        or any(accepted.get(needed) in (None, []) for needed in documented[name]["required"])
        for expected in row["ground_truth"]
        for name, accepted in expected.items()
    )


# ---- prompt ----


def test_prompt_documents_the_functions_before_the_question() -> None:
    system, user = messages(make_row())
    assert system[0] == "system"
    assert '[first_function(name="text", count=2), second.function(flag=True)]' in system[1]
    assert json.loads(system[1].split("Functions:\n")[1]) == [LAMP]
    assert user == ("user", "Dim the lamp in the hall to 40 percent.")


def test_prompt_joins_the_rows_own_system_message() -> None:
    question = [
        {"role": "system", "content": "Today is Monday."},
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": "dim it"},
        {"role": "assistant", "content": "Which lamp?"},
        {"role": "user", "content": "the hall"},
    ]
    found = messages(make_row(question=[question]))
    assert [role for role, _ in found] == ["system", "user", "assistant", "user"]
    assert found[0][1].endswith("\n\nToday is Monday.")
    assert found[1][1] == "Hi\n\ndim it"


def test_category_and_id() -> None:
    sample = BENCHMARK.sample(make_row("live_relevance"), 3)
    assert (sample.id, sample.category) == ("live_relevance_0", "live_relevance")


LAMP_TYPES = {"a": {"type": "colour"}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"category": "java"}, "category 'java'"),
        ({"question": []}, "0 turns"),
        ({"question": [[{"role": "user", "content": " "}]]}, "does not end in a message"),
        ({"question": [[{"role": "tool", "content": "x"}]]}, "question.0.0.role"),
        ({"function": []}, "(lamp.dim) is not one of the functions"),
        ({"function": [{"parameters": {"properties": {}}}]}, "has no name"),
        ({"function": [{"name": 3, "parameters": {"properties": {}}}]}, "has no name"),
        ({"function": [{"name": "f"}]}, "no parameters"),
        ({"function": [{"name": "f", "parameters": {"properties": []}}]}, "no parameters"),
        ({"function": [{"name": "f", "parameters": {"properties": {"a": {}}}}]}, "no type"),
        ({"function": [{"name": "f", "parameters": {"properties": {"a": 3}}}]}, "no type"),
        ({"function": [LAMP | {"description": None}]}, "description of 'lamp.dim' is no text"),
        (
            {"function": [{"name": "f", "parameters": {"properties": {}, "required": "ab"}}]},
            "required parameters of 'f'",
        ),
        (
            {"function": [LAMP, LAMP | {"name": "lamp_dim"}]},
            "the same name as tools (lamp.dim, lamp_dim)",
        ),
        (
            {"function": [LAMP | {"parameters": {"properties": LAMP_TYPES}}]},
            "has the type 'colour', which BFCL does not check",
        ),
        ({"ground_truth": []}, "no accepted call"),
        ({"ground_truth": [{"other": {}}]}, "other"),
        ({"category": "irrelevance", "ground_truth": TRUTH}, "none are expected"),
        ({"id": None}, "id:"),
    ],
)
def test_impossible_rows_are_named(changes: dict[str, Any], message: str) -> None:
    found = BENCHMARK.sample(make_row(**changes), 7).unscorable
    assert found.startswith("row 7: ") and message in found


def test_odd_types_matter_only_where_arguments_are_checked() -> None:
    odd = [LAMP | {"parameters": {"properties": LAMP_TYPES}}]
    sample = BENCHMARK.sample(make_row("irrelevance", function=odd), 0)
    assert not sample.unscorable
    assert score(sample, "No function fits.").scores == {"irrelevance_accuracy": 1}


SCHEMAS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "items", "properties", "required", "description", "p"]),
            inner | st.sampled_from([*BFCL_TYPES, "object"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(SCHEMAS, SCHEMAS, st.sampled_from(["simple_python", "irrelevance"]))
def test_any_documentation_is_scored_or_named(parameters: Any, p: Any, category: str) -> None:
    truth = [{"f": {"p": [1, "x"]}}] if category in AST_CATEGORIES else []
    for schema in (parameters, {"type": "dict", "properties": {"p": p}}):
        function = [{"name": "f", "description": "", "parameters": schema}]
        row = make_row(category, function=function, ground_truth=truth)
        sample = BENCHMARK.sample(row, 0)
        for protocol in PROTOCOLS:
            if not sample.unscorable:
                settings = PromptSettings(protocol=protocol)
                BENCHMARK.requests(sample, [], settings)
                written = {"chat": "[f(p=1)]", "tools": '{"name": "f", "arguments": {"p": 1}}'}
                assert score(sample, written[protocol], protocol).scores


# ---- scores ----


def test_irrelevance_and_relevance_look_at_calls_only() -> None:
    irrelevance = BENCHMARK.sample(make_row("live_irrelevance"), 0)
    relevance = BENCHMARK.sample(make_row("live_relevance"), 0)
    for text, called in (("No function fits.", 0), ("[]", 0), ("", 0), ("[any_name(x=1)]", 1)):
        assert score(irrelevance, text).scores == {"irrelevance_accuracy": 1 - called}
        assert score(relevance, text).scores == {"relevance_accuracy": called}


def test_reports_show_the_decoded_part() -> None:
    found = score(BENCHMARK.sample(make_row(), 0), "Here:\n```\n[lamp.dim(room=1)]\n```")
    assert found.extracted == "[lamp.dim(room=1)]"
    assert json.loads(found.gold) == TRUTH


def aggregate(values: list[tuple[str, float]]) -> dict[str, Score]:
    scored = []
    for category, value in values:
        sample = BENCHMARK.sample(make_row(category), 0)
        (metric,) = score(sample, "").scores
        scored.append((sample, SampleScore(scores={metric: value})))
    return {s.metric: s for s in BENCHMARK.aggregate(scored)}


def test_ast_accuracy_is_the_macro_average() -> None:
    found = aggregate(
        [("multiple", 1.0)] * 9 + [("parallel", 0.0)] * 3 + [("irrelevance", 1.0)] * 4
    )
    ast_score = found["ast_accuracy"]
    assert (ast_score.value, ast_score.n, ast_score.primary) == (0.5, 12, True)
    assert ast_score.interval and ast_score.interval.method.startswith("bootstrap")
    assert ast_score.interval.low <= 0.5 <= ast_score.interval.high
    assert (found["irrelevance_accuracy"].value, found["irrelevance_accuracy"].n) == (1.0, 4)
    assert (found["relevance_accuracy"].value, found["relevance_accuracy"].n) == (None, 0)
    assert [s.metric for s in found.values() if s.primary] == ["ast_accuracy"]


def test_live_and_other_categories_are_averaged_apart_as_well() -> None:
    values = [("multiple", 1.0), ("parallel", 0.0), ("live_simple", 1.0), ("live_simple", 1.0)]
    values += [("irrelevance", 1.0), ("live_irrelevance", 0.0), ("live_irrelevance", 0.0)]
    found = {metric: (s.value, s.n) for metric, s in aggregate(values).items()}
    assert found == {
        "ast_accuracy": (pytest.approx(2 / 3), 4),
        "ast_accuracy (non-live)": (0.5, 2),
        "ast_accuracy (live)": (1.0, 2),
        "irrelevance_accuracy": (0.5, 3),
        "irrelevance_accuracy (non-live)": (1.0, 1),
        "irrelevance_accuracy (live)": (0.0, 2),
        "relevance_accuracy": (None, 0),
    }


def test_interval_has_a_width_when_all_samples_are_alike() -> None:
    ast_score = aggregate([("multiple", 1.0)] * 5 + [("parallel", 1.0)] * 5)["ast_accuracy"]
    assert ast_score.interval and ast_score.interval.method == "Wilson"
    assert ast_score.value == 1.0 and ast_score.interval.low < 0.8


def test_macro_average() -> None:
    assert macro_average([("a", 1.0), ("a", 0.0), ("b", 1.0)]) == 0.75


@given(st.text(max_size=300), st.sampled_from(PROTOCOLS))
def test_any_text_is_scored(text: str, protocol: Protocol) -> None:
    for category in CATEGORIES:
        found = score(BENCHMARK.sample(make_row(category), 0), text, protocol).scores
        assert len(found) == 1 and set(found.values()) <= {0.0, 1.0}


# ---- rows ----


def bundled() -> list[dict[str, Any]]:
    if not BUNDLED.exists():
        pytest.skip(f"{BUNDLED} is not there yet")
    return [json.loads(line) for line in BUNDLED.read_text(encoding="utf-8").splitlines()]


def assert_gold_and_empty(row: dict[str, Any], protocol: Protocol) -> None:
    sample = BENCHMARK.sample(row, 0)
    (request,) = BENCHMARK.requests(sample, [], PromptSettings(protocol=protocol))
    assert isinstance(request, GenerateRequest) and request.messages[-1].role == "user"
    assert len(request.tools) == (len(row["function"]) if protocol == "tools" else 0)
    call = {"chat": "[a_call(x=1)]", "tools": '{"name": "a_call", "arguments": {"x": 1}}'}[protocol]
    empty = score(sample, "", protocol).scores
    if "irrelevance" in row["category"]:
        assert empty == {"irrelevance_accuracy": 1.0}  # no call is the right answer
        assert score(sample, call, protocol).scores == {"irrelevance_accuracy": 0.0}
        return
    gold = gold_answer(row, protocol) if row["ground_truth"] else call
    assert set(score(sample, gold, protocol).scores.values()) == {1.0}, (row["id"], gold)
    assert set(empty.values()) == {0.0}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bundled_samples_score_full_marks_with_gold_and_none_without(protocol: Protocol) -> None:
    for row in bundled():
        assert_gold_and_empty(row, protocol)


def hub_rows() -> list[dict[str, Any]]:
    if not HUB.is_dir():
        pytest.skip("the real rows are not on this machine")
    rows: list[dict[str, Any]] = read_rows(HUB)
    return rows


def test_hub_rows_have_an_id_each_and_all_categories() -> None:
    samples = [BENCHMARK.sample(row, i) for i, row in enumerate(hub_rows())]
    assert not [s.unscorable for s in samples if s.unscorable]
    assert len({s.id for s in samples}) == len(samples)
    assert {s.category for s in samples} == set(CATEGORIES)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_hub_rows_score_full_marks_with_gold_and_none_without(protocol: Protocol) -> None:
    rows = [row for row in hub_rows() if not contradictory(row)]
    for row in random.Random(0).sample(rows, 400):
        assert_gold_and_empty(row, protocol)


def test_hub_rows_that_contradict_themselves_are_few() -> None:
    rows = [row for row in hub_rows() if row["ground_truth"]]
    assert sum(map(contradictory, rows)) <= len(rows) // 100
