"""HumanEval: both prompts, and the program found in an answer (none is run)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.humaneval import BENCHMARK, INSTRUCTION, STOPS
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
        "task_id": "HumanEval/7",
        "prompt": 'from typing import Any\n\n\ndef double(n: int) -> int:\n    """ Twice n. """\n',
        "canonical_solution": "    return 2 * n\n",
        "test": "def check(candidate):\n    assert candidate(2) == 4\n",
        "entry_point": "double",
        **changes,
    }


def ask(sample: Sample, protocol: Protocol) -> GenerateRequest:
    """The one request of a sample."""
    settings = PromptSettings(protocol=protocol, max_new_tokens=99, seed=5)
    [request] = BENCHMARK.requests(sample, [], settings)
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


def test_chat_prompt_asks_for_the_whole_program_in_a_block() -> None:
    sample = BENCHMARK.sample(row(), 0)
    assert ask(sample, "chat") == GenerateRequest(
        sample_id="HumanEval/7",
        messages=(
            Message(
                role="user",
                content=INSTRUCTION + "\n\n```python\nfrom typing import Any\n\n\n"
                'def double(n: int) -> int:\n    """ Twice n. """\n```',
            ),
        ),
        max_new_tokens=99,
        seed=5,
    )


def test_harness_prompt_is_the_prompt_as_it_is() -> None:
    sample = BENCHMARK.sample(row(), 0)
    assert ask(sample, "harness") == GenerateRequest(
        sample_id="HumanEval/7",
        prompt=row()["prompt"],
        stop=("\nclass", "\ndef", "\n#", "\nif", "\nprint"),
        max_new_tokens=99,
        seed=5,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Here:\n```python\n{PROGRAM}\n```\nDone.", PROGRAM),
        (f"```python\ndef double(n): pass\n```\nNo:\n```python\n{PROGRAM}\n```", PROGRAM),
        (f"```\n{PROGRAM}\n```\n```python\nprint(double(2))\n```", PROGRAM),
        (f"```python\n{PROGRAM}", PROGRAM),
        (PROGRAM, PROGRAM),
        ("```python\ndef other(n): pass\n```", None),
        ("I cannot help.", None),
        ("", None),
    ],
)
def test_program_of_a_chat_answer(text: str, expected: str | None) -> None:
    assert judge(BENCHMARK.sample(row(), 0), "chat", text).extracted == expected


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("    return 2 * n\n", "    return 2 * n\n"),
        ("    return 2 * n\n\n\ndef main():\n    pass", "    return 2 * n\n\n"),
        ("    return 2 * n\nif __name__", "    return 2 * n"),
        (f"```python\n{PROGRAM}\n```", "```python"),
        ("", ""),
    ],
)
def test_program_of_a_harness_answer(text: str, kept: str) -> None:
    sample = BENCHMARK.sample(row(), 0)
    assert judge(sample, "harness", text).extracted == row()["prompt"] + kept


def test_nothing_is_scored_without_a_sandbox() -> None:
    sample = BENCHMARK.sample(row(), 0)
    verdict = judge(sample, "chat", f"```python\n{PROGRAM}\n```")
    assert verdict == SampleScore(extracted=PROGRAM, gold="    return 2 * n\n", reason="no sandbox")
    expected = Score(
        metric="pass@1", value=None, n=0, primary=True, reason="not scored: no sandbox"
    )
    assert BENCHMARK.aggregate([(sample, verdict)]) == [expected]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"prompt": "\n"}, "the prompt is empty"),
        ({"entry_point": "triple"}, "does not define the entry point 'triple'"),
        ({"test": "assert True"}, "the test has no check"),
        ({"canonical_solution": None}, "canonical_solution"),
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
    assert judge(sample, "chat", text).scores == {}
    assert str(judge(sample, "harness", text).extracted).startswith(row()["prompt"])


def find_all(rows: list[dict[str, Any]]) -> None:
    """Exactly the program is found in each row's reference answer, and nothing in an empty one."""
    for index, raw in enumerate(rows):
        sample = BENCHMARK.sample(raw, index)
        program = raw["prompt"] + raw["canonical_solution"]
        verdict = judge(sample, "chat", f"Here you are:\n```python\n{program}\n```\nGood luck!")
        assert (verdict.extracted, verdict.gold) == (program, raw["canonical_solution"])
        assert judge(sample, "harness", raw["canonical_solution"]).extracted == program
        assert judge(sample, "chat", "").extracted is None
        assert not any(stop in raw["canonical_solution"] for stop in STOPS)


def test_programs_of_all_bundled_samples_are_found() -> None:
    path = REPO / "resources/samples/humaneval/samples.jsonl"
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    find_all([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()])


def test_programs_of_all_hub_rows_are_found() -> None:
    path = REPO.parent / "shared/data/hub/openai/openai_humaneval/openai_humaneval"
    if not path.is_dir():
        pytest.skip(f"no Hub stand-in at {path}")
    find_all(pyarrow.parquet.read_table(path / "test-00000-of-00001.parquet").to_pylist())
