"""HellaSwag: which ending follows a described scene (Zellers et al. 2019, arXiv 1905.07830).

A row:
    activity_label: "Watering plants", ctx_a: "A girl fills a can at a tap.", ctx_b: "then she",
    endings: ["tips it over the seedlings.", "paints the tap green.", ...], label: "0",
    source_id: "activitynet~v_000"
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
)
from evaluation.benchmarks.multiple_choice import choices_request, few_shot_prefix, score_choices
from evaluation.records import Sample, SampleScore

ENDINGS = 4


class HellaswagRow(Row):
    """Columns of Rowan/hellaswag."""

    activity_label: str
    ctx_a: str
    ctx_b: str
    endings: list[str]
    label: str
    source_id: str


class Hellaswag(Benchmark[HellaswagRow]):
    """Harness task hellaswag: the four endings after `Activity: context`.

    acc: the ending of the highest log-probability is the right one; acc_norm: of the highest
    log-probability per character. The test split has no labels, so the validation split is used.
    """

    card = Card(
        name="hellaswag",
        title="HellaSwag",
        measures="common-sense completion of everyday scenes",
        paper="https://arxiv.org/abs/1905.07830",
        hub_id="Rowan/hellaswag",
        revision="218ec52e09a7e7462a5400043bb9a69a41d06b76",
        licence="MIT",
        files=HubFiles(
            split="validation",
            few_shot_split="train",
            patterns=("data/validation-*", "data/train-*", "README.md"),
        ),
        customary_few_shot=10,
        protocols=("harness",),
        metrics=("acc_norm", "acc"),
        primary="acc_norm",
        chance=1 / ENDINGS,
    )
    row_type = HellaswagRow

    def identify(self, row: HellaswagRow, index: int) -> str:
        # The column `ind` is not unique in every split.
        return f"hellaswag/{index}"

    def categorise(self, row: HellaswagRow) -> str:
        return row.source_id.partition("~")[0]

    def check(self, row: HellaswagRow) -> str:
        if not query(row):
            return "the context is empty"
        if len(row.endings) != ENDINGS:
            return f"{len(row.endings)} endings instead of {ENDINGS}"
        if not all(e.strip() for e in row.endings):
            return "an ending is empty"
        known = row.label in [str(i) for i in range(ENDINGS)]
        return "" if known else f"the label {row.label!r} is not one of 0 to {ENDINGS - 1}"

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        shots = [self.row(s) for s in few_shot]
        prefix = few_shot_prefix([(query(r), endings(r)[int(r.label)]) for r in shots])
        return [choices_request(sample, prefix + query(row), endings(row))]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        return score_choices(evidence.responses[0], endings(row), int(row.label))


def query(row: HellaswagRow) -> str:
    """The context of a row; the harness lower-cases all but the first letter of `ctx_b`."""
    scene = f"{row.ctx_a} {row.ctx_b.capitalize()}"
    return clean(f"{row.activity_label}: {scene}") if scene.strip() else ""


def endings(row: HellaswagRow) -> list[str]:
    """The four endings as the model sees them."""
    return [clean(e) for e in row.endings]


def clean(text: str) -> str:
    """Remove the marks that WikiHow articles left, in the harness's order.

    Space that a removed mark leaves at either end stays, as it does in the harness.
    """
    text = text.strip().replace(" [title]", ". ")
    return re.sub(r"\[.*?\]", "", text).replace("  ", " ")


BENCHMARK = Hellaswag()
