"""ToolLLaMA: ToolBench without running tools: the next step, and which APIs a request needs.

ToolBench is Qin et al. 2023 (arXiv 2307.16789). Nothing is executed and no judge is asked, so none
of this is ToolEval. Half of the samples are of either kind:

- steps: the static evaluation of α-UMi (Shen et al. 2024, arXiv 2401.07324). The model continues a
  recorded conversation and its step is compared with the recorded one;
- queries: the benchmark's requests with the APIs that were labelled as relevant to them. The model
  names the APIs to call among those offered.

A row says which it is:
    kind: "step", id: "Step 2: Is the ferry late?", conversations: [
        {"from": "system", "value": "… you have access to the following APIs: [{'name':
            'status_for_ferries', 'description': …, 'parameters': …}, {'name': 'Finish', …}]"},
        {"from": "user", "value": "\\nIs the ferry late?\\nBegin!\\n"},
        {"from": "assistant", "value": "\\nThought: I look it up.\\nAction: status_for_ferries\\n
            Action Input: {}"}]       the last assistant turn is the reference
    kind: "query", group: "g1_tool", query_id: "28", query: "Is the ferry late?",
    api_list: '[{"tool_name": "Ferries", "api_name": "status", "api_description": …,
        "required_parameters": [{"name": "line", …}], "optional_parameters": []}, …]',   JSON text
    relevant_apis: '[["Ferries", "status"]]'                                              JSON text

Metrics of steps, over those where they apply: plan (call, finish, give up) and API by exact match,
arguments by F1, ROUGE-L of final answers, and the share of the model's calls that go to an API
that is not offered. Steps are left out by what the reference says, never by what the model says.
With "(compat)": the same by the published script's rules, see toolllama_compat.

Metrics of queries: precision, recall and F1 of the named APIs, each the mean over queries (an
answer without names has 0), and the share of all given names that are not offered.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from evaluation.benchmarks import toolllama_rows
from evaluation.benchmarks.base import (
    AnyRequest,
    Benchmark,
    Card,
    Evidence,
    HubFiles,
    PromptSettings,
    chat,
)
from evaluation.benchmarks.messages import merge_turns
from evaluation.benchmarks.toolllama_compat import HALLUCINATION, SUFFIX, score_step_as_published
from evaluation.benchmarks.toolllama_queries import (
    problem_of_query,
    question,
    rate_over_names,
    read_names,
    score_names,
)
from evaluation.benchmarks.toolllama_rows import GROUPS, QueryRow, StepRow, ToolllamaRow
from evaluation.benchmarks.toolllama_steps import (
    describe,
    kind_of_step,
    message,
    offered_apis,
    parse_step,
    problem_of_step,
    score_step,
    split_conversation,
)
from evaluation.records import GenerateRequest, Sample, SampleScore, Score
from evaluation.statistics import mean_score

STEP_METRICS = ("arg_f1", "plan_em", "act_em", "hallucination_rate", "rouge_l")
QUERY_METRICS = ("api_f1", "api_precision", "api_recall", "api_hallucination_rate")


class Toolllama(Benchmark[StepRow | QueryRow]):
    """The next step against the recorded one; the named APIs against the relevant ones."""

    card = Card(
        name="toolllama",
        title="ToolBench steps and API selection (static)",
        measures="choosing the next API call or the final answer, and the APIs for a request",
        paper="https://arxiv.org/abs/2307.16789",
        hub_id="tuandunghcmut/toolbench-v1",
        revision="main",
        licence="Apache-2.0",
        files=HubFiles(
            config=toolllama_rows.STEPS_CONFIG,
            split=toolllama_rows.STEPS_SPLIT,
            patterns=(
                "data/validation-*",
                *(f"{toolllama_rows.QUERIES_CONFIG}/{group}-*" for group in GROUPS),
                "README.md",
            ),
            parts=f"steps: split `{toolllama_rows.STEPS_SPLIT}` of config "
            f"`{toolllama_rows.STEPS_CONFIG}`; API selection: config "
            f"`{toolllama_rows.QUERIES_CONFIG}`, one split a group",
        ),
        protocols=("chat",),
        max_new_tokens={"chat": 1024},
        metrics=(*STEP_METRICS, *QUERY_METRICS, *(f"{m}{SUFFIX}" for m in STEP_METRICS)),
        primary="arg_f1",
        lower_is_better=("hallucination_rate", HALLUCINATION, "api_hallucination_rate"),
    )
    # Validates as either of the two.
    row_type = cast("type[StepRow | QueryRow]", ToolllamaRow)

    def read_rows(self, directory: Path) -> list[dict[str, object]]:
        """Steps and queries, from two configurations."""
        return toolllama_rows.read_rows(directory, self.card.hub_id)

    def identify(self, row: StepRow | QueryRow, index: int) -> str:
        return f"{row.group}/{row.query_id}" if isinstance(row, QueryRow) else f"step/{index}"

    def categorise(self, row: StepRow | QueryRow) -> str:
        if isinstance(row, QueryRow):
            return f"queries/{row.group}"
        return f"steps/{kind_of_step(row)}"

    def check(self, row: StepRow | QueryRow) -> str:
        if isinstance(row, QueryRow):
            return problem_of_query(row)
        return problem_of_step(row)

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        if isinstance(row, QueryRow):
            return [chat(question(row), sample, settings)]
        prompt, _ = split_conversation(row)
        return [
            GenerateRequest(
                sample_id=sample.id,
                messages=merge_turns(message(turn) for turn in prompt),
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        answer = evidence.answers[0]
        if isinstance(row, QueryRow):
            names, source = read_names(answer)
            gold = json.dumps(row.relevant_apis, ensure_ascii=False)
            return SampleScore(scores=score_names(names, row), extracted=source or None, gold=gold)
        _, recorded = split_conversation(row)
        step, reference, offered = parse_step(answer), parse_step(recorded), offered_apis(row)
        scores = score_step(step, reference, offered)
        return SampleScore(
            scores=scores | score_step_as_published(answer, recorded, offered),
            extracted=describe(step) or None,
            gold=describe(reference),
            reason=""
            if scores
            else f"the reference's action '{reference.action}' is not among the offered APIs",
        )

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """The means, the two rates over other things than samples, and each group of queries."""
        found = {score.metric: score for score in super().aggregate(scored)}
        steps = [s.scores for sample, s in scored if sample.category.startswith("steps/")]
        # The published rate is over all steps, so that those left out count as without a fault.
        found[HALLUCINATION] = mean_score(
            HALLUCINATION, [scores.get(HALLUCINATION, 0.0) for scores in steps]
        )
        found["api_hallucination_rate"] = rate_over_names(
            "api_hallucination_rate", [s.scores for _, s in scored]
        )
        for group in GROUPS:
            values = [
                s.scores["api_f1"] for sample, s in scored if sample.category == f"queries/{group}"
            ]
            if values:
                found[group] = mean_score(f"api_f1 ({group})", values)
        return list(found.values())


BENCHMARK = Toolllama()
