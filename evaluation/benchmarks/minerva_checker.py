"""When the harness takes two MATH answers for the same; made to run in a `Worker`.

`exact_match` is equality after the harness's normalisation, or a difference that SymPy simplifies
to nothing. `math_verify` is math-verify on whole texts: the solution's and the response's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Literal

Comparison = Literal["exact_match", "math_verify"]
Compare = Callable[[Comparison, str, str | None], bool]


def make_compare() -> Compare:
    """The function that compares a gold answer with an answer.

    Without an answer it says whether the gold answer can be read.
    """
    import math_verify.parser
    import sympy
    from math_verify import parse, verify
    from sympy.parsing.latex import parse_latex

    # math-verify hands arithmetic to a function of SymPy that evaluates it as Python.
    math_verify.parser.parse_expr_cached = arithmetic

    def exact_match(gold: str, answer: str | None) -> bool:
        if answer is None:
            return bool(gold)
        if answer and answer == gold:
            return True
        try:
            difference = parse_latex(answer) - parse_latex(gold)
            return bool(sympy.simplify(difference) == 0)
        except Exception:  # the harness: what cannot be read or subtracted is not the same
            return False

    def same(gold: str, text: str | None) -> bool:
        # The worker's time limit holds instead of math-verify's own.
        meant = parse(gold, parsing_timeout=None)
        if text is None:
            return bool(meant)
        return bool(verify(meant, parse(text, parsing_timeout=None), timeout_seconds=None))

    comparisons = {"exact_match": exact_match, "math_verify": same}

    def compare(comparison: Comparison, gold: str, answer: str | None) -> bool:
        return comparisons[comparison](gold, answer)

    return compare


def arithmetic(text: str) -> Any:
    """Numbers with + - * / ** and parentheses as an unevaluated SymPy expression.

    Equal in value to SymPy's `parse_expr(text, evaluate=False)`. Raises SyntaxError or ValueError
    for anything else.
    """
    import sympy

    def build(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=bool()):
                pass  # which is an int, too
            case ast.Constant(value=int(value)):
                return sympy.Integer(value)
            case ast.Constant(value=float()):
                return sympy.Float(ast.get_source_segment(source, node))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -build(operand)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return build(operand)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return sympy.Add(build(left), build(right), evaluate=False)
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                negative = sympy.Mul(-1, build(right), evaluate=False)
                return sympy.Add(build(left), negative, evaluate=False)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return sympy.Mul(build(left), build(right), evaluate=False)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                inverse = sympy.Pow(build(right), -1, evaluate=False)
                return sympy.Mul(build(left), inverse, evaluate=False)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return sympy.Pow(build(left), build(right), evaluate=False)
        raise ValueError(f"not arithmetic: {text[:80]}")

    source = text.strip()
    return build(ast.parse(source, mode="eval").body)
