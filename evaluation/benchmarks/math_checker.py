"""When two MATH answers are the same: by string (is_equiv) and by meaning (math-verify).

`is_equiv` follows the rules of the MATH authors' own evaluation (Hendrycks et al. 2021): layout
and spelling of the LaTeX are unified, then strings are compared. math-verify parses both sides
and compares them as mathematics.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# What is replaced before anything else, in this order.
REPLACEMENTS = (
    ("\n", ""),
    (r"\!", ""),
    (r"\\", "\\"),
    ("tfrac", "frac"),
    ("dfrac", "frac"),
    (r"\left", ""),
    (r"\right", ""),
    (r"^{\circ}", ""),
    (r"^\circ", ""),
    (r"\$", ""),
)
UNIT = r"\text{ "
BACKSLASH = "\\"
DOLLAR = re.compile(r"(?<!\\)\$")
SHORT_ROOT = re.compile(r"\\sqrt([^{])")
SHORT_FRACTION = re.compile(r"\\frac([^{])(?:([^{])|(?=\{))")
QUOTIENT = re.compile(r"(0|-?[1-9][0-9]*)/(0|-?[1-9][0-9]*)")


def is_equiv(answer: str, gold: str) -> bool:
    """Whether two answers are equal after the official normalisation."""
    return normalise(answer) == normalise(gold)


def normalise(latex: str) -> str:
    r"""One spelling of an answer, e.g. `\dfrac12`, `1/2` and `x = 0.5` become `\frac{1}{2}`."""
    text = latex
    for old, new in REPLACEMENTS:
        text = text.replace(old, new)
    if text.count(UNIT) > 1:  # the official code gives up here and compares the raw strings
        return latex
    text = text.partition(UNIT)[0]
    text = text.replace(r"\%", "")
    text = text.replace(" .", " 0.").replace("{.", "{0.")
    if text.startswith("."):
        text = "0" + text
    name, _, value = text.partition("=")
    if text.count("=") == 1 and len(name) <= 2:
        text = value
    text = SHORT_ROOT.sub(r"\\sqrt{\1}", text)
    text = text.replace(" ", "")
    text = SHORT_FRACTION.sub(_braced_fraction, text)
    if text == "0.5":
        return r"\frac{1}{2}"
    quotient = QUOTIENT.fullmatch(text)
    return rf"\frac{{{quotient[1]}}}{{{quotient[2]}}}" if quotient else text


def _braced_fraction(match: re.Match[str]) -> str:
    """`\\frac12` and `\\frac1{2}` with both braces."""
    below = f"{{{match[2]}}}" if match[2] else ""
    return rf"\frac{{{match[1]}}}{below}"


def make_verify() -> Callable[[str, str | None], bool]:
    """math-verify's comparison of a gold answer with an answer; run in a `Worker`.

    Without an answer it says whether the gold answer can be read.
    """
    from math_verify import LatexExtractionConfig, parse, verify

    # Only the LaTeX parser: the other one gives the text to a function that evaluates it. Its
    # time limits are off because they use signal.alarm and cannot interrupt C code; the worker's
    # limit holds instead.
    config = [LatexExtractionConfig()]

    def same(gold: str, answer: str | None) -> bool:
        meant = parse(in_dollars(gold), config, parsing_timeout=None)
        if answer is None:
            return bool(meant)
        given = parse(in_dollars(answer), config, parsing_timeout=None)
        return bool(verify(meant, given, allow_set_relation_comp=True, timeout_seconds=None))

    return same


def in_dollars(latex: str) -> str:
    r"""An answer as math-verify wants it: one line between dollar signs.

    A percent sign stands behind them (`$10$\%`), where math-verify understands it; a full stop
    and the degree character, which its parser refuses, are left out and spelt out.
    """
    text = DOLLAR.sub("", latex.replace("\n", " ")).strip().rstrip(".")
    text = text.replace("°", r"^\circ")
    number = text.removesuffix("%")
    percent = "" if number == text else r"\%"
    return f"${number.removesuffix(BACKSLASH) if percent else number}${percent}"
