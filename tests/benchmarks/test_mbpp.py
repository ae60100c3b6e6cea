"""MBPP: both prompts, the harness's worked examples, the program found, and its verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import Evidence, PromptSettings
from evaluation.benchmarks.mbpp import BENCHMARK, INSTRUCTION, MbppRow, program, program_names
from evaluation.records import (
    GenerateRequest,
    Message,
    Protocol,
    Sample,
    SampleScore,
    Score,
)
from evaluation.sandbox import Sandbox
from tests.sandbox.judging import any_sandbox

REPO = Path(__file__).resolve().parents[2]
PROGRAM = "def double(n):\n    return 2 * n"


def row(**changes: object) -> dict[str, Any]:
    """A row of our own."""
    return {
        "task_id": 7,
        "text": "Write a function to double a number.",
        "code": PROGRAM,
        "test_list": [f"assert double({n}) == {2 * n}" for n in (1, 2, 3)],
        "test_setup_code": "",
        "challenge_test_list": [],
        **changes,
    }


def ask(sample: Sample, protocol: Protocol, few_shot: Sequence[Sample] = ()) -> GenerateRequest:
    """The one request of a sample."""
    settings = PromptSettings(protocol=protocol, few_shot=len(few_shot), max_new_tokens=99, seed=5)
    [request] = BENCHMARK.requests(sample, few_shot, settings)
    assert isinstance(request, GenerateRequest)
    return request


def judge(
    sample: Sample, protocol: Protocol, *texts: str, sandbox: Sandbox | None = None
) -> SampleScore:
    """The verdict on the answers of as many attempts."""
    settings = PromptSettings(protocol=protocol, repeats=len(texts))
    return BENCHMARK.score(sample, Evidence([], texts, settings, sandbox=sandbox))


def test_chat_prompt_has_the_task_and_its_tests() -> None:
    sample = BENCHMARK.sample(row(), 0)
    assert ask(sample, "chat") == GenerateRequest(
        sample_id="mbpp/7",
        messages=(
            Message(
                role="user",
                content=INSTRUCTION + "\n\nTask: Write a function to double a number.\n\nTests:\n"
                "```python\nassert double(1) == 2\nassert double(2) == 4\n"
                "assert double(3) == 6\n```",
            ),
        ),
        max_new_tokens=99,
        seed=5,
    )


def test_harness_prompt_is_the_harness_tasks() -> None:
    shot = BENCHMARK.sample(row(task_id=2, text="Halve.", code="def double(n):\r\n  return n"), 0)
    tests = "assert double(1) == 2\nassert double(2) == 4\nassert double(3) == 6\n"
    assert ask(BENCHMARK.sample(row(), 0), "harness", [shot]) == GenerateRequest(
        sample_id="mbpp/7",
        prompt="You are an expert Python programmer, and here is your task: Halve. "
        f"Your code should pass these tests:\n\n{tests}[BEGIN]\n"
        "def double(n):\r\n  return n\n[DONE]\n\n"
        "You are an expert Python programmer, and here is your task: Write a function to double "
        f"a number. Your code should pass these tests:\n\n{tests}[BEGIN]\n",
        stop=("[DONE]",),
        max_new_tokens=99,
        seed=5,
    )


@pytest.mark.parametrize(
    ("pool", "count", "expected"),
    [
        ([1, 2, 3, 4, 5], 3, ["mbpp/2", "mbpp/3", "mbpp/4"]),
        ([4, 3, 2], 2, ["mbpp/2", "mbpp/3"]),
        ([2, 3, 5], 2, ["mbpp/2", "mbpp/3"]),
        ([900001, 900002, 900003], 3, ["mbpp/900001", "mbpp/900002", "mbpp/900003"]),
        ([1, 2, 3, 4], 0, []),
        ([], 3, []),
    ],
)
def test_worked_examples(pool: list[int], count: int, expected: list[str]) -> None:
    samples = [BENCHMARK.sample(row(task_id=task), 0) for task in pool]
    chosen = BENCHMARK.pick_few_shot(BENCHMARK.sample(row(), 0), samples, count)
    assert [shot.id for shot in chosen] == expected


@pytest.mark.parametrize(
    ("tests", "setup", "expected"),
    [
        (["assert f(1) == 2"], "", ["f"]),
        (["assert set(f([1])) == {1}", "assert round(g(2), 1)"], "", ["f", "g"]),
        (["assert math.isclose(f(1), 1.0)"], "import math", ["f"]),
        (["assert f(Node(1)) == 2"], "class Node:\n    pass", ["f"]),
        (["assert True"], "", []),
        (["assert f([g(1)]) == 2"], "import g", ["f"]),
    ],
)
def test_functions_come_from_the_tests(tests: list[str], setup: str, expected: list[str]) -> None:
    changed = row(test_list=tests, test_setup_code=setup)
    assert program_names(MbppRow.model_validate(changed)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Here:\n```python\n{PROGRAM}\n```\nDone.", PROGRAM),
        (f"```python\ndef double(n): pass\n```\nNo:\n```python\n{PROGRAM}\n```", PROGRAM),
        (f"```\n{PROGRAM}\n```\n```python\nassert double(2) == 4\n```", PROGRAM),
        (f"```python\n{PROGRAM}", PROGRAM),
        (PROGRAM, PROGRAM),
        ("I cannot help.", "I cannot help."),
        ("", None),
    ],
)
def test_program_of_a_chat_answer(text: str, expected: str | None) -> None:
    assert judge(BENCHMARK.sample(row(), 0), "chat", text).extracted == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{PROGRAM}\n[DONE]\n\nYou are", f"{PROGRAM}\n"),
        (PROGRAM, PROGRAM),
        (f"```python\n{PROGRAM}\n```\n", f"```python\n{PROGRAM}\n```\n"),
        ("[DONE]", None),
        ("", None),
    ],
)
def test_program_of_a_harness_answer(text: str, expected: str | None) -> None:
    assert judge(BENCHMARK.sample(row(), 0), "harness", text).extracted == expected


def test_nothing_is_scored_without_a_sandbox() -> None:
    sample = BENCHMARK.sample(row(), 0)
    verdict = judge(sample, "chat", f"```python\n{PROGRAM}\n```")
    reason = "no sandbox"
    assert verdict == SampleScore(extracted=PROGRAM, gold=PROGRAM, reason=reason)
    expected = Score(metric="pass@1", value=None, n=0, primary=True, reason=f"not scored: {reason}")
    assert BENCHMARK.aggregate([(sample, verdict)]) == [expected]


@pytest.mark.parametrize(
    ("protocol", "answer", "passes", "reason"),
    [
        ("chat", f"```python\n{PROGRAM}\n```", 1.0, ""),
        ("chat", "I cannot help.", 0.0, "the program raised SyntaxError"),
        ("chat", "", 0.0, "no program in the answer"),
        ("harness", f"{PROGRAM}\n[DONE]\n(", 1.0, ""),
        ("harness", "def double(n): return 2", 0.0, "assert double(2) == 4 (last answer: 2)"),
        ("harness", "double = 3\n[DONE]", 0.0, "not callable"),
        ("harness", "[DONE]", 0.0, "no program in the answer"),
    ],
)
def test_an_answer_is_run(protocol: Protocol, answer: str, passes: float, reason: str) -> None:
    verdict = judge(BENCHMARK.sample(row(), 0), protocol, answer, sandbox=any_sandbox())
    assert verdict.scores == {"pass@1": passes}
    assert reason in verdict.reason


def test_several_attempts_are_counted() -> None:
    wrong = "def double(n): return n"
    answers = [wrong, PROGRAM, wrong, PROGRAM, ""]
    verdict = judge(BENCHMARK.sample(row(), 0), "harness", *answers, sandbox=any_sandbox())
    assert verdict.scores == {"pass@1": pytest.approx(0.4), "pass@5": 1.0}
    assert verdict.reason == (
        "2 of 5 attempts passed; first failure: assert double(1) == 2 (last answer: 1)"
    )
    assert verdict.extracted == wrong


@pytest.mark.parametrize(
    ("setup", "tests", "shared", "names"),
    [
        ("", ["assert f(1) == 2"], True, ["f"]),
        ("import math", ["assert math.isclose(f(1), 1)"], True, ["f"]),
        ("class Node:\n    pass", ["assert f(Node()) == 2"], True, ["f"]),
        ("root = Node(1)", ["assert f(root) == 2"], False, ["Node", "f"]),
        ("", ["assert f([Pair(1, 2)]) == 2"], True, ["Pair", "f"]),
        ("", ["assert [f(x) for x in sorted([1])] == [2]"], True, ["f"]),
        ("", ["assert f(g) == 2"], True, ["f", "g"]),
    ],
)
def test_the_set_up_belongs_to_both_sides_unless_it_uses_the_program(
    setup: str, tests: list[str], *, shared: bool, names: list[str]
) -> None:
    changed = MbppRow.model_validate(row(test_list=tests, test_setup_code=setup))
    made = program(changed, "code")
    assert (made.shared, made.setup) == ((setup, "") if shared else ("", setup))
    assert list(made.names) == names


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"text": "\n"}, "the text is empty"),
        ({"test_list": ["assert double(1) == 2"]}, "1 tests where three are needed"),
        ({"test_list": ["assert True"] * 3}, "the tests use nothing of the program"),
        ({"test_list": ["assert ("] * 3}, "the tests or their set-up are not Python"),
        ({"test_setup_code": "x ="}, "the tests or their set-up are not Python"),
        ({"code": None}, "code"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 3: ")


@given(text=st.text())
def test_any_answer_is_read(text: str) -> None:
    sample = BENCHMARK.sample(row(), 0)
    for protocol in BENCHMARK.card.protocols:
        assert judge(sample, protocol, text).scores == {}


def find_all(rows: list[dict[str, Any]]) -> None:
    """Exactly the program is found in each row's reference answer, and nothing in an empty one."""
    for index, raw in enumerate(rows):
        sample = BENCHMARK.sample(raw, index)
        verdict = judge(sample, "chat", f"Here you are:\n```python\n{raw['code']}\n```\nGood luck!")
        assert (verdict.extracted, verdict.gold) == (raw["code"], raw["code"])
        assert judge(sample, "harness", raw["code"] + "\n[DONE]").extracted == raw["code"] + "\n"
        for protocol in BENCHMARK.card.protocols:
            assert judge(sample, protocol, "").extracted is None


