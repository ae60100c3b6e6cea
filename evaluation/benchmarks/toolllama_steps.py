"""Steps: what an assistant turn does, and how near it is to the recorded one."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, Literal, NamedTuple

from evaluation.benchmarks.toolllama_rows import StepRow, Turn
from evaluation.records import Message

API_LIST = "the following APIs: "
# A string that is never closed takes all the rest, so that the scan stays linear.
TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'?|"(?:[^"\\]|\\.)*"?|[\[\]]""", re.DOTALL)
# ROUGE-L takes time proportional to both lengths; an answer far longer than its reference has a
# score near zero anyway.
LONGEST_ANSWER = 10_000

Plan = Literal["call", "finish", "give up", "none"]


class Step(NamedTuple):
    """What an assistant turn does: its plan, the API and its input as written, the answer."""

    plan: Plan
    action: str = ""
    arguments: str = ""
    answer: str = ""


def split_conversation(row: StepRow) -> tuple[list[Turn], str]:
    """The turns before the last assistant turn, and the text of that turn, the reference."""
    turns = row.conversations
    for index in range(len(turns) - 1, -1, -1):
        if turns[index]["from"] == "assistant":
            return turns[:index], turns[index]["value"]
    return turns, ""


def kind_of_step(row: StepRow) -> str:
    """What the reference does, and for calls whether there was a step before."""
    prompt, reference = split_conversation(row)
    plan = parse_step(reference).plan
    if plan != "call":
        return plan
    return "later call" if any(turn["from"] == "assistant" for turn in prompt) else "first call"


def problem_of_step(row: StepRow) -> str:
    """What is wrong with a row, "" if nothing."""
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


def message(turn: Turn) -> Message:
    """A turn as a chat message; chat templates know no turn for what a function returns."""
    content = turn["value"].strip()
    if turn["from"] == "function":
        return Message(role="user", content=f"Result of the call:\n{content}")
    return Message(role=turn["from"], content=content)


def offered_apis(row: StepRow) -> frozenset[str]:
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
    return as_step(action, arguments.strip() if found else "{}")


def as_step(action: str, arguments: str) -> Step:
    """The step that an action with its input is: Finish ends the conversation."""
    if action != "Finish":
        return Step("call", action, arguments)
    given = json_object(arguments) or {}
    if given.get("return_type") == "give_answer":
        return Step("finish", action, arguments, str(given.get("final_answer", "")))
    return Step("give up", action, arguments)


def describe(step: Step) -> str:
    """A step as shown in reports."""
    return f"{step.action} {step.arguments}".strip()


def score_step(step: Step, reference: Step, offered: frozenset[str]) -> dict[str, float]:
    """The metrics that apply: which of them the reference decides, except that only calls can be
    to an API that is not offered. None apply where the reference itself is impossible."""
    if reference.plan == "none" or reference.action not in offered:
        return {}
    scores = {"plan_em": float(step.plan == reference.plan)}
    if step.plan == "call":
        scores["hallucination_rate"] = float(step.action not in offered)
    if reference.plan == "call":
        scores["act_em"] = float(step.action == reference.action)
        wanted = json_object(reference.arguments)
        if wanted is not None:
            given = json_object(step.arguments) if step.action == reference.action else None
            scores["arg_f1"] = argument_f1(given, wanted)
    elif reference.plan == "finish" and reference.answer.strip():
        scores["rouge_l"] = rouge_l(step.answer, reference.answer)
    return scores


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
