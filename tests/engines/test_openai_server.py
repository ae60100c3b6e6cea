"""The endpoint engine against a real server on this machine: the one that transformers brings."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from evaluation.config import EndpointModel, EngineSettings, Preset
from evaluation.engines.base import Engine, Pool, PooledRequest
from evaluation.engines.openai_engine import OpenAIEngine
from evaluation.engines.transformers_engine import TransformersEngine
from evaluation.errors import EvaluationError
from evaluation.models.directory import describe
from evaluation.models.endpoint import describe_endpoint
from evaluation.records import (
    Continuation,
    GenerateRequest,
    LoglikelihoodRequest,
    Message,
    Response,
)
from tests.tiny_models import build

pytest.importorskip("fastapi", reason="the server of transformers needs requirements/dev.txt")
# On a busy machine, importing torch takes most of it.
STARTING_SECONDS = 180
ROOM = 12


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("llama", tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="module")
def served(weights: Path) -> Iterator[EndpointModel]:
    """A server with the tiny model, stopped at the end."""
    port = free_port()
    log = (weights.parent / "server.log").open("w")
    command = [str(Path(sys.executable).parent / "transformers"), "serve", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--device", "cpu", "--dtype", "float32", str(weights)]
    cache = weights.parent / "home"
    (cache / "hub").mkdir(parents=True)  # the models that it lists
    environment = os.environ | {
        "HF_HOME": str(cache),
        "HF_HUB_CACHE": str(cache / "hub"),
        "HF_HUB_OFFLINE": "1",
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process,
    ):
        patch.setenv("NO_PROXY", "127.0.0.1")
        try:
            wait_until_up(f"http://127.0.0.1:{port}/health", process, Path(log.name))
            yield EndpointModel(
                source="endpoint",
                base_url=f"http://127.0.0.1:{port}/v1",
                model=str(weights),
                completions="text",
                concurrency=2,
            )
        finally:
            process.kill()
            log.close()


def free_port() -> int:
    """A port below those that systems hand out, so that nobody gets it before the server binds."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with opener.open(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server did not start: {log.read_text()[-2000:]}")


def pool(*requests: GenerateRequest | LoglikelihoodRequest) -> Pool:
    return Pool(PooledRequest(key=str(n), group="g", request=r) for n, r in enumerate(requests))


def chat(text: str, **changes: Any) -> GenerateRequest:
    message = Message(role="user", content=text)
    return GenerateRequest(sample_id=text, messages=(message,), max_new_tokens=ROOM, **changes)


def answers(engine: Engine, *requests: GenerateRequest) -> dict[str, Response]:
    return {r.sample_id: r for r in engine.run(pool(*requests))}


def test_a_server_answers_as_the_model_does_in_this_process(
    served: EndpointModel, weights: Path
) -> None:
    requests = [chat("Which one?"), chat("And why?")]
    requests.append(GenerateRequest(sample_id="p", prompt="One and", max_new_tokens=ROOM))
    manifest = describe("tiny", "path", str(weights), "local", weights, hash_files=True)
    here = TransformersEngine(
        manifest,
        EngineSettings(device="cpu", dtype="float32"),
        "balanced",
        Preset(batch_tokens=4096, batch_rows=1),
        thinking=False,
    )
    expected = answers(here, *requests)
    found = answers(OpenAIEngine("tiny", served, section="models.tiny"), *requests)
    assert all(r.error is None for r in found.values())
    # It counts the end token with the answer, which is a matter of taste.
    facts = ("text", "finish_reason", "prompt_tokens")
    for name, response in found.items():
        for fact in facts:
            assert getattr(response, fact) == getattr(expected[name], fact), (name, fact)


def test_a_server_without_log_probabilities_says_so_for_the_sample(served: EndpointModel) -> None:
    request = LoglikelihoodRequest(
        sample_id="a", continuations=(Continuation(context="Is it", text=" not"),)
    )
    engine = OpenAIEngine("tiny", served, section="models.tiny", retries=0)
    (response,) = engine.run(pool(request))
    assert response.finish_reason == "error"
    assert "echo" in (response.error or "") or "log-prob" in (response.error or "")


def test_a_model_that_the_server_does_not_list_is_refused(served: EndpointModel) -> None:
    wrong = served.model_copy(update={"model": "another"})
    with pytest.raises(EvaluationError, match="does not list the model another"):
        describe_endpoint("tiny", wrong)
