r"""MATH-500: competition problems (Hendrycks et al. 2021, arXiv 2103.03874).

The 500 problems of the test split chosen by Lightman et al. 2023 (arXiv 2305.20050). A row:
    problem: "What is the sum of the first $4$ odd positive integers?", answer: "16",
    solution: "$1 + 3 + 5 + 7 = \boxed{16}$", subject: "Number Theory", level: 1,
    unique_id: "test/number_theory/000.json"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluation.benchmarks import minerva
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
from evaluation.benchmarks.boxed import last_boxed
from evaluation.benchmarks.math_checker import is_equiv
from evaluation.benchmarks.worker import Worker
from evaluation.records import GenerateRequest, Sample, SampleScore, Score
from evaluation.statistics import mean_score

INSTRUCTION = (
    "Work through the following mathematics problem step by step. Finish with the final answer "
    "alone inside \\boxed{}.\n\nProblem: "
)
# Parsing takes far more than linear time, and no answer of MATH has even 200 characters.
LONGEST_ANSWER = 1000

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
    r"""Chat: the last `\boxed` of the answer, compared as mathematics and as a string.

    math_verify: the same mathematics; is_equiv: the same string after the normalisation of MATH's
    authors.

    Harness: task minerva_math500 of lm-evaluation-harness 0.4.13. exact_match: the sentence "Final
    Answer: The final answer is N. I hope it is correct.", the same as the gold answer after
    Minerva's normalisation or by SymPy; math_verify: whatever math-verify reads from the whole
    text. Its 256 new tokens cut off long solutions, as they do in the harness; the setting
    `max_new_tokens` gives more.
    """

    card = Card(
        name="math",
        title="MATH-500",
        measures="competition mathematics",
        paper="https://arxiv.org/abs/2103.03874",
        hub_id="HuggingFaceH4/MATH-500",
        revision="6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
        licence="MIT (MATH; the Hub copy states none)",
        files=HubFiles(split="test", patterns=("test.jsonl", "README.md")),
        packaged_few_shot=minerva.EXAMPLES,
        customary_few_shot=4,
        protocols=("chat", "harness"),
        max_new_tokens={"chat": 2048, "harness": 256},
        metrics=("math_verify", "is_equiv"),
        primary="math_verify",
        harness_metrics=("exact_match", "math_verify"),
    )
    row_type = MathRow

    def identify(self, row: MathRow, index: int) -> str:
        return row.unique_id

    def categorise(self, row: MathRow) -> str:
        return f"{row.subject}/level {row.level}"

    def check(self, row: MathRow) -> str:
        if not row.problem.strip():
            return "the problem is empty"
        return "" if row.answer.strip() else "the answer is empty"

    def packaged_row(self, raw: Mapping[str, object], index: int) -> dict[str, object]:
        solution = str(raw["solution"])
        return {
            "problem": raw["problem"],
            "solution": solution,
            "answer": minerva.gold_answer(solution),
            "subject": "",
            "level": 0,
            "unique_id": f"minerva/{index}",
        }

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        problem = self.row(sample).problem
        if settings.protocol == "chat":
            return [chat(INSTRUCTION + problem, sample, settings)]
        shots = [self.row(shot) for shot in few_shot]
        return [
            GenerateRequest(
                sample_id=sample.id,
                prompt=minerva.prompt(problem, [(r.problem, r.solution) for r in shots]),
                stop=minerva.STOP,
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row, text = self.row(sample), evidence.answers[0]
        if evidence.settings.protocol == "harness":
            return minerva.score(row.solution, text)
        return score_chat(row, text)

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """The means of the protocol's own metrics, which the verdicts tell."""
        verdicts = [verdict.scores for _, verdict in scored]
        harness = any("exact_match" in scores for scores in verdicts)
        metrics = self.card.harness_metrics if harness else self.card.metrics
        return [
            mean_score(m, [s[m] for s in verdicts if m in s], primary=m == metrics[0])
            for m in metrics
        ]


def score_chat(row: MathRow, text: str) -> SampleScore:
    """The verdict on a text that states its answer in a box."""
    readable, why = VERIFIER.holds(row.answer, None)
    if not readable:
        reason = f"math_verify cannot read the gold answer{why and ': '}{why}"
        return SampleScore(gold=row.answer, reason=reason, unscorable=True)
    extracted = last_boxed(text)
    same, equiv, reason = False, False, ""
    if extracted is None:
        reason = "no \\boxed answer"
    elif len(extracted) > LONGEST_ANSWER:
        reason = f"the boxed answer is longer than {LONGEST_ANSWER} characters"
        extracted = extracted[:LONGEST_ANSWER]
    else:
        equiv = is_equiv(extracted, row.answer)
        same, why = VERIFIER.holds(row.answer, extracted)
        reason = why and f"math_verify: {why}; counted as not equal"
    return SampleScore(
        scores={"math_verify": float(same), "is_equiv": float(equiv)},
        extracted=extracted,
        gold=row.answer,
        reason=reason,
    )


BENCHMARK = Math()
