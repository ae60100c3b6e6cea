"""The scheduler: joining, sharing and memory decide when rows run, never what they answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluation.engines import scheduling
from evaluation.engines.decoding import Row, Texts
from evaluation.engines.scheduling import Budget, Scheduler, held_tokens
from evaluation.engines.sharing import shared_stems
from tests.engines.conftest import Tiny, Wrapped
from tests.tiny_models import FAMILIES

Load = Callable[[str], Tiny]

SHOTS = "Question: is it raining? Answer: no. " * 6
ASKED = [
    *((SHOTS + f"Question: what is {n}?", 5 + 3 * n) for n in range(5)),
    ("the Question is", 3),
    ("and so on, and on and on: " * 9, 30),
    ("C", 40),
    ("1 + 1 = 2 and 2 + 2 =", 11),
    ("Quite a long way down the road", 17),
]


def rows_of(one: Tiny, **changes: Any) -> list[Row]:
    settings: dict[str, Any] = {"stop": (), "temperature": 0.0, "seed": 0, **changes}
    return [Row(prompt=one.tokens(text), max_new_tokens=limit, **settings) for text, limit in ASKED]


def scheduler(one: Tiny, model: Any = None, tokens: int = 10**6, rows: int = 100) -> Scheduler:
    return Scheduler(model or one.model, Texts(one.tokenizer, set()), Budget(tokens, rows))


def drain(one: Scheduler) -> Iterator[Row]:
    while one.busy:
        yield from one.step()


KNOWN: dict[tuple[str, float], list[list[int]]] = {}


def answers(one: Tiny, rows: Sequence[Row]) -> list[list[int]]:
    """What each row answers by itself, without a stem."""
    key = (str(one.folder), rows[0].temperature)
    if key not in KNOWN:
        KNOWN[key] = []
        for row in rows:
            alone = scheduler(one)
            again = Row(row.prompt, row.stop, row.max_new_tokens, row.temperature, row.seed)
            alone.submit([again])
            list(drain(alone))
            KNOWN[key].append(again.tokens)
    return KNOWN[key]


@pytest.fixture(autouse=True)
def sharing_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stems of tiny prompts be worth their while."""
    monkeypatch.setattr(scheduling, "LEAST_SAVED", 64)


class Passes(Wrapped):
    """A model whose passes are watched: `rows` of each; `before` may fail a pass."""

    def __init__(self, model: Any, before: Callable[[int, int], None] = lambda i, n: None) -> None:
        super().__init__(model, lambda ids: None)
        self.rows: list[int] = []
        self.check = before

    def __call__(self, **inputs: Any) -> Any:
        self.rows.append(sum(len(piece.wanted) for piece in inputs["ragged"].pieces))
        self.check(len(self.rows), self.rows[-1])
        return super().__call__(**inputs)


# ---- what is answered does not depend on the schedule -----------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_rows_that_share_a_stem_answer_what_they_answer_alone(
    tiny: Load, family: str, limit: int
) -> None:
    one = tiny(family)
    rows = rows_of(one)
    run = scheduler(one, rows=limit)
    run.submit(rows)
    assert sum(row.stem > 30 for row in rows) == 5
    assert len(list(drain(run))) == len(rows)
    assert [row.tokens for row in rows] == answers(one, rows)
    assert max(row.batch_rows for row in rows) == min(limit, len(rows))
    assert sorted(row.shared_tokens > 0 for row in rows) == [False] * 6 + [True] * 4
    assert not run.stems, "a stem goes with its last row"


@pytest.mark.parametrize("family", ["llama", "mistral", "deepseek_v2"])
def test_rows_that_come_later_join_the_running_batch(tiny: Load, family: str) -> None:
    one = tiny(family)
    rows = rows_of(one)
    watched = Passes(one.model)
    run = scheduler(one, watched)
    waiting, done = list(rows), []
    while waiting or run.busy:
        if waiting:
            run.submit([waiting.pop()])
        done += run.step()
    assert len(done) == len(rows)
    assert [row.tokens for row in rows] == answers(one, rows)
    assert max(row.batch_rows for row in rows) > 3
    assert len(watched.rows) < sum(len(row.tokens) for row in rows) / 2, "they ran together"


def test_the_longest_answers_start_first(tiny: Load) -> None:
    one = tiny("llama")
    rows = rows_of(one)
    run = scheduler(one, rows=2)
    run.submit(rows)
    order = [row.max_new_tokens for row in drain(run)]
    assert set(order[:2]) <= {30, 40, 17} and order[-1] in (3, 5)
    limits = sorted((limit for _, limit in ASKED), reverse=True)
    assert sum(limits) / 2 <= len(order) * 20


def test_the_budget_of_tokens_is_kept(tiny: Load) -> None:
    one = tiny("llama")
    rows = rows_of(one)
    run = scheduler(one, tokens=300)
    run.submit(rows)
    most = 0
    while run.busy:
        run.step()
        running = [row for block in run.blocks for row in block.rows]
        assert held_tokens(running) <= 300 or len(running) == 1
        most = max(most, len(running))
    assert most > 1
    assert [row.tokens for row in rows] == answers(one, rows)


def test_sampled_rows_draw_the_same_whatever_the_schedule(tiny: Load) -> None:
    one = tiny("qwen3")
    rows = rows_of(one, temperature=1.0, seed=5)
    run = scheduler(one, rows=4)
    run.submit(rows)
    list(drain(run))
    assert [row.tokens for row in rows] == answers(one, rows)


