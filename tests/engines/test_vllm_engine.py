"""The vLLM engine against a stand-in with the signatures of vLLM 0.33, which needs a GPU."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from evaluation.config import EngineSettings, Preset
from evaluation.engines import vllm_engine
from evaluation.engines.base import Pool, PooledRequest
from evaluation.engines.vllm_engine import VllmEngine
from evaluation.errors import EvaluationError
from evaluation.machine import hardware
from evaluation.models.directory import describe
from evaluation.records import (
    Continuation,
    GenerateRequest,
    LoglikelihoodRequest,
    Message,
    ModelManifest,
    Response,
)
from tests.tiny_models import build


class RequestOutputKind(Enum):
    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


@dataclass(kw_only=True)
class SamplingParams:
    temperature: float = 1.0
    seed: int | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = 16
    prompt_logprobs: int | None = None
    detokenize: bool = True
    output_kind: RequestOutputKind = RequestOutputKind.CUMULATIVE


class Core:
    """Finishes two requests a step; a token's log-probability is its number below zero."""

    def __init__(self, llm: LLM) -> None:
        self.llm = llm
        self.waiting: list[tuple[str, list[int], SamplingParams]] = []
        self.most = 0

    def add_request(
        self, request_id: str, prompt: dict[str, list[int]], params: SamplingParams
    ) -> str:
        tokens = prompt["prompt_token_ids"]
        if len(tokens) + 1 > self.llm.options["max_model_len"]:
            raise ValueError("the prompt is longer than the model's context")
        self.waiting.append((request_id, tokens, params))
        self.most = max(self.most, len(self.waiting))
        return request_id

    def step(self) -> list[SimpleNamespace]:
        if self.llm.broken:
            raise RuntimeError("EngineCore encountered an issue")
        # The last ones first: the order of answers is nobody's promise.
        taken, self.waiting = self.waiting[-2:], self.waiting[:-2]
        return [self.output(*one) for one in reversed(taken)]

    def output(self, name: str, tokens: list[int], params: SamplingParams) -> SimpleNamespace:
        listed: list[Any] | None = None
        if params.prompt_logprobs is not None:
            listed = [{t: SimpleNamespace(logprob=self.llm.logprob(t))} for t in tokens]
            listed[0] = None
        reason = "length" if params.max_tokens == 3 else self.llm.reason
        answer = SimpleNamespace(text="fine", token_ids=[5, 6], finish_reason=reason)
        return SimpleNamespace(
            request_id=name, finished=True, prompt_logprobs=listed, outputs=[answer]
        )


