"""Rows of BFCL and what can be wrong with them, as far as prompts and the checker rely on it."""

from __future__ import annotations

from typing import Any, Literal

from evaluation.benchmarks.base import Row
from evaluation.benchmarks.bfcl_checker import TYPES
from evaluation.benchmarks.bfcl_files import AST_CATEGORIES, CATEGORIES
from evaluation.benchmarks.bfcl_tools import tool_name


class Turn(Row):
    """One message of the question."""

    role: Literal["system", "user", "assistant"]
    content: str


class BfclRow(Row):
    """A question of gorilla-llm/Berkeley-Function-Calling-Leaderboard with its answer."""

    id: str
    category: str
    question: list[list[Turn]]
    function: list[dict[str, Any]]
    ground_truth: list[dict[str, dict[str, list[Any]]]]


def problem(row: BfclRow) -> str:
    """What is wrong with a row, "" if nothing."""
    if row.category not in CATEGORIES:
        return f"the category '{row.category}' is not among {', '.join(CATEGORIES)}"
    if len(row.question) != 1 or not row.question[0]:
        return f"{len(row.question)} turns in the question, expected one"
    last = row.question[0][-1]
    if last.role != "user" or not last.content.strip():
        return "the question does not end in a message of the user"
    names = [function.get("name") for function in row.function]
    if not all(isinstance(name, str) and name for name in names):
        return "a function has no name"
    # BFCL itself would call the wrong one of two that tools cannot tell apart.
    if len({tool_name(str(name)) for name in names}) < len(names):
        return f"two functions have the same name as tools ({', '.join(map(str, names))})"
    return next(filter(None, map(problem_of_function, row.function)), "") or problem_of_truth(row)


def problem_of_function(function: dict[str, Any]) -> str:
    """What is wrong with a function's documentation."""
    name, parameters = function["name"], function.get("parameters")
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    if not isinstance(parameters, dict) or not isinstance(properties, dict):
        return f"the function '{name}' has no parameters"
    if not isinstance(function.get("description", ""), str):
        return f"the description of '{name}' is no text"
    required = parameters.get("required") or []
    if not isinstance(required, list) or not all(isinstance(one, str) for one in required):
        return f"the required parameters of '{name}' are no list of names"
    for parameter, schema in properties.items():
        if not isinstance(schema, dict) or not isinstance(schema.get("type"), str):
            return f"the parameter '{parameter}' of '{name}' has no type"
        if not isinstance(schema.get("items", {}), dict):
            return f"the items of the parameter '{parameter}' of '{name}' have no type"
    return ""


def problem_of_truth(row: BfclRow) -> str:
    """What is wrong with the accepted calls."""
    if row.category not in AST_CATEGORIES:
        return "there are accepted calls where none are expected" if row.ground_truth else ""
    documented = {function["name"]: function["parameters"] for function in row.function}
    if not row.ground_truth:
        return "there is no accepted call"
    for call in row.ground_truth:
        if len(call) != 1 or not documented.keys() >= call.keys():
            return f"an accepted call ({', '.join(call)}) is not one of the functions"
        for name in call:
            for parameter, schema in documented[name]["properties"].items():
                if schema["type"] not in TYPES:
                    return (
                        f"the parameter '{parameter}' of '{name}' has the type "
                        f"'{schema['type']}', which BFCL does not check"
                    )
    return ""
