"""GSM8K: grade-school word problems (Cobbe et al. 2021, arXiv 2110.14168).

A row:
    question: "Ada has 3 bags of 4 apples. How many apples does she have?"
    answer:   "3 bags of 4 are <<3*4=12>>12 apples.\n#### 12"
"""

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
from evaluation.records import GenerateRequest, Sample, SampleScore

# The harness's two filters.
STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
# The chat protocol's: any number, and one in the stated form with whatever emphasis, currency or
# LaTeX the model puts around it.
NUMBER = r"-?[$£€]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)"
ANY = re.compile(NUMBER)
STATED = re.compile(rf"answer is(?:[\s:*_$£€\\(\[{{]|boxed|text)*({NUMBER})", re.IGNORECASE)

INSTRUCTION = (
    "Solve the problem step by step. "
    'End with one line of the form "The answer is N", where N is a number.\n\nProblem: '
)


class Gsm8kRow(Row):
    """Columns of openai/gsm8k."""

    question: str
    answer: str


class Gsm8k(Benchmark[Gsm8kRow]):
    """Strict: the number in the protocol's own form; flexible: the last number of the answer.

    Answers to harness prompts (task gsm8k) are read as the harness reads them: the first `#### N`,
    compared as text. In chat the last number stated as "The answer is N" counts (or `#### N`), and
    18.00 equals 18.
    """

    card = Card(
        name="gsm8k",
        title="GSM8K",
        measures="multi-step arithmetic in words",
        paper="https://arxiv.org/abs/2110.14168",
        hub_id="openai/gsm8k",
        revision="740312add88f781978c0658806c59bc2815b9866",
        licence="MIT",
        files=HubFiles(
            config="main", split="test", few_shot_split="train", patterns=("main/*", "README.md")
        ),
        customary_few_shot=5,
        protocols=("chat", "harness"),
        max_new_tokens={"chat": 1024, "harness": 256},
        metrics=("exact_match_strict", "exact_match_flexible"),
        primary="exact_match_strict",
    )
    row_type = Gsm8kRow

    def identify(self, row: Gsm8kRow, index: int) -> str:
        return f"gsm8k/{index}"

    def check(self, row: Gsm8kRow) -> str:
        if not row.question.strip():
            return "the question is empty"
        return "" if STRICT.search(row.answer) else "the answer has no line '#### number'"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        if settings.protocol == "chat":
            return [chat(INSTRUCTION + row.question, sample, settings)]
        shots = [self.row(s) for s in few_shot]
        prefix = "".join(f"{question(r)} {r.answer}\n\n" for r in shots)
        return [
            GenerateRequest(
                sample_id=sample.id,
                prompt=prefix + question(row),
                stop=("Question:", "</s>", "<|im_end|>"),
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        gold_match = STRICT.search(row.answer)
        gold = normalise(gold_match.group(1)) if gold_match else ""
        numbers = harness_numbers if evidence.settings.protocol == "harness" else chat_numbers
        strict, flexible = numbers(evidence.answers[0])
        return SampleScore(
            scores={
                "exact_match_strict": float(strict == gold),
                "exact_match_flexible": float(flexible == gold),
            },
            extracted=strict if strict is not None else flexible,
            gold=gold,
        )


def question(row: Gsm8kRow) -> str:
    """The context of a question in the harness protocol."""
    return f"Question: {row.question}\nAnswer:"


def harness_numbers(answer: str) -> tuple[str | None, str | None]:
    """The harness's strict-match and flexible-extract: the first `#### N` and the last number."""
    strict = STRICT.search(answer)
    found = FLEXIBLE.findall(answer)
    return (
        normalise(strict.group(1)) if strict else None,
        normalise(next(g for g in found[-1] if g)) if found else None,
    )


def chat_numbers(answer: str) -> tuple[str | None, str | None]:
    """The last stated number (or the last `#### N`, a form models know) and the last number."""
    text = answer.replace("{,}", ",").replace(",\\!", ",")
    stated = STATED.findall(text) or STRICT.findall(text)
    found = ANY.findall(text)
    return (whole(stated[-1]) if stated else None, whole(found[-1]) if found else None)


def whole(number: str) -> str:
    """A normalised number without currency and without zeros after the point."""
    return re.sub(r"\.0*$", "", normalise(re.sub(r"[£€]", "", number)))


def normalise(number: str) -> str:
    """Drop what the reference ignores: commas, dollar signs, one trailing full stop."""
    return re.sub(r"\.$", "", re.sub(r"[,$]", "", number))


BENCHMARK = Gsm8k()