def run_all(rows: list[dict[str, Any]], sandbox: Sandbox, *, thoroughly: bool) -> None:
    """The reference solutions pass; thoroughly: functions that do nothing do not."""

    def check(raw: dict[str, Any]) -> None:
        sample = BENCHMARK.sample(raw, 0)
        names = program_names(MbppRow.model_validate(raw))
        nothing = "\n".join(f"def {name}(*arguments): pass" for name in names)
        cases = [(raw["code"], 1.0), (nothing, 0.0)]
        for answer, passes in cases if thoroughly else cases[:1]:
            verdict = judge(sample, "harness", answer, sandbox=sandbox)
            assert verdict.scores == {"pass@1": passes}, (sample.id, answer, verdict.reason)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, rows))


@pytest.mark.parametrize("name", ["samples", "few_shot"])
def test_all_bundled_samples_are_found_and_judged(name: str) -> None:
    path = REPO / "resources/samples/mbpp" / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    find_all(rows)
    run_all(rows, any_sandbox(), thoroughly=True)


@pytest.mark.parametrize("split", ["test", "prompt"])
def test_all_hub_rows_are_found_and_judged(split: str) -> None:
    path = REPO.parent / "shared/data/hub/google-research-datasets/mbpp/full"
    if not path.is_dir():
        pytest.skip(f"no Hub stand-in at {path}")
    table = pyarrow.parquet.read_table(path / f"{split}-00000-of-00001.parquet")
    find_all(table.to_pylist())
    run_all(table.to_pylist(), any_sandbox(), thoroughly=False)
