"""ARC-Challenge: science questions that retrieval gets wrong (Clark et al. 2018, 1803.05457).

A row:
    id: "Mercury_000000", question: "Which object gives off its own light?",
    choices: {"text": ["the Moon", "the Sun", ...], "label": ["A", "B", ...]}, answerKey: "B"
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
)
from evaluation.benchmarks.multiple_choice import choices_request, few_shot_prefix, score_choices
from evaluation.records import Sample, SampleScore


class Choices(Row):
    """The choices of a question with their labels (A to E, or 1 to 5)."""

    text: list[str]
    label: list[str]


class ArcRow(Row):
    """Columns of allenai/ai2_arc."""

    id: str
    question: str
    choices: Choices
    answerKey: str


class ArcChallenge(Benchmark[ArcRow]):
    """Harness task arc_challenge: the choice texts after `Question: …` and `Answer:`.

    acc: the choice of the highest log-probability is the right one; acc_norm: of the highest
    log-probability per character. A few questions have three or five choices.
    """

    card = Card(
        name="arc_challenge",
        title="ARC-Challenge",
        measures="school science knowledge and reasoning",
        paper="https://arxiv.org/abs/1803.05457",
        hub_id="allenai/ai2_arc",
        revision="210d026faf9955653af8916fad021475a3f00453",
        licence="CC-BY-SA-4.0",
        files=HubFiles(
            config="ARC-Challenge",
            split="test",
            few_shot_split="train",
            patterns=("ARC-Challenge/*", "README.md"),
        ),
        customary_few_shot=25,
        protocols=("harness",),
        metrics=("acc_norm", "acc"),
        primary="acc_norm",
        chance=0.25,
    )
    row_type = ArcRow

    def identify(self, row: ArcRow, index: int) -> str:
        return row.id

    def check(self, row: ArcRow) -> str:
        if not row.question.strip():
            return "the question is empty"
        if len(row.choices.text) != len(row.choices.label) or len(row.choices.text) < 2:
            return f"{len(row.choices.text)} choices with {len(row.choices.label)} labels"
        known = row.answerKey in row.choices.label
        return "" if known else f"the answer {row.answerKey!r} is not among the labels"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        shots = [self.row(s) for s in few_shot]
        prefix = few_shot_prefix([(question(r), r.choices.text[gold(r)]) for r in shots])
        return [choices_request(sample, prefix + question(row), row.choices.text)]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        return score_choices(evidence.responses[0], row.choices.text, gold(row))


def question(row: ArcRow) -> str:
    """The context of a question."""
    return f"Question: {row.question}\nAnswer:"


def gold(row: ArcRow) -> int:
    """Index of the right choice."""
    return row.choices.label.index(row.answerKey)


BENCHMARK = ArcChallenge()
