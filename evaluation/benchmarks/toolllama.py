"""ToolLLaMA: one step of a ToolBench conversation, scored against a recorded step.

ToolBench is Qin et al. 2023 (arXiv 2307.16789); the static, step-wise evaluation is that of α-UMi
(Shen et al. 2024, arXiv 2401.07324). It is not ToolEval: nothing is executed and no judge is asked.

A row (the last assistant turn is the reference, all before it the prompt):
    id: "Step 2: Is the ferry late?", conversations: [
        {"from": "system", "value": "… you have access to the following APIs: [{'name':
            'status_for_ferries', 'description': …, 'parameters': …}, {'name': 'Finish', …}]"},
        {"from": "user", "value": "\\nIs the ferry late?\\nBegin!\\n"},
        {"from": "assistant", "value": "\\nThought: I look it up.\\nAction: status_for_ferries\\n
            Action Input: {}"}]

Differences from the published script: steps are left out by what the reference says, never by what
the model says (the script drops a "give up" reference unless the model gives up, too); a text
without an action is no plan at all (there: a call, so that silence is often the right plan); the
action's input is looked for after the last action only; ROUGE-L is that of `rouge_score`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from typing_extensions import TypedDict

from evaluation.benchmarks.base import AnyRequest, Benchmark, Card, HubFiles, PromptSettings, Row
from evaluation.benchmarks.messages import merge_turns
from evaluation.records import GenerateRequest, Message, Response, Sample, SampleScore

API_LIST = "the following APIs: "
# A string that is never closed takes all the rest, so that the scan stays linear.
TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[\[\]]""", re.DOTALL)
# ROUGE-L takes time proportional to both lengths; an answer far longer than its reference has a
# score near zero anyway.
LONGEST_ANSWER = 10_000

Plan = Literal["call", "finish", "give up", "none"]
# The functional form, because "from" is a keyword.
Turn = TypedDict("Turn", {"from": Literal["system", "user", "assistant", "function"], "value": str})


class ToolllamaRow(Row):
    """Columns of tuandunghcmut/toolbench-v1, default configuration."""

    id: str
    conversations: list[Turn]


class Step(NamedTuple):
    """What an assistant turn does: its plan, the API and its input as written, the answer."""

    plan: Plan
    action: str = ""
    arguments: str = ""
    answer: str = ""


class Toolllama(Benchmark[ToolllamaRow]):
    """The next step: plan and API by exact match, arguments by F1, final answers by ROUGE-L."""

    card = Card(
        name="toolllama",
        title="ToolBench steps (static)",
        measures="choosing the next API call, or the final answer, in a conversation with tools",
        paper="https://arxiv.org/abs/2307.16789",
        hub_id="tuandunghcmut/toolbench-v1",
        revision="main",
        licence="Apache-2.0",
        files=HubFiles(
            config="default", split="validation", patterns=("data/validation-*", "README.md")
        ),
        protocols=("chat",),
        metrics=("arg_f1", "plan_em", "act_em", "hallucination_rate", "rouge_l"),
        primary="arg_f1",
    )
    row_type = ToolllamaRow

    def identify(self, row: ToolllamaRow, index: int) -> str:
        return f"toolllama/{index}"

    def categorise(self, row: ToolllamaRow) -> str:
        prompt, reference = split_conversation(row)
        if reference.plan != "call":
            return reference.plan
        later = any(turn["from"] == "assistant" for turn in prompt)
        return "later call" if later else "first call"

    def check(self, row: ToolllamaRow) -> str:
        prompt, _ = split_conversation(row)
        if len(prompt) == len(row.conversations):
            return "the conversation has no assistant turn to compare with"
        if not any(turn["from"] == "user" and turn["value"].strip() for turn in prompt):
            return "the prompt has no message of the user"
        if prompt[-1]["from"] not in ("user", "function"):
            return f"the turn before the reference is of the {prompt[-1]['from']}"
        try:
            offered_apis(row)
        except ValueError as error:
            return str(error)
        return ""

    def requests(
        self, sample: Sample, few_shot: Sequence[Sample], settings: PromptSettings
    ) -> list[AnyRequest]:
        prompt, _ = split_conversation(self.row(sample))
        return [
            GenerateRequest(
                sample_id=sample.id,
                messages=merge_turns(message(turn) for turn in prompt),
                max_new_tokens=settings.max_new_tokens,
                seed=settings.seed,
            )
        ]

    def score(
        self, sample: Sample, responses: Sequence[Response], answers: Sequence[str]
    ) -> SampleScore:
        row = self.row(sample)
        _, reference = split_conversation(row)
        step = parse_step(answers[0])
        offered = offered_apis(row)
        extracted, gold = describe(step) or None, describe(reference)
        if reference.plan == "none" or reference.action not in offered:
            reason = f"the reference's action '{reference.action}' is not among the offered APIs"
            return SampleScore(extracted=extracted, gold=gold, reason=reason)
        scores = {
            "plan_em": float(step.plan == reference.plan),
            "hallucination_rate": float(step.plan == "call" and step.action not in offered),
        }
        if reference.plan == "call":
            scores["act_em"] = float(step.action == reference.action)
            wanted = json_object(reference.arguments)
            if wanted is not None:
                given = json_object(step.arguments) if step.action == reference.action else None
                scores["arg_f1"] = argument_f1(given, wanted)
        elif reference.plan == "finish" and reference.answer.strip():
            scores["rouge_l"] = rouge_l(step.answer, reference.answer)
        return SampleScore(scores=scores, extracted=extracted, gold=gold)


