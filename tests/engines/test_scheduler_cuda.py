"""transformers' continuous batching by a stand-in: stops, partial results, a thread that dies."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from transformers import ContinuousBatchingConfig

from evaluation.config import Decode, Preset
from evaluation.engines.continuous_cuda import ContinuousCuda, new_manager, usable
from evaluation.engines.decoding import Row, Texts
from evaluation.engines.scheduling import Budget, Scheduler
from tests.engines.conftest import Tiny

Load = Callable[[str], Tiny]


class StandIn:
    """Answers with the tiny model; `spoil` may change or drop a result."""

    def __init__(self, one: Tiny, spoil: Callable[[Any], Any] = lambda result: result) -> None:
        self.one = one
        self.spoil = spoil
        self.results: list[Any] = []
        self.running = False
        self.cancelled: list[str] = []
        self.streamed = 0

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def is_running(self) -> bool:
        return self.running

    def add_request(
        self, input_ids: list[int], request_id: str, max_new_tokens: int, streaming: bool
    ) -> str | None:
        tokens = self.one.alone(input_ids, max_new_tokens)
        for end in range(1 if streaming else len(tokens), len(tokens) + 1):
            self.streamed += streaming
            finished = end == len(tokens)
            result = SimpleNamespace(
                request_id=request_id,
                generated_tokens=tokens[:end],
                error=None,
                is_finished=lambda finished=finished: finished,
            )
            self.results.append(self.spoil(result))
        return request_id

    def cancel_request(self, request_id: str) -> None:
        self.cancelled.append(request_id)

    def get_result(self, *, timeout: float) -> Any:
        result = self.results.pop(0) if self.results else None
        if result is None:
            self.running = False
        return result


def answered(one: Tiny, stand_in: StandIn, **changes: Any) -> list[Row]:
    texts = Texts(one.tokenizer, one.ends)
    own = Scheduler(one.model, texts, Budget(10**6, 100))
    run = ContinuousCuda(lambda: stand_in, texts, own)
    settings: dict[str, Any] = {"stop": (), "temperature": 0.0, "seed": 1, **changes}
    rows = [
        Row(prompt=one.tokens(text), max_new_tokens=limit, **settings)
        for text, limit in (("the Question is", 9), ("and so on", 20), ("C", 4))
    ]
    run.submit(rows)
    done = []
    while run.busy:
        done += run.step()
    assert sorted(map(id, done)) == sorted(map(id, rows))
    run.close()
    assert run.manager is None and not stand_in.running, "its memory is given back"
    return rows


def expected(one: Tiny, row: Row) -> list[int]:
    tokens = one.alone(row.prompt, row.max_new_tokens)
    return tokens[:-1] if tokens[-1] in one.ends else tokens


def test_answers_are_those_of_the_manager(tiny: Load) -> None:
    one = tiny("llama")
    rows = answered(one, StandIn(one))
    assert [row.tokens for row in rows] == [expected(one, row) for row in rows]
    assert all(row.finish and row.backoffs == 0 and row.batch_rows > 0 for row in rows)


def test_an_answer_is_cancelled_at_its_stop(tiny: Load) -> None:
    one = tiny("llama")
    whole = answered(one, StandIn(one))[1].text
    stand_in = StandIn(one)
    row = answered(one, stand_in, stop=(whole[3:5],))[1]
    assert row.text == whole[: whole.index(whole[3:5])] and row.finish == "stop"
    assert stand_in.streamed > 3 and stand_in.cancelled


@pytest.mark.parametrize("kind", ["short", "error", "dead"])
def test_what_did_not_end_as_it_should_runs_again(tiny: Load, kind: str) -> None:
    one = tiny("llama")

    def spoil(result: Any) -> Any:
        if result.request_id != "2":
            return result
        if kind == "dead":
            return None
        if kind == "short":
            result.generated_tokens = result.generated_tokens[:1]
        else:
            result.error = "out of blocks"
        return result

    rows = answered(one, StandIn(one, spoil))
    assert [row.tokens for row in rows] == [expected(one, row) for row in rows]
    assert any(row.backoffs == 1 for row in rows)


def test_a_manager_that_does_not_start_is_no_loss(tiny: Load) -> None:
    one = tiny("llama")
    stand_in = StandIn(one)

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no such kernel")

    stand_in.add_request = refuse  # type: ignore[method-assign]
    rows = answered(one, stand_in)
    assert [row.tokens for row in rows] == [expected(one, row) for row in rows]


def test_sampled_rows_run_in_our_scheduler(tiny: Load) -> None:
    one = tiny("llama")
    stand_in = StandIn(one)
    answered(one, stand_in, temperature=1.0)
    assert stand_in.results == [] and stand_in.streamed == 0


def test_it_is_used_on_cuda_with_full_attention_only(tiny: Load) -> None:
    def on_cuda(family: str) -> Any:
        return SimpleNamespace(device="cuda", config=tiny(family).model.config)

    assert usable(on_cuda("llama"), float("inf"))
    assert usable(on_cuda("qwen3"), float("inf"))
    assert not usable(on_cuda("phi3"), 4096.0)
    for family in ("mistral", "gemma3_text", "deepseek_v2"):
        assert not usable(on_cuda(family), float("inf"))
    assert not usable(tiny("llama").model, float("inf"))


@pytest.mark.parametrize(
    ("decode", "graphs", "level"), [("plain", False, 0), ("graphs", True, 0), ("compiled", True, 1)]
)
def test_the_real_manager_takes_our_settings(decode: Decode, graphs: bool, level: int) -> None:
    seen: dict[str, Any] = {}
    model = SimpleNamespace(init_continuous_batching=lambda **settings: seen.update(settings))
    new_manager(model, {3, 5}, Preset(batch_tokens=1000, batch_rows=7, decode=decode))
    config = seen["continuous_batching_config"]
    assert isinstance(config, ContinuousBatchingConfig)
    assert config.max_requests_per_batch == 7
    assert config.use_cuda_graph == graphs or config.use_cuda_graph == (graphs, graphs)
    assert config.default_compile_level == level
    assert seen["generation_config"].eos_token_id == [3, 5]
