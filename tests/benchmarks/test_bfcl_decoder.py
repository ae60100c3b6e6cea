"""BFCL: Python calls out of an answer, read without executing any of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.bfcl import BENCHMARK
from evaluation.benchmarks.bfcl_decoder import Call, decode
from tests.benchmarks.test_bfcl import make_row, score
from tests.computing import limited_computing

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=3), v, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[f(a=1)]", [Call("f", {"a": 1})]),
        ("f(a=1), g.h(b='x')", [Call("f", {"a": 1}), Call("g.h", {"b": "x"})]),
        ("```python\n[f(a=1)]\n```", [Call("f", {"a": 1})]),
        ("```\n[f(a=1)]\n```\nThis dims it.", [Call("f", {"a": 1})]),
        ("```tool_code\nf(a=1)\n```", [Call("f", {"a": 1})]),
        ("Wrong: ```[f(a=1)]``` right: ```[f(a=2)]```", [Call("f", {"a": 2})]),
        ("The calls are:\n[f(a=1),\n g(b=[2,\n[3]])]\nDone.", None),
        ("The calls are:\n[f(a=1),\n g(b=[2,\n[3]])]", [Call("f", {"a": 1}), Call("g", {"b": 0})]),
        ("[f(a=1)]\nNo, rather:\n[f(a=2)]", [Call("f", {"a": 2})]),
        ("[f(a=1)]\nThis dims the lamp.", [Call("f", {"a": 1})]),
        ("[f(a=-1.5, b=+2, c=60*5, d=1/4)]", [Call("f", {"a": -1.5, "b": 2, "c": 300, "d": 0.25})]),
        ("[f(a=true, b=None, c=...)]", [Call("f", {"a": "true", "b": None, "c": "..."})]),
        ("[f(a=(1, 2), b={'k': [True]})]", [Call("f", {"a": (1, 2), "b": {"k": [True]}})]),
        (
            "[f(a=g(b=1), c=g(), d=x[0])]",
            [Call("f", {"a": {"g": {"b": 1}}, "c": "g()", "d": "x[0]"})],
        ),
        ("[f(1, a=2)]", [Call("f", {"a": 2})]),
        ("[f(a=1)", [Call("f", {"a": 1})]),
        ("[f(name='Zoë 東京')]", [Call("f", {"name": "Zoë 東京"})]),
        ("[f(a=1), g(b=", []),
        ("[]", []),
        ("", []),
        ("[f]", []),
        ("No function fits, [sorry].", []),
        ("[f(a='x'*1000000000000)]", []),
        ("[f(a=1/0)]", []),
        ("[f(a=[x for x in y])]", []),
        ("[f(a=f'{1}')]", []),
        ("[f(a={[]: 1})]", []),
        ("[f(a={**b})]", []),
        ("[__import__('os').system('true')()]", []),
        ("[f(a=\x00)]", []),
    ],
)
def test_decoder(text: str, expected: list[Call] | None) -> None:
    calls = decode(text).calls
    if expected is None or (len(expected) == 2 and expected[1].arguments == {"b": 0}):
        expected = [Call("f", {"a": 1}), Call("g", {"b": [2, [3]]})]
    assert calls == expected


def test_decoder_executes_nothing(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w').write('x')"
    for text in (f"[f(a={code})]", f"[f(a={code} + 1)]", f"[f(a=lambda: {code})]", f"[{code}]"):
        decode(text)
    assert not trace.exists()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 1_000_000,
        "[f(a=" * 200_000,
        "-" * 1_000_000 + "1",
        "```" * 350_000,
        "\n[" * 500_000 + "]",
        "[f(a=" + "1+" * 500_000 + "1)]",
        "[f(a=0x" + "f" * 30_000 + ")]",
        "[" + "f(a=1), " * 125_000 + "]",
        "f" + ".f" * 500_000 + "()",
        "[f(a=" + "9" * 4_000 + ")]",
    ],
)
def test_degenerate_answers_are_scored_fast(text: str) -> None:
    with limited_computing():
        for category in ("simple_python", "irrelevance"):
            score(BENCHMARK.sample(make_row(category), 0), text)


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5})?", fullmatch=True), VALUES)))
def test_written_calls_are_read_back(values: list[tuple[str, Any]]) -> None:
    written = [(n, v) for n, v in values if not {"nan", "inf"} & set(re.findall(r"\w+", repr(v)))]
    written = [(f"f_{n}", v) for n, v in written]
    text = "[" + ", ".join(f"{n.replace('.', '.f_')}(p={v!r})" for n, v in written) + "]"
    assert decode(text).calls == [Call(n.replace(".", ".f_"), {"p": v}) for n, v in written]
