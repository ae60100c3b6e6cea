"""BFCL: the checker, value by value and against bfcl-eval where that is installed."""

from __future__ import annotations

import random
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.bfcl import BENCHMARK
from evaluation.benchmarks.bfcl_checker import calls_match, standardise
from evaluation.benchmarks.bfcl_decoder import Call
from evaluation.benchmarks.bfcl_tools import read_tool_calls, with_tool_names
from evaluation.records import Protocol
from tests.benchmarks.test_bfcl import (
    HUB,
    PROTOCOLS,
    bundled,
    gold_answer,
    gold_calls,
    hub_rows,
    make_row,
    score,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3),
    max_leaves=6,
)


def schema(kind: str, items: str | None = None) -> dict[str, Any]:
    return {"type": kind} | ({"items": {"type": items}} if items else {})


@pytest.mark.parametrize(
    ("value", "declared", "accepted", "right"),
    [
        ("New-York, N.Y.", schema("string"), ["new york ny"], True),
        ("it's", schema("string"), ['IT"S'], True),
        ("Rome", schema("string"), ["Paris", ""], False),
        ("", schema("string"), ["Paris", ""], True),
        (5, schema("string"), ["5"], False),
        (5, schema("float"), [5.0], True),
        (5, schema("float"), [5], True),
        (10**400, schema("float"), [5.0], False),
        (5.0, schema("integer"), [5], False),
        (True, schema("integer"), [1], False),
        (True, schema("boolean"), [True], True),
        ("true", schema("boolean"), [True], False),
        ("n", schema("integer"), ["n"], True),
        ("N", schema("integer"), ["n"], False),
        ("x", schema("any"), ["X"], True),
        (3, schema("any"), [3], True),
        (["A b", 1], schema("array", "string"), [["ab", 1]], False),
        (["A b"], schema("array", "string"), [["ab"]], True),
        (["a", "b"], schema("array", "string"), [["b", "a"]], False),
        ([1], schema("array", "float"), [[1.0]], False),
        ([1], schema("array", "float"), [[1]], True),
        ((1, 2), schema("array", "integer"), [[1, 2]], False),
        ((1, 2), schema("tuple", "integer"), [[1, 2]], True),
        ([1, 2], schema("tuple", "integer"), [[1, 2]], True),
        ([], schema("array", "string"), [["a"], ""], True),
        ({"a": "X y"}, schema("dict"), [{"a": ["xy"], "b": [1, ""]}], True),
        ({"a": "xy", "c": 1}, schema("dict"), [{"a": ["xy"]}], False),
        ({}, schema("dict"), [{"a": ["xy"]}], False),
        ({"a": 1}, schema("dict"), ["", {"a": [1]}], True),
        ({}, schema("dict"), [""], False),
        ([{"a": 1}, {"a": 2}], schema("array", "dict"), [[{"a": [1]}, {"a": [2]}]], True),
        ([{"a": 2}, {"a": 1}], schema("array", "dict"), [[{"a": [1]}, {"a": [2]}]], False),
        ([{"a": 1}], schema("array", "dict"), [[{"a": [1]}, {"a": [2]}]], False),
        (["a"], schema("array", "dict"), ["", [{"a": [1]}]], False),
        (7, schema("number"), [7], True),
    ],
)
def test_checker_on_one_value(
    value: object, declared: dict[str, Any], accepted: list[Any], right: bool
) -> None:
    function = {"name": "f", "parameters": {"properties": {"p": declared}, "required": ["p"]}}
    assert calls_match([Call("f", {"p": value})], [{"f": {"p": accepted}}], [function]) is right


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("[lamp.dim(room='Hall', percent=40)]", 1),
        ("[lamp.dim(room='the hall', percent=40, seconds=2)]", 1),
        ("[lamp.dim(room='hall', percent=40, seconds=3)]", 0),
        ("[lamp.dim(room='hall')]", 0),
        ("[lamp.dim(room='hall', percent=40, colour='red')]", 0),
        ("[lamp.dim(room='hall', percent=40, **{'a': 1})]", 0),
        ("[lamp.dim('hall', 40)]", 0),
        ("[lamp_dim(room='hall', percent=40)]", 0),
        ("[lamp.dim(room='hall', percent=40), lamp.dim(room='hall', percent=40)]", 0),
        ("I would dim it.", 0),
    ],
)
def test_simple_call(answer: str, right: int) -> None:
    assert score(BENCHMARK.sample(make_row(), 0), answer).scores == {"ast_accuracy": right}


def test_parallel_calls_match_in_any_order_and_one_to_one() -> None:
    truth: list[dict[str, Any]] = [
        {"lamp.dim": {"room": ["hall"], "percent": [40], "seconds": [2.0, ""]}},
        {"lamp.dim": {"room": ["attic"], "percent": [10], "seconds": [2.0, ""]}},
    ]
    sample = BENCHMARK.sample(make_row("parallel", ground_truth=truth), 0)
    hall, attic = "lamp.dim(room='hall', percent=40)", "lamp.dim(room='attic', percent=10)"
    assert score(sample, f"[{attic}, {hall}]").scores == {"ast_accuracy": 1}
    assert score(sample, f"[{hall}, {hall}]").scores == {"ast_accuracy": 0}
    assert score(sample, f"[{hall}]").scores == {"ast_accuracy": 0}


