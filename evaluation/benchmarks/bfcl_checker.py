"""Whether decoded calls are right, by the rules of BFCL's AST checker for Python.

The accepted answers give a list of accepted values for each parameter; the marker "" in it means
that the parameter may be left out. A value whose type differs from the documented one can still
be right: the answer's author may accept a variable's name in its place, which must then match
exactly. The rules are BFCL's own also where they surprise (an array of float takes no int).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.benchmarks.bfcl_decoder import Call

TYPES: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "dict": dict,
    "any": str,
}
IGNORED = re.compile(r"[ ,./\-_*^]")

Accepted = Sequence[Any]


def calls_match(
    calls: Sequence[Call],
    truth: Sequence[Mapping[str, Mapping[str, Accepted]]],
    functions: Sequence[Mapping[str, Any]],
) -> bool:
    """Whether each accepted call is matched by a call of its own, in any order."""
    if len(calls) != len(truth):
        return False
    documented = {f["name"]: f["parameters"] for f in reversed(functions)}
    left = list(range(len(calls)))
    for expected in truth:
        ((name, accepted),) = expected.items()
        # The first that fits is taken, as BFCL does; it does not search for a better pairing.
        taken = next(
            (
                i
                for i in left
                if calls[i].name == name
                and arguments_match(calls[i].arguments, accepted, documented[name])
            ),
            None,
        )
        if taken is None:
            return False
        left.remove(taken)
    return True


def arguments_match(
    arguments: Mapping[str, Any],
    accepted: Mapping[str, Accepted],
    parameters: Mapping[str, Any],
) -> bool:
    """Whether all required and no unexpected arguments are there, all with accepted values."""
    properties = parameters["properties"]
    return (
        all(name in arguments for name in parameters.get("required") or [])
        and all(name in properties and name in accepted for name in arguments)
        and all(name in arguments or "" in values for name, values in accepted.items())
        and all(value_matches(v, accepted[n], properties[n]) for n, v in arguments.items())
    )


def value_matches(value: Any, accepted: Accepted, schema: Mapping[str, Any]) -> bool:
    """Whether one argument has the documented (or the answer's own) type and an accepted value."""
    declared = TYPES.get(schema["type"])
    items = TYPES.get(str(schema.get("items", {}).get("type"))) if declared is list else None
    if schema["type"] == "tuple" and type(value) is tuple:
        value = list(value)
    kind: type = type(value)
    if schema["type"] == "float" and kind is int:
        kind = float  # not converted: equal all the same, and float() overflows on huge numbers
    answers_type = first_type(accepted)
    if kind is declared:
        if items is not None and not any(items_match(value, items, c) for c in accepted):
            return False
        variable = answers_type is not None and answers_type is not declared
    elif kind is answers_type:
        variable = True
    else:
        return False

    if variable:
        return value in accepted
    if declared is dict:
        return any(dict_matches(value, choice) for choice in accepted)
    if declared is list and items is dict:
        return any(dicts_match(value, c) for c in accepted if isinstance(c, list | str))
    if declared is str:
        return standardise(value) in [standardise(c) for c in accepted if isinstance(c, str)]
    if declared is list:
        # A string among the choices is a variable's name or the marker "": BFCL compares its
        # letters, so that the empty list stands for a parameter that may be left out.
        choices = [[standardise(e) for e in c] for c in accepted if isinstance(c, list | str)]
        return [standardise(e) for e in value] in choices
    return value in accepted


def first_type(accepted: Accepted) -> type | None:
    """The type of the first accepted value that is not the marker "", None without one."""
    return next((type(c) for c in accepted if c != ""), None)


def items_match(value: Sequence[Any], items: type, choice: Any) -> bool:
    """Whether all items have the documented type or that of an accepted list's items."""
    if not isinstance(choice, list):
        return True
    accepted = first_type(choice)
    return all(type(item) in (items, accepted) for item in value)


def dicts_match(value: Sequence[Any], choice: Sequence[Any]) -> bool:
    """Whether dictionaries match one by one, in order."""
    return len(value) == len(choice) and all(map(dict_matches, value, choice))


def dict_matches(value: Any, choice: Any) -> bool:
    """Whether a dictionary has only accepted values under its keys and lacks none needed."""
    if not isinstance(value, dict) or not isinstance(choice, dict):
        return False
    if not all(isinstance(accepted, list) for accepted in choice.values()):
        return False
    return all(
        key in choice and standardise(v) in [standardise(c) for c in choice[key]]
        for key, v in value.items()
    ) and all(key in value or "" in accepted for key, accepted in choice.items())


def standardise(value: Any) -> Any:
    """Strings without case, spaces and punctuation that should not matter; others unchanged."""
    return IGNORED.sub("", value).lower().replace("'", '"') if isinstance(value, str) else value
