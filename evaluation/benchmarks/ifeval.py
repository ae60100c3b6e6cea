"""IFEval: instructions whose following can be verified by program (Zhou et al. 2023, 2311.07911).

A row:
    key: 1, prompt: "Describe rain in at least 20 words. Do not use commas.",
    instruction_id_list: ["length_constraints:number_words", "punctuation:no_comma"],
    kwargs: [{"relation": "at least", "num_words": 20}, {}]
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue, field_validator

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
from evaluation.benchmarks.worker import CallError, Worker
from evaluation.records import Sample, SampleScore, Score
from evaluation.statistics import bootstrap, mean_score, wilson

# Every instruction with the arguments that its verifier needs.
INSTRUCTIONS: dict[str, set[str]] = {
    "change_case:capital_word_frequency": {"capital_frequency", "capital_relation"},
    "change_case:english_capital": set(),
    "change_case:english_lowercase": set(),
    "combination:repeat_prompt": {"prompt_to_repeat"},
    "combination:two_responses": set(),
    "detectable_content:number_placeholders": {"num_placeholders"},
    "detectable_content:postscript": {"postscript_marker"},
    "detectable_format:constrained_response": set(),
    "detectable_format:json_format": set(),
    "detectable_format:multiple_sections": {"section_spliter", "num_sections"},
    "detectable_format:number_bullet_lists": {"num_bullets"},
    "detectable_format:number_highlighted_sections": {"num_highlights"},
    "detectable_format:title": set(),
    "keywords:existence": {"keywords"},
    "keywords:forbidden_words": {"forbidden_words"},
    "keywords:frequency": {"keyword", "frequency", "relation"},
    "keywords:letter_frequency": {"letter", "let_frequency", "let_relation"},
    "language:response_language": {"language"},
    "length_constraints:nth_paragraph_first_word": {
        "num_paragraphs",
        "nth_paragraph",
        "first_word",
    },
    "length_constraints:number_paragraphs": {"num_paragraphs"},
    "length_constraints:number_sentences": {"num_sentences", "relation"},
    "length_constraints:number_words": {"num_words", "relation"},
    "punctuation:no_comma": set(),
    "startend:end_checker": {"end_phrase"},
    "startend:quotation": set(),
}
SEVERAL_KINDS = "several kinds"
# Some verifiers take quadratic time; no prompt asks for a text near this long.
LONGEST_ANSWER = 100_000

VERIFIER = Worker("evaluation.benchmarks.ifeval_checker:make_follow", limit=10)


class IfevalRow(Row):  # type: ignore[no-redef]  # the plugin: a field named kwargs
    """Columns of google/IFEval."""

    key: int
    prompt: str
    instruction_id_list: list[str]
    kwargs: list[dict[str, JsonValue]]

    @field_validator("kwargs")
    @classmethod
    def drop_missing(cls, value: list[dict[str, JsonValue]]) -> list[dict[str, JsonValue]]:
        """Some loaders fill in every instruction's arguments as None."""
        return [{k: v for k, v in arguments.items() if v is not None} for arguments in value]


