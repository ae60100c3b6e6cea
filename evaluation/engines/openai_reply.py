"""What a server with the OpenAI API sent back, which may be anything."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite
from typing import Any

from evaluation.records import ContinuationScore, FinishReason

NOT_REPORTED = "not reported"


@dataclass(frozen=True)
class Reply:
    """What came of a request; `outage` marks a failure that may be the server's and pass."""

    text: str = ""
    continuations: tuple[ContinuationScore, ...] = ()
    finish_reason: FinishReason = "error"
    prompt_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    revision: str = NOT_REPORTED
    latency_seconds: float = 0.0
    error: str | None = None
    outage: bool = False


@dataclass(frozen=True)
class Echo:
    """The log-probabilities of a prompt's last tokens (nats), and how many tokens it has."""

    logprobs: tuple[Any, ...]
    prompt_tokens: int
    revision: str

    def last(self, count: int) -> float:
        """The sum over the last tokens of the prompt; raises ValueError if it is not known."""
        found = self.logprobs[len(self.logprobs) - count :] if count > 0 else ()
        if not found or len(found) != count:
            raise ValueError(f"{count} log-probabilities were needed, {len(self.logprobs)} came")
        # Through float, so that a whole number, or anything that is none, is seen.
        total = sum(float(one) for one in found)
        if not isfinite(total):
            raise ValueError("the server gave a log-probability that is not a number")
        return total


def read_chat(found: Any, seconds: float) -> Reply:
    """A chat completion that took some seconds; calls of tools become text in tags.

    Raises AttributeError, IndexError, KeyError, TypeError or ValueError if it is none.
    """
    message = found.choices[0].message
    calls = getattr(message, "tool_calls", None) or ()
    parts = [message.content, *(_call(call) for call in calls)]
    return _reply(found, "\n".join(part for part in map(_text, parts) if part), seconds)


def read_completion(found: Any, seconds: float) -> Reply:
    """What follows a plain prompt; raises as `read_chat` does."""
    return _reply(found, _text(found.choices[0].text), seconds)


def read_echo(found: Any) -> Echo:
    """The log-probabilities of an echoed prompt; raises as `read_chat` does.

    Servers differ in whether a start token is listed, so tokens are counted from the end, where
    those that the server added itself stand.
    """
    listed = getattr(found.choices[0], "logprobs", None)
    values = getattr(listed, "token_logprobs", None)
    if not isinstance(values, list):
        raise ValueError("the server gives no log-probabilities of the prompt")
    added = _count(found.usage, "completion_tokens")
    prompt_tokens = _count(found.usage, "prompt_tokens")
    if not 0 <= prompt_tokens - (len(values) - added) <= 1:
        raise ValueError("the server gives no log-probability for each token of the prompt")
    return Echo(tuple(values[: len(values) - added]), prompt_tokens, _revision(found))


def _call(call: Any) -> str:
    """A call of a tool in the form that most open models write it in."""
    function = call.function
    arguments = function.arguments
    with suppress(ValueError):  # what is no JSON is shown as it came
        arguments = json.loads(arguments)
    stated = json.dumps({"name": function.name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{stated}\n</tool_call>"


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError("its content is no text")
    return value or ""


def _reply(found: Any, text: str, seconds: float) -> Reply:
    reason, usage = found.choices[0].finish_reason, getattr(found, "usage", None)
    withheld = reason == "content_filter"
    details = getattr(usage, "completion_tokens_details", None)
    return Reply(
        text=storable(text),
        finish_reason="error" if withheld else "length" if reason == "length" else "stop",
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        thinking_tokens=_count(details, "reasoning_tokens"),
        revision=_revision(found),
        latency_seconds=seconds,
        error="the server's content filter withheld the answer" if withheld else None,
    )


def _revision(found: Any) -> str:
    names = (getattr(found, "model", None), getattr(found, "system_fingerprint", None))
    return storable(", ".join(str(n)[:100] for n in names if n)) or NOT_REPORTED


def _count(usage: Any, name: str) -> int:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value > 0 else 0


def storable(text: str) -> str:
    """Text with a question mark for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
