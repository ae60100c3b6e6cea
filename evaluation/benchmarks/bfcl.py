"""BFCL: single-turn function calling, Python categories (Patil et al. 2025, ICML).

A row (a question joined with its accepted answer, see bfcl_files):
    id: "simple_python_0", category: "simple_python",
    question: [[{"role": "user", "content": "Dim the lamp in the hall to 40 percent."}]],
    function: [{"name": "lamp.dim", "description": "Dim a lamp.", "parameters": {"type": "dict",
        "properties": {"room": {"type": "string"}, "percent": {"type": "integer"}},
        "required": ["room", "percent"]}}],
    ground_truth: [{"lamp.dim": {"room": ["hall", "the hall"], "percent": [40]}}]

Protocols: in `chat` the prompt documents the functions and asks for a list of Python calls; in
`tools` the functions go through the model's chat template, and the calls are read in the form that
the model was trained on. The scores cover these categories only and are not the leaderboard's
overall accuracy. A model that never calls anything is right on all irrelevance: read it beside
relevance and AST accuracy.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from evaluation.benchmarks import bfcl_files, bfcl_rows
from evaluation.benchmarks.base import (
    AnyRequest,
    Benchmark,
    Card,
    Evidence,
    HubFiles,
    PromptSettings,
)
from evaluation.benchmarks.bfcl_checker import calls_match
from evaluation.benchmarks.bfcl_decoder import decode
from evaluation.benchmarks.bfcl_files import ANSWER_FILES, AST_CATEGORIES, QUESTION_FILES
from evaluation.benchmarks.bfcl_rows import BfclRow
from evaluation.benchmarks.bfcl_tools import read_tool_calls, tool, with_tool_names
from evaluation.benchmarks.messages import merge_turns
from evaluation.records import GenerateRequest, Message, Sample, SampleScore, Score
from evaluation.statistics import bootstrap, mean_score

INSTRUCTION = """\
You fulfil requests by calling functions. The functions at hand are documented below as JSON.

Answer with nothing but the list of calls that the request needs, in this form:
[first_function(name="text", count=2), second.function(flag=True)]
Name every argument, write its value as a Python literal, and take it from the conversation. \
Optional arguments may be left out. If no function suits the request, or a required argument is \
not known, make no call and say so in one sentence.

Functions:
"""


# Parts of a metric that are shown beside the whole.
LIVE, NOT_LIVE = " (live)", " (non-live)"


class Bfcl(Benchmark[BfclRow]):
    """AST categories: the right calls; (ir)relevance: whether there is a call at all."""

    card = Card(
        name="bfcl",
        title="BFCL (single-turn Python)",
        measures="choosing functions and filling in their arguments",
        paper="https://openreview.net/forum?id=2GmDdhBdDk",
        hub_id="gorilla-llm/Berkeley-Function-Calling-Leaderboard",
        revision="61fc0608cfd831fcfbbaa676ebdfef0ed963eeda",
        licence="Apache-2.0",
        files=HubFiles(
            split="test",
            patterns=(*QUESTION_FILES, *ANSWER_FILES, "README.md"),
            parts="the files of the single-turn Python categories, one file each",
        ),
        protocols=("chat", "tools"),
        max_new_tokens={"chat": 1024, "tools": 1024},
        metrics=(
            "ast_accuracy",
            f"ast_accuracy{NOT_LIVE}",
            f"ast_accuracy{LIVE}",
            "irrelevance_accuracy",
            f"irrelevance_accuracy{NOT_LIVE}",
            f"irrelevance_accuracy{LIVE}",
            "relevance_accuracy",
        ),
        primary="ast_accuracy",
    )
    row_type = BfclRow

    def read_rows(self, directory: Path) -> list[dict[str, object]]:
        """Questions joined with their possible answers, of all single-turn Python categories."""
        return bfcl_files.read_rows(directory)

    def identify(self, row: BfclRow, index: int) -> str:
        return row.id

    def categorise(self, row: BfclRow) -> str:
        return row.category

    def check(self, row: BfclRow) -> str:
        return bfcl_rows.problem(row)

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        prompted = settings.protocol == "chat"
        turns = [Message(role=t.role, content=t.content) for t in row.question[0]]
        messages = [
            *(t for t in turns if t.role == "system"),
            *(t for t in turns if t.role != "system"),
        ]
        if prompted:
            documentation = json.dumps(row.function, ensure_ascii=False)
            messages.insert(0, Message(role="system", content=INSTRUCTION + documentation))
        return [
            GenerateRequest(
                sample_id=sample.id,
                messages=merge_turns(messages),
                tools=() if prompted else tuple(tool(function) for function in row.function),
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(self, sample: Sample, evidence: Evidence) -> SampleScore:
        row = self.row(sample)
        truth, functions = row.ground_truth, row.function
        if evidence.settings.protocol == "chat":
            calls, source = decode(evidence.answers[0])
        else:
            calls, source = read_tool_calls(evidence.answers[0])
            truth, functions = with_tool_names(truth, functions)
        if row.category in AST_CATEGORIES:
            scores = {"ast_accuracy": float(calls_match(calls, truth, functions))}
            gold = json.dumps(row.ground_truth, ensure_ascii=False)
        elif row.category == "live_relevance":
            scores, gold = {"relevance_accuracy": float(bool(calls))}, "at least one call"
        else:
            scores, gold = {"irrelevance_accuracy": float(not calls)}, "no call"
        return SampleScore(scores=scores, extracted=source or None, gold=gold)

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """Categories count alike, however many samples each has."""
        found = []
        for name in self.card.metrics:
            metric = name.removesuffix(NOT_LIVE).removesuffix(LIVE)
            results = [
                (sample.category, score.scores[metric])
                for sample, score in scored
                if metric in score.scores
                and not (name.endswith(NOT_LIVE) and sample.category.startswith("live_"))
                and not (name.endswith(LIVE) and not sample.category.startswith("live_"))
            ]
            found.append(macro_score(name, results, primary=name == self.card.primary))
        return found


def macro_score(metric: str, results: Sequence[tuple[str, float]], *, primary: bool) -> Score:
    """The macro-average over categories with its interval."""
    plain = mean_score(metric, [value for _, value in results], primary=primary)
    # With one category, or all samples alike, the macro-average is the plain mean and its
    # Wilson interval is better: resampling equal values would give an interval of no width.
    if len({c for c, _ in results}) < 2 or len({v for _, v in results}) < 2:
        return plain
    interval = bootstrap(results, macro_average)
    return plain.model_copy(update={"value": macro_average(results), "interval": interval})


def macro_average(results: Sequence[tuple[str, float]]) -> float:
    """The mean of the categories' means; `results` are (category, value) pairs."""
    by_category: defaultdict[str, list[float]] = defaultdict(list)
    for category, value in results:
        by_category[category].append(value)
    return fmean(fmean(values) for values in by_category.values())


BENCHMARK = Bfcl()
