r"""MATH-500: competition problems (Hendrycks et al. 2021, arXiv 2103.03874).

The 500 problems of the test split chosen by Lightman et al. 2023 (arXiv 2305.20050). A row:
    problem: "What is the sum of the first $4$ odd positive integers?", answer: "16",
    solution: "$1 + 3 + 5 + 7 = \boxed{16}$", subject: "Number Theory", level: 1,
    unique_id: "test/number_theory/000.json"
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.benchmarks.base import (
    AnyRequest,
    Benchmark,
    Card,
    HubFiles,
    PromptSettings,
    Row,
    chat,
)
from evaluation.benchmarks.math_checker import is_equiv
from evaluation.benchmarks.worker import CallError, Worker
from evaluation.records import Response, Sample, SampleScore

INSTRUCTION = (
    "Work through the following mathematics problem step by step. Finish with the final answer "
    "alone inside \\boxed{}.\n\nProblem: "
)
# Parsing takes far more than linear time, and no answer of MATH has even 200 characters.
LONGEST_ANSWER = 1000
LONGEST_GAP = 40

# An escaped brace is no brace, and the backslash of a line break escapes nothing.
TOKEN = re.compile(r"(?P<box>\\(?:boxed|fbox)\s*\{)|\\\\(?!boxed|fbox)|\\[{}]|[{}]")
# What may stand between two boxes that state one answer: a comma, "and" or "or".
MATH_MODE = r"(?:[\s$]|\\[()\[\]])*"
JOINT = re.compile(rf"{MATH_MODE}(?:[,;]|[,;]?\s*(?:and|or)\b){MATH_MODE}")

VERIFIER = Worker("evaluation.benchmarks.math_checker:make_verify", limit=10)


class MathRow(Row):
    """Columns of HuggingFaceH4/MATH-500."""

    problem: str
    solution: str
    answer: str
    subject: str
    level: int
    unique_id: str


class Math(Benchmark[MathRow]):
    """math_verify: same mathematics; is_equiv: same string after the official normalisation."""

    card = Card(
        name="math",
        title="MATH-500",
        measures="competition mathematics",
        paper="https://arxiv.org/abs/2103.03874",
        hub_id="HuggingFaceH4/MATH-500",
        revision="6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
        licence="MIT (MATH; the Hub copy states none)",
        files=HubFiles(split="test", patterns=("test.jsonl", "README.md")),
        protocols=("chat",),
        metrics=("math_verify", "is_equiv"),
        primary="math_verify",
    )
    row_type = MathRow

    def identify(self, row: MathRow, index: int) -> str:
        return row.unique_id

    def categorise(self, row: MathRow) -> str:
        return f"{row.subject} level {row.level}"

    def check(self, row: MathRow) -> str:
        if not row.problem.strip():
            return "the problem is empty"
        return "" if row.answer.strip() else "the answer is empty"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        return [chat(INSTRUCTION + self.row(sample).problem, sample, settings)]

    def score(
        self, sample: Sample, responses: Sequence[Response], answers: Sequence[str]
    ) -> SampleScore:
        gold = self.row(sample).answer
        extracted = last_boxed(answers[0])
        same, equiv, reason = False, False, ""
        if extracted is None:
            reason = "no \\boxed answer"
        elif len(extracted) > LONGEST_ANSWER:
            reason = f"the boxed answer is longer than {LONGEST_ANSWER} characters"
            extracted = extracted[:LONGEST_ANSWER]
        else:
            equiv = is_equiv(extracted, gold)
            try:
                same = bool(VERIFIER.call(gold, extracted))
            except CallError as failure:
                reason = f"math_verify: {failure}; counted as not equal"
        return SampleScore(
            scores={"math_verify": float(same), "is_equiv": float(equiv)},
            extracted=extracted,
            gold=gold,
            reason=reason,
        )


@dataclass(frozen=True)
class Box:
    """A closed box and the content between its braces, as places in the text."""

    start: int
    content_start: int
    content_end: int
    end: int


def last_boxed(text: str) -> str | None:
    r"""The content of the last closed box, e.g. "5" of `so $x = \boxed{5}$`.

    Boxes joined by a comma, "and" or "or" state one answer together: `\boxed{1}, \boxed{2}`
    gives "1, 2".
    """
    found = boxes(text)
    if not found:
        return None
    group = [found.pop()]
    while found and is_joint(text[found[-1].end : group[-1].start]):
        group.append(found.pop())
    contents = [text[box.content_start : box.content_end].strip() for box in reversed(group)]
    return ", ".join(dict.fromkeys(contents))


def boxes(text: str) -> list[Box]:
    """All closed boxes in the order of their beginnings, in one pass over the text."""
    closed: list[Box] = []
    opened: list[re.Match[str] | None] = []
    for token in TOKEN.finditer(text):
        brace = token[0]
        if brace == "{":
            opened.append(None)
        elif brace == "}":
            box = opened.pop() if opened else None
            if box:
                closed.append(Box(box.start(), box.end(), token.start(), token.end()))
        elif token["box"]:
            opened.append(token)
    return sorted(closed, key=lambda box: box.start)


def is_joint(gap: str) -> bool:
    """Whether the text between two boxes only joins them."""
    return len(gap) <= LONGEST_GAP and JOINT.fullmatch(gap) is not None


BENCHMARK = Math()