class Ifeval(Benchmark[IfevalRow]):
    """Whole prompts and single instructions, each by strict and by loose verification.

    Loose verification also accepts the response without its first line, last line or asterisks.
    The request is that of lm-evaluation-harness's task ifeval with a chat template; a harness
    protocol would only do without the template, so there is none.
    """

    card = Card(
        name="ifeval",
        title="IFEval",
        measures="following of verifiable instructions",
        paper="https://arxiv.org/abs/2311.07911",
        hub_id="google/IFEval",
        revision="966cd89545d6b6acfd7638bc708b98261ca58e84",
        licence="Apache-2.0",
        files=HubFiles(split="train", patterns=("ifeval_input_data.jsonl", "README.md")),
        protocols=("chat",),
        max_new_tokens={"chat": 1280},
        metrics=(
            "prompt_level_strict",
            "inst_level_strict",
            "prompt_level_loose",
            "inst_level_loose",
        ),
        primary="prompt_level_strict",
    )
    row_type = IfevalRow

    def identify(self, row: IfevalRow, index: int) -> str:
        return f"ifeval/{row.key}"

    def categorise(self, row: IfevalRow) -> str:
        kinds = {instruction.partition(":")[0] for instruction in row.instruction_id_list}
        return kinds.pop() if len(kinds) == 1 else SEVERAL_KINDS

    def check(self, row: IfevalRow) -> str:
        if not row.prompt.strip():
            return "the prompt is empty"
        if not row.instruction_id_list or len(row.instruction_id_list) != len(row.kwargs):
            return f"{len(row.instruction_id_list)} instructions with {len(row.kwargs)} kwargs"
        for instruction, arguments in zip(row.instruction_id_list, row.kwargs, strict=True):
            if instruction not in INSTRUCTIONS:
                return f"there is no verifier for {instruction!r}"
            if set(arguments) != INSTRUCTIONS[instruction]:
                needed = ", ".join(sorted(INSTRUCTIONS[instruction])) or "no arguments"
                return f"{instruction} needs {needed}; found {', '.join(sorted(arguments))!r}"
        return ""

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        return [chat(self.row(sample).prompt, sample, settings)]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        strict, loose, reasons = [], [], []
        for instruction, arguments in zip(row.instruction_id_list, row.kwargs, strict=True):
            verdict, problem = follows(instruction, arguments, evidence.answers[0])
            strict.append(verdict["strict"])
            loose.append(verdict["loose"])
            if problem or not verdict["strict"]:
                kind = "only loosely followed" if verdict["loose"] else "not followed"
                reasons.append(f"{instruction}: {problem or kind}")
        return SampleScore(
            scores={
                "prompt_level_strict": float(all(strict)),
                "inst_level_strict": sum(strict) / len(strict),
                "prompt_level_loose": float(all(loose)),
                "inst_level_loose": sum(loose) / len(loose),
            },
            gold=", ".join(row.instruction_id_list),
            reason="; ".join(reasons),
        )

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """Prompts are counted alike, and so are instructions, however many a prompt has."""
        counted = [(s.scores, len(self.row(x).instruction_id_list)) for x, s in scored if s.scores]
        return [
            instruction_score(metric, [(round(s[metric] * total), total) for s, total in counted])
            if metric.startswith("inst_level")
            else mean_score(
                metric, [s[metric] for s, _ in counted], primary=metric == self.card.primary
            )
            for metric in self.card.metrics
        ]


def follows(
    instruction: str, arguments: dict[str, JsonValue], answer: str
) -> tuple[dict[str, bool], str]:
    """The strict and the loose verdict, and why there is none (then both are False)."""
    nothing = {"strict": False, "loose": False}
    if not answer.strip():
        return nothing, ""
    if len(answer) > LONGEST_ANSWER:
        return nothing, f"not verified, the answer is longer than {LONGEST_ANSWER} characters"
    try:
        verdict = VERIFIER.call(instruction, arguments, answer)
    except CallError as failure:
        return nothing, f"{failure}; counted as not followed"
    assert isinstance(verdict, dict)
    return {kind: bool(verdict[kind]) for kind in nothing}, ""


def instruction_score(metric: str, followed: Sequence[tuple[int, int]]) -> Score:
    """The share of instructions followed, with an interval clustered by prompt.

    `followed` has for each prompt how many instructions were followed, and how many it has.
    """
    if not followed:
        return Score(metric=metric, value=None, n=0)
    value, n = share(followed), len(followed)
    # Resampling prompts that all agree would give an interval without width.
    unanimous = value in (0.0, 1.0)
    interval = wilson(round(value) * n, n) if unanimous else bootstrap(followed, share)
    return Score(metric=metric, value=value, n=n, interval=interval)


def share(followed: Sequence[tuple[int, int]]) -> float:
    """Instructions followed out of all instructions."""
    return sum(count for count, _ in followed) / sum(total for _, total in followed)


BENCHMARK = Ifeval()
