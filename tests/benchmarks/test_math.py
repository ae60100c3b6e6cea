"""MATH in chat: the prompt, the last box, and both ways of comparing answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks import math as module
from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.boxed import last_boxed
from evaluation.benchmarks.math import BENCHMARK, INSTRUCTION
from evaluation.benchmarks.math_checker import in_dollars, is_equiv, normalise
from evaluation.benchmarks.worker import Worker
from evaluation.records import GenerateRequest, Message, SampleScore
from tests.computing import limited_computing
from tests.evidence import evidence

REPO = Path(__file__).resolve().parents[2]


def row(**changes: object) -> dict[str, Any]:
    """A row of our own."""
    return {
        "problem": "What is the sum of the first $4$ odd positive integers?",
        "solution": "$1 + 3 + 5 + 7 = \\boxed{16}$",
        "answer": "16",
        "subject": "Number Theory",
        "level": 1,
        "unique_id": "test/number_theory/000.json",
        **changes,
    }


def judge(text: str, answer: str = "16") -> SampleScore:
    """The verdict on an answer."""
    return BENCHMARK.score(BENCHMARK.sample(row(answer=answer), 0), evidence([], [text]))


def both(text: str, answer: str = "16") -> tuple[float, float]:
    """The scores by meaning and by string."""
    scores = judge(text, answer).scores
    return scores["math_verify"], scores["is_equiv"]


def test_sample_and_prompt() -> None:
    sample = BENCHMARK.sample(row(), 3)
    assert sample.id == "test/number_theory/000.json"
    assert sample.category == "Number Theory/level 1"
    requests = BENCHMARK.requests(
        sample, [], PromptSettings(protocol="chat", max_new_tokens=7, seed=2)
    )
    assert requests == [
        GenerateRequest(
            sample_id=sample.id,
            messages=(Message(role="user", content=INSTRUCTION + row()["problem"]),),
            max_new_tokens=7,
            seed=2,
        )
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"problem": " \n"}, "the problem is empty"),
        ({"answer": " "}, "the answer is empty"),
        ({"level": "Level ?"}, "wrong columns: level"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert sample.unscorable.startswith(f"row 3: {problem}")


@pytest.mark.parametrize("gold", ["%", "\\ ", "$"])
def test_a_gold_answer_that_cannot_be_read_scores_nobody(gold: str) -> None:
    for text in ("", "\\boxed{16}", f"\\boxed{{{gold}}}"):
        verdict = judge(text, gold)
        assert (verdict.unscorable, verdict.scores) == (True, {})
        assert verdict.reason == "math_verify cannot read the gold answer"


def test_a_gold_answer_that_takes_too_long_scores_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(module.VERIFIER.maker, limit=0.3)
    monkeypatch.setattr(module, "VERIFIER", worker)
    verdict = judge("\\boxed{1}", "{" * 3000 + "1")
    assert (verdict.unscorable, verdict.scores) == (True, {})
    assert "cannot read the gold answer" in verdict.reason
    worker.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"So $x = \boxed{5}$.", "5"),
        (r"\boxed{4}? No: \boxed{5}.", "5"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{ x }", r"\left\{ x"),
        (r"\boxed{a \\{b}}", r"a \\{b}"),
        (r"\boxed {5}", "5"),
        (r"\\boxed{5}", "5"),
        (r"\fbox{5}", "5"),
        (r"\boxed{x = \boxed{5}}", "5"),
        (r"\boxed{}", ""),
        (r"\boxed{π ≈ 3}", "π ≈ 3"),
        (r"} \boxed{5} }", "5"),
        (r"\boxed{4} and then \boxed{5", "4"),
        (r"\boxed{5", None),
        (r"\boxed", None),
        ("The answer is 5.", None),
        ("", None),
        (r"$\boxed{1}$, $\boxed{2}$", "1, 2"),
        (r"\boxed{1}, \boxed{2}, and \boxed{3}", "1, 2, 3"),
        (r"\(\boxed{1}\) or \(\boxed{-1}\)", "1, -1"),
        (r"\boxed{5}, \boxed{5}", "5"),
        ("\\boxed{1}\n\\boxed{2}", "2"),
        (r"\boxed{1}, which is wrong, \boxed{2}", "2"),
        (r"\boxed{\boxed{1}, \boxed{2}}", "1, 2"),
    ],
)
def test_the_last_closed_box_is_the_answer(text: str, expected: str | None) -> None:
    assert last_boxed(text) == expected


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\dfrac12", r"\frac{1}{2}"),
        (r"\tfrac{1}{2}", r"\frac{1}{2}"),
        (r"\frac1{72}", r"\frac{1}{72}"),
        (r"\frac{72}1", r"\frac{72}1"),
        ("1/2", r"\frac{1}{2}"),
        ("-3/4", r"\frac{-3}{4}"),
        ("01/2", "01/2"),
        ("a/b", "a/b"),
        ("0.5", r"\frac{1}{2}"),
        (".5", r"\frac{1}{2}"),
        ("x = 5", "5"),
        ("abc = 5", "abc=5"),
        ("y=2x=4", "y=2x=4"),
        (r"\sqrt3", r"\sqrt{3}"),
        (r"\sqrt{3}", r"\sqrt{3}"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\frac{\pi}{2})"),
        (r"90^\circ", "90"),
        (r"90^{\circ}", "90"),
        (r"\$1,\!000", "1,000"),
        (r"10\%", "10"),
        (r"5\text{ cm}", "5"),
        (r"5\text{ m}\text{ s}", r"5\text{ m}\text{ s}"),
        (r"\text{Tuesday}", r"\text{Tuesday}"),
        ("", ""),
        (r"\frac", r"\frac"),
        (r"\sqrt", r"\sqrt"),
    ],
)
def test_official_normalisation(latex: str, expected: str) -> None:
    assert normalise(latex) == expected


@pytest.mark.parametrize(
    ("gold", "answer", "same", "equal"),
    [
        (r"\frac{1}{2}", "0.5", 1.0, 1.0),
        (r"\frac{1}{2}", "0.50", 1.0, 0.0),
        (r"\frac{3}{4}", r"\frac{6}{8}", 1.0, 0.0),
        ("16", "15", 0.0, 0.0),
        ("16", "x = 16", 1.0, 1.0),
        ("16", "16.", 1.0, 0.0),
        ("16", "$16$", 1.0, 0.0),
        ("16", r"16 \text{ apples}", 1.0, 1.0),
        ("90^\\circ", "90°", 1.0, 0.0),
        (r"10\%", "10", 1.0, 1.0),
        ("10", "10%", 1.0, 0.0),
        (r"10\%", "0.1", 1.0, 0.0),
        ("1,-2", "-2,1", 1.0, 0.0),
        ("2", "1, 2", 0.0, 0.0),
        ("[1,2]", r"1 \le x \le 2", 1.0, 0.0),
        ("x^2+2x+1", "(x+1)^2", 1.0, 0.0),
        (r"\text{Tuesday}", "Tuesday", 1.0, 0.0),
        (r"\text{Tuesday}", "Monday", 0.0, 0.0),
        ("2\\sqrt{3}", "\\sqrt{12}", 1.0, 0.0),
        ("16", "sixteen", 0.0, 0.0),
        ("16", "", 0.0, 0.0),
        ("16", "%", 0.0, 0.0),
        ("16", r"\ ", 0.0, 0.0),
        ("16", "1\n6", 0.0, 1.0),
    ],
)
def test_the_two_comparisons(gold: str, answer: str, same: float, equal: float) -> None:
    assert both(f"\\boxed{{{answer}}}", gold) == (same, equal)


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("5", "$5$"),
        (" 5. ", "$5$"),
        ("$5$", "$5$"),
        (r"\$5", r"$\$5$"),
        ("a\nb", "$a b$"),
        ("10%", r"$10$\%"),
        (r"10\%", r"$10$\%"),
        ("90°", r"$90^\circ$"),
    ],
)
def test_what_math_verify_is_given(latex: str, expected: str) -> None:
    assert in_dollars(latex) == expected


def test_two_boxes_state_one_answer() -> None:
    assert both(r"Either \boxed{3} or \boxed{-3}.", "3,-3") == (1.0, 1.0)
    assert both(r"Either \boxed{3} or \boxed{-3}.", "3") == (0.0, 0.0)


def test_verdict_shows_what_was_extracted_and_why_it_failed() -> None:
    verdict = judge(r"It is \boxed{17}.")
    assert (verdict.extracted, verdict.gold, verdict.reason) == ("17", "16", "")
    verdict = judge("It is 16.")
    assert (verdict.extracted, verdict.reason) == (None, "no \\boxed answer")
    verdict = judge("\\boxed{" + "1" * 2000 + "}")
    assert "longer than 1000 characters" in verdict.reason
    assert verdict.scores == {"math_verify": 0.0, "is_equiv": 0.0}


def test_a_time_out_counts_as_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(module.VERIFIER.maker, limit=0.3)
    monkeypatch.setattr(module, "VERIFIER", worker)
    verdict = judge(r"\boxed{10^{10^{10}}}")
    assert verdict.scores == {"math_verify": 0.0, "is_equiv": 0.0}
    assert verdict.reason == "math_verify: no verdict within 0.3 s; counted as not equal"
    assert both(r"\boxed{16}") == (1.0, 1.0)
    worker.close()


# Digits are few, so that no power of powers takes the worker to its time limit.
PIECES = [
    "\\boxed{",
    "\\frac",
    "\\sqrt",
    "{",
    "}",
    "$",
    "1",
    "x",
    "=",
    ",",
    " and ",
    "\\",
    "\n",
    "%",
]
ANSWERS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@settings(deadline=None)
@given(text=ANSWERS)
def test_any_answer_scores_within_range(text: str) -> None:
    assert set(both(text)) <= {0.0, 1.0}
    assert set(both(f"\\boxed{{{text}}}")) <= {0.0, 1.0}


@given(text=ANSWERS)
def test_an_answer_is_equivalent_to_itself(text: str) -> None:
    assert is_equiv(text, text)
    assert isinstance(normalise(text), str)


@settings(deadline=None, max_examples=30)
@given(numerator=st.integers(-99, 99), denominator=st.integers(1, 99), noise=st.text(max_size=40))
def test_a_fraction_is_found_in_any_text(numerator: int, denominator: int, noise: str) -> None:
    text = f"{noise}\nSo it is $\\boxed{{{numerator}/{denominator}}}$."
    assert both(text, f"\\frac{{{numerator}}}{{{denominator}}}")[0] == 1.0


@pytest.mark.parametrize(
    "unit",
    ["\\boxed{", "\\boxed{1},", "\\boxed{1} and ", "{", "}", "\\", "x", " ", "$", "\\boxed ", "é"],
)
def test_long_answers_take_linear_time(unit: str) -> None:
    text = "\\boxed{" + unit * (1_000_000 // len(unit))
    with limited_computing():
        judge(text)
        judge(text + "}" * 500_000)


def all_right(rows: list[dict[str, Any]]) -> None:
    """Each row's answer and whole solution get full marks, an empty answer none."""
    for index, raw in enumerate(rows):
        sample = BENCHMARK.sample(raw, index)
        [request] = BENCHMARK.requests(sample, [], PromptSettings(protocol="chat"))
        assert isinstance(request, GenerateRequest)
        assert raw["problem"] in request.messages[0].content
        for text in (f"So it is $\\boxed{{{raw['answer']}}}$.", raw["solution"]):
            verdict = BENCHMARK.score(sample, evidence([], [text]))
            assert verdict.scores == {"math_verify": 1.0, "is_equiv": 1.0}, (raw["answer"], text)
        assert not any(BENCHMARK.score(sample, evidence([], [""])).scores.values())


def test_bundled_samples_reach_both_ends_of_the_scale() -> None:
    path = REPO / "resources/samples/math/samples.jsonl"
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    all_right([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])


def test_all_hub_rows_are_usable() -> None:
    path = REPO.parent / "shared/data/hub/HuggingFaceH4/MATH-500/test.jsonl"
    if not path.is_file():
        pytest.skip(f"no Hub stand-in at {path}")
    all_right([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])


def test_means_are_over_samples() -> None:
    sample = BENCHMARK.sample(row(), 0)
    scored = [(sample, judge(text)) for text in (r"\boxed{16}", r"\boxed{16.0}", "")]
    by_meaning, by_string = BENCHMARK.aggregate(scored)
    assert (by_meaning.metric, by_meaning.n, by_meaning.primary) == ("math_verify", 3, True)
    assert by_meaning.value == pytest.approx(2 / 3)
    assert by_string.value == pytest.approx(1 / 3)
