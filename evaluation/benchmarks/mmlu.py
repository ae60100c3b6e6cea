"""MMLU: exam questions of 57 subjects (Hendrycks et al. 2021, arXiv 2009.03300).

A row:
    question: "Which gas do plants take in for photosynthesis?", subject: "high_school_biology",
    choices: ["Oxygen", "Carbon dioxide", "Nitrogen", "Helium"], answer: 1
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
from evaluation.records import Sample, SampleScore, Score
from evaluation.statistics import mean_score

LETTERS = ("A", "B", "C", "D")

# The harness's groups, which follow the paper's.
GROUPS = {
    "stem": (
        "abstract_algebra anatomy astronomy college_biology college_chemistry "
        "college_computer_science college_mathematics college_physics computer_security "
        "conceptual_physics electrical_engineering elementary_mathematics high_school_biology "
        "high_school_chemistry high_school_computer_science high_school_mathematics "
        "high_school_physics high_school_statistics machine_learning"
    ),
    "humanities": (
        "formal_logic high_school_european_history high_school_us_history "
        "high_school_world_history international_law jurisprudence logical_fallacies "
        "moral_disputes moral_scenarios philosophy prehistory professional_law world_religions"
    ),
    "social_sciences": (
        "econometrics high_school_geography high_school_government_and_politics "
        "high_school_macroeconomics high_school_microeconomics high_school_psychology "
        "human_sexuality professional_psychology public_relations security_studies sociology "
        "us_foreign_policy"
    ),
    "other": (
        "business_ethics clinical_knowledge college_medicine global_facts human_aging management "
        "marketing medical_genetics miscellaneous nutrition professional_accounting "
        "professional_medicine virology"
    ),
}
GROUP_OF = {subject: group for group, names in GROUPS.items() for subject in names.split()}


class MmluRow(Row):
    """Columns of cais/mmlu."""

    question: str
    subject: str
    choices: list[str]
    answer: int


class Mmlu(Benchmark[MmluRow]):
    """Harness task mmlu: the letters A to D after the question and its choices.

    acc: the right letter has the highest log-probability. Over all questions (subjects count by
    their size), and as acc_stem, acc_humanities, acc_social_sciences and acc_other over those of
    each group of subjects. Worked examples are of the question's own subject.
    """

    card = Card(
        name="mmlu",
        title="MMLU",
        measures="school, university and professional knowledge",
        paper="https://arxiv.org/abs/2009.03300",
        hub_id="cais/mmlu",
        revision="c30699e8356da336a370243923dbaf21066bb9fe",
        licence="MIT",
        files=HubFiles(
            config="all",
            split="test",
            few_shot_split="dev",
            # Not all/*: the unused auxiliary_train is by far the largest file.
            patterns=("all/test-*", "all/dev-*", "README.md"),
        ),
        customary_few_shot=5,
        protocols=("harness",),
        metrics=("acc",),
        primary="acc",
        chance=1 / len(LETTERS),
    )
    row_type = MmluRow

    def identify(self, row: MmluRow, index: int) -> str:
        return f"mmlu/{index}"

    def categorise(self, row: MmluRow) -> str:
        return row.subject

    def check(self, row: MmluRow) -> str:
        if not row.question.strip():
            return "the question is empty"
        if row.subject not in GROUP_OF:
            return f"the subject {row.subject!r} is not one of MMLU's {len(GROUP_OF)}"
        if len(row.choices) != len(LETTERS):
            return f"{len(row.choices)} choices instead of {len(LETTERS)}"
        known = 0 <= row.answer < len(LETTERS)
        return "" if known else f"the answer {row.answer} is not one of 0 to {len(LETTERS) - 1}"

    def pick_few_shot(self, sample: Sample, pool: Sequence[Sample], count: int) -> list[Sample]:
        """The first `count` examples of the sample's own subject."""
        return [s for s in pool if s.category == sample.category][:count]

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        shots = [self.row(s) for s in few_shot]
        prefix = few_shot_prefix([(question(r), LETTERS[r.answer]) for r in shots])
        return [choices_request(sample, description(row) + prefix + question(row), LETTERS)]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        return score_choices(
            evidence.responses[0], LETTERS, self.row(sample).answer, with_norm=False
        )

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """The accuracy over all samples, then over those of each subject group that occurs."""
        groups: dict[str, list[float]] = {group: [] for group in GROUPS}
        for sample, verdict in scored:
            if "acc" in verdict.scores:
                groups[GROUP_OF[sample.category]].append(verdict.scores["acc"])
        return super().aggregate(scored) + [
            mean_score(f"acc_{group}", values, chance=self.card.chance)
            for group, values in groups.items()
            if values
        ]


def description(row: MmluRow) -> str:
    """The line that names the subject, before any example."""
    subject = row.subject.replace("_", " ")
    return f"The following are multiple choice questions (with answers) about {subject}.\n\n"


def question(row: MmluRow) -> str:
    """The context of a question."""
    choices = "".join(f"{k}. {c}\n" for k, c in zip(LETTERS, row.choices, strict=True))
    return f"{row.question.strip()}\n{choices}Answer:"


BENCHMARK = Mmlu()
