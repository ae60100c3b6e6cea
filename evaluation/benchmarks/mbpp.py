"""MBPP: short Python tasks with three asserts each (Austin et al. 2021, arXiv 2108.07732).

A row:
    task_id: 1, text: "Write a function to double a number.",
    code: "def double(n):\\n    return 2 * n", test_list: ["assert double(2) == 4", ...],
    test_setup_code: "", challenge_test_list: []
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Sequence

from evaluation.benchmarks.base import (
    AnyRequest,
    Benchmark,
    Card,
    HubFiles,
    PromptSettings,
    Row,
    chat,
)
from evaluation.benchmarks.python_code import before, last_definition, not_scored, unscored
from evaluation.records import GenerateRequest, Response, Sample, SampleScore, Score

BEGIN, DONE = "[BEGIN]\n", "[DONE]"
# The harness's worked examples among the ten of the split `prompt`.
HARNESS_SHOTS = ("mbpp/2", "mbpp/3", "mbpp/4")

INSTRUCTION = (
    "Solve this programming task with a Python function that passes the tests below. Give the "
    "whole program in a single fenced Python code block, without the tests."
)


class MbppRow(Row):
    """Columns of google-research-datasets/mbpp, configuration full."""

    task_id: int
    text: str
    code: str
    test_list: list[str]
    test_setup_code: str
    challenge_test_list: list[str]


class Mbpp(Benchmark[MbppRow]):
    """pass@1 of the function; for now the program is found but not run."""

    card = Card(
        name="mbpp",
        title="MBPP",
        measures="basic Python programming",
        paper="https://arxiv.org/abs/2108.07732",
        hub_id="google-research-datasets/mbpp",
        revision="4bb6404fdc6cacfda99d4ac4205087b89d32030c",
        licence="CC-BY-4.0",
        files=HubFiles(
            config="full",
            split="test",
            few_shot_split="prompt",
            patterns=("full/*", "README.md"),
        ),
        protocols=("chat", "harness"),
        metrics=("pass@1",),
        primary="pass@1",
    )
    row_type = MbppRow

    def identify(self, row: MbppRow, index: int) -> str:
        return f"mbpp/{row.task_id}"

    def check(self, row: MbppRow) -> str:
        if not row.text.strip():
            return "the text is empty"
        if len(row.test_list) < 3:
            return f"{len(row.test_list)} tests where three are needed"
        return "" if called_functions(row) else "the tests call no function of the program"

    def pick_few_shot(self, sample: Sample, pool: Sequence[Sample], count: int) -> list[Sample]:
        """The harness's three where the pool has them, else the first."""
        known = {shot.id: shot for shot in pool}
        chosen = [known[shot] for shot in HARNESS_SHOTS if shot in known]
        return (chosen if len(chosen) == len(HARNESS_SHOTS) else list(pool))[:count]

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        if settings.protocol == "chat":
            tests = "\n".join(row.test_list)
            text = f"{INSTRUCTION}\n\nTask: {row.text}\n\nTests:\n```python\n{tests}\n```"
            return [chat(text, sample, settings)]
        shots = [self.row(s) for s in few_shot]
        prefix = "".join(f"{task(r)}{r.code}\n{DONE}\n\n" for r in shots)
        return [
            GenerateRequest(
                sample_id=sample.id,
                prompt=prefix + task(row),
                stop=(DONE,),
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(
        self, sample: Sample, responses: Sequence[Response], answers: Sequence[str]
    ) -> SampleScore:
        row = self.row(sample)
        # The prompt tells the protocols apart; truncation cuts its other end.
        harness = responses[0].prompt.rstrip().endswith(BEGIN.rstrip())
        code = before(answers[0], (DONE,)) if harness else written(row, answers[0])
        return unscored(code, row.code)

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """Unknown as long as no program is run."""
        return not_scored()


def task(row: MbppRow) -> str:
    """The context of a task in the harness protocol."""
    tests = "\n".join(row.test_list[:3])
    return (
        f"You are an expert Python programmer, and here is your task: {row.text} "
        f"Your code should pass these tests:\n\n{tests}\n{BEGIN}"
    )


def written(row: MbppRow, answer: str) -> str:
    """The program of the chat protocol: the last block, or the whole answer without one."""
    code = last_definition(answer, called_functions(row))
    return answer if code is None else code


def called_functions(row: MbppRow) -> list[str]:
    """The functions that the tests call, builtins and those of the set-up code aside."""
    try:
        setup, tests = ast.parse(row.test_setup_code), ast.parse("\n".join(row.test_list))
    except SyntaxError:
        return []
    known = set(dir(builtins)) | {getattr(node, "name", "") for node in setup.body}
    called = {
        node.func.id
        for node in ast.walk(tests)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return sorted(called - known)


BENCHMARK = Mbpp()
