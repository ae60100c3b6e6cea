"""BFCL: single-turn function calling, Python categories (Patil et al. 2025, ICML).

A row (a question joined with its accepted answer, see bfcl_files):
    id: "simple_python_0", category: "simple_python",
    question: [[{"role": "user", "content": "Dim the lamp in the hall to 40 percent."}]],
    function: [{"name": "lamp.dim", "description": "Dim a lamp.", "parameters": {"type": "dict",
        "properties": {"room": {"type": "string"}, "percent": {"type": "integer"}},
        "required": ["room", "percent"]}}],
    ground_truth: [{"lamp.dim": {"room": ["hall", "the hall"], "percent": [40]}}]

The model is prompted (no tool-call API); the score covers these categories only and is not the
leaderboard's overall accuracy.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from evaluation.benchmarks import bfcl_files
from evaluation.benchmarks.base import AnyRequest, Benchmark, Card, HubFiles, PromptSettings, Row
from evaluation.benchmarks.bfcl_checker import calls_match
from evaluation.benchmarks.bfcl_decoder import decode
from evaluation.benchmarks.bfcl_files import (
    ANSWER_FILES,
    AST_CATEGORIES,
    CATEGORIES,
    QUESTION_FILES,
)
from evaluation.benchmarks.messages import merge_turns
from evaluation.records import GenerateRequest, Message, Response, Sample, SampleScore, Score
from evaluation.statistics import bootstrap

INSTRUCTION = """\
You fulfil requests by calling functions. The functions at hand are documented below as JSON.

Answer with nothing but the list of calls that the request needs, in this form:
[first_function(name="text", count=2), second.function(flag=True)]
Name every argument, write its value as a Python literal, and take it from the conversation. \
Optional arguments may be left out. If no function suits the request, or a required argument is \
not known, make no call and say so in one sentence.

Functions:
"""


class Turn(Row):
    """One message of the question."""

    role: Literal["system", "user", "assistant"]
    content: str


class BfclRow(Row):
    """A question of gorilla-llm/Berkeley-Function-Calling-Leaderboard with its answer."""

    id: str
    category: str
    question: list[list[Turn]]
    function: list[dict[str, Any]]
    ground_truth: list[dict[str, dict[str, list[Any]]]]


class Bfcl(Benchmark[BfclRow]):
    """AST categories: the right calls; (ir)relevance: whether there is a call at all."""

    card = Card(
        name="bfcl",
        title="BFCL (single-turn Python, prompted)",
        measures="choosing functions and filling in their arguments",
        paper="https://openreview.net/forum?id=2GmDdhBdDk",
        hub_id="gorilla-llm/Berkeley-Function-Calling-Leaderboard",
        revision="61fc0608cfd831fcfbbaa676ebdfef0ed963eeda",
        licence="Apache-2.0",
        files=HubFiles(split="test", patterns=(*QUESTION_FILES, *ANSWER_FILES, "README.md")),
        protocols=("chat",),
        metrics=("ast_accuracy", "irrelevance_accuracy", "relevance_accuracy"),
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
        if row.category not in CATEGORIES:
            return f"the category '{row.category}' is not among {', '.join(CATEGORIES)}"
        if len(row.question) != 1 or not row.question[0]:
            return f"{len(row.question)} turns in the question, expected one"
        last = row.question[0][-1]
        if last.role != "user" or not last.content.strip():
            return "the question does not end in a message of the user"
        return check_functions(row) or check_truth(row)

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        row = self.row(sample)
        documentation = json.dumps(row.function, ensure_ascii=False)
        turns = [Message(role=t.role, content=t.content) for t in row.question[0]]
        messages = [
            Message(role="system", content=INSTRUCTION + documentation),
            *(t for t in turns if t.role == "system"),
            *(t for t in turns if t.role != "system"),
        ]
        return [
            GenerateRequest(
                sample_id=sample.id,
                messages=merge_turns(messages),
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(
        self, sample: Sample, responses: Sequence[Response], answers: Sequence[str]
    ) -> SampleScore:
        row = self.row(sample)
        calls, source = decode(answers[0])
        if row.category in AST_CATEGORIES:
            scores = {"ast_accuracy": float(calls_match(calls, row.ground_truth, row.function))}
            gold = json.dumps(row.ground_truth, ensure_ascii=False)
        elif row.category == "live_relevance":
            scores, gold = {"relevance_accuracy": float(bool(calls))}, "at least one call"
        else:
            scores, gold = {"irrelevance_accuracy": float(not calls)}, "no call"
        return SampleScore(scores=scores, extracted=source or None, gold=gold)

    def aggregate(self, scored: Sequence[tuple[Sample, SampleScore]]) -> list[Score]:
        """The AST categories count alike, however many samples each has."""
        primary, *others = super().aggregate(scored)
        results = [
            (sample.category, score.scores[primary.metric])
            for sample, score in scored
            if primary.metric in score.scores
        ]
        # With one category, or all samples alike, the macro-average is the plain mean and its
        # Wilson interval is better: resampling equal values would give an interval of no width.
        if len({c for c, _ in results}) > 1 and len({v for _, v in results}) > 1:
            interval = bootstrap(results, macro_average)
            update = {"value": macro_average(results), "interval": interval}
            primary = primary.model_copy(update=update)
        return [primary, *others]


def macro_average(results: Sequence[tuple[str, float]]) -> float:
    """The mean of the categories' means; `results` are (category, value) pairs."""
    by_category: defaultdict[str, list[float]] = defaultdict(list)
    for category, value in results:
        by_category[category].append(value)
    return fmean(fmean(values) for values in by_category.values())


def check_functions(row: BfclRow) -> str:
    """What is wrong with the function docs, as far as the checker relies on them."""
    for function in row.function:
        parameters = function.get("parameters")
        properties = parameters.get("properties") if isinstance(parameters, dict) else None
        if not isinstance(function.get("name"), str) or not isinstance(properties, dict):
            return "a function has no name or no parameters"
        for name, schema in properties.items():
            if not isinstance(schema, dict) or not isinstance(schema.get("type"), str):
                return f"the parameter '{name}' of '{function['name']}' has no type"
            if not isinstance(schema.get("items", {}), dict):
                return f"the items of the parameter '{name}' of '{function['name']}' have no type"
    return ""


def check_truth(row: BfclRow) -> str:
    """What is wrong with the accepted calls."""
    if row.category not in AST_CATEGORIES:
        return "there are accepted calls where none are expected" if row.ground_truth else ""
    offered = {function["name"] for function in row.function}
    if not row.ground_truth:
        return "there is no accepted call"
    for call in row.ground_truth:
        if len(call) != 1 or not offered.issuperset(call):
            return f"an accepted call ({', '.join(call)}) is not one of the functions"
    return ""


BENCHMARK = Bfcl()
