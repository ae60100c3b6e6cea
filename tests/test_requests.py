"""Keys and digests: they change when a request changes, and only then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from evaluation import requests
from evaluation.benchmarks import benchmark
from evaluation.benchmarks.arc_challenge import ArcChallenge
from evaluation.benchmarks.base import Benchmark, PromptSettings
from evaluation.benchmarks.gsm8k import Gsm8k
from evaluation.benchmarks.mt_bench import MtBench
from evaluation.config import DATASETS, EngineSettings
from evaluation.prepare import normalise
from evaluation.records import (
    Continuation,
    GenerateRequest,
    LoglikelihoodRequest,
    Message,
    Sample,
    Tool,
)
from evaluation.requests import (
    EngineIdentity,
    first_requests,
    identity,
    normaliser_digest,
    request_key,
    requests_digest,
)
from evaluation.sources import read_rows

CHAT = PromptSettings(protocol="chat", max_new_tokens=64, seed=1)
HARNESS = PromptSettings(protocol="harness", few_shot=2, max_new_tokens=64, seed=1)
REQUEST = GenerateRequest(
    sample_id="s", messages=(Message(role="user", content="2 + 2?"),), max_new_tokens=64
)
CHOICES = LoglikelihoodRequest(sample_id="s", continuations=(Continuation(context="Q", text=" a"),))


def engine(
    model: str = "m", preset: str = "balanced", revision: int = 1, **changes: Any
) -> EngineIdentity:
    thinking = changes.pop("thinking", False)
    return identity(model, preset, EngineSettings(**changes), revision, thinking=thinking)


def key(request: GenerateRequest | LoglikelihoodRequest = REQUEST, dataset: str = "gsm8k") -> str:
    return request_key(dataset, request, engine())


# ---- keys ----------------------------------------------------------------------------------


def test_the_same_request_has_the_same_key() -> None:
    copy = GenerateRequest.model_validate_json(REQUEST.model_dump_json())
    assert key(copy) == key() and len(key()) == 64


def test_every_part_of_the_engine_and_dataset_is_in_the_key() -> None:
    engines = [
        engine(),
        engine(model="other"),
        engine(preset="throughput"),
        engine(revision=2),
        engine(dtype="float32"),
        engine(exact=True),
        engine(thinking=True),
    ]
    keys = {request_key(dataset, REQUEST, e) for e in engines for dataset in ("gsm8k", "math")}
    assert len(keys) == 2 * len(engines)


def test_every_part_of_a_request_is_in_the_key() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"sample_id": "t"},
        {"turn": 1},
        {"repeat": 1},
        {"messages": (Message(role="user", content="2 + 3?"),)},
        {"messages": (Message(role="system", content="2 + 2?"),)},
        {"messages": (), "prompt": "2 + 2?"},
        {"tools": (Tool(name="add", parameters={"type": "object"}),)},
        {"tools": (Tool(name="add", parameters={"type": "object", "required": ["a"]}),)},
        {"stop": ("\n",)},
        {"max_new_tokens": 65},
        {"temperature": 0.7},
        {"seed": 2},
    ]
    found = {key(REQUEST.model_copy(update=change)) for change in changes}
    assert len(found) == len(changes)
    assert {name for change in changes for name in change} | {"kind"} == set(
        GenerateRequest.model_fields
    )


def test_continuations_are_in_the_key() -> None:
    others = [
        (Continuation(context="Q", text=" b"),),
        (Continuation(context="R", text=" a"),),
        (Continuation(context="Q", text=" a"), Continuation(context="Q", text=" b")),
    ]
    found = {key(CHOICES.model_copy(update={"continuations": o})) for o in others}
    assert len(found | {key(CHOICES), key()}) == 5


def test_where_the_model_runs_is_not_in_the_key() -> None:
    """A journal from before the same machine lost or found its GPU driver is still of use."""
    assert engine(device="cpu", cpu_limit_b=1.0) == engine(device="cuda", cpu_limit_b=9.0)


# ---- first requests ------------------------------------------------------------------------


def bundled(dataset: str) -> tuple[list[Sample], list[Sample]]:
    task = benchmark(dataset)
    raw = read_rows(task, "bundled", revision=None, mirror=None)
    return normalise(task, raw.rows), normalise(task, raw.few_shot)


def test_first_requests_are_in_order_of_samples_and_hold_the_examples() -> None:
    samples, pool = bundled("arc_challenge")
    found = first_requests("arc_challenge", samples, pool, HARNESS)
    assert [request.sample_id for request in found] == [sample.id for sample in samples]
    first = found[0]
    assert isinstance(first, LoglikelihoodRequest)
    context = first.continuations[0].context
    assert context.count("Question: ") == HARNESS.few_shot + 1


def test_first_requests_of_conversations_leave_later_turns_out() -> None:
    samples, pool = bundled("mt_bench")
    found = first_requests("mt_bench", samples, pool, CHAT)
    assert [request.turn for request in found] == [0] * len(samples)


def test_first_requests_leave_unscorable_samples_out() -> None:
    samples, pool = bundled("arc_challenge")
    bad = benchmark("arc_challenge").sample({"unrelated": 1}, 1)
    found = first_requests("arc_challenge", [samples[0], bad, samples[2]], pool, HARNESS)
    assert [request.sample_id for request in found] == [samples[0].id, samples[2].id]


# ---- digests -------------------------------------------------------------------------------


def own_settings(dataset: str) -> PromptSettings:
    return CHAT if "chat" in benchmark(dataset).card.protocols else HARNESS


@pytest.mark.parametrize("dataset", DATASETS)
def test_digests_are_stable_within_a_version(dataset: str) -> None:
    settings = own_settings(dataset)
    assert requests_digest(dataset, settings) == requests_digest(dataset, settings)
    assert normaliser_digest(dataset) == normaliser_digest(dataset)
    assert len(requests_digest(dataset, settings)) == len(normaliser_digest(dataset)) == 16


def test_digests_differ_between_datasets() -> None:
    assert len({normaliser_digest(dataset) for dataset in DATASETS}) == len(DATASETS)
    assert len({requests_digest(d, own_settings(d)) for d in DATASETS}) == len(DATASETS)


@pytest.mark.parametrize("change", [{"max_new_tokens": 65}, {"seed": 2}, {"protocol": "harness"}])
def test_settings_change_the_digest_of_requests(change: dict[str, Any]) -> None:
    changed = CHAT.model_copy(update=change)
    assert requests_digest("gsm8k", changed) != requests_digest("gsm8k", CHAT)


def test_the_number_of_examples_changes_the_digest_of_requests() -> None:
    fewer = HARNESS.model_copy(update={"few_shot": 1})
    assert requests_digest("arc_challenge", fewer) != requests_digest("arc_challenge", HARNESS)


EDITS: list[tuple[type[Benchmark[Any]], str, Callable[..., Any]]] = [
    (Gsm8k, "score", lambda *_: None),
    (Gsm8k, "aggregate", lambda *_: []),
    (MtBench, "score", lambda *_: None),
    (ArcChallenge, "aggregate", lambda *_: []),
]


@pytest.mark.parametrize(("kind", "method", "edited"), EDITS)
def test_an_edited_scorer_changes_no_digest(
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Benchmark[Any]],
    method: str,
    edited: Callable[..., Any],
) -> None:
    dataset = kind.card.name
    before = requests_digest(dataset, own_settings(dataset)), normaliser_digest(dataset)
    monkeypatch.setattr(kind, method, edited)
    after = requests_digest(dataset, own_settings(dataset)), normaliser_digest(dataset)
    assert after == before


def test_an_edited_prompt_changes_the_digest_of_requests_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = requests_digest("gsm8k", CHAT), normaliser_digest("gsm8k")
    monkeypatch.setattr("evaluation.benchmarks.gsm8k.INSTRUCTION", "Answer in one word: ")
    assert requests_digest("gsm8k", CHAT) != before[0]
    assert normaliser_digest("gsm8k") == before[1]


def test_an_edited_second_turn_changes_the_digest_of_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = requests_digest("mt_bench", CHAT)
    original = MtBench.follow_up

    def edited(
        self: MtBench,
        sample: Sample,
        few_shot: Sequence[Sample],
        settings: PromptSettings,
        answers: Sequence[str],
    ) -> GenerateRequest | None:
        return original(self, sample, few_shot, settings, [a.upper() for a in answers])

    monkeypatch.setattr(MtBench, "follow_up", edited)
    assert requests_digest("mt_bench", CHAT) != before


def test_edited_examples_change_the_digest_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    before = requests_digest("arc_challenge", HARNESS)
    monkeypatch.setattr(
        ArcChallenge, "pick_few_shot", lambda _, sample, pool, count: list(pool[-count:])
    )
    assert requests_digest("arc_challenge", HARNESS) != before


def test_an_edited_normaliser_changes_both_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    before = requests_digest("gsm8k", CHAT), normaliser_digest("gsm8k")
    monkeypatch.setattr(Gsm8k, "identify", lambda _, row, index: f"gsm8k/test/{index}")
    assert requests_digest("gsm8k", CHAT) != before[0]
    assert normaliser_digest("gsm8k") != before[1]


def test_digests_read_nothing_but_bundled_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[str] = []

    def reading(task: Benchmark[Any], source: Any, **settings: Any) -> Any:
        sources.append(source)
        return read_rows(task, source, **settings)

    monkeypatch.setattr(requests, "read_rows", reading)
    requests_digest("gsm8k", CHAT)
    normaliser_digest("gsm8k")
    assert sources == ["bundled", "bundled"]
