"""Texts to be scored as answers to bfcl: accepted calls, and changes to them.

A change that does not apply to a row (no string to change, say) leaves its text out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evaluation.benchmarks.bfcl_files import AST_CATEGORIES
from evaluation.benchmarks.bfcl_rows import BfclRow

Arguments = dict[str, Any]
Calls = list[tuple[str, Arguments]]
LEFT_OUT = ""


def accepted(row: BfclRow, choice: int = 0) -> Calls:
    """The accepted calls with the choice-th accepted value of each argument, or its last."""
    calls: Calls = []
    for call in row.ground_truth:
        ((name, values),) = call.items()
        picked = {key: pick(options, choice) for key, options in values.items()}
        calls.append((name, {key: value for key, value in picked.items() if value != LEFT_OUT}))
    return calls


def pick(options: Sequence[Any], choice: int) -> Any:
    """One accepted value; those of dictionaries are lists of accepted values themselves."""
    return plain(options[min(choice, len(options) - 1)], choice) if options else LEFT_OUT


def plain(value: Any, choice: int) -> Any:
    """A value as a call states it, without the lists of what is accepted inside it."""
    if isinstance(value, dict):
        inner = {
            key: pick(options, choice) if isinstance(options, list) else options
            for key, options in value.items()
        }
        return {key: one for key, one in inner.items() if one != LEFT_OUT}
    if isinstance(value, list):
        return [plain(one, choice) for one in value]
    return value


def written(calls: Calls) -> str:
    """Calls as text."""
    return f"[{', '.join(written_call(name, given) for name, given in calls)}]"


def written_call(name: str, arguments: Mapping[str, Any]) -> str:
    """One call as text; an argument may be given as a piece of `Source`."""
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"


class Source(str):
    """A piece of source text, written as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def first_of(kind: type, change: Callable[[Any], Any]) -> Callable[[Calls], Calls | None]:
    """A change of the first argument of a type."""

    def changed(calls: Calls) -> Calls | None:
        for place, (name, arguments) in enumerate(calls):
            for key, value in arguments.items():
                if type(value) is kind:
                    call = (name, {**arguments, key: change(value)})
                    return [*calls[:place], call, *calls[place + 1 :]]
        return None

    return changed


def with_first(change: Callable[[str, Arguments], tuple[str, Arguments]]) -> Any:
    """A change of the first call."""
    return lambda calls: [change(*calls[0]), *calls[1:]] if calls else None


def without(arguments: Arguments, place: int) -> Arguments:
    """The arguments but one."""
    return {key: value for i, (key, value) in enumerate(arguments.items()) if i != place}


CHANGES: dict[str, Callable[[Calls], Calls | None]] = {
    "first argument missing": with_first(lambda name, given: (name, without(given, 0))),
    "last argument missing": with_first(lambda name, given: (name, without(given, len(given) - 1))),
    "unknown argument": with_first(lambda name, given: (name, {**given, "unknown": 1})),
    "no arguments": with_first(lambda name, given: (name, {})),
    "other function": with_first(lambda name, given: (f"{name}_x", given)),
    "underscores for dots": with_first(lambda name, given: (name.replace(".", "_"), given)),
    "call repeated": lambda calls: [*calls, calls[-1]],
    "call missing": lambda calls: calls[:-1],
    "calls reversed": lambda calls: calls[::-1] if len(calls) > 1 else None,
    "first call twice": lambda calls: [calls[0], *calls[:-1]] if len(calls) > 1 else None,
    "arguments reversed": with_first(lambda name, given: (name, dict(reversed(given.items())))),
    "other string": first_of(str, lambda value: f"{value} zzz"),
    "string in capitals": first_of(str, str.upper),
    "string with punctuation": first_of(str, lambda value: f" {value.replace(' ', '-')}, "),
    "string with colon": first_of(str, lambda value: f"{value}:"),
    "string with quotes": first_of(str, lambda value: f"'{value}'"),
    "string as name": first_of(str, lambda value: Source("some_name")),
    "string as number": first_of(str, lambda value: 5),
    "empty string": first_of(str, lambda value: ""),
    "other integer": first_of(int, lambda value: value + 1),
    "integer as float": first_of(int, float),
    "integer as string": first_of(int, str),
    "integer as boolean": first_of(int, bool),
    "negative integer": first_of(int, lambda value: -value - 1),
    "integer as sum": first_of(int, lambda value: Source(f"{value - 1} + 1")),
    "integer as product": first_of(int, lambda value: Source(f"{value} * 1")),
    "integer as quotient": first_of(int, lambda value: Source(f"{value * 2} / 2")),
    "integer as power": first_of(int, lambda value: Source(f"{value} ** 1")),
    "integer with plus": first_of(int, lambda value: Source(f"+{value}")),
    "integer twice negated": first_of(int, lambda value: Source(f"--{value}")),
    "huge integer": first_of(int, lambda value: 10**400),
    "float as integer": first_of(float, int),
    "other float": first_of(float, lambda value: value + 0.5),
    "float with exponent": first_of(float, lambda value: Source(f"{value:e}")),
    "other boolean": first_of(bool, lambda value: not value),
    "boolean as string": first_of(bool, str),
    "boolean as integer": first_of(bool, int),
    "boolean negated": first_of(bool, lambda value: Source(f"not {not value}")),
    "None": first_of(str, lambda value: None),
    "list as tuple": first_of(list, tuple),
    "list reversed": first_of(list, lambda value: value[::-1]),
    "longer list": first_of(list, lambda value: [*value, *value]),
    "shorter list": first_of(list, lambda value: value[:-1]),
    "empty list": first_of(list, lambda value: []),
    "list as item": first_of(list, lambda value: value[0] if value else 0),
    "list of strings": first_of(list, lambda value: [str(one) for one in value]),
    "item as list": first_of(str, lambda value: [value]),
    "list as subscript": first_of(list, lambda value: Source("items[0]")),
    "key missing": first_of(dict, lambda value: without(value, 0)),
    "unknown key": first_of(dict, lambda value: {**value, "unknown": 1}),
    "dictionary in capitals": first_of(
        dict, lambda value: {k: v.upper() if isinstance(v, str) else v for k, v in value.items()}
    ),
    "dictionary as call": first_of(dict, lambda value: Source(f"dict(**{value!r})")),
    "call as value": first_of(str, lambda value: Source(f"lookup(name={value!r})")),
    "call without names as value": first_of(str, lambda value: Source(f"lookup({value!r})")),
    "attribute as value": first_of(str, lambda value: Source("some.name")),
    "ellipsis": first_of(str, lambda value: Source("...")),
    "lambda": first_of(str, lambda value: Source("lambda: 0")),
    "set": first_of(list, lambda value: Source("{1, 2}")),
    "comprehension": first_of(list, lambda value: Source("[x for x in y]")),
    "formatted string": first_of(str, lambda value: Source("f'{x}'")),
    "bytes": first_of(str, lambda value: value.encode()),
    "joined strings": first_of(str, lambda value: Source(f"{value!r} + ''")),
    "comparison": first_of(int, lambda value: Source(f"{value} < 3")),
}


