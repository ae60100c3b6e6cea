"""From a request to the exact tokens a model sees.

Models with a chat template get it; base models get the same messages as plain text with speaker
labels. Prompts that do not fit the context are cut from the left, as the reference harness does,
and the number of tokens cut is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.errors import EvaluationError
from evaluation.records import Continuation, GenerateRequest, Message, Tool

# A base model would go on to write the next speaker's lines.
FLAT_STOP = ("\nUser:",)


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt: its text after any cut, its tokens, and how many were cut off."""

    text: str
    tokens: list[int]
    cut: int
    stop: tuple[str, ...]
    max_new_tokens: int


@dataclass(frozen=True)
class ContinuationTokens:
    """Tokens of a context with one continuation; `target` are the continuation's."""

    tokens: list[int]
    target: list[int]
    cut: int


class Renderer:
    """Renders requests for one tokenizer."""

    def __init__(self, tokenizer: Any, context_length: int, *, thinking: bool) -> None:
        self.tokenizer = tokenizer
        self.context_length = context_length
        self.thinking = thinking
        self._last_context: tuple[str, list[int]] = ("", [])
        self.has_template = bool(getattr(tokenizer, "chat_template", None))
        self.system_role = self.has_template and self._accepts_system()

    def _accepts_system(self) -> bool:
        probe = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
        try:
            self.tokenizer.apply_chat_template(probe, tokenize=False)
        except Exception:
            # Templates without a system role raise; the system text then leads the user's.
            return False
        return True

    def render(self, request: GenerateRequest) -> Prompt:
        """The prompt of a generate request, cut from the left to leave room for the answer.

        Raises EvaluationError when the request has tools and the chat template shows none.
        """
        stop = request.stop
        if not request.messages:
            text, special = request.prompt, True
        elif self.has_template:
            text, special = self._template(request.messages, request.tools), False
        elif request.tools:
            raise no_tools()
        else:
            text, special = flatten(request.messages), True
            stop = stop + FLAT_STOP
        tokens = self._encode(text, special=special) or [self._start()]
        room = min(request.max_new_tokens, max(1, self.context_length // 2))
        cut = max(0, len(tokens) + room - self.context_length)
        if cut:
            tokens = tokens[cut:]
            text = self.tokenizer.decode(tokens)
        return Prompt(text, tokens, cut, stop, room)

    def _template(self, messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> str:
        if not self.system_role:
            messages = merge_system(messages)
        text = self._apply(messages, ())
        if not tools:
            return text
        with_tools = self._apply(messages, tools)
        # A template that knows no tools does not say so: it leaves them out.
        if with_tools == text:
            raise no_tools()
        return with_tools

    def _apply(self, messages: tuple[Message, ...], tools: tuple[Tool, ...]) -> str:
        text: str = self.tokenizer.apply_chat_template(
            [m.model_dump() for m in messages],
            tools=[{"type": "function", "function": tool.model_dump()} for tool in tools] or None,
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=self.thinking,
        )
        return text

    def continuation(self, item: Continuation) -> ContinuationTokens:
        """Tokens of a continuation as the reference harness splits them.

        Trailing spaces of the context belong to the continuation; its tokens are those of the
        whole text beyond the number of the context's. Too long texts lose tokens on the left.

        Raises ValueError for a continuation that has no tokens or more than the context holds.
        """
        context = item.context.rstrip()
        text = item.context[len(context) :] + item.text
        if context:
            head, whole = self._context(context), self._encode(context + text)
        else:
            head = [self._start()]
            whole = head + self._encode(text, special=False)
        target = whole[len(head) :]
        if not 0 < len(target) <= self.context_length:
            raise ValueError(
                f"the continuation {item.text[:40]!r} has {len(target)} tokens; "
                f"1 to {self.context_length} can be scored"
            )
        cut = max(0, len(whole) - 1 - self.context_length)
        return ContinuationTokens(whole[cut:-1], target, cut)

    def _start(self) -> int:
        """What a model is given when there is no text: its start token, or else its end token."""
        start = self.tokenizer.bos_token_id
        token: int = self.tokenizer.eos_token_id if start is None else start
        return token

    def _context(self, text: str) -> list[int]:
        """Tokens of a context; continuations of one sample share it and come one by one."""
        if self._last_context[0] != text:
            self._last_context = (text, self._encode(text))
        return self._last_context[1]

    def _encode(self, text: str, *, special: bool = True) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=special)["input_ids"]
        return ids


def no_tools() -> EvaluationError:
    """The error of a request whose tools cannot be shown to the model."""
    # In one line with its remedy: a failed response keeps the first line only.
    return EvaluationError(
        "the chat template of this model takes no tools; set the protocol of the dataset to chat"
    )


def flatten(messages: tuple[Message, ...]) -> str:
    """Messages as plain text for models that know no chat format."""
    names = {"system": "System", "user": "User", "assistant": "Assistant"}
    lines = [f"{names[m.role]}: {m.content.strip()}\n\n" for m in messages]
    return "".join(lines) + "Assistant:"


def merge_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Put the system text in front of the first user message."""
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    rest = [m for m in messages if m.role != "system"]
    if not system or not rest or rest[0].role != "user":
        return tuple(rest)
    first = Message(role="user", content=f"{system}\n\n{rest[0].content}")
    return (first, *rest[1:])


def common_context(continuations: Sequence[Continuation]) -> tuple[str, list[str]]:
    """What all contexts begin with, and each continuation with the rest of its context."""
    first = continuations[0].context
    if all(one.context == first for one in continuations):
        return first, [one.text for one in continuations]
    # Character by character, then back to a whole word: a cut inside one reads badly.
    shared = os.path.commonprefix([one.context for one in continuations])  # noqa: RUF071
    shared = shared[: shared.rfind(" ") + 1]
    return shared, [one.context[len(shared) :] + one.text for one in continuations]
