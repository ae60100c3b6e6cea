"""The endpoint engine against a small server on this machine: retries, failures, and the key."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.benchmarks.bfcl_decoder import Call
from evaluation.benchmarks.bfcl_tools import read_tool_calls
from evaluation.config import EndpointSettings
from evaluation.engines import openai_engine
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.openai_client import api_key
from evaluation.engines.openai_engine import OpenAIEngine
from evaluation.engines.openai_reply import (
    NOT_REPORTED,
    Reply,
    read_chat,
    read_completion,
    read_echo,
)
from evaluation.errors import EvaluationError
from evaluation.records import (
    Continuation,
    GenerateRequest,
    LoglikelihoodRequest,
    Message,
    Response,
    Tool,
)
from tests.openai_server import Server, completion, failing

KEY = "sk-secret-0123456789"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("JUDGE_KEY", KEY)
    # The client's back-off, which takes seconds, is its own to test.
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    found = Server()
    yield found
    found.close()


def engine(server: Server, *, retries: int = 2, timeout: float = 60.0, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "base_url": server.url,
        "model": "big-judge",
        "api_key_env": "JUDGE_KEY",
        "concurrency": 1,
    }
    thinking = changes.pop("thinking", None)
    settings = EndpointSettings(**given | changes)
    return OpenAIEngine("endpoint", settings, thinking=thinking, timeout=timeout, retries=retries)


def asking(*names: str, **changes: Any) -> Pool:
    """A pool of chat requests."""
    return Pool(
        PooledRequest(
            key=f"key of {name}",
            group="g",
            request=GenerateRequest(
                **{
                    "sample_id": name,
                    "messages": (
                        Message(role="system", content="Be brief."),
                        Message(role="user", content=name),
                    ),
                    "max_new_tokens": 20,
                    **changes,
                }
            ),
        )
        for name in names
    )


def run(found: OpenAIEngine, pool: Pool) -> dict[str, Response]:
    return {response.sample_id: response for response in found.run(pool)}


def refused(found: OpenAIEngine, pool: Pool) -> str:
    """What a run that ends says; the key is never part of it."""
    with pytest.raises(EvaluationError) as caught:
        run(found, pool)
    assert KEY not in str(caught.value)
    return str(caught.value)


# ---- answers -------------------------------------------------------------------------------


def test_a_chat_request_is_sent_as_it_is_and_its_answer_recorded(server: Server) -> None:
    found = engine(server)
    response = run(found, asking("a", turn=1, repeat=1, seed=7))["a"]
    assert server.bodies == [
        {
            "model": "big-judge",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "a"},
            ],
            "max_tokens": 20,
            "temperature": 0.0,
        }
    ]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert (response.key, response.turn, response.repeat) == ("key of a", 1, 1)
    assert (response.text, response.finish_reason, response.error) == ("fine", "stop", None)
    assert (response.prompt_tokens, response.completion_tokens) == (11, 5)
    assert response.latency_seconds > 0
    assert response.prompt == "[system]\nBe brief.\n\n[user]\na"


def test_sampling_and_stop_strings_are_sent(server: Server) -> None:
    run(engine(server), asking("a", temperature=0.7, seed=7, stop=("END",)))
    (body,) = server.bodies
    assert (body["temperature"], body["seed"], body["stop"]) == (0.7, 7, ["END"])


@pytest.mark.parametrize(
    ("reason", "expected", "error"),
    [
        ("stop", "stop", None),
        ("eos_token", "stop", None),
        ("length", "length", None),
        ("content_filter", "error", "the server's content filter withheld the answer"),
    ],
)
def test_finish_reasons_are_told_apart(
    server: Server, reason: str, expected: str, error: str | None
) -> None:
    server.answer = lambda number, body: completion(choice_finish_reason=reason)
    response = run(engine(server), asking("a"))["a"]
    assert (response.finish_reason, response.error) == (expected, error)


def test_odd_answers_can_be_stored(server: Server) -> None:
    """Nothing at all, and half a surrogate pair, which JSON can say and no file can hold."""
    texts = {"none": None, "half": "a\ud800b"}
    server.answer = lambda number, body: completion(
        texts[body["messages"][-1]["content"]],
        usage={
            "prompt_tokens": None,
            "completion_tokens": 9,
            "completion_tokens_details": {"reasoning_tokens": 7},
        },
    )
    found = run(engine(server), asking("none", "half"))
    assert (found["none"].text, found["half"].text) == ("", "a?b")
    assert (found["none"].prompt_tokens, found["none"].thinking_tokens) == (0, 7)
    assert all(Response.model_validate_json(r.model_dump_json()) == r for r in found.values())


def test_follow_ups_that_come_meanwhile_are_answered(server: Server) -> None:
    pool, seen = asking("a", "b"), []
    for response in engine(server, concurrency=2).run(pool):
        seen.append((response.sample_id, response.turn))
        if response.turn == 0:
            pool.extend(asking(response.sample_id, turn=1))
    assert sorted(seen) == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_no_more_requests_are_under_way_than_allowed(server: Server) -> None:
    three = threading.Barrier(3, timeout=60)

    def slowly(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.05)  # in which a fourth one would show
        three.wait()
        return completion()

    server.answer = slowly
    assert len(run(engine(server, concurrency=3), asking(*"abcdefghi"))) == 9
    assert server.most == 3


def test_each_answer_belongs_to_a_session_of_the_revision_that_gave_it(server: Server) -> None:
    server.answer = lambda number, body: completion(system_fingerprint=f"fp_{number // 2}")
    found = engine(server)
    assert found.session.revision == NOT_REPORTED
    revisions, sessions = [], set()
    for response in found.run(asking("a", "b", "c", "d")):
        assert response.session == found.session.id
        revisions.append(found.session.revision)
        sessions.add(found.session.id)
    assert revisions == ["big-judge-2031, fp_0"] * 2 + ["big-judge-2031, fp_1"] * 2
    assert len(sessions) == 2
    assert (found.session.model, found.session.engine) == ("endpoint", "openai")


def test_a_plain_prompt_goes_to_completions(server: Server) -> None:
    server.answer = lambda number, body: completion(choice_text=" blue", choice_message=None)
    response = run(engine(server), asking("a", messages=(), prompt="red", stop=("\n",)))["a"]
    assert (server.paths, response.text, response.prompt) == (["/v1/completions"], " blue", "red")
    assert server.bodies[0] == {
        "model": "big-judge",
        "prompt": "red",
        "max_tokens": 20,
        "temperature": 0.0,
        "stop": ["\n"],
    }


def test_tools_are_sent_and_calls_come_back_as_text(server: Server) -> None:
    calls = [
        {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"id": "2", "type": "function", "function": {"name": "g", "arguments": "broken {"}},
    ]
    server.answer = lambda number, body: completion(
        choice_message={"role": "assistant", "content": None, "tool_calls": calls},
        choice_finish_reason="tool_calls",
    )
    tool = Tool(name="f", description="d", parameters={"type": "object"})
    response = run(engine(server), asking("a", tools=(tool,)))["a"]
    assert server.bodies[0]["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": {"type": "object"}},
        }
    ]
    assert response.finish_reason == "stop"
    assert read_tool_calls(response.text).calls == [Call("f", {"a": 1})]
    assert "broken {" in response.text


@pytest.mark.parametrize("thinking", [True, False])
def test_thinking_is_sent_if_it_is_set(server: Server, thinking: bool) -> None:
    run(engine(server, thinking=thinking), asking("a"))
    assert server.bodies[0]["chat_template_kwargs"] == {"enable_thinking": thinking}


def test_a_server_that_wants_the_newer_name_for_the_room_gets_it(server: Server) -> None:
    server.answer = lambda number, body: (
        failing(400, "Unsupported parameter: use 'max_completion_tokens' instead.")
        if "max_tokens" in body
        else completion()
    )
    found = run(engine(server), asking("a", "b"))
    assert [r.error for r in found.values()] == [None, None]
    assert [("max_tokens" in b, "max_completion_tokens" in b) for b in server.bodies] == [
        (True, False),
        (False, True),
        (False, True),
    ]


# ---- log-probabilities ---------------------------------------------------------------------


def scoring(context: str, *texts: str) -> Pool:
    request = LoglikelihoodRequest(
        sample_id="a",
        continuations=tuple(Continuation(context=context, text=text) for text in texts),
    )
    return Pool([PooledRequest(key="k", group="g", request=request)])


def words(number: int, body: dict[str, Any], *, start: bool = False) -> Any:
    """A server whose tokens are words, each with its length below zero as log-probability."""
    tokens = body["prompt"].split()
    listed: list[float | None] = [-float(len(token)) for token in tokens]
    if start:
        listed[0] = None  # the first token has none, or a start token is not listed
    return completion(
        choice_text="",
        choice_logprobs={"token_logprobs": [*listed, -99.0], "tokens": [*tokens, "x"]},
        usage={
            "prompt_tokens": len(tokens) + (not start),
            "completion_tokens": 1,
            "total_tokens": 0,
        },
    )


@pytest.mark.parametrize("start", [True, False])
def test_only_the_tokens_of_a_continuation_count(server: Server, start: bool) -> None:
    server.answer = lambda number, body: words(number, body, start=start)
    response = run(engine(server), scoring("What is it? ", "a bird", "none"))["a"]
    assert response.error is None
    assert [(c.text, c.logprob, c.tokens) for c in response.continuations] == [
        ("a bird", -5.0, 2),
        ("none", -4.0, 1),
    ]
    assert (response.finish_reason, response.prompt) == ("scored", "What is it? ")
    assert [body["prompt"] for body in server.bodies] == [
        "What is it?",
        "What is it? a bird",
        "What is it? none",
    ], "the context is counted once"


@pytest.mark.parametrize(
    ("pool", "error"),
    [
        (scoring("What?"), "no continuations"),
        (scoring("What?", ""), "empty"),
        (scoring("", "x"), "empty"),
    ],
)
def test_what_cannot_be_scored_fails_without_a_question(
    server: Server, pool: Pool, error: str
) -> None:
    assert error in (run(engine(server), pool)["a"].error or "")
    assert server.bodies == []


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"token_logprobs": None},
        {"token_logprobs": []},
        {"token_logprobs": [-1.0]},
        {"token_logprobs": [-1.0] * 9},
        {"token_logprobs": [-1.0, None, None, -1.0]},
        {"token_logprobs": [-1.0, "a", {}, -1.0]},
    ],
)
def test_log_probabilities_that_are_not_there_fail_the_sample(
    server: Server, logprobs: Any
) -> None:
    def answer(number: int, body: dict[str, Any]) -> Any:
        tokens = len(body["prompt"].split())
        usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": 0}
        return completion(choice_text="", choice_logprobs=logprobs, usage=usage)

    server.answer = answer
    response = run(engine(server), scoring("What?", "a bird"))["a"]
    assert (response.finish_reason, response.continuations) == ("error", [])


# ---- failures ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, status: int) -> None:
    server.answer = lambda number, body: (
        completion() if number == 2 else failing(status, retry_after_ms="1")
    )
    assert run(engine(server), asking("a"))["a"].text == "fine"
    assert len(server.bodies) == 3


def test_the_server_says_how_long_to_wait(server: Server) -> None:
    times: list[float] = []

    def limited(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        times.append(time.monotonic())
        return failing(429, retry_after="0.4") if number == 0 else completion()

    server.answer = limited
    assert run(engine(server), asking("a"))["a"].error is None
    assert times[1] - times[0] >= 0.4


def test_a_request_that_keeps_failing_costs_only_itself(server: Server) -> None:
    server.answer = lambda number, body: (
        failing(500, f"broken, {KEY}") if body["messages"][-1]["content"] == "b" else completion()
    )
    found = run(engine(server, retries=1), asking("a", "b", "c"))
    assert [name for name, r in found.items() if r.error is None] == ["a", "c"]
    error = found["b"].error
    assert error is not None
    assert "InternalServerError" in error and "broken, ***" in error
    assert found["b"].finish_reason == "error"


def test_a_slow_answer_is_given_up(server: Server) -> None:
    given_up = threading.Event()

    def slow(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if body["messages"][-1]["content"] == "b":
            given_up.wait(60)
        return completion()

    server.answer = slow
    client = engine(server, retries=0, timeout=60.0)
    assert client.server.client.timeout == 60.0
    errors = {}
    for response in client.run(asking("a", "b")):
        errors[response.sample_id] = response.error
        client.server.client.timeout = 0.3  # for "b", which is asked for next
    given_up.set()
    assert errors["a"] is None
    assert "APITimeoutError" in (errors["b"] or "")


@pytest.mark.parametrize(
    ("headers", "data"),
    [
        ({"content-type": "application/json"}, b'{"choices": [{"mess'),
        ({"content-type": "application/json"}, b"[1, 2]"),
        ({"content-type": "application/json"}, b'{"choices": []}'),
        ({"content-type": "application/json"}, b'{"choices": [{"message": {"content": 5}}]}'),
        ({"content-type": "text/html"}, b"<html>Please log in</html>"),
    ],
)
def test_what_is_no_chat_completion_fails_alone(
    server: Server, headers: dict[str, str], data: bytes
) -> None:
    server.answer = lambda number, body: (200, headers, data) if number == 0 else completion()
    found = run(engine(server), asking("a", "b"))
    assert found["a"].error
    assert found["b"].error is None


def test_an_outage_ends_the_run_and_nothing_of_it_is_kept(server: Server) -> None:
    server.answer = lambda number, body: failing(503, "down") if number > 1 else completion()
    found = engine(server, retries=0)
    names = [str(n) for n in range(60)]
    answers = found.run(asking(*names))
    assert [next(answers).sample_id, next(answers).sample_id] == ["0", "1"]
    with pytest.raises(EvaluationError, match="The server does not answer") as caught:
        next(answers)
    assert len(server.bodies) == 2 + openai_engine.OUTAGE
    assert "run the same command again" in str(caught.value)
    assert server.url in str(caught.value)


def test_nobody_listening_is_an_outage(server: Server) -> None:
    server.close()
    message = refused(engine(server, retries=1), asking("a"))
    assert "The server does not answer" in message
    assert "refused" in message, "the cause below the client's own words"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_run_and_names_its_variable(server: Server, status: int) -> None:
    server.answer = lambda number, body: failing(status, f"Incorrect API key provided: {KEY}")
    message = refused(engine(server), asking("a", "b"))
    assert f"HTTP {status}" in message
    assert "JUDGE_KEY" in message
    assert server.url in message


def test_a_server_that_wants_a_key_says_where_it_goes(server: Server) -> None:
    server.answer = lambda number, body: failing(401)
    message = refused(engine(server, api_key_env=None), asking("a"))
    assert "wants a key" in message
    assert "judge.endpoint.api_key_env" in message


def test_an_unknown_model_or_address_ends_the_run(server: Server) -> None:
    server.answer = lambda number, body: failing(404, "no model big-judge")
    message = refused(engine(server), asking("a"))
    assert "no model big-judge" in message
    assert "judge.endpoint.base_url" in message


# ---- the key -------------------------------------------------------------------------------


def test_without_a_key_none_of_the_environment_is_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-server")
    run(engine(server, api_key_env=None), asking("a"))
    assert server.headers[0]["authorization"] == "Bearer none"


def test_the_key_is_in_no_log_response_or_session(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = lambda number, body: (
        failing(400, f"bad request with {KEY}") if number % 2 else completion()
    )
    caplog.set_level(logging.DEBUG)
    found = engine(server)
    responses = run(found, asking("a", "b", "c"))
    assert "bad request with ***" in (responses["b"].error or "")
    records = [*responses.values(), *found.sessions.values()]
    assert KEY not in "".join(r.model_dump_json() for r in records)
    assert caplog.records
    assert KEY not in caplog.text


@pytest.mark.parametrize("value", [None, "", "  ", "one\ntwo", "schlüssel"])
def test_a_missing_or_broken_key_is_refused_unquoted(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("JUDGE_KEY", value)
    settings = EndpointSettings(base_url="http://h/v1", model="m", api_key_env="JUDGE_KEY")
    with pytest.raises(EvaluationError) as caught:
        api_key(settings, "judge.endpoint")
    assert "JUDGE_KEY" in str(caught.value)
    assert "schlüssel" not in str(caught.value)
    assert "two" not in str(caught.value)


# ---- reading -------------------------------------------------------------------------------

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "finish_reason",
                    "usage",
                    "model",
                    "prompt_tokens",
                    "completion_tokens",
                    "logprobs",
                    "token_logprobs",
                    "text",
                    "tool_calls",
                    "function",
                    "arguments",
                    "name",
                ]
            ),
            inner,
            max_size=4,
        ).map(lambda found: SimpleNamespace(**found))
    ),
    max_leaves=12,
)


@given(found=ANYTHING)
def test_anything_is_read_or_refused(found: Any) -> None:
    for read in (read_chat, read_completion):
        try:
            reply = read(found, 1.0)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            continue
        assert isinstance(reply, Reply)
        reply.text.encode("utf-8")
        assert reply.prompt_tokens >= 0
    try:
        echo = read_echo(found)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return
    assert echo.prompt_tokens >= 0
