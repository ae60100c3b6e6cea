"""Function calls out of a model's answer, read with `ast` only: nothing is ever executed.

What one stated list means is as in BFCL: only keyword arguments count, a bare name is the string
of that name, `f(a=g(b=1))` nests. Unlike BFCL, a list that follows other text is found as well.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

# Far more than any list of calls needs; bounds the time on degenerate answers.
LONGEST = 32_768
LINES_TRIED = 8

ARITHMETIC: dict[type[ast.operator], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Call(NamedTuple):
    """One decoded function call."""

    name: str
    arguments: dict[str, Any]


class UndecodableError(Exception):
    """Text that is Python but not a list of calls with values."""


class Decoded(NamedTuple):
    """The calls of an answer and the part of the answer that states them ("" without calls)."""

    calls: list[Call]
    source: str


def decode(answer: str) -> Decoded:
    """The calls of the list that an answer states last; none if it states no valid list."""
    for candidate in candidates(answer[-LONGEST:]):
        try:
            calls = parse(candidate)
        # Whatever ast makes of text that is no Python, and constants that cannot be combined.
        except (
            ArithmeticError,
            MemoryError,
            RecursionError,
            SyntaxError,
            TypeError,
            UndecodableError,
            ValueError,
        ):
            continue
        if calls:
            return Decoded(calls, candidate)
    return Decoded([], "")


def candidates(answer: str) -> Iterator[str]:
    """Where a list of calls may stand: the whole answer, the last code fence, the last lines."""
    yield bracketed(answer)
    fences = answer.split("```")
    if len(fences) > 1:
        language, _, code = fences[-1 - len(fences) % 2].partition("\n")
        yield bracketed(code if language.strip().isidentifier() else f"{language}\n{code}")
    lines = f"\n{answer[: answer.rfind(']') + 1]}"
    start = len(lines)
    for _ in range(LINES_TRIED):
        start = lines.rfind("\n[", 0, start)
        if start < 0:
            break
        yield lines[start + 1 :]


def bracketed(text: str) -> str:
    """Complete the brackets around a list, as BFCL does."""
    text = text.strip("`\n ")
    text = text if text.startswith("[") else f"[{text}"
    return text if text.endswith("]") else f"{text}]"


def parse(text: str) -> list[Call]:
    """The calls of a Python list of calls; raises as `ast` does or UndecodableError if none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        body = ast.parse(text, mode="eval").body
    if not isinstance(body, ast.List):
        raise UndecodableError("not a list")
    return [call(element) for element in body.elts]


def call(node: ast.expr) -> Call:
    """A call with its keyword arguments; positional ones are dropped, as BFCL does."""
    if not isinstance(node, ast.Call):
        raise UndecodableError("not a call")
    arguments = {k.arg if k.arg is not None else "**": value(k.value) for k in node.keywords}
    return Call(dotted_name(node.func), arguments)


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` as written."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise UndecodableError("not a function's name")
    return ".".join([node.id, *reversed(parts)])


def value(node: ast.expr) -> Any:
    """The Python value of an argument; raises UndecodableError for what BFCL knows no value for."""
    match node:
        case ast.Constant():
            return "..." if node.value is Ellipsis else node.value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant() as operand):
            number = numeric(operand.value)
            return -number if isinstance(node.op, ast.USub) else number
        case ast.List():
            return [value(e) for e in node.elts]
        case ast.Tuple():
            return tuple(value(e) for e in node.elts)
        case ast.Dict():
            keys = [value(k) for k in node.keys if k is not None]
            return dict(zip(keys, [value(v) for v in node.values], strict=True))
        case ast.BinOp():
            combine = ARITHMETIC.get(type(node.op))
            if combine is None:
                raise UndecodableError("not plain arithmetic")
            return combine(numeric(value(node.left)), numeric(value(node.right)))
        case ast.Name():
            return node.id
        case ast.Call() if node.keywords:
            name, arguments = call(node)
            return {name: arguments}
        case ast.Call() | ast.Subscript():
            return ast.unparse(node)
    raise UndecodableError(f"no value: {type(node).__name__}")


def numeric(number: Any) -> Any:
    """Only numbers are computed with: a repeated string could fill the memory."""
    if not isinstance(number, int | float | complex):
        raise UndecodableError("not a number")
    return number