def split_conversation(row: ToolllamaRow) -> tuple[list[Turn], Step]:
    """The turns before the last assistant turn, and that turn as the reference."""
    turns = row.conversations
    for index in range(len(turns) - 1, -1, -1):
        if turns[index]["from"] == "assistant":
            return turns[:index], parse_step(turns[index]["value"])
    return turns, Step("none")


def message(turn: Turn) -> Message:
    """A turn as a chat message; chat templates know no turn for what a function returns."""
    content = turn["value"].strip()
    if turn["from"] == "function":
        return Message(role="user", content=f"Result of the call:\n{content}")
    return Message(role=turn["from"], content=content)


def offered_apis(row: ToolllamaRow) -> frozenset[str]:
    """Names in the API list of the system prompt, with Finish.

    Raises ValueError that says what is wrong with the list.
    """
    text = next((t["value"] for t in row.conversations if t["from"] == "system"), "")
    start = text.find(f"{API_LIST}[") + len(API_LIST)
    if start < len(API_LIST):
        raise ValueError(f"the system prompt has no list after '{API_LIST.strip()}'")
    depth = 0
    for token in TOKEN.finditer(text, start):
        depth += {"[": 1, "]": -1}.get(token.group(), 0)
        if depth == 0:
            break
    try:
        # The list is a Python literal, not JSON.
        apis = ast.literal_eval(text[start : token.end()])
        return frozenset({"Finish", *(str(api["name"]) for api in apis)})
    except (ValueError, SyntaxError, TypeError, LookupError, RecursionError, MemoryError):
        raise ValueError("the API list of the system prompt is not a list of named APIs") from None


def parse_step(text: str) -> Step:
    """The step that a text states last."""
    _, found, stated = text.rpartition("Action:")
    action, _, _ = stated.partition("Action Input:")
    action = action.strip()
    if not found or action.lower() in ("", "none"):
        return Step("none")
    _, found, arguments = stated.rpartition("Action Input:")
    arguments = arguments.strip() if found else "{}"
    if action != "Finish":
        return Step("call", action, arguments)
    try:
        given = json.loads(arguments)
        if given["return_type"] == "give_answer":
            return Step("finish", action, arguments, str(given.get("final_answer", "")))
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    return Step("give up", action, arguments)


def describe(step: Step) -> str:
    """A step as shown in reports."""
    return f"{step.action} {step.arguments}".strip()


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, or None."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def argument_f1(given: dict[str, Any] | None, wanted: dict[str, Any]) -> float:
    """F1 over arguments; a key with another value counts half. None: no or another call."""
    if given is None:
        return 0.0
    if not wanted:
        return float(not given)
    matched = sum(1.0 if given[k] == v else 0.5 for k, v in wanted.items() if k in given)
    # 2PR / (P + R) with P = matched / len(given) and R = matched / len(wanted).
    return 2 * matched / (len(given) + len(wanted))


def rouge_l(answer: str, reference: str) -> float:
    """ROUGE-L F-measure of two answers."""
    from rouge_score.rouge_scorer import RougeScorer

    if answer == reference:
        return 1.0  # also for scripts without a-z, in which `rouge_score` finds no words
    scores = RougeScorer(["rougeL"]).score(reference, answer[:LONGEST_ANSWER])
    return float(scores["rougeL"].fmeasure)


BENCHMARK = Toolllama()
