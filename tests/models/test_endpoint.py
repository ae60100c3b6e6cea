"""Models behind a server: what is found out about them, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaluation.config import EndpointModel
from evaluation.errors import EvaluationError
from evaluation.models import fetch_model
from evaluation.records import ModelManifest
from tests.openai_server import Server, completion, failing

KEY = "sk-secret-0123456789"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MODEL_KEY", KEY)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)
    found = Server()
    found.models = [{"id": "small"}, {"id": "big", "root": "org/big", "max_model_len": 4096}]
    yield found
    found.close()


def model(server: Server, **changes: Any) -> EndpointModel:
    given: dict[str, Any] = {
        "source": "endpoint",
        "base_url": server.url,
        "model": "big",
        "api_key_env": "MODEL_KEY",
    }
    return EndpointModel(**given | changes)


def fetch(settings: EndpointModel, folder: Path) -> ModelManifest:
    return fetch_model("remote", settings, folder / "remote.json", folder / "remote")


def refused(settings: EndpointModel, folder: Path) -> str:
    with pytest.raises(EvaluationError) as caught:
        fetch(settings, folder)
    assert list(folder.iterdir()) == []
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_what_the_server_reports_is_the_manifest(server: Server, tmp_path: Path) -> None:
    found = fetch(model(server), tmp_path)
    assert (found.source, found.revision, found.context_length) == ("endpoint", "org/big", 4096)
    assert (found.directory, found.files, found.parameters) == ("", [], 0)
    assert found.id == f"big at {server.url}"
    assert ModelManifest.model_validate_json((tmp_path / "remote.json").read_text()) == found
    assert server.paths == ["/v1/models"]


def test_another_server_or_model_is_another_fingerprint(server: Server, tmp_path: Path) -> None:
    other = Server()
    other.models = server.models
    prints = [
        fetch(settings, tmp_path).fingerprint
        for settings in (
            model(server),
            model(server, model="small"),
            model(other),
            model(server, concurrency=3, api_key_env=None),
        )
    ]
    other.close()
    assert len(set(prints)) == 3
    assert prints[0] == prints[3]


def test_a_server_without_a_list_is_taken_at_its_word(server: Server, tmp_path: Path) -> None:
    server.models = 404
    assert fetch(model(server), tmp_path).revision == "not reported"


def test_a_model_that_is_not_there_is_refused_with_those_that_are(
    server: Server, tmp_path: Path
) -> None:
    message = refused(model(server, model="bigg"), tmp_path)
    assert "did you mean 'big'?" in message and "it lists: big, small" in message


@pytest.mark.parametrize(
    ("status", "words"), [(401, "MODEL_KEY"), (500, "does not answer"), (429, "does not answer")]
)
def test_a_server_that_refuses_or_fails_is_named(
    server: Server, tmp_path: Path, status: int, words: str
) -> None:
    server.models = status
    message = refused(model(server), tmp_path)
    assert words in message and "models.remote" in message and server.url in message


# ---- the check of log-probabilities --------------------------------------------------------


def counting(shift: int) -> Any:
    """A server whose k-th token has log-probability -k; in prompts that of `shift` tokens on."""

    def answer(number: int, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        tokens = body["prompt"].split()
        usage = {"prompt_tokens": len(tokens), "completion_tokens": 1, "total_tokens": 0}
        new = -float(len(tokens))
        listed = [new]
        if body.get("echo"):
            listed = [-float(k + shift) for k in range(len(tokens))] + [new]
        return completion(choice_text=" x", choice_logprobs={"token_logprobs": listed}, usage=usage)

    return answer


def test_log_probabilities_that_are_right_are_taken(server: Server, tmp_path: Path) -> None:
    server.answer = counting(0)
    assert fetch(model(server, completions="logprobs"), tmp_path).source == "endpoint"


@pytest.mark.parametrize("shift", [-1, 1])
def test_log_probabilities_of_the_neighbour_are_refused(
    server: Server, tmp_path: Path, shift: int
) -> None:
    server.answer = counting(shift)
    message = refused(model(server, completions="logprobs"), tmp_path)
    assert "as an answer" in message and "models.remote.completions: text" in message


def test_a_server_without_completions_is_refused(server: Server, tmp_path: Path) -> None:
    server.answer = lambda number, body: failing(400, f"no echo here, {KEY}")
    message = refused(model(server, completions="logprobs"), tmp_path)
    assert "no echo here, ***" in message
    assert fetch(model(server, completions="text"), tmp_path).source == "endpoint"