def test_standardise() -> None:
    assert standardise("A.b,c/d-e_f*g^h i'j") == 'abcdefghi"j'
    assert standardise("a\tb;c") == "a\tb;c"
    assert standardise(1.5) == 1.5


@given(VALUES, st.lists(VALUES, max_size=3), st.sampled_from(["any", "array", "dict", "tuple"]))
def test_any_value_is_checked(value: object, accepted: list[object], kind: str) -> None:
    for items in (None, "dict", "string", "array"):
        declared = {"type": kind} | ({"items": {"type": items}} if items else {})
        function = {"name": "f", "parameters": {"properties": {"p": declared}}}
        calls_match([Call("f", {"p": value})], [{"f": {"p": accepted}}], [function])


# ---- cross-check with the reference ----


def reference_checker() -> Any:
    """bfcl_eval's checker (never its decoder, which evaluates model output)."""
    pytest.importorskip("bfcl_eval")
    stub = ModuleType("bfcl_eval.constants.model_config")
    stub.__dict__["MODEL_CONFIG_MAPPING"] = {
        "chat": SimpleNamespace(underscore_to_dot=False),
        "tools": SimpleNamespace(underscore_to_dot=True),
    }
    sys.modules.setdefault(stub.__name__, stub)
    for name in ("java", "js"):  # these need tree-sitter and are not used for Python
        converter = ModuleType(
            f"bfcl_eval.eval_checker.ast_eval.type_convertor.{name}_type_converter"
        )
        converter.__dict__[f"{name}_type_converter"] = None
        sys.modules.setdefault(converter.__name__, converter)
    from bfcl_eval.constants.enums import Language  # type: ignore[import-not-found, unused-ignore]
    from bfcl_eval.eval_checker.ast_eval.ast_checker import (  # type: ignore[import-not-found, unused-ignore]
        ast_checker,
    )

    def check(calls: list[Call], row: dict[str, Any], protocol: Protocol) -> bool:
        output = [{call.name: call.arguments} for call in calls]
        try:
            result = ast_checker(
                row["function"],
                output,
                row["ground_truth"],
                Language.PYTHON,
                row["category"],
                protocol,
            )
        except (AttributeError, TypeError, KeyError, OverflowError):
            return False  # it stumbles over some wrong types; that is no pass
        return bool(result["valid"])

    return check


def mutate(calls: list[Call], generator: random.Random) -> list[Call]:
    """Change one thing about some calls."""
    calls = [Call(c.name, dict(c.arguments)) for c in calls]
    kind = generator.randrange(6)
    chosen = generator.randrange(len(calls))
    arguments = calls[chosen].arguments
    if kind == 0:
        generator.shuffle(calls)
    elif kind == 1:
        calls[chosen] = Call(calls[chosen].name + "x", arguments)
    elif kind == 2:
        calls.append(generator.choice(calls))
    elif kind == 3 and arguments:
        arguments.pop(generator.choice(list(arguments)))
    elif arguments:
        name = generator.choice(list(arguments))
        arguments[name] = other_value(arguments[name], generator)
    return calls


def other_value(value: Any, generator: random.Random) -> Any:
    choices: list[Any] = [None, True, 0, 1.5, "x", "", [], [value], (value,), {}, {"a": value}]
    choices += [str(value), str(value).upper(), f"{value}."]
    if isinstance(value, int | float) and not isinstance(value, bool):
        choices += [int(value), float(value), value + 1]
    if isinstance(value, list):
        choices += [tuple(value), value[::-1], value[1:], [str(v) for v in value]]
        choices += [[other_value(v, generator) for v in value]]
    if isinstance(value, dict):
        choices += [{k: other_value(v, generator) for k, v in value.items()}, [value, value]]
        choices += [dict(list(value.items())[1:]), value | {"extra": 1}]
    return generator.choice(choices)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_checker_agrees_with_bfcl_eval(protocol: Protocol) -> None:
    reference = reference_checker()
    generator = random.Random(0)
    rows = [r for r in bundled() + (hub_rows() if HUB.is_dir() else []) if r["ground_truth"]]
    for row in rows:
        truth, functions = row["ground_truth"], row["function"]
        gold = gold_calls(row)
        if protocol == "tools":
            gold = read_tool_calls(gold_answer(row, "tools")).calls
            truth, functions = with_tool_names(truth, functions)
        for calls in (gold, *(mutate(gold, generator) for _ in range(20))):
            ours = calls_match(calls, truth, functions)
            assert ours is reference(calls, row, protocol), (row["id"], calls)
