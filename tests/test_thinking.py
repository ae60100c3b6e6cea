"""Thinking blocks: what is thought and what is answered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.thinking import CLOSE, OPEN, split_thinking


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("The answer is 4.", "", "The answer is 4."),
        ("", "", ""),
        ("<think>\n2 + 2\n</think>\n\nThe answer is 4.", "2 + 2", "The answer is 4."),
        # The template opened the block in the prompt.
        ("2 + 2\n</think>\n\nThe answer is 4.", "2 + 2", "The answer is 4."),
        ("<think>\n\n</think>\n\nThe answer is 4.", "", "The answer is 4."),
        # Cut off while thinking: there is no answer.
        ("<think>\n2 + 2 is", "2 + 2 is", ""),
        ("Well. <think>2 + 2", "2 + 2", "Well."),
        # Thinking about a closing tag; the last one counts.
        ("<think>a</think>b</think>c", "a</think>b", "c"),
        ("<think>a</think>b<think>c</think>d", "a</think>b<think>c", "d"),
        # Indentation and trailing space of an answer can matter (code).
        ("  def f():\n    return 1\n", "", "  def f():\n    return 1\n"),
        ("<think>a</think>x \n", "a", "x \n"),
        ("a < think > b", "", "a < think > b"),
    ],
)
def test_split_thinking(text: str, thinking: str, answer: str) -> None:
    assert split_thinking(text) == (thinking, answer)


@settings(deadline=None)
@given(st.lists(st.sampled_from([OPEN, CLOSE, "a", " ", "\n", "é"]), max_size=12).map("".join))
def test_no_tag_is_ever_left_in_an_answer_after_thinking(text: str) -> None:
    thinking, answer = split_thinking(text)
    assert CLOSE not in answer
    if OPEN not in text and CLOSE not in text:
        assert (thinking, answer) == ("", text)
    else:
        assert len(thinking) + len(answer) < len(text), "a tag belongs to neither"
