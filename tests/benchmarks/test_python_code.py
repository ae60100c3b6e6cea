"""Finding the program in an answer, names in source, and pass@k."""

from __future__ import annotations

import itertools
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.python_code import (
    Block,
    aggregate,
    before,
    bound_names,
    defines,
    fenced_blocks,
    free_names,
    last_definition,
    pass_at_k,
)
from evaluation.records import Sample, SampleScore
from tests.computing import limited_computing


def fence(code: str, language: str = "python") -> str:
    """The code in a fenced block."""
    return f"```{language}\n{code}\n```"


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("", []),
        ("no block, only `code` and ```inline``` code", []),
        ("```python\na = 1\n```", [("python", "a = 1", True)]),
        ("Text\n```\na\n\nb\n```\nText", [("", "a\n\nb", True)]),
        ("```Python3\r\na\r\n```\r\n", [("python3", "a\r", True)]),
        ("``` py title='x'\na\n```", [("py", "a", True)]),
        ("~~~python\na\n~~~", [("python", "a", True)]),
        ("````python\n```\na\n````", [("python", "```\na", True)]),
        ("1. Do:\n   ```python\n   if a:\n       b\n   ```", [("python", "if a:\n    b", True)]),
        ("```python\na", [("python", "a", False)]),
        ("```python\na\n```python\nb\n```", [("python", "a", False), ("python", "b", True)]),
        ("```bash\na\n```\n```python\nb\n```", [("bash", "a", True), ("python", "b", True)]),
        ("```python\n```", [("python", "", True)]),
        ("```", [("", "", False)]),
        ("``` one ``` two\na", []),
    ],
)
def test_fenced_blocks(text: str, blocks: list[tuple[str, str, bool]]) -> None:
    assert fenced_blocks(text) == [Block(*block) for block in blocks]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(x):\n    pass", True),
        ("import a\n\n\nasync  def  f (x): pass", True),
        ("f = lambda x: x", True),
        ("f == 1", False),
        ("def g(x):\n    return f(x)", False),
        ("class A:\n    def f(self): pass", False),
        ("def ff(x): pass", False),
        ("# def f(x)", False),
        ("", False),
    ],
)
def test_only_top_level_definitions_count(code: str, expected: bool) -> None:
    assert defines(code, ["f"]) is expected
    assert defines(code, ["f.", "f"]) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (fence("def f(): 1") + "\nBetter:\n" + fence("def f(): 2"), "def f(): 2"),
        (fence("def f(): 1") + "\nUse it:\n" + fence("print(f())"), "def f(): 1"),
        (fence("def f(): 1") + "\n" + fence("def f(): 2", "text"), "def f(): 1"),
        (fence("def f(): 1", "") + "\n" + fence("x", "bash"), "def f(): 1"),
        (fence("def f(): 1") + "\n```python\ndef f(): 2", "def f(): 1"),
        ("```python\ndef f(): 2", "def f(): 2"),
        ("def f(): 1", None),
        (fence("def g(): 1"), None),
        ("", None),
    ],
)
def test_the_last_closed_block_that_defines_the_name(text: str, expected: str | None) -> None:
    assert last_definition(text, ["f"]) == expected


def test_any_of_several_names_counts() -> None:
    assert last_definition(fence("def g(): 1"), ["f", "g"]) == "def g(): 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\nif b\ndef c", "a"), ("a\ndef c\nif b", "a"), ("a", "a"), ("", ""), ("\nif", "")],
)
def test_text_before_the_first_stop(text: str, expected: str) -> None:
    assert before(text, ("\ndef", "\nif")) == expected


LINE = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20)


@given(lines=st.lists(LINE.filter(lambda line: "``" not in line), max_size=6), prose=LINE)
def test_exactly_the_code_is_found(lines: list[str], prose: str) -> None:
    code = "\n".join(["def f():", *lines])
    text = f"{prose.replace('`', '')}\n{fence(code)}\n{prose.replace('`', '')}"
    if "~~~" not in text:
        assert last_definition(text, ["f"]) == code


@given(st.one_of(st.text(), st.lists(st.sampled_from(["```", "~~~", "py", "\n", " ", "def f("]))))
def test_any_text_is_read(text: str | list[str]) -> None:
    found = last_definition("".join(text), ["f"])
    assert found is None or "f" in found


@pytest.mark.parametrize(
    "unit",
    ["```", "```\n", "```python\ndef f(): 1\n", "`", "def f(", "```x", " ", "\n", "async ", "é"],
)
def test_long_answers_take_linear_time(unit: str) -> None:
    text = "```" + unit * (1_000_000 // len(unit))
    with limited_computing():
        last_definition(text, ["f"])
        last_definition(text + "`", ["f"])
        before(text, ("\nclass", "\ndef", "[DONE]"))


@pytest.mark.parametrize(
    ("source", "free", "bound"),
    [
        ("assert f(1) == g", {"f", "g"}, set()),
        ("x = f(y)\nassert x", {"f", "y"}, {"x"}),
        ("assert sorted(f(x) for x in range(3))", {"f"}, set()),
        ("assert f(lambda a, *b, c=1, **d: a + e)", {"f", "e"}, set()),
        ("import a.b, c as d\nfrom e import g\nassert a.f(d, g)", set(), {"a", "d", "g"}),
        ("class A(B):\n    def m(self): return N", {"B", "N"}, {"A"}),
        ("async def f(x): return f(x, y)", {"y"}, {"f"}),
        ("def f():\n    global g\n    g = h", {"h"}, {"f"}),
        ("root.left = Node(2)", {"root", "Node"}, set()),
        ("", set(), set()),
    ],
)
def test_names_that_source_needs_and_binds(source: str, free: set[str], bound: set[str]) -> None:
    assert free_names(source) == free
    assert bound_names(source) == bound


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_pass(counts: tuple[int, int]) -> None:
    n, passed = counts
    attempts = [True] * passed + [False] * (n - passed)
    for k in range(1, n + 1):
        share = fmean(any(draw) for draw in itertools.combinations(attempts, k))
        assert pass_at_k(n, passed, k) == pytest.approx(share)


@pytest.mark.parametrize(("n", "passed", "k"), [(0, 0, 1), (1, 0, 0), (3, 4, 1), (3, 1, 5)])
def test_pass_at_k_needs_enough_attempts(n: int, passed: int, k: int) -> None:
    with pytest.raises(ValueError, match="no pass@"):
        pass_at_k(n, passed, k)


def test_scores_are_means_over_samples_with_the_first_primary() -> None:
    sample = Sample(id="s", category="", row={})
    verdicts = [
        SampleScore(scores={"pass@1": 0.5, "pass@5": 1.0}),
        SampleScore(scores={"pass@1": 0.1, "pass@5": 0.5}),
    ]
    first, fifth = aggregate([(sample, verdict) for verdict in verdicts])
    assert (first.metric, first.value, first.n, first.primary) == ("pass@1", 0.3, 2, True)
    assert (fifth.metric, fifth.value, fifth.n, fifth.primary) == ("pass@5", 0.75, 2, False)


def test_no_samples_give_no_score() -> None:
    [score] = aggregate([])
    assert (score.metric, score.value, score.n, score.reason) == ("pass@1", None, 0, "")
