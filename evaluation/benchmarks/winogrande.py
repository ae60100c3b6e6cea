"""WinoGrande: which of two names or things fills a blank (Sakaguchi et al. 2019, 1907.10641).

A row:
    sentence: "The kettle would not fit on the shelf because the _ was too tall.",
    option1: "kettle", option2: "shelf", answer: "1"
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
from evaluation.benchmarks.multiple_choice import few_shot_prefix, score_choices
from evaluation.records import (
    Continuation,
    LoglikelihoodRequest,
    Sample,
    SampleScore,
)

BLANK = "_"


class WinograndeRow(Row):
    """Columns of allenai/winogrande."""

    sentence: str
    option1: str
    option2: str
    answer: str


class Winogrande(Benchmark[WinograndeRow]):
    """Harness task winogrande, partial evaluation (Trinh & Le 2018, arXiv 1806.02847).

    Each option is put into the blank and the rest of the sentence, the same for both, is scored:
    the options' own probabilities and lengths play no part. acc: the right option makes the rest
    more probable. The test split has no labels, so the validation split is used.
    """

    card = Card(
        name="winogrande",
        title="WinoGrande",
        measures="common-sense resolution of references",
        paper="https://arxiv.org/abs/1907.10641",
        hub_id="allenai/winogrande",
        revision="01e74176c63542e6b0bcb004dcdea22d94fb67b5",
        licence="CC-BY-2.0",
        files=HubFiles(
            config="winogrande_xl",
            split="validation",
            few_shot_split="train",
            patterns=("winogrande_xl/validation-*", "winogrande_xl/train-*", "README.md"),
        ),
        customary_few_shot=5,
        protocols=("harness",),
        metrics=("acc",),
        primary="acc",
        chance=0.5,
    )
    row_type = WinograndeRow

    def identify(self, row: WinograndeRow, index: int) -> str:
        return f"winogrande/{index}"

    def check(self, row: WinograndeRow) -> str:
        if BLANK not in row.sentence:
            return f"the sentence has no blank ({BLANK})"
        if not ending(row):
            return "nothing follows the blank, so there is nothing to score"
        if not row.option1.strip() or not row.option2.strip():
            return "an option is empty"
        known = row.answer in ("1", "2")
        return "" if known else f"the answer {row.answer!r} is neither 1 nor 2"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        shots = [self.row(s) for s in few_shot]
        prefix = few_shot_prefix([(beginnings(r)[gold(r)], ending(r)) for r in shots])
        return [
            LoglikelihoodRequest(
                sample_id=sample.id,
                continuations=tuple(
                    Continuation(context=prefix + beginning, text=f" {ending(row)}")
                    for beginning in beginnings(row)
                ),
            )
        ]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        return score_choices(
            evidence.responses[0], [row.option1, row.option2], gold(row), with_norm=False
        )


def beginnings(row: WinograndeRow) -> list[str]:
    """The sentence up to the blank with each option in it."""
    before = row.sentence.partition(BLANK)[0]
    return [before + row.option1, before + row.option2]


def ending(row: WinograndeRow) -> str:
    """The sentence after the blank."""
    return row.sentence.partition(BLANK)[2].strip()


def gold(row: WinograndeRow) -> int:
    """Index of the right option."""
    return int(row.answer) - 1


BENCHMARK = Winogrande()
