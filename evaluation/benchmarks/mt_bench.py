"""MT-Bench: two-turn open questions that a judge rates (Zheng et al. 2023, arXiv 2306.05685).

A row:
    category: "math", prompt: ["What is 12 % of 250?", "And of twice that number?"],
    reference: ["30", "60"], prompt_id: 900000
"""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.benchmarks.base import (
    AnyRequest,
    Benchmark,
    Card,
    HubFiles,
    PromptSettings,
    Row,
)
from evaluation.records import GenerateRequest, Message, Response, Sample, SampleScore, Score

TURNS = 2

# FastChat's sampling temperatures: open categories are sampled, exact ones decoded greedily.
TEMPERATURES = {
    "writing": 0.7,
    "roleplay": 0.7,
    "extraction": 0.0,
    "math": 0.0,
    "coding": 0.0,
    "reasoning": 0.0,
    "stem": 0.1,
    "humanities": 0.1,
}


class MtBenchRow(Row):
    """Columns of HuggingFaceH4/mt_bench_prompts; `reference` is empty or has one per turn."""

    category: str
    prompt: list[str]
    reference: list[str]
    prompt_id: int


class MtBench(Benchmark[MtBenchRow]):
    """Both turns are asked and kept; without a judge no sample has a rating."""

    card = Card(
        name="mt_bench",
        title="MT-Bench",
        measures="helpfulness in two-turn conversations",
        paper="https://arxiv.org/abs/2306.05685",
        hub_id="HuggingFaceH4/mt_bench_prompts",
        revision="e3a795c5e9a82ee40611c416b8a7786c73198991",
        licence="Apache-2.0",
        files=HubFiles(split="train", patterns=("data/train-*", "README.md")),
        protocols=("chat",),
        metrics=("rating",),
        primary="rating",
    )
    row_type = MtBenchRow

    def identify(self, row: MtBenchRow, index: int) -> str:
        return f"mt_bench/{row.prompt_id}"

    def categorise(self, row: MtBenchRow) -> str:
        return row.category

    def check(self, row: MtBenchRow) -> str:
        if row.category not in TEMPERATURES:
            return f"the category {row.category!r} is not one of {', '.join(TEMPERATURES)}"
        if len(row.prompt) != TURNS:
            return f"{len(row.prompt)} turns instead of {TURNS}"
        if not all(p.strip() for p in row.prompt):
            return "a turn is empty"
        paired = len(row.reference) in (0, TURNS)
        return "" if paired else f"{len(row.reference)} references for {TURNS} turns"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        return [self._ask(sample, settings, [])]

    def follow_up(
        self,
        sample: Sample,
        few_shot: Sequence[Sample],
        settings: PromptSettings,
        answers: Sequence[str],
    ) -> GenerateRequest | None:
        return self._ask(sample, settings, answers) if len(answers) < TURNS else None

    def _ask(
        self, sample: Sample, settings: PromptSettings, answers: Sequence[str]
    ) -> GenerateRequest:
        """The turn after `answers`, with the conversation so far."""
        row = self.row(sample)
        turn = len(answers)
        messages: list[Message] = []
        for prompt, answer in zip(row.prompt, answers, strict=False):
            messages += [
                Message(role="user", content=prompt),
                Message(role="assistant", content=answer),
            ]
        return GenerateRequest(
            sample_id=sample.id,
            turn=turn,
            messages=(*messages, Message(role="user", content=row.prompt[turn])),
            max_new_tokens=settings.max_new_tokens,
            temperature=TEMPERATURES[row.category],
            seed=settings.seed,
        )

    def score(
        self, sample: Sample, responses: Sequence[Response], answers: Sequence[str]
    ) -> SampleScore:
        return SampleScore(gold=references(self.row(sample)), reason="no judge")

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """One field that says why it is empty."""
        return [
            Score(
                metric=self.card.primary,
                value=None,
                n=0,
                primary=True,
                reason="not scored: no judge",
            )
        ]


def references(row: MtBenchRow) -> str:
    """The reference answers by turn; some turns have none."""
    return "\n\n".join(f"Turn {i}: {r}" for i, r in enumerate(row.reference, start=1) if r)


BENCHMARK = MtBench()
