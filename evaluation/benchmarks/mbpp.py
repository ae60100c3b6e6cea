"""MBPP: short Python tasks with three asserts each (Austin et al. 2021, arXiv 2108.07732).

A row:
    task_id: 1, text: "Write a function to double a number.",
    code: "def double(n):\\n    return 2 * n", test_list: ["assert double(2) == 4", ...],
    test_setup_code: "", challenge_test_list: []
"""

from __future__ import annotations

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
    bound_names,
    free_names,
    last_definition,
    run,
)
from evaluation.records import GenerateRequest, Sample, SampleScore, Score
from evaluation.sandbox.harness import Program

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
    """pass@k of the function, which the row's asserts call."""

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
        customary_few_shot=3,
        protocols=("chat", "harness"),
        max_new_tokens={"chat": 1024, "harness": 256},
        metrics=("pass@1",),
        primary="pass@1",
        runs_code=True,
        repeatable=True,
    )
    row_type = MbppRow

    def identify(self, row: MbppRow, index: int) -> str:
        return f"mbpp/{row.task_id}"

    def check(self, row: MbppRow) -> str:
        if not row.text.strip():
            return "the text is empty"
        if len(row.test_list) < 3:
            return f"{len(row.test_list)} tests where three are needed"
        try:
            return "" if program_names(row) else "the tests use nothing of the program"
        except (SyntaxError, ValueError) as error:
            return f"the tests or their set-up are not Python: {error}"

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
            return attempts(chat(text, sample, settings), settings)
        shots = [self.row(s) for s in few_shot]
        prefix = "".join(f"{task(r)}{r.code}\n{DONE}\n\n" for r in shots)
        request = GenerateRequest(
            sample_id=sample.id,
            prompt=prefix + task(row),
            stop=(DONE,),
            max_new_tokens=settings.max_new_tokens,
        )
        return attempts(request, settings)

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        if evidence.settings.protocol == "harness":
            codes = [before(answer, (DONE,)) for answer in evidence.answers]
        else:
            codes = [written(row, answer) for answer in evidence.answers]
        return run(codes, lambda code: program(row, code), row.code, evidence)

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        return aggregate(scored)


def task(row: MbppRow) -> str:
    """The context of a task in the harness protocol."""
    tests = "\n".join(row.test_list[:3])
    return (
        f"You are an expert Python programmer, and here is your task: {row.text} "
        f"Your code should pass these tests:\n\n{tests}\n{BEGIN}"
    )


def written(row: MbppRow, answer: str) -> str:
    """The program of the chat protocol: the last block, or the whole answer without one."""
    code = last_definition(answer, program_names(row))
    return answer if code is None else code


def program(row: MbppRow, code: str) -> Program:
    """What the sandbox runs.

    The set-up belongs to both sides, unless it uses the program's own classes: then it runs in
    the tester, which reaches them in the solver. (lm-eval leaves the set-up out: a deviation, for
    without it one reference solution fails.)
    """
    setup = row.test_setup_code
    needed = free_names(setup)
    names = needed | set(program_names(row))
    return Program(
        shared="" if needed else setup,
        setup=setup if needed else "",
        tests="\n".join(row.test_list),
        names=tuple(sorted(names)),
        solution=code,
    )


def program_names(row: MbppRow) -> list[str]:
    """What the tests take from the program: names that neither they nor the set-up bind."""
    return sorted(free_names("\n".join(row.test_list)) - bound_names(row.test_setup_code))


BENCHMARK = Mbpp()
