"""BFCL through the chat template: docs as tools, and calls out of what models write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.bfcl import BENCHMARK
from evaluation.benchmarks.bfcl_decoder import Call
from evaluation.benchmarks.bfcl_tools import json_schema, read_tool_calls, tool
from evaluation.records import GenerateRequest, Message, Response, SampleScore
from tests.benchmarks.test_bfcl import LAMP, SETTINGS, TRUTH, make_row
from tests.computing import limited_computing
from tests.evidence import evidence

F = '{"name": "f", "arguments": {"a": 1}}'
G = '{"name": "g", "arguments": {"b": "x"}}'
CALLS = [Call("f", {"a": 1}), Call("g", {"b": "x"})]


def score(text: str, category: str = "simple_python", **changes: object) -> SampleScore:
    sample = BENCHMARK.sample(make_row(category, **changes), 0)
    response = Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt="",
        text=text,
        finish_reason="stop",
    )
    return BENCHMARK.score(sample, evidence([response], [text], "tools"))


# ---- requests ----


def test_the_functions_are_tools_and_the_messages_the_row_s_own() -> None:
    settings = PromptSettings(protocol="tools", max_new_tokens=300, seed=5)
    (request,) = BENCHMARK.requests(BENCHMARK.sample(make_row(), 0), [], settings)
    assert isinstance(request, GenerateRequest)
    question = "Dim the lamp in the hall to 40 percent."
    assert request.messages == (Message(role="user", content=question),)
    (shown,) = request.tools
    assert (shown.name, shown.description) == ("lamp_dim", "Dim a lamp.")
    assert shown.parameters == {
        "type": "object",
        "properties": {
            "room": {"type": "string", "description": "Where the lamp is."},
            "percent": {"type": "integer", "description": "Brightness."},
            "seconds": {"type": "number", "format": "float", "description": "How slowly."},
        },
        "required": ["room", "percent"],
    }


def test_the_protocols_ask_differently() -> None:
    sample = BENCHMARK.sample(make_row(), 0)
    (request,) = BENCHMARK.requests(sample, [], SETTINGS)
    assert isinstance(request, GenerateRequest)
    assert request.tools == () and "Functions:" in request.messages[0].content


def test_types_are_json_schema_at_every_depth() -> None:
    documented = {
        "type": "dict",
        "properties": {
            "pair": {"type": "tuple", "items": {"type": "float"}, "default": [1.0, 2.0]},
            "rows": {"type": "array", "items": {"type": "array", "items": {"type": "dict"}}},
            "inner": {"type": "dict", "properties": {"x": {"type": "any", "enum": ["a"]}}},
            "odd": {"type": "colour"},
            "none": {},
        },
    }
    assert json_schema(documented) == {
        "type": "object",
        "properties": {
            "pair": {
                "type": "array",
                "items": {"type": "number", "format": "float"},
                "default": [1.0, 2.0],
            },
            "rows": {
                "type": "array",
                "items": {"type": "array", "items": {"type": "object"}},
            },
            "inner": {
                "type": "object",
                "properties": {"x": {"type": "string", "enum": ["a"]}},
            },
            "odd": {"type": "string"},
            "none": {"type": "string"},
        },
    }


def test_documentation_is_not_changed_by_making_a_tool_of_it() -> None:
    before = json.dumps(LAMP)
    tool(LAMP)
    assert json.dumps(LAMP) == before


# ---- answers ----


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>\n{F}\n</tool_call>\n<tool_call>\n{G}\n</tool_call>",
        f"I look it up.\n<tool_call>{F}</tool_call> and <tool_call>{G}</tool_call>\nDone.",
        f"<tool_call>\n{F}\n<tool_call>\n{G}",
        f"<tool_call>[{F}, {G}]</tool_call>",
        f"\n{F}\n\n\n{G}\n",
        f"<|python_tag|>{F}; {G}".replace("arguments", "parameters"),
        f"{F}; {G}<|eom_id|>".replace("arguments", "parameters"),
        '{"type": "function", "name": "f", "parameters": {"a": 1}}, '
        '{"type": "function", "function": {"name": "g", "arguments": {"b": "x"}}}',
        f"[TOOL_CALLS][{F}, {G}]</s>",
        f'[TOOL_CALLS] [{F[:-1]}, "id": "abcdefghi"}}, {G}]',
        f"[{F}, {G}]",
        f"```json\n[\n  {F},\n  {G}\n]\n```",
        '{"name": "f", "arguments": "{\\"a\\": 1}"} {"name": "g", "arguments": {"b": "\\u0078"}}',
    ],
)
def test_calls_are_read_in_the_forms_of_all_families(text: str) -> None:
    assert read_tool_calls(text).calls == CALLS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "No function fits.",
        "[]",
        "{}",
        "<tool_call></tool_call>",
        "<tool_call>\nf(a=1)\n</tool_call>",
        '{"name": "f"}',
        '{"arguments": {"a": 1}}',
        '{"name": "f", "arguments": [1]}',
        '{"name": "f", "arguments": "a"}',
        '{"name": 3, "arguments": {}}',
        '{"name": "f", "arguments": {"a": 1}',
        '{"name": "f", "arguments": "' + "[" * 3000 + '"}',
        "{'name': 'f', 'arguments': {}}",
        "[f(a=1)]",
    ],
)
def test_other_text_is_no_call(text: str) -> None:
    assert read_tool_calls(text).calls == []
    assert score(text, "irrelevance").scores == {"irrelevance_accuracy": 1}
    assert score(text).scores == {"ast_accuracy": 0}
    assert score(text).extracted is None


def test_only_tagged_calls_count_where_there_are_tags() -> None:
    found = read_tool_calls(f"I could call {G} here.\n<tool_call>{F}</tool_call>")
    assert found.calls == CALLS[:1]
    assert found.source == F


def test_a_broken_call_does_not_hide_the_others() -> None:
    text = f"<tool_call>{F}</tool_call><tool_call>{{broken</tool_call>"
    assert read_tool_calls(text).calls == CALLS[:1]


@pytest.mark.parametrize(
    ("name", "arguments", "right"),
    [
        ("lamp_dim", {"room": "Hall", "percent": 40}, 1),
        ("lamp_dim", {"room": "the hall", "percent": 40, "seconds": 2}, 1),
        ("lamp_dim", {"room": "hall", "percent": 40.0}, 0),
        ("lamp_dim", {"room": "hall"}, 0),
        ("lamp_dim", {"room": "hall", "percent": 40, "colour": "red"}, 0),
        ("lamp_dim", {"room": "hall", "percent": None}, 0),
        # The tool that the model was shown has no dot in its name.
        ("lamp.dim", {"room": "hall", "percent": 40}, 0),
        ("lamp", {"room": "hall", "percent": 40}, 0),
    ],
)
def test_a_call_is_checked_under_the_tool_s_name(
    name: str, arguments: dict[str, Any], right: int
) -> None:
    text = json.dumps({"name": name, "arguments": arguments})
    found = score(f"<tool_call>\n{text}\n</tool_call>")
    assert found.scores == {"ast_accuracy": right}
    assert found.extracted == text and json.loads(found.gold) == TRUTH


def test_any_call_is_a_call_where_only_that_matters() -> None:
    assert score(F, "live_relevance").scores == {"relevance_accuracy": 1}
    assert score("Hm.", "live_relevance").scores == {"relevance_accuracy": 0}
    assert score(F, "live_irrelevance").scores == {"irrelevance_accuracy": 0}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3),
    max_leaves=6,
)
STATED = st.tuples(st.text(max_size=8), st.dictionaries(st.text(max_size=5), VALUES, max_size=3))


@given(st.lists(STATED, max_size=4), st.booleans(), st.sampled_from(["tags", "list", "lines"]))
def test_written_calls_are_read_back(
    stated: list[tuple[str, dict[str, Any]]], escaped: bool, form: str
) -> None:
    calls = [{"name": name, "arguments": arguments} for name, arguments in stated]
    written = [json.dumps(call, ensure_ascii=escaped) for call in calls]
    if form == "tags" and any("tool_call>" in one for one in written):
        return
    text = {
        "tags": "".join(f"<tool_call>{one}</tool_call>" for one in written),
        "list": "[" + ", ".join(written) + "]",
        "lines": "; ".join(written),
    }[form]
    assert read_tool_calls(text).calls == [Call(*one) for one in stated]


FRAGMENTS = st.sampled_from(
    [
        "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "{", "}", "[", ",", "\\", F,
        '"name":', '"f"', '"arguments":', "NaN", "9" * 5000,
        '{"name": "\\ud800", "arguments": {"\\udfff": 1e999}}',
    ]
)  # fmt: skip


@given(st.lists(FRAGMENTS | st.text(max_size=10), max_size=15).map("".join))
def test_any_text_is_read(text: str) -> None:
    for category in ("simple_python", "live_relevance", "irrelevance"):
        assert len(score(text, category).scores) == 1


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>" * 100_000,
        "{" * 1_000_000,
        '{"a":' * 200_000,
        '{"a":[' * 200_000,
        '{"a": 1, ' * 120_000,
        F * 30_000,
        '{"name": "f", "arguments": {"a": "' + "{" * 1_000_000,
        '{"name": "f", "arguments": {"a": ' + "9" * 30_000 + "}}",
        "\U0001f9ea\u202e\x00" * 300_000,
    ],
)
def test_degenerate_answers_are_read_fast(text: str) -> None:
    with limited_computing():
        found = score(text)
    assert found.scores == {"ast_accuracy": 0}
