"""HumanEval: both prompts, the program found in an answer, and its verdict."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.base import Evidence, PromptSettings
from evaluation.benchmarks.humaneval import BENCHMARK, INSTRUCTION, STOPS
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


def judge(
    sample: Sample, protocol: Protocol, *texts: str, sandbox: Sandbox | None = None
) -> SampleScore:
    """The verdict on the answers of as many attempts."""
    settings = PromptSettings(protocol=protocol, repeats=len(texts))
    return BENCHMARK.score(sample, Evidence([], texts, settings, sandbox=sandbox))


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
    without = Evidence([], [PROGRAM], PromptSettings(protocol="chat"), no_sandbox="no Linux")
    verdict = BENCHMARK.score(sample, without)
    reason = "no sandbox (no Linux)"
    assert verdict == SampleScore(extracted=PROGRAM, gold="    return 2 * n\n", reason=reason)
    expected = Score(metric="pass@1", value=None, n=0, primary=True, reason=f"not scored: {reason}")
    assert BENCHMARK.aggregate([(sample, verdict)]) == [expected]


@pytest.mark.parametrize("protocol", ["chat", "harness"])
def test_every_attempt_is_asked_for_with_its_own_seed(protocol: Protocol) -> None:
    sample = BENCHMARK.sample(row(), 0)
    settings = PromptSettings(protocol=protocol, seed=5, repeats=3, temperature=0.8)
    requests = BENCHMARK.requests(sample, [], settings)
    assert [(r.repeat, r.seed, r.temperature) for r in requests if r.kind == "generate"] == [
        (0, 5, 0.8),
        (1, 6, 0.8),
        (2, 7, 0.8),
    ]
    first = requests[0].model_copy(update={"temperature": 0.0})
    assert first == ask(sample, protocol).model_copy(update={"max_new_tokens": 1024})


@pytest.mark.parametrize(
    ("protocol", "answer", "passes", "reason"),
    [
        ("chat", f"```python\n{PROGRAM}\n```", 1.0, ""),
        ("chat", "```python\ndef double(n):\n    return n\n```", 0.0, "last answer: 2"),
        ("chat", "I cannot help.", 0.0, "no program in the answer"),
        ("harness", "    return 2 * n\n", 1.0, ""),
        ("harness", "    return 2 * n\n\nprint(double(1))\nimport nowhere", 1.0, ""),
        ("harness", "", 0.0, "last answer: None"),
        ("harness", "  return 2 * n", 0.0, "IndentationError"),
    ],
)
def test_an_answer_is_run(protocol: Protocol, answer: str, passes: float, reason: str) -> None:
    verdict = judge(BENCHMARK.sample(row(), 0), protocol, answer, sandbox=any_sandbox())
    assert verdict.scores == {"pass@1": passes}
    assert reason in verdict.reason
    assert bool(verdict.reason) is (passes == 0.0)


def test_helpers_of_the_prompt_are_the_datasets_own() -> None:
    """Checks call them, and programs in chat answers leave them and their imports out."""
    prompt = (
        "import math\nfrom typing import List\n\n\n"
        'def area(r: float):\n    """ Of a circle. """\n    return math.pi * r * r\n\n\n'
        'def total(radii: List[float]):\n    """ Of all areas. """\n'
    )
    test = "def check(candidate):\n    assert candidate([1, 2]) == area(1) + area(2)\n"
    sample = BENCHMARK.sample(row(prompt=prompt, test=test, entry_point="total"), 0)
    program = "def total(radii: List[float]):\n    return sum(map(area, radii))"
    passed = judge(sample, "chat", f"```python\n{program}\n```", sandbox=any_sandbox())
    assert passed.scores == {"pass@1": 1.0}, passed.reason
    cheat = "def area(r): return 0\ndef total(radii): return 0"
    failed = judge(sample, "chat", f"```python\n{cheat}\n```", sandbox=any_sandbox())
    assert failed.scores == {"pass@1": 0.0}


def test_future_imports_stay_first() -> None:
    program = f"from __future__ import annotations\n{PROGRAM}"
    sample = BENCHMARK.sample(row(), 0)
    verdict = judge(sample, "chat", f"```python\n{program}\n```", sandbox=any_sandbox())
    assert verdict.scores == {"pass@1": 1.0}, verdict.reason


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"prompt": "\n"}, "the prompt is empty"),
        ({"entry_point": "triple"}, "does not define the entry point 'triple'"),
        ({"test": "assert True"}, "the test has no check"),
        ({"test": "def check(candidate):\n    assert ("}, "the prompt or the test is not Python"),
        ({"canonical_solution": None}, "canonical_solution"),
    ],
)
def test_unusable_rows_are_named(changes: dict[str, object], problem: str) -> None:
    sample = BENCHMARK.sample(row(**changes), 3)
    assert problem in sample.unscorable
    assert sample.unscorable.startswith("row 3: ")


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


def run_all(rows: list[dict[str, Any]], sandbox: Sandbox, *, thoroughly: bool) -> None:
    """The reference solutions pass; thoroughly: in both protocols, and empty bodies do not."""

    def check(raw: dict[str, Any]) -> None:
        sample = BENCHMARK.sample(raw, 0)
        body = raw["canonical_solution"]
        start = raw["prompt"].index(f"def {raw['entry_point']}(")
        chat = f"```python\n{raw['prompt'][start:]}{body}\n```"
        cases: list[tuple[Protocol, str, float]] = [
            ("harness", body, 1.0),
            ("chat", chat, 1.0),
            ("harness", "", 0.0),
            ("harness", "    pass\n", 0.0),
        ]
        for protocol, answer, passes in cases if thoroughly else cases[:1]:
            verdict = judge(sample, protocol, answer, sandbox=sandbox)
            assert verdict.scores == {"pass@1": passes}, (sample.id, answer, verdict.reason)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, rows))


def test_all_bundled_samples_are_found_and_judged() -> None:
    path = REPO / "resources/samples/humaneval/samples.jsonl"
    if not path.is_file():
        pytest.skip(f"no bundled samples at {path}")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    find_all(rows)
    run_all(rows, any_sandbox(), thoroughly=True)


def test_all_hub_rows_are_found_and_judged() -> None:
    path = REPO.parent / "shared/data/hub/openai/openai_humaneval/openai_humaneval"
    if not path.is_dir():
        pytest.skip(f"no Hub stand-in at {path}")
    rows = pyarrow.parquet.read_table(path / "test-00000-of-00001.parquet").to_pylist()
    find_all(rows)
    run_all(rows, any_sandbox(), thoroughly=False)
