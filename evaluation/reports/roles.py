"""Who says what in a prompt: the turns of the chat template that a prompt was made with.

A prompt is recorded as the text that the model saw. Its turns are told apart by the markers of
known chat templates, and only where the prompt begins as such a template does. A marker within a
message splits it as it would for the model, which sees the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# The role of text that is the template's own, and of a prompt that shows no turns.
TEMPLATE, WHOLE = "", "prompt"
CUT = "cut off on the left"
NAMES = {
    **{"model": "assistant", "ipython": "tool", "[inst]": "user", "[/inst]": "assistant"},
    **{"[available_tools]": "tools", "[/available_tools]": TEMPLATE, "[tool_results]": "tool"},
    **{"[/tool_results]": "assistant"},
}


@dataclass(frozen=True, slots=True)
class Part:
    """Text of a prompt; the texts of all parts together are the prompt."""

    role: str
    text: str


@dataclass(frozen=True)
class Family:
    """A way to write turns.

    `start` is what may stand before the first turn, `marker` what opens one (group 1 says whose),
    `end` what closes one. `first` is the role of text before the first marker, if a template writes
    any there. `special` markers are tokens of their own, so that they are proof enough in a prompt
    whose beginning was cut off.
    """

    start: re.Pattern[str]
    marker: re.Pattern[str]
    end: re.Pattern[str]
    first: str = ""
    special: bool = True


FAMILIES = (
    # ChatML: Qwen, Yi, SmolLM.
    Family(
        re.compile(""),
        re.compile(r"<\|im_start\|>(system|user|assistant|tool)\n"),
        re.compile(r"<\|im_end\|>\n?\Z"),
    ),
    # Llama 3.
    Family(
        re.compile(r"(?:<\|begin_of_text\|>)?"),
        re.compile(
            r"<\|start_header_id\|>(system|user|assistant|tool|ipython)<\|end_header_id\|>\n\n"
        ),
        re.compile(r"<\|(?:eot|eom)_id\|>\Z"),
    ),
    # OLMo 2 and Phi 3.
    Family(
        re.compile(r"(?:<\|endoftext\|>|<s>)?"),
        re.compile(r"<\|(system|user|assistant|tool)\|>\n"),
        re.compile(r"(?:<\|end\|>|<\|endoftext\|>)?\n?\Z"),
    ),
    # Gemma.
    Family(
        re.compile(r"(?:<bos>)?"),
        re.compile(r"<start_of_turn>(user|model)\n"),
        re.compile(r"<end_of_turn>\n?\Z"),
    ),
    # Mistral.
    Family(
        re.compile(r"(?:<s>)?"),
        re.compile(
            r"(\[/?INST\]|\[/?AVAILABLE_TOOLS\]|\[/?TOOL_RESULTS\]) ?",
        ),
        re.compile(r" ?(?:</s>)?\Z"),
    ),
    # DeepSeek 2.
    Family(
        re.compile(r"<｜begin▁of▁sentence｜>"),
        re.compile(r"(?:(?<=\n\n)|(?<=｜>))(User|Assistant):(?: |\Z)"),
        re.compile(r"(?:<｜end▁of▁sentence｜>|\n\n)?\Z"),
        first="system",
        special=False,
    ),
    # Messages to a base model, as engines/prompts.py writes them.
    Family(
        re.compile(""),
        re.compile(r"(?:(?<=\n\n)|\A)(System|User|Assistant):(?: |\Z)"),
        re.compile(r"(?:\n\n)?\Z"),
        special=False,
    ),
    # Messages to a server, whose template is not known, as engines/openai_engine.py shows them.
    Family(
        re.compile(""),
        re.compile(r"(?:(?<=\n\n)|\A)\[(system|user|assistant)\]\n"),
        re.compile(r"(?:\n\n)?\Z"),
        special=False,
    ),
)


def parts(prompt: str, *, cut: bool = False) -> tuple[Part, ...]:
    """A prompt in its turns; one part of role WHOLE where no known template is seen.

    `cut`: its beginning is missing because it did not fit the context.
    """
    for family in FAMILIES:
        found = _split(family, prompt, cut)
        if found:
            return found
    return (Part(WHOLE, prompt),)


def _split(family: Family, prompt: str, cut: bool) -> tuple[Part, ...]:
    first = family.marker.search(prompt)
    start = family.start.match(prompt)
    if first is None:
        return ()
    if start is None or (start.end() != first.start() and not family.first):
        if not (cut and family.special):
            return ()
        lead = [Part(CUT, prompt[: first.start()])]
    else:
        lead = [Part(TEMPLATE, start.group())]
        lead += _message(family, family.first, prompt[start.end() : first.start()])
    found = [*lead, *_turns(family, prompt, first)]
    return tuple(part for part in found if part.text)


def _turns(family: Family, prompt: str, marker: re.Match[str] | None) -> Iterator[Part]:
    while marker is not None:
        after = family.marker.search(prompt, marker.end())
        name = marker.group(1).lower()
        yield Part(TEMPLATE, marker.group())
        body = prompt[marker.end() : after.start() if after else len(prompt)]
        yield from _message(family, NAMES.get(name, name), body)
        marker = after


def _message(family: Family, role: str, body: str) -> list[Part]:
    end = family.end.search(body)
    if end is None:
        return [Part(role, body)]
    return [Part(role, body[: end.start()]), Part(TEMPLATE, end.group())]
