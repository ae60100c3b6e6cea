"""Rendering: templates, roles, truncation, and continuations split as the harness splits them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.bfcl_decoder import Call
from evaluation.benchmarks.bfcl_tools import read_tool_calls
from evaluation.engines.prompts import (
    FLAT_STOP,
    Renderer,
    common_context,
    flatten,
    merge_system,
)
from evaluation.errors import EvaluationError, first_line
from evaluation.records import Continuation, GenerateRequest, Message, Tool
from tests.tiny_models import BOS, EOS, FAMILIES, build_tokenizer

SYSTEM = Message(role="system", content="Be brief.")
USER = Message(role="user", content="the Question is 1 + 1")
ANSWER = Message(role="assistant", content="2")
MORE = Message(role="user", content="and 2 + 2?")
TOKENIZERS = {family: build_tokenizer(family) for family in FAMILIES}
PLAIN = build_tokenizer("llama", chat_template=False)


def renderer(tokenizer: Any, context: int = 2048, *, thinking: bool = False) -> Renderer:
    return Renderer(tokenizer, context, thinking=thinking)


def chat(*messages: Message, **changes: Any) -> GenerateRequest:
    return GenerateRequest(
        **{"sample_id": "s", "messages": messages, "max_new_tokens": 10, **changes}
    )


def plain(prompt: str, **changes: Any) -> GenerateRequest:
    return GenerateRequest(**{"sample_id": "s", "prompt": prompt, "max_new_tokens": 10, **changes})


# ---- chat ------------------------------------------------------------------------------------


def test_messages_go_through_the_template() -> None:
    prompt = renderer(TOKENIZERS["llama"]).render(chat(SYSTEM, USER, ANSWER, MORE))
    assert prompt.text == (
        "<s><|system|>Be brief.<|end|><|user|>the Question is 1 + 1<|end|>"
        "<|assistant|>2<|end|><|user|>and 2 + 2?<|end|><|assistant|>"
    )
    assert (prompt.cut, prompt.stop, prompt.max_new_tokens) == (0, (), 10)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_template_s_start_token_is_not_doubled(family: str) -> None:
    tokenizer = TOKENIZERS[family]
    prompt = renderer(tokenizer).render(chat(USER))
    assert tokenizer.decode(prompt.tokens) == prompt.text
    expected = 0 if tokenizer.bos_token is None else 1
    assert prompt.text.count(BOS) == expected
    assert prompt.tokens.count(tokenizer.convert_tokens_to_ids(BOS)) == expected


@pytest.mark.parametrize("family", ["mistral", "gemma3_text"])
def test_without_a_system_role_the_system_text_leads_the_first_user_message(family: str) -> None:
    found = renderer(TOKENIZERS[family])
    assert not found.system_role
    assert found.render(chat(SYSTEM, USER, ANSWER, MORE)).text == (
        "<s><|user|>Be brief.\n\nthe Question is 1 + 1<|end|>"
        "<|assistant|>2<|end|><|user|>and 2 + 2?<|end|><|assistant|>"
    )


def test_a_system_role_is_used_where_there_is_one() -> None:
    assert renderer(TOKENIZERS["llama"]).system_role
    assert not renderer(PLAIN).system_role


def test_merge_system_joins_several_and_leaves_others_alone() -> None:
    second = Message(role="system", content="Be kind.")
    merged = merge_system((SYSTEM, second, USER, ANSWER))
    assert merged[0] == Message(role="user", content="Be brief.\n\nBe kind.\n\n" + USER.content)
    assert merged[1:] == (ANSWER,)
    assert merge_system((USER, ANSWER)) == (USER, ANSWER)


def test_thinking_is_off_unless_the_model_s_settings_ask_for_it() -> None:
    tokenizer = TOKENIZERS["qwen3"]
    off = renderer(tokenizer).render(chat(USER)).text
    on = renderer(tokenizer, thinking=True).render(chat(USER)).text
    assert off.endswith("<|assistant|><think>\n\n</think>\n\n")
    assert on.endswith("<|assistant|>")


def test_templates_that_know_no_thinking_are_given_the_same_prompt() -> None:
    off = renderer(TOKENIZERS["llama"]).render(chat(USER))
    assert off == renderer(TOKENIZERS["llama"], thinking=True).render(chat(USER))


# ---- tools -----------------------------------------------------------------------------------

LAMP = Tool(
    name="lamp_dim",
    description="Dim a lamp.",
    parameters={"type": "object", "properties": {"percent": {"type": "integer"}}},
)
HORN = Tool(name="horn", parameters={"type": "object", "properties": {}})
LISTING = "{% if tools %}{% for t in tools %}{{ t | tojson }}\n{% endfor %}{% endif %}"


def knowing_tools(family: str) -> Any:
    """The family's tokenizer with a template that lists the tools before the messages."""
    tokenizer = build_tokenizer(family)
    tokenizer.chat_template = LISTING + tokenizer.chat_template
    return tokenizer


