"""MBPP: both prompts, the harness's worked examples, and the program found (none is run)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.mbpp import BENCHMARK, INSTRUCTION, MbppRow, called_functions
from evaluation.errors import EvaluationError
from evaluation.records import (
    GenerateRequest,
    Message,
    Protocol,
    Response,
    Sample,
    SampleScore,
    Score,
)

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


def judge(sample: Sample, protocol: Protocol, text: str) -> SampleScore:
    """The verdict on an answer to the protocol's own prompt."""
    request = ask(sample, protocol)
    response = Response(
        key="k",
        sample_id=sample.id,
        turn=0,
        session="s",
        prompt=request.prompt or f"<user>{request.messages[0].content}</user>\n",
        text=text,
        finish_reason="stop",
    )
    return BENCHMARK.score(sample, [response], [text])


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
        (["assert math.isclose(f(1), 1.0)"], "", ["f"]),
        (["assert f(Node(1)) == 2"], "class Node:\n    pass", ["f"]),
        (["assert True"], "", []),
        (["assert ("], "", []),
    ],
)
def test_functions_come_from_the_tests(tests: list[str], setup: str, expected: list[str]) -> None:
    changed = row(test_list=tests, test_setup_code=setup)
    assert called_functions(MbppRow.model_validate(changed)) == expected


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
    assert verdict == SampleScore(extracted=PROGRAM, gold=PROGRAM, reason="no sandbox")
    expected = Score(
        metric="pass@1", value=None, n=0, primary=True, reason="not scored: no sandbox"
    )
    assert BENCHMARK.aggregate([(sample, verdict)]) == [expected]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"text": "\n"}, "the text is empty"),
        ({"test_list": ["assert double(1) == 2"]}, "1 tests where three are needed"),
        ({"test_list": ["assert True"] * 3}, "the tests call no function"),
        ({"test_list": ["assert ("] * 3}, "the tests call no function"),
        ({"code": None}, "code"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(EvaluationError) as error:
        BENCHMARK.sample(row(**changes), 3)
    assert problem in str(error.value)
    assert "row 3" in str(error.value)


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


@pytest.mark.parametrize("name", ["samples", "few_shot"])
def test_programs_of_all_bundled_samples_are_found(name: str) -> None:
    path = REPO / "resources/samples/mbpp" / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    find_all([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])


@pytest.mark.parametrize("split", ["test", "prompt"])
def test_programs_of_all_hub_rows_are_found(split: str) -> None:
    path = REPO.parent / "shared/data/hub/google-research-datasets/mbpp/full"
    if not path.is_dir():
        pytest.skip(f"no Hub stand-in at {path}")
    table = pyarrow.parquet.read_table(path / f"{split}-00000-of-00001.parquet")
    find_all(table.to_pylist())