def positional(calls: Calls) -> str:
    """Calls without the names of their arguments."""
    texts = [f"{name}({', '.join(map(repr, given.values()))})" for name, given in calls]
    return f"[{', '.join(texts)}]"


def in_backticks(text: str, language: str = "") -> str:
    """A text in a code fence."""
    return f"```{language}\n{text}\n```"


def calls(row: BfclRow, *, changed: bool) -> dict[str, str]:
    """The texts of a row; `changed` adds all changes of accepted calls."""
    if row.category in AST_CATEGORIES:
        return checked(row, changed=changed)
    return counted(row)


def checked(row: BfclRow, *, changed: bool) -> dict[str, str]:
    """The texts of a row whose calls are checked."""
    calls = accepted(row)
    text = written(calls)
    found = {"gold": text}
    for choice in (1, 2):
        found[f"accepted value {choice + 1}"] = written(accepted(row, choice))
    if not changed:
        return found
    for kind, change in CHANGES.items():
        other = change(calls)
        if other is not None:
            found[kind] = written(other)
    return found | {
        "positional arguments": positional(calls),
        "no brackets": text[1:-1],
        "left bracket only": text[:-1],
        "one call without list": written_call(*calls[0]),
        "in quotes": f"'{text}'",
        "in backticks": f"`{text}`",
        "fence": in_backticks(text),
        "Python fence": in_backticks(text, "python"),
        "text before": f"Here are the calls:\n{text}",
        "text after": f"{text}\nThat is all.",
        "spaces": f"\n  {text}  \n",
        "line breaks": text.replace("(", "(\n    ").replace(", ", ",\n    "),
        "semicolon": f"{text};",
        "unpacked dictionary": f"[{calls[0][0]}(**{calls[0][1]!r})]",
        "nested list": f"[{text}]",
        "cut off": text[: len(text) // 2],
        "prose": "I cannot do that.",
        "empty list": "[]",
        "empty": "",
        "blank": " \n ",
        "unicode": text.replace("(", "（"),
        "JSON": '[{"name": "f", "arguments": {"a": 1}}]',
    }


def counted(row: BfclRow) -> dict[str, str]:
    """The texts of a row where it only counts whether there is a call."""
    name = row.function[0]["name"] if row.function else "f"
    return {
        "call": f"[{name}()]",
        "call with arguments": f"[{name}(a=1)]",
        "call of another function": "[something_else(a='b')]",
        "two calls": f"[{name}(), {name}(a=[1, 2])]",
        "prose": "None of the functions suits the request.",
        "word": "None",
        "number": "5",
        "empty list": "[]",
        "empty": "",
        "dictionary": "[{}]",
    }
