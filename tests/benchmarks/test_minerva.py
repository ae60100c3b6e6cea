"""MATH as lm-evaluation-harness asks and scores it: prompt, final answer, both comparisons."""

from __future__ import annotations

import random
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.parsing import parse_expr

from evaluation.benchmarks import minerva
from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.math import BENCHMARK
from evaluation.benchmarks.minerva import final_answer, gold_answer, normalise
from evaluation.benchmarks.minerva_checker import arithmetic
from evaluation.benchmarks.worker import Worker
from evaluation.records import GenerateRequest, SampleScore
from tests.computing import limited_computing
from tests.evidence import evidence

FORM = "Final Answer: The final answer is ${}$. I hope it is correct."


def row(**changes: object) -> dict[str, Any]:
    """A row of our own."""
    return {
        "problem": "What is $3 + 4$?",
        "solution": "We count on from $3$ to $\\boxed{7}.$",
        "answer": "7",
        "subject": "Prealgebra",
        "level": 1,
        "unique_id": "test/prealgebra/000.json",
        **changes,
    }


def judge(text: str, gold: str = "7") -> SampleScore:
    """The verdict on an answer; the gold answer stands boxed in the row's solution."""
    sample = BENCHMARK.sample(row(solution=f"So it is $\\boxed{{{gold}}}$.", answer=gold), 0)
    return BENCHMARK.score(sample, evidence([], [text], "harness"))


def both(text: str, gold: str = "7") -> tuple[float, float]:
    """The scores of exact_match and math_verify."""
    scores = judge(text, gold).scores
    return scores["exact_match"], scores["math_verify"]


def test_prompt_has_worked_examples_with_whole_solutions_and_a_stop() -> None:
    shots = [
        BENCHMARK.sample(row(problem=f"P{n}?", solution=f"S{n} \\boxed{{{n}}}"), n) for n in (1, 2)
    ]
    asked = PromptSettings(protocol="harness", few_shot=2, max_new_tokens=256, seed=3)
    assert BENCHMARK.requests(BENCHMARK.sample(row(), 0), shots, asked) == [
        GenerateRequest(
            sample_id="test/prealgebra/000.json",
            prompt="Problem:\nP1?\n\nSolution: S1 \\boxed{1}\n\n"
            "Problem:\nP2?\n\nSolution: S2 \\boxed{2}\n\n"
            "Problem:\nWhat is $3 + 4$?\n\nSolution:",
            stop=("Problem:",),
            max_new_tokens=256,
            seed=3,
        )
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FORM.format("7"), "$7$"),
        (FORM.format("8") + FORM.format("7"), "$8$"),
        ("Final Answer: The final answer is 7. I hope it is correct.", "7"),
        ("Final Answer: The final answer is 7! I hope it is correct?", "7"),
        ("Final Answer: The final answer is $7$. ", "$7$"),
        ("Final Answer: The final answer is $7$.", None),
        ("Final Answer: The final answer is\n7. I hope it is correct.", None),
        ("final answer: the final answer is 7. I hope it is correct.", None),
        ("The final answer is 7. I hope it is correct.", None),
        ("Final Answer: The final answer is 1\n" + FORM.format("7"), "$7$"),
        ("", None),
    ],
)
def test_the_first_final_answer_counts(text: str, expected: str | None) -> None:
    assert final_answer(text) == expected


@pytest.mark.parametrize(
    ("solution", "expected"),
    [
        (r"It is $\boxed{7}$.", "7"),
        (r"$\boxed{1}$, no, $\boxed{\frac{1}{2}}$", r"\frac{1}{2}"),
        (r"$\boxed{1}, \boxed{2}$", "2"),
        (r"so $\boxed 7$.", "7"),
        (r"$\boxed{7$", None),
        ("It is 7.", None),
        ("{7}", None),
        ("", None),
    ],
)
def test_the_gold_answer_is_in_the_last_box(solution: str, expected: str | None) -> None:
    assert gold_answer(solution) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("$7$", "7"),
        ("x = 7", "7"),
        ("the number $7$ of them", "7"),
        ("1,000", "1000"),
        ("-1,000,000", "-1000000"),
        ("0,1", "0,1"),
        ("10,00", "10,00"),
        (r"\$7", "7"),
        (r"7 \text{ cm}", "7"),
        ("7 cm", "7"),
        ("7cm", "7"),
        (r"2\pi cm", r"2\pi"),
        (r"\left(1, 2\right)", r"\left(1,2\right)"),
        (r"\infty", r"\infty"),
        (r"90^\circ", "90"),
        (r"\frac12", r"\frac{1}{2}"),
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        (r"\sqrt3", r"\sqrt{3}"),
        (r"\sqrt[3]8", r"\sqrt[3]{8}"),
        (r"\sqrt[3]{8}", r"\sqrt[3]{8}"),
        (r"\boxed{7}", "7"),
        (r"\text{Tuesday}", "Tuesday"),
        (r"\textbf{7}", "7"),
        (r"1,\text{and} 2", "1,2"),
        ("", ""),
    ],
)
def test_normalisation_of_minerva(answer: str, expected: str) -> None:
    assert normalise(answer) == expected