# ---- memory and failures ----------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "gemma3_text"])
@pytest.mark.parametrize("seed", range(6))
def test_memory_that_runs_out_at_any_pass_changes_no_answer(
    tiny: Load, family: str, seed: int
) -> None:
    one = tiny(family)
    chance = random.Random(seed)
    failures: list[int] = []

    def fail(index: int, rows: int) -> None:
        if rows > 1 and chance.random() < 0.08:
            failures.append(rows)
            kind = chance.choice([torch.OutOfMemoryError, MemoryError, RuntimeError])
            raise kind("DefaultCPUAllocator: can't allocate memory: out of memory")

    rows = rows_of(one)
    run = scheduler(one, Passes(one.model, fail))
    run.submit(rows)
    done = list(drain(run))
    assert sorted(map(id, done)) == sorted(map(id, rows))
    assert all(row.error is None for row in rows)
    assert [row.tokens for row in rows] == answers(one, rows)
    assert bool(failures) == any(row.backoffs for row in rows)
    assert run.budget.rows <= max(1, 100 // 2 ** min(len(failures), 1))


def test_a_back_off_halves_the_budget_and_keeps_finished_answers(tiny: Load) -> None:
    one = tiny("llama")

    def fail(index: int, rows: int) -> None:
        if index == 10:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    rows = rows_of(one)
    watched = Passes(one.model, fail)
    run = scheduler(one, watched)
    run.submit(rows)
    early = []
    while len(watched.rows) < 10:
        early += [(row, list(row.tokens)) for row in run.step()]
    assert early and all(row.backoffs == 0 for row, _ in early)
    late = list(drain(run))
    assert len(early) + len(late) == len(rows)
    assert all(row.tokens == tokens for row, tokens in early)
    assert {row.backoffs for row in late} == {1}
    assert run.budget.rows == (len(late) + 1) // 2
    assert max(watched.rows[10:]) <= run.budget.rows


def test_a_row_too_large_for_memory_fails_alone_and_says_so(tiny: Load) -> None:
    one = tiny("llama")

    def fail(index: int, rows: int) -> None:
        if any(row.max_new_tokens == 40 for row in run._running()):
            raise torch.OutOfMemoryError("CUDA out of memory.")

    rows = rows_of(one)
    run = scheduler(one, Passes(one.model, fail))
    run.submit(rows)
    list(drain(run))
    [failed] = [row for row in rows if row.error is not None]
    assert failed.max_new_tokens == 40 and failed.backoffs > 0
    assert "not enough memory for this sample alone" in str(failed.error)
    expected = answers(one, rows)
    for row, tokens in zip(rows, expected, strict=True):
        assert row is failed or row.tokens == tokens


@pytest.mark.parametrize("place", range(0, len(ASKED), 3))
def test_a_row_that_fails_while_decoding_costs_only_itself(tiny: Load, place: int) -> None:
    one = tiny("llama")
    rows = rows_of(one)
    bad = rows[place]

    def fail(index: int, count: int) -> None:
        if bad in run._running() and len(bad.tokens) == 2:
            raise ValueError("no such position")

    run = scheduler(one, Passes(one.model, fail))
    run.submit(rows)
    assert len(list(drain(run))) == len(rows)
    assert [row for row in rows if row.error is not None] == [bad]
    assert str(bad.error) == "no such position"
    for row, tokens in zip(rows, answers(one, rows), strict=True):
        assert row is bad or row.tokens == tokens


# ---- which prompts share ----------------------------------------------------------------------


def test_few_shot_examples_are_shared_by_dataset() -> None:
    first, second = list(range(10, 90)), list(range(100, 150))
    prompts = [[1, 2, *first, 5, n] for n in range(4)] + [[1, 2, *second, 7, n] for n in range(5)]
    assert shared_stems(prompts, least=40) == [83] * 4 + [53] * 5
    assert shared_stems(prompts, least=225) == [83] * 4 + [0] * 5
    assert shared_stems(prompts, least=10**6) == [0] * 9


def test_a_prompt_keeps_its_last_token_to_itself() -> None:
    prompt = list(range(80))
    assert shared_stems([prompt, prompt], least=1) == [79, 79]
    assert shared_stems([prompt, prompt[:40]], least=1) == [39, 39]
    assert shared_stems([[1], [1], []], least=0)[:2] == [0, 0]


@given(
    st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=8), max_size=12), st.integers(1, 9)
)
def test_rows_with_the_same_stem_begin_with_the_same_tokens(
    prompts: list[list[int]], least: int
) -> None:
    stems = shared_stems(prompts, least)
    groups: dict[tuple[int, ...], int] = {}
    for prompt, stem in zip(prompts, stems, strict=True):
        assert 0 <= stem < len(prompt)
        if stem:
            groups[tuple(prompt[:stem])] = groups.get(tuple(prompt[:stem]), 0) + 1
    assert all(len(stem) * (count - 1) >= least for stem, count in groups.items())


# ---- what is counted -------------------------------------------------------------------------


def test_every_token_and_its_time_are_counted(tiny: Load) -> None:
    one = tiny("llama")
    rows = rows_of(one)
    run = scheduler(one)
    run.submit(rows)
    list(drain(run))
    prefill, decode = run.counters.tallies["prefill"], run.counters.tallies["decode"]
    shared = sum(row.shared_tokens for row in rows)
    assert shared > 0
    assert prefill.tokens == sum(len(row.prompt) for row in rows) - shared
    assert decode.tokens == sum(len(row.tokens) - 1 for row in rows)
    # All rows join at once, and each pass gives one token to each that is left.
    assert decode.passes == max(len(row.tokens) for row in rows) - 1
    assert prefill.padding == 0 < decode.padding < decode.places
    assert run.counters.most_rows == len(rows)
    seconds = sum(row.engine_seconds for row in rows)
    assert prefill.seconds + decode.seconds == pytest.approx(seconds, rel=0.2)
    for row in rows:
        assert row.prefill_seconds is not None
        assert 0 < row.prefill_seconds < row.engine_seconds
