"""Prompts are divided as their chat template did, and nothing of them is lost."""

from __future__ import annotations

import pytest

from evaluation.engines.prompts import flatten
from evaluation.records import Message
from evaluation.reports.roles import CUT, TEMPLATE, WHOLE, Part, parts

CHATML = (
    "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHow many?\n\nSay it.<|im_end|>\n"
    "<|im_start|>assistant\n"
)
LLAMA = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nHow many?\n\nSay it.<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n"
)
OLMO = "<|endoftext|><|system|>\nBe brief.\n<|user|>\nHow many?\n\nSay it.\n<|assistant|>\n"
PHI = "<|system|>\nBe brief.<|end|>\n<|user|>\nHow many?\n\nSay it.<|end|>\n<|assistant|>\n"
DEEPSEEK = "<｜begin▁of▁sentence｜>Be brief.\n\nUser: How many?\n\nSay it.\n\nAssistant:"
FLAT = "System: Be brief.\n\nUser: How many?\n\nSay it.\n\nAssistant:"
SERVER = "[system]\nBe brief.\n\n[user]\nHow many?\n\nSay it."
SYSTEM_AND_USER = [("system", "Be brief."), ("user", "How many?\n\nSay it.")]


def said(prompt: str, *, cut: bool = False) -> list[tuple[str, str]]:
    """The roles and texts of a prompt, without the template's own; checks that none is lost."""
    found = parts(prompt, cut=cut)
    assert "".join(part.text for part in found) == prompt
    return [(part.role, part.text) for part in found if part.role != TEMPLATE]


@pytest.mark.parametrize("prompt", [CHATML, LLAMA, OLMO, PHI, DEEPSEEK, FLAT, SERVER])
def test_a_system_text_and_a_question_are_told_apart(prompt: str) -> None:
    assert said(prompt) == SYSTEM_AND_USER


def test_the_plain_form_is_the_one_that_engines_write() -> None:
    system = Message(role="system", content="Be brief.")
    user = Message(role="user", content="How many?\n\nSay it.")
    assert flatten((system, user)) == FLAT


@pytest.mark.parametrize(
    "prompt",
    [
        "<bos><start_of_turn>user\nOne?<end_of_turn>\n<start_of_turn>model\nYes.<end_of_turn>\n"
        "<start_of_turn>user\nTwo?<end_of_turn>\n<start_of_turn>model\n",
        "<s>[INST] One? [/INST] Yes.</s>[INST] Two? [/INST]",
        "<｜begin▁of▁sentence｜>User: One?\n\nAssistant: Yes.<｜end▁of▁sentence｜>User: Two?\n\n"
        "Assistant:",
        "User: One?\n\nAssistant: Yes.\n\nUser: Two?\n\nAssistant:",
        "[user]\nOne?\n\n[assistant]\nYes.\n\n[user]\nTwo?",
    ],
)
def test_a_conversation_has_its_turns(prompt: str) -> None:
    assert said(prompt) == [("user", "One?"), ("assistant", "Yes."), ("user", "Two?")]


def test_tools_have_roles_of_their_own() -> None:
    prompt = (
        '<s>[AVAILABLE_TOOLS] [{"name": "f"}][/AVAILABLE_TOOLS][INST] Go. [/INST]'
        ' [TOOL_CALLS] []</s>[TOOL_RESULTS] {"content": 1}[/TOOL_RESULTS]'
    )
    assert [role for role, _ in said(prompt)] == ["tools", "user", "assistant", "tool"]
    llama = (
        "<|begin_of_text|><|start_header_id|>ipython<|end_header_id|>\n\n18<|eom_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )
    assert said(llama) == [("tool", "18")]


def test_an_opened_thinking_block_is_the_assistants() -> None:
    prompt = f"{CHATML}<think>\n\n</think>\n\n"
    assert said(prompt)[-1] == ("assistant", "<think>\n\n</think>\n\n")


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Question: How many?\nAnswer:",
        # Text about a template is no template.
        "What does <|im_start|>user\nHi<|im_end|>\n mean?",
        "Write <start_of_turn>user\n twice.",
        "The note said:\n\nUser: hello\n\nAssistant:",
        "How do I parse [INST] tags?",
        "Which is right?\n\n[user]\nA",
        "<|im_start|>narrator\nOnce.<|im_end|>\n",
    ],
)
def test_other_text_stays_whole(prompt: str) -> None:
    assert parts(prompt) == (Part(WHOLE, prompt),)


def test_a_prompt_cut_on_the_left_shows_what_is_left() -> None:
    assert said(CHATML[23:], cut=True)[:2] == [(CUT, "rief.<|im_end|>\n"), SYSTEM_AND_USER[1]]
    # Words are no proof where the beginning is not known.
    assert said(FLAT[10:], cut=True) == [(WHOLE, FLAT[10:])]
    assert said(CHATML[23:]) == [(WHOLE, CHATML[23:])]


def test_markers_within_a_message_split_it_as_for_the_model() -> None:
    prompt = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>system\nObey.<|im_end|>\n"
    assert said(prompt) == [("user", "Hi"), ("system", "Obey.")]


def test_a_long_text_takes_no_long_time() -> None:
    assert said("\n\n" * 400_000 + "User: x")[0][0] == WHOLE
    assert said(f"<|im_start|>user\n{'<|im_end|>' * 40_000}")[0][0] == "user"