@pytest.mark.parametrize(
    ("text", "gold", "exact", "verified"),
    [
        (FORM.format("7"), "7", 1.0, 1.0),
        (FORM.format("3+4"), "7", 1.0, 1.0),
        (FORM.format("8"), "7", 0.0, 0.0),
        (FORM.format("(1,2)"), "(1,2)", 1.0, 1.0),
        (FORM.format("(2,1)"), "(1,2)", 0.0, 0.0),
        (FORM.format("0.5"), r"\frac{1}{2}", 1.0, 1.0),
        (FORM.format("2,1"), "1,2", 0.0, 1.0),
        (FORM.format("(x+1)^2"), "x^2+2x+1", 1.0, 1.0),
        (FORM.format("1{,}000"), "1000", 1.0, 1.0),
        (FORM.format("7 units"), "7", 1.0, 1.0),
        (FORM.format(r"\text{even}"), r"\text{even}", 1.0, 1.0),
        (r"It is $\boxed{7}$.", "7", 0.0, 1.0),
        ("The answer is 7.", "7", 0.0, 1.0),
        ("The answer is 3 + 4.", "7", 0.0, 1.0),
        ("", "7", 0.0, 0.0),
        ("seven", "7", 0.0, 0.0),
    ],
)
def test_the_two_comparisons(text: str, gold: str, exact: float, verified: float) -> None:
    assert both(text, gold) == (exact, verified)


def test_verdict_shows_what_was_extracted_and_why_it_failed() -> None:
    verdict = judge(FORM.format("8"))
    assert (verdict.extracted, verdict.gold, verdict.reason) == ("$8$", "7", "")
    verdict = judge("It is 8.")
    assert (verdict.extracted, verdict.reason) == (None, "no final answer in the asked form")
    verdict = judge(FORM.format("1" * 2000))
    assert verdict.scores == {"exact_match": 0.0, "math_verify": 0.0}
    assert verdict.reason == "the final answer is longer than 1000 characters"
    verdict = judge(" " * 20_000 + FORM.format("7"))
    assert verdict.scores == {"exact_match": 1.0, "math_verify": 0.0}
    assert verdict.reason == "math_verify: the text is longer than 10000 characters"


@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        ("It is 7.", "the solution has no \\boxed answer"),
        ("It is $\\boxed{}$.", "math_verify cannot read the solution"),
    ],
)
def test_a_solution_that_cannot_be_read_scores_nobody(solution: str, reason: str) -> None:
    sample = BENCHMARK.sample(row(solution=solution), 0)
    for text in ("", FORM.format("7")):
        verdict = BENCHMARK.score(sample, evidence([], [text], "harness"))
        assert (verdict.unscorable, verdict.scores, verdict.reason) == (True, {}, reason)


def test_a_time_out_counts_as_not_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(minerva.COMPARER.maker, limit=0.3)
    monkeypatch.setattr(minerva, "COMPARER", worker)
    verdict = judge(FORM.format("9^{9^{9^{9}}}"))
    assert verdict.scores == {"exact_match": 0.0, "math_verify": 0.0}
    assert verdict.reason == "; ".join(
        f"{metric}: no verdict within 0.3 s; counted as not equal"
        for metric in ("exact_match", "math_verify")
    )
    assert both(FORM.format("7")) == (1.0, 1.0)
    worker.close()


def test_the_metrics_are_the_protocols_own() -> None:
    sample = BENCHMARK.sample(row(), 0)
    texts = (FORM.format("7"), "The answer is 7.", "")
    exact, verified = BENCHMARK.aggregate([(sample, judge(text)) for text in texts])
    assert (exact.metric, exact.n, exact.primary) == ("exact_match", 3, True)
    assert (verified.metric, verified.n, verified.primary) == ("math_verify", 3, False)
    assert (exact.value, verified.value) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


PIECES = ["Final Answer: The final answer is", " I hope it is correct.", ".", "$", "7", "\\boxed{"]
PIECES += ["}", "{", "\\frac", "\\sqrt", "\\text{", "=", ",", "\n", " ", "x", "cm", "\\", "1/2"]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


@settings(deadline=None, max_examples=60)
@given(text=TEXTS)
def test_any_answer_scores_within_range(text: str) -> None:
    assert set(both(text)) <= {0.0, 1.0}
    assert set(both(FORM.format(text))) <= {0.0, 1.0}


@given(text=TEXTS)
def test_normalisation_takes_any_text(text: str) -> None:
    assert isinstance(normalise(text), str)
    assert gold_answer(text) is None or gold_answer(text) in text


@pytest.mark.parametrize("unit", ["Final Answer: The final answer is", "\\boxed{", "$", "7.", " "])
def test_long_answers_take_linear_time(unit: str) -> None:
    text = "Final Answer: The final answer is " + unit * (1_000_000 // len(unit))
    with limited_computing():
        judge(text)
        judge(text + ". I hope it is correct.")


@pytest.mark.parametrize(
    "text", ["1+2", "3 - 4*(5+6)/7", "-(2**3)", "1.50/3", "+2", "((7))", " 8 ", "2**-1"]
)
def test_arithmetic_is_what_sympy_makes_of_it(text: str) -> None:
    assert arithmetic(text).doit() == parse_expr(text, evaluate=False).doit()


def test_random_arithmetic_is_what_sympy_makes_of_it() -> None:
    generator = random.Random(0)
    for _ in range(200):
        numbers = [str(generator.randint(1, 99)) for _ in range(4)]
        text = numbers[0] + "".join(generator.choice("+-*/") + n for n in numbers[1:])
        assert arithmetic(text).doit() == parse_expr(text, evaluate=False).doit(), text


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "x",
        "f(1)",
        "'a'",
        "1 if 2 else 3",
        "[1]",
        "1 // 2",
        "True",
        "1j",
        "1; 2",
        "",
        "(1",
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises((SyntaxError, ValueError)):
        arithmetic(text)


def test_powers_are_not_computed_while_reading() -> None:
    assert arithmetic("9**9**9**9").func is sympy.Pow
