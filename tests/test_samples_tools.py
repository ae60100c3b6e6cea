"""Re-verify the bundled bfcl and toolllama samples: shape, consistency and correctness."""

import ast
import datetime
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).resolve().parents[1] / "resources" / "samples"
NO_CALL = {"irrelevance", "live_irrelevance", "live_relevance"}
CATEGORIES = NO_CALL | {
    f"{prefix}{name}"
    for prefix, simple in (("", "simple_python"), ("live_", "simple"))
    for name in (simple, "multiple", "parallel", "parallel_multiple")
}
BFCL_TYPES: dict[str, type | tuple[type, ...]] = {
    "dict": dict,
    "array": list,
    "tuple": list,
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
}
JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
TURN = re.compile(r"\nThought: ([^\n]+)\nAction: (\w+)\nAction Input: (\{.*\})", re.DOTALL)
MARKER = "you have access to the following APIs: "
RETRY = "You have been at this point before"


def load(dataset: str) -> list[dict[str, Any]]:
    text = (SAMPLES / dataset / "samples.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


BFCL = load("bfcl")
TOOLLLAMA = load("toolllama")
STEPS = [row for row in TOOLLLAMA if row["kind"] == "step"]
QUERIES = [row for row in TOOLLLAMA if row["kind"] == "query"]


def is_a(value: Any, expected: type | tuple[type, ...]) -> bool:
    return isinstance(value, expected) and (expected is bool or not isinstance(value, bool))


def by_id(rows: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[r["id"][:40] for r in rows])


# ----------------------------------------------------------------------------- bfcl


def check_doc(schema: dict[str, Any]) -> None:
    """A parameter's documentation is well formed, also inside arrays and dicts."""
    assert schema["type"] in BFCL_TYPES
    if schema["type"] in ("array", "tuple"):
        check_doc(schema["items"])
    for choice in schema.get("enum", []):
        assert is_a(choice, BFCL_TYPES[schema["type"]])
    if "default" in schema:
        assert is_a(schema["default"], BFCL_TYPES[schema["type"]])
        assert schema["default"] in schema.get("enum", [schema["default"]])
    for inner in schema.get("properties", {}).values():
        check_doc(inner)
        assert inner["description"]


def check_value(value: Any, schema: dict[str, Any]) -> None:
    """An accepted value has the declared type; dicts hold lists of accepted values."""
    assert is_a(value, BFCL_TYPES[schema["type"]]), (value, schema)
    assert value in schema.get("enum", [value])
    if schema["type"] == "dict":
        check_accepted(value, schema["properties"], list(schema["properties"]))
    if schema["type"] in ("array", "tuple"):
        for item in value:
            check_value(item, schema["items"])


def check_accepted(
    accepted: dict[str, list[Any]], properties: dict[str, Any], required: list[str]
) -> None:
    assert set(accepted) == set(properties)  # every parameter is decided, none is unknown
    for name, values in accepted.items():
        assert values and isinstance(values, list)
        if "" in values:
            assert name not in required and len(values) > 1
            assert properties[name].get("default", values[0]) in values
        for value in values:
            if value != "":
                check_value(value, properties[name])


def test_bfcl_strata() -> None:
    counts = Counter(r["category"] for r in BFCL)
    assert set(counts) == CATEGORIES and min(counts.values()) >= 2
    assert 24 <= len(BFCL) == len({r["id"] for r in BFCL}) <= 30
    assert len({r["question"][0][-1]["content"] for r in BFCL}) == len(BFCL)
    used = json.dumps([r["function"] for r in BFCL])
    assert all(f'"type": "{name}"' in used for name in BFCL_TYPES)


@by_id(BFCL)
def test_bfcl_row(row: dict[str, Any]) -> None:
    assert list(row) == ["id", "category", "question", "function", "ground_truth"]
    category, functions, truth = row["category"], row["function"], row["ground_truth"]
    assert re.fullmatch(rf"{category}_bundled_\d+", row["id"])
    (messages,) = row["question"]
    assert [m["role"] for m in messages] in (["user"], ["system", "user"])
    assert all(set(m) == {"role", "content"} and m["content"].strip() for m in messages)

    docs = {f["name"]: f["parameters"] for f in functions}
    assert len(docs) == len(functions) >= 1
    for function in functions:
        assert set(function) == {"name", "description", "parameters"} and function["description"]
        assert function["parameters"]["type"] == "dict"
        assert set(function["parameters"]["required"]) <= set(function["parameters"]["properties"])
        check_doc(function["parameters"])

    if category in NO_CALL:
        assert truth == []
        return
    assert (len(truth) >= 2) == ("parallel" in category)
    assert (len(functions) >= 2) == ("multiple" in category)
    names = [name for call in truth for name in call]
    assert len(names) == len(truth)
    assert len(set(names)) >= 2 if category.endswith("parallel_multiple") else len(set(names)) == 1
    for call in truth:
        for name, accepted in call.items():
            check_accepted(accepted, docs[name]["properties"], docs[name]["required"])
    assert len({json.dumps(call) for call in truth}) == len(truth)


@by_id([r for r in BFCL if r["ground_truth"]])
def test_bfcl_values_are_in_the_question(row: dict[str, Any]) -> None:
    """Numbers of the gold calls (small ones may be spelled out) come from the conversation."""
    content = " ".join(m["content"] for m in row["question"][0])
    said = set(re.findall(r"\d+(?:\.\d+)?", content))
    for call in row["ground_truth"]:
        for accepted in call.values():
            for values in accepted.values():
                if "" not in values:
                    for number in re.findall(r"\b\d+(?:\.\d+)?\b", json.dumps(values)):
                        assert float(number) <= 40 or {number, f"{float(number):g}"} & said, number


def test_bfcl_weekend_date() -> None:
    row = next(r for r in BFCL if "this weekend" in r["question"][0][-1]["content"])
    monday = datetime.date(2024, 9, 2)
    assert f"Monday, {monday}" in row["question"][0][0]["content"] and monday.weekday() == 0
    saturday = monday + datetime.timedelta(days=5)
    assert row["ground_truth"][0]["passes.find"]["start_date"] == [str(saturday)]


# ----------------------------------------------------------------------------- toolllama


def parse_turn(value: str) -> tuple[str, dict[str, Any]]:
    match = TURN.fullmatch(value)
    assert match, value
    return match[2], json.loads(match[3])


def test_toolllama_mix() -> None:
    assert len(STEPS) + len(QUERIES) == len(TOOLLLAMA)
    assert 24 <= len(STEPS) == len({r["id"] for r in STEPS}) <= 30
    kinds: Counter[str] = Counter()
    for row in STEPS:
        turns = row["conversations"]
        action, arguments = parse_turn(turns[-1]["value"])
        later = any(t["from"] == "function" or t["value"].startswith(RETRY) for t in turns)
        call = "later" if later else "first"
        kinds[arguments["return_type"] if action == "Finish" else call] += 1
    assert kinds["first"] >= 6 and kinds["later"] >= 6
    assert kinds["give_answer"] >= 4 and 2 <= kinds["give_up_and_restart"] <= 5


@by_id(STEPS)
def test_toolllama_step(row: dict[str, Any]) -> None:
    assert list(row) == ["kind", "id", "conversations"]
    turns = row["conversations"]
    assert all(set(t) == {"from", "value"} and isinstance(t["value"], str) for t in turns)
    roles = " ".join(t["from"] for t in turns)
    assert re.fullmatch(r"system user( assistant function)*( user)? assistant", roles)
    step, query = row["id"].split(": ", 1)
    assert step == f"Step {len(turns) - 1}" and turns[1]["value"] == f"\n{query}\nBegin!\n"
    assert sum(len(t["value"].split()) for t in turns) <= 350

    apis = ast.literal_eval(turns[0]["value"].split(MARKER)[1])
    offered = {api["name"]: api["parameters"] for api in apis}
    assert len(offered) == len(apis) >= 2 and apis[-1]["name"] == "Finish"
    for parameters in list(offered.values())[:-1]:
        assert list(parameters["properties"]) == parameters["required"] + parameters["optional"]

    seen = ""  # everything said before the turn at hand, without the documentation
    for turn in turns[1:]:
        if turn["from"] == "function":
            assert set(json.loads(turn["value"])) == {"error", "response"}
        if turn["from"] == "assistant":
            action, arguments = parse_turn(turn["value"])
            parameters = offered[action]
            assert set(parameters["required"]) <= set(arguments) <= set(parameters["properties"])
            for name, value in arguments.items():
                prop = parameters["properties"][name]
                assert is_a(value, JSON_TYPES[prop["type"]])
                assert value in prop.get("enum", [value])
                for number in re.findall(r"\d+", str(value)):  # nothing made up
                    assert re.search(rf"(?<!\d){number}(?!\d)", seen), number
            if action == "Finish":
                assert turn is turns[-1]
                answers = arguments["return_type"] == "give_answer"
                assert answers == bool(arguments.get("final_answer"))
            if turn is turns[-1] and RETRY in turns[-2]["value"]:
                for call in json.loads(turns[-2]["value"].split("\n", 1)[1]):
                    assert (call["name"], json.loads(call["arguments"])) != (action, arguments)
        seen += turn["value"]


def test_toolllama_groups() -> None:
    """Two queries of each group; one tool (g1), one category (g2), several (g3)."""
    groups = Counter(row["group"] for row in QUERIES)
    names = {f"g{n}_{kind}" for n in (1, 2) for kind in ("instruction", "category")}
    assert set(groups) == names | {"g1_tool", "g3_instruction"} and min(groups.values()) >= 2
    assert len({row["query_id"] for row in QUERIES}) == len(QUERIES)
    assert len({row["query"] for row in QUERIES}) == len(QUERIES)
    for row in QUERIES:
        apis = json.loads(row["api_list"])
        tools = {api["tool_name"] for api in apis}
        categories = {api["category_name"] for api in apis}
        level = int(row["group"][1])
        assert (len(tools) > 1, len(categories) > 1) == (level > 1, level > 2), row["query"]


@pytest.mark.parametrize("row", QUERIES, ids=[r["query_id"] for r in QUERIES])
def test_toolllama_query(row: dict[str, Any]) -> None:
    assert list(row) == ["kind", "group", "query_id", "query", "api_list", "relevant_apis"]
    apis, relevant = json.loads(row["api_list"]), json.loads(row["relevant_apis"])
    offered = [[api["tool_name"], api["api_name"]] for api in apis]
    assert len({tuple(name) for name in offered}) == len(offered) > len(relevant) >= 1
    assert all(name in offered for name in relevant)
    assert len({tuple(name) for name in relevant}) == len(relevant)
    for api in apis:
        assert list(api) == [
            "category_name",
            "tool_name",
            "api_name",
            "api_description",
            "required_parameters",
            "optional_parameters",
            "method",
        ]
        for parameter in api["required_parameters"] + api["optional_parameters"]:
            assert list(parameter) == ["name", "type", "description", "default"]
            assert all(isinstance(value, str) for value in parameter.values())
    assert 6 <= len(row["query"].split()) <= 60 and row["query"][-1] in ".?"