@pytest.mark.parametrize("family", ["llama", "mistral"])
def test_tools_reach_the_model_through_the_template(family: str) -> None:
    found = renderer(knowing_tools(family))
    listed = found.render(chat(SYSTEM, USER, tools=(LAMP, HORN))).text
    lamp, horn, rest = listed.split("\n", 2)
    assert json.loads(lamp) == {
        "type": "function",
        "function": {
            "name": "lamp_dim",
            "description": "Dim a lamp.",
            "parameters": {"type": "object", "properties": {"percent": {"type": "integer"}}},
        },
    }
    assert json.loads(horn)["function"]["name"] == "horn"
    assert rest == found.render(chat(SYSTEM, USER)).text


def test_of_several_templates_the_one_for_tools_is_used() -> None:
    tokenizer = build_tokenizer("llama")
    plain_template = tokenizer.chat_template
    tokenizer.chat_template = {"default": plain_template, "tool_use": LISTING + plain_template}
    found = renderer(tokenizer)
    assert "lamp_dim" in found.render(chat(USER, tools=(LAMP,))).text
    assert "lamp_dim" not in found.render(chat(USER)).text


@pytest.mark.parametrize("tokenizer", [TOKENIZERS["llama"], TOKENIZERS["gemma3_text"], PLAIN])
def test_a_template_that_leaves_tools_out_is_refused(tokenizer: Any) -> None:
    with pytest.raises(EvaluationError, match="takes no tools") as caught:
        renderer(tokenizer).render(chat(USER, tools=(LAMP,)))
    # The one line that a failed response keeps names the remedy, too.
    assert "set the protocol of the dataset to chat" in first_line(caught.value)


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize(
    ("before", "after"), [("<tool_call>", "</tool_call>"), ("[TOOL_CALLS]", ""), ("<|tag|>", "")]
)
def test_calls_survive_decoding_whether_or_not_their_markers_are_special_tokens(
    before: str, after: str, special: bool
) -> None:
    tokenizer = build_tokenizer("qwen3")
    tokenizer.add_tokens([m for m in (before, after) if m], special_tokens=special)
    said = f'Well.\n{before}[{{"name": "horn", "arguments": {{"n": 2}}}}]{after}'
    text = tokenizer.decode(
        tokenizer(said)["input_ids"],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
    assert (before in text) is not special
    assert read_tool_calls(text).calls == [Call("horn", {"n": 2})]


# ---- without a template ----------------------------------------------------------------------


def test_without_a_template_messages_become_labelled_text() -> None:
    prompt = renderer(PLAIN).render(chat(SYSTEM, USER, ANSWER, MORE, stop=("###",)))
    assert prompt.text == (
        "System: Be brief.\n\nUser: the Question is 1 + 1\n\n"
        "Assistant: 2\n\nUser: and 2 + 2?\n\nAssistant:"
    )
    assert prompt.tokens == PLAIN(prompt.text)["input_ids"]
    assert prompt.tokens[0] == PLAIN.bos_token_id
    assert prompt.stop == ("###", *FLAT_STOP), "a base model would write the next speaker's lines"
    assert any("\nUser: and so on".startswith(stop) for stop in FLAT_STOP)


def test_flatten_leaves_no_trailing_space() -> None:
    text = flatten((Message(role="user", content="  hello \n"),))
    assert text == "User: hello\n\nAssistant:"


@pytest.mark.parametrize("family", ["llama", "qwen3"])
def test_a_plain_prompt_is_sent_as_it_is(family: str) -> None:
    tokenizer = TOKENIZERS[family]
    prompt = renderer(tokenizer).render(plain("Question: 1 + 1\nAnswer:", stop=("Question:",)))
    assert prompt.text == "Question: 1 + 1\nAnswer:"
    assert prompt.tokens == tokenizer("Question: 1 + 1\nAnswer:")["input_ids"]
    assert prompt.stop == ("Question:",)


@pytest.mark.parametrize(("family", "start"), [("llama", BOS), ("qwen3", EOS)])
def test_an_empty_prompt_starts_from_the_start_token_or_else_the_end_token(
    family: str, start: str
) -> None:
    tokenizer = TOKENIZERS[family]
    prompt = renderer(tokenizer).render(plain(""))
    assert prompt.tokens == [tokenizer.convert_tokens_to_ids(start)]


# ---- truncation ------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [plain("and so on " * 30), chat(*[USER, ANSWER, MORE] * 3)])
def test_prompts_are_cut_from_the_left_to_leave_room(asked: GenerateRequest) -> None:
    tokenizer = TOKENIZERS["llama"]
    whole = renderer(tokenizer).render(asked)
    cut = renderer(tokenizer, 40).render(asked)
    assert whole.cut == 0 and len(whole.tokens) > 40
    assert cut.max_new_tokens == 10
    assert len(cut.tokens) == 30
    assert cut.cut == len(whole.tokens) - 30
    assert cut.tokens == whole.tokens[-30:]
    assert cut.text == tokenizer.decode(cut.tokens) and whole.text.endswith(cut.text)


def test_a_prompt_that_just_fits_is_not_cut() -> None:
    tokenizer = TOKENIZERS["qwen3"]
    text = "and so on, and on, and on"
    length = len(tokenizer(text)["input_ids"])
    assert length >= 10
    assert renderer(tokenizer, length + 10).render(plain(text)).cut == 0
    assert renderer(tokenizer, length + 9).render(plain(text)).cut == 1


def test_a_long_answer_leaves_half_of_the_context_to_the_prompt() -> None:
    prompt = renderer(PLAIN, 40).render(plain("and so on " * 30, max_new_tokens=1000))
    assert (len(prompt.tokens), prompt.max_new_tokens) == (20, 20)


@given(st.text(max_size=80), st.integers(2, 60), st.integers(1, 200))
def test_prompt_and_answer_always_fit_the_context(text: str, context: int, wanted: int) -> None:
    prompt = renderer(PLAIN, context).render(plain(text, max_new_tokens=wanted))
    assert len(prompt.tokens) + prompt.max_new_tokens <= context
    assert len(prompt.tokens) >= 1
    assert 1 <= prompt.max_new_tokens <= wanted
    assert prompt.cut + len(prompt.tokens) == len(PLAIN(text)["input_ids"])


# ---- continuations ---------------------------------------------------------------------------


def split(tokenizer: Any, context: str, text: str, limit: int = 2048) -> tuple[str, str, int]:
    """(input, target, cut) of a continuation, as text."""
    found = renderer(tokenizer, limit).continuation(Continuation(context=context, text=text))
    return tokenizer.decode(found.tokens), tokenizer.decode(found.target), found.cut


def test_the_target_is_the_continuation_and_the_input_all_but_its_last_token() -> None:
    tokenizer = TOKENIZERS["llama"]
    assert split(tokenizer, "Answer:", " is") == ("<s>Answer:", " is", 0)
    found = renderer(tokenizer).continuation(Continuation(context="the end", text=" Ann"))
    assert found.tokens + found.target[-1:] == tokenizer("the end Ann")["input_ids"]
    assert found.target == tokenizer("the end Ann")["input_ids"][-len(found.target) :]


def test_trailing_spaces_of_the_context_belong_to_the_continuation() -> None:
    tokenizer = TOKENIZERS["qwen3"]
    assert split(tokenizer, "the ", "is") == split(tokenizer, "the", " is")
    spaced = renderer(tokenizer).continuation(Continuation(context="Q:  \n", text="on"))
    assert tokenizer.decode(spaced.target) == "  \non"


@given(
    st.text("the Q:.\n", min_size=1, max_size=20).filter(str.strip),
    st.text("and is\n", min_size=1, max_size=20).map(" ".__add__),
)
def test_input_and_target_are_the_whole_text(context: str, text: str) -> None:
    for family in ("llama", "qwen3"):
        tokenizer = TOKENIZERS[family]
        found = renderer(tokenizer).continuation(Continuation(context=context, text=text))
        whole = tokenizer(context + text)["input_ids"]
        head = tokenizer(context.rstrip())["input_ids"]
        assert [*found.tokens, found.target[-1]] == whole
        assert found.target == whole[len(head) :]


@pytest.mark.parametrize(("family", "start"), [("llama", BOS), ("qwen3", EOS)])
def test_an_empty_context_is_the_start_token_alone(family: str, start: str) -> None:
    tokenizer = TOKENIZERS[family]
    expected = (tokenizer(" is", add_special_tokens=False)["input_ids"], [start])
    found = renderer(tokenizer).continuation(Continuation(context="", text=" is"))
    assert found.target == expected[0], "the start token is given, not scored"
    assert tokenizer.convert_ids_to_tokens(found.tokens) == [
        start,
        *tokenizer.convert_ids_to_tokens(found.target[:-1]),
    ]
    spaces = renderer(tokenizer).continuation(Continuation(context=" ", text="is"))
    assert spaces == found


def test_a_context_too_long_loses_tokens_on_the_left() -> None:
    tokenizer = TOKENIZERS["llama"]
    # One token a letter; the last one is a target only and takes no place in the context.
    assert split(tokenizer, "ABCDEFGH", "XYZ", limit=10) == ("<s>ABCDEFGHXY"[3:], "XYZ", 1)
    assert split(tokenizer, "ABCDEFGH", "XYZ", limit=6) == ("EFGHXY", "XYZ", 5)
    assert split(tokenizer, "ABCDEFGH", "XYZ", limit=11) == ("<s>ABCDEFGHXY", "XYZ", 0)


@pytest.mark.parametrize(
    ("text", "limit", "said"),
    [("", 2048, "'' has 0 tokens"), ("XYZXYZXYZ", 8, "'XYZXYZXYZ' has 9 tokens; 1 to 8 can")],
)
def test_a_continuation_that_cannot_be_scored_is_refused(text: str, limit: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        split(TOKENIZERS["llama"], "ABC", text, limit)


def test_the_longest_continuation_is_scored() -> None:
    assert split(TOKENIZERS["llama"], "ABC", "XYZXYZXY", 8) == ("CXYZXYZX", "XYZXYZXY", 3)


def test_common_context_is_what_all_choices_begin_with() -> None:
    same = [Continuation(context="Q: a\nA:", text=f" {t}") for t in "xy"]
    assert common_context(same) == ("Q: a\nA:", [" x", " y"])
    differing = [
        Continuation(context=f"The cup did not fit because the {name}", text=" was too big.")
        for name in ("cup", "cupboard")
    ]
    assert common_context(differing) == (
        "The cup did not fit because the ",
        ["cup was too big.", "cupboard was too big."],
    )
