"""Steps as the script of α-UMi scores them, for comparison with published numbers.

Its rules differ from ours in what counts (arXiv 2401.07324, the evaluation script):
- A step whose reference gives up, or calls an API that is not offered, is left out unless the
  model gives up: the model decides which steps it is judged by.
- A text without an action is a call of the API "none", which is then the right plan wherever a
  call is, and never a hallucination.
- Hallucinated calls are divided by all steps, those left out included.
- The action's input is looked for in the whole text, also before the last action.
Only ROUGE-L is another implementation than the script's, the same as in our own metrics.
"""

from __future__ import annotations

import json

from evaluation.benchmarks.toolllama_steps import Step, argument_f1, as_step, json_object, rouge_l

SUFFIX = " (compat)"
HALLUCINATION = f"hallucination_rate{SUFFIX}"
# How ToolBench's own records name a call to an API that there is not.
INVALID = "invalid_hallucination_function_name"
NO_ANSWER = ("", ".", ",")


def read_step(text: str) -> Step:
    """A step as the script reads it; the one that gives up has the action "none"."""
    _, found, stated = text.rpartition("Action:")
    action = stated.partition("Action Input:")[0].strip() if found else "none"
    _, found, arguments = text.rpartition("Action Input:")
    step = as_step(action, arguments.strip() if found else "{}")
    if step.plan == "give up":
        return Step("give up", "none", "{}")
    if step.plan == "finish" and step.answer.strip() in NO_ANSWER:
        return step._replace(answer="None")
    return step


def score_step_as_published(
    answer: str, recorded: str, offered: frozenset[str]
) -> dict[str, float]:
    """The metrics of a step under the script's rules; none when the script leaves it out."""
    step, reference = read_step(answer), read_step(recorded)
    if reference.action == INVALID:
        return {}
    impossible = reference.action != "none" and reference.action not in offered
    if step.plan != "give up" and (reference.plan == "give up" or impossible):
        return {}
    scores = {
        f"plan_em{SUFFIX}": float(step.plan == reference.plan),
        HALLUCINATION: float(step.action != "none" and step.action not in offered),
    }
    if reference.plan == "finish":
        given = step.answer if step.plan == "finish" else "none"
        scores[f"rouge_l{SUFFIX}"] = rouge_l(given, reference.answer)
    elif reference.plan == "call":
        scores[f"act_em{SUFFIX}"] = float(step.action == reference.action)
        f1 = published_f1(step, reference)
        if f1 is not None:
            scores[f"arg_f1{SUFFIX}"] = f1
    return scores


def published_f1(step: Step, reference: Step) -> float | None:
    """Arg-F1; None where the same API is called and the reference's input is no JSON."""
    if step.action != reference.action:
        return 0.0
    try:
        json.loads(reference.arguments)
    except (ValueError, RecursionError):
        return None
    wanted = json_object(reference.arguments)
    return 0.0 if wanted is None else argument_f1(json_object(step.arguments), wanted)