class LLM:
    """As much of `vllm.LLM` as the engine uses."""

    last: LLM

    def __init__(
        self,
        model: str,
        *,
        dtype: str = "auto",
        quantization: str | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        known = {"max_model_len", "max_num_seqs", "enable_prefix_caching", "enforce_eager"}
        assert set(kwargs) <= known
        from transformers import AutoTokenizer

        self.options = kwargs | {"dtype": dtype, "quantization": quantization}
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        self.model_config = SimpleNamespace(dtype="torch.bfloat16")
        self.llm_engine = Core(self)
        self.broken, self.reason = False, "stop"
        self.logprob = lambda token: -float(token)
        LLM.last = self

    def get_tokenizer(self) -> Any:
        return self.tokenizer


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    package, parameters = ModuleType("vllm"), ModuleType("vllm.sampling_params")
    package.__dict__.update(LLM=LLM, SamplingParams=SamplingParams)
    parameters.__dict__.update(RequestOutputKind=RequestOutputKind)
    monkeypatch.setitem(sys.modules, "vllm", package)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", parameters)
    monkeypatch.setattr(vllm_engine, "device_hardware", lambda device: hardware(device))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> ModelManifest:
    weights = build("llama", tmp_path_factory.mktemp("vllm") / "tiny")
    return describe("tiny", "path", str(weights), "local", weights, hash_files=True)


def engine(manifest: ModelManifest, **preset: Any) -> VllmEngine:
    sizes = {"batch_tokens": 4096, "batch_rows": 7}
    return VllmEngine(
        manifest, EngineSettings(name="vllm"), "balanced", Preset(**sizes | preset), thinking=False
    )


def pooled(name: str, request: GenerateRequest | LoglikelihoodRequest) -> PooledRequest:
    return PooledRequest(key=f"key/{name}", group="g", request=request)


def chat(name: str, **changes: Any) -> PooledRequest:
    given = {
        "sample_id": name,
        "messages": (Message(role="user", content="Which one?"),),
        "max_new_tokens": 9,
        **changes,
    }
    return pooled(name, GenerateRequest.model_validate(given))


def scoring(name: str, context: str, texts: Sequence[str]) -> PooledRequest:
    ones = tuple(Continuation(context=context, text=text) for text in texts)
    return pooled(name, LoglikelihoodRequest(sample_id=name, continuations=ones))


def run(found: VllmEngine, *requests: PooledRequest) -> dict[str, Response]:
    responses = list(found.run(Pool(requests)))
    assert len(responses) == len({r.sample_id for r in responses}) == len(requests)
    return {r.sample_id: r for r in responses}


def test_the_preset_and_the_model_reach_vllm(manifest: ModelManifest) -> None:
    found = engine(manifest, weights="nf4")
    assert LLM.last.options == {
        "dtype": "auto",
        "quantization": "bitsandbytes",
        "max_model_len": manifest.context_length,
        "max_num_seqs": 7,
        "enable_prefix_caching": True,
        "enforce_eager": False,
    }
    assert (found.session.engine, found.session.dtype) == ("vllm", "nf4, bfloat16")


def test_answers_carry_what_vllm_says(manifest: ModelManifest) -> None:
    found = run(engine(manifest), chat("a"), chat("b", max_new_tokens=3))
    assert (found["a"].text, found["a"].finish_reason, found["a"].key) == ("fine", "stop", "key/a")
    assert found["b"].finish_reason == "length"
    assert found["a"].prompt.startswith("<s>") and "Which one?" in found["a"].prompt
    assert found["a"].prompt_tokens > 0 and found["a"].completion_tokens == 2


def test_what_vllm_aborts_is_a_failed_sample(manifest: ModelManifest) -> None:
    found = engine(manifest)
    LLM.last.reason = "abort"
    assert run(found, chat("a"))["a"].error == "vLLM ended it with abort"


def test_log_probabilities_are_those_of_the_continuation_s_tokens(
    manifest: ModelManifest,
) -> None:
    found = engine(manifest)
    response = run(found, scoring("a", "One and", [" two", " the", " two"]))["a"]
    tokenizer = LLM.last.tokenizer
    head = len(tokenizer("One and")["input_ids"])
    for one in response.continuations:
        target = tokenizer("One and" + one.text)["input_ids"][head:]
        assert (one.logprob, one.tokens) == (-float(sum(target)), len(target))
    assert [one.text for one in response.continuations] == [" two", " the", " two"]
    assert (response.finish_reason, response.prompt) == ("scored", "One and")


def test_a_log_probability_that_is_none_fails_its_sample(manifest: ModelManifest) -> None:
    found = engine(manifest)
    LLM.last.logprob = lambda token: float("nan")
    both = run(found, scoring("a", "One", [" two"]), chat("b"))
    assert "not a number" in (both["a"].error or "")
    assert both["b"].error is None


def test_requests_that_cannot_be_made_cost_only_themselves(manifest: ModelManifest) -> None:
    found = run(
        engine(manifest),
        scoring("none", "One", []),
        scoring("empty", "One", [""]),
        chat("long", messages=(Message(role="user", content="and " * 3000),)),
        chat("fine"),
    )
    assert {name for name, r in found.items() if r.error} == {"none", "empty"}
    assert found["long"].truncated_prompt_tokens > 0


def test_follow_ups_join_what_is_under_way(manifest: ModelManifest) -> None:
    found, pool, seen = engine(manifest), Pool(chat(n) for n in "abcdef"), []
    for response in found.run(pool):
        seen.append((response.sample_id, response.turn))
        if response.turn == 0:
            pool.append(pooled(f"{response.sample_id}2", chat(response.sample_id, turn=1).request))
    assert sorted(seen) == sorted((n, turn) for n in "abcdef" for turn in (0, 1))
    assert LLM.last.llm_engine.most > 5


def test_a_broken_engine_ends_the_job(manifest: ModelManifest) -> None:
    found = engine(manifest)
    LLM.last.broken = True
    with pytest.raises(EvaluationError, match="vLLM stopped working: RuntimeError: EngineCore"):
        run(found, chat("a"))


def test_a_model_that_vllm_cannot_load_is_named(manifest: ModelManifest, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="vLLM cannot load the model"):
        engine(manifest.model_copy(update={"directory": str(tmp_path)}))


def test_without_vllm_the_remedy_is_said(
    manifest: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(EvaluationError, match=r"docs/engines\.md"):
        engine(manifest)
