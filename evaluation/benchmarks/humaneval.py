'''HumanEval: functions from their docstrings (Chen et al. 2021, arXiv 2107.03374).

A row:
    task_id: "HumanEval/0", entry_point: "double",
    prompt: 'def double(n: int) -> int:\\n    """ Twice the number. """\\n',
    canonical_solution: "    return 2 * n\\n",
    test: "def check(candidate):\\n    assert candidate(2) == 4\\n"
'''

from __future__ import annotations

import re
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
from evaluation.benchmarks.python_code import (
    before,
    defines,
    last_definition,
    not_scored,
    unscored,
)
from evaluation.records import GenerateRequest, Response, Sample, SampleScore, Score

STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")

INSTRUCTION = (
    "Complete this Python function so that it does what its docstring says. Give the whole "
    "program, with imports, signature and body, in a single fenced Python code block."
)


class HumanevalRow(Row):
    """Columns of openai/openai_humaneval."""

    task_id: str
    prompt: str
    canonical_solution: str
    test: str
    entry_point: str


class Humaneval(Benchmark[HumanevalRow]):
    """pass@1 of the completed function; for now the program is found but not run."""

    card = Card(
        name="humaneval",
        title="HumanEval",
        measures="Python functions from docstrings",
        paper="https://arxiv.org/abs/2107.03374",
        hub_id="openai/openai_humaneval",
        revision="7dce6050a7d6d172f3cc5c32aa97f52fa1a2e544",
        licence="MIT",
        files=HubFiles(
            config="openai_humaneval", split="test", patterns=("openai_humaneval/*", "README.md")
        ),
        protocols=("chat", "harness"),
        metrics=("pass@1",),
        primary="pass@1",
    )
    row_type = HumanevalRow

    def identify(self, row: HumanevalRow, index: int) -> str:
        return row.task_id

    def check(self, row: HumanevalRow) -> str:
        if not row.prompt.strip():
            return "the prompt is empty"
        if not defines(row.prompt, [row.entry_point]):
            return f"the prompt does not define the entry point {row.entry_point!r}"
        return "" if re.search(r"^def check\(", row.test, re.MULTILINE) else "the test has no check"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        if settings.protocol == "chat":
            text = f"{INSTRUCTION}\n\n```python\n{row.prompt.strip()}\n```"
            return [chat(text, sample, settings)]
        return [
            GenerateRequest(
                sample_id=sample.id,
                prompt=row.prompt,
                stop=STOPS,
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(
        self, sample: Sample, responses: Sequence[Response], answers: Sequence[str]
    ) -> SampleScore:
        row = self.row(sample)
        # The prompt tells the protocols apart.
        harness = responses[0].prompt.rstrip().endswith(row.prompt.rstrip())
        code = completed(row, answers[0]) if harness else written(row, answers[0])
        return unscored(code, row.canonical_solution)

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """Unknown as long as no program is run."""
        return not_scored()


def completed(row: HumanevalRow, answer: str) -> str:
    """The program of the harness protocol: the prompt and what continues it."""
    return row.prompt + before(answer, STOPS)


def written(row: HumanevalRow, answer: str) -> str | None:
    """The program of the chat protocol: the last block, or the whole answer if it is code."""
    code = last_definition(answer, [row.entry_point])
    if code is None and defines(answer, [row.entry_point]):
        return answer
    return code


BENCHMARK = Humaneval()
