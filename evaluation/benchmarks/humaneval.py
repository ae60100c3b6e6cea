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
    Evidence,
    HubFiles,
    PromptSettings,
    Row,
    chat,
)
from evaluation.benchmarks.python_code import (
    aggregate,
    attempts,
    before,
    defines,
    free_names,
    last_definition,
    run,
)
from evaluation.records import GenerateRequest, Sample, SampleScore, Score
from evaluation.sandbox.harness import Program

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
    """pass@k of the completed function, which is called by the row's `check`."""

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
        max_new_tokens={"chat": 1024, "harness": 1024},
        metrics=("pass@1",),
        primary="pass@1",
        runs_code=True,
        repeatable=True,
    )
    row_type = HumanevalRow

    def identify(self, row: HumanevalRow, index: int) -> str:
        return row.task_id

    def check(self, row: HumanevalRow) -> str:
        if not row.prompt.strip():
            return "the prompt is empty"
        if not defines(row.prompt, [row.entry_point]):
            return f"the prompt does not define the entry point {row.entry_point!r}"
        try:
            free_names(helpers(row))
            free_names(row.test)
        except (SyntaxError, ValueError) as error:
            return f"the prompt or the test is not Python: {error}"
        return "" if re.search(r"^def check\(", row.test, re.MULTILINE) else "the test has no check"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        if settings.protocol == "chat":
            text = f"{INSTRUCTION}\n\n```python\n{row.prompt.strip()}\n```"
            return attempts(chat(text, sample, settings), settings)
        request = GenerateRequest(
            sample_id=sample.id,
            prompt=row.prompt,
            stop=STOPS,
            max_new_tokens=settings.max_new_tokens,
        )
        return attempts(request, settings)

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        find = completed if evidence.settings.protocol == "harness" else written
        codes = [find(row, answer) for answer in evidence.answers]
        return run(codes, lambda code: program(row, code), row.canonical_solution, evidence)

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        return aggregate(scored)


def completed(row: HumanevalRow, answer: str) -> str:
    """The program of the harness protocol: the prompt and what continues it."""
    return row.prompt + before(answer, STOPS)


def written(row: HumanevalRow, answer: str) -> str | None:
    """The program of the chat protocol: the last block, or the whole answer if it is code."""
    code = last_definition(answer, [row.entry_point])
    if code is None and defines(answer, [row.entry_point]):
        return answer
    return code


def program(row: HumanevalRow, code: str) -> Program:
    """What the sandbox runs.

    The prompt's own imports and helpers come first on both sides: checks call some of the helpers,
    and programs in chat answers often leave out the imports.
    """
    return Program(
        shared=helpers(row),
        tests=f"{row.test}\n\ncheck({row.entry_point})\n",
        names=(row.entry_point,),
        solution=code,
    )


def helpers(row: HumanevalRow) -> str:
    """What the prompt says before the definition of the entry point."""
    pattern = rf"^(?:async[ \t]+)?def[ \t]+{re.escape(row.entry_point)}[ \t]*\("
    return re.split(pattern, row.prompt, maxsplit=1, flags=re.MULTILINE)[0]


BENCHMARK = Humaneval()
