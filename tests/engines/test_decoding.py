"""The decoder: batches give what each prompt gives alone; stops, limits and seeds are per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch

from evaluation.engines import scheduling
from evaluation.engines.decoding import Row, Texts, cut_at
from evaluation.engines.scheduling import Budget, Scheduler
from tests.engines.conftest import Clock, Scripted, Tiny, Wrapped
from tests.tiny_models import BOS, FAMILIES, PAD, WINDOW

Load = Callable[[str], Tiny]

# From one token to many windows; in no order of length.
PROMPTS = (
    "the Question is",
    "and so on, and on and on: " * 5,
    "C",
    "1 + 1 = 2 and 2 + 2 =",
    "Quite a long way down the road, " * 9,
    "User: is it raining in Quito?",
)
LIMITS = (3, 30, 48, 11, 20, 37)


def row(prompt: list[int], limit: int = 12, stop: tuple[str, ...] = (), **changes: Any) -> Row:
    settings = {"temperature": 0.0, "seed": 0, **changes}
    return Row(prompt=prompt, stop=stop, max_new_tokens=limit, **settings)


def scheduler(
    one: Tiny,
    model: Any = None,
    ends: set[int] | None = None,
    *,
    tokens: int = 100_000,
    rows: int = 100,
    tokenizer: Any = None,
) -> Scheduler:
    texts = Texts(tokenizer or one.tokenizer, one.ends if ends is None else ends)
    return Scheduler(model or one.model, texts, Budget(tokens, rows))


def run(one: Scheduler, rows: Sequence[Row]) -> Iterator[Row]:
    one.submit(rows)
    while one.busy:
        yield from one.step()


def decode(one: Tiny, rows: Sequence[Row], model: Any = None, ends: set[int] | None = None) -> None:
    done = list(run(scheduler(one, model, ends), rows))
    assert sorted(map(id, done)) == sorted(map(id, rows)), "each row is yielded exactly once"


def scripted(one: Tiny, tokens: list[int], stop: tuple[str, ...], limit: int = 50) -> Row:
    """One row whose model says `tokens`, then `#` for ever."""
    filler = one.tokenizer.convert_tokens_to_ids("#")
    script = [*tokens, *[filler] * (limit + 1)]
    answer = row([0], limit, stop)
    decode(one, [answer], model=Scripted(script, len(one.tokenizer)))
    return answer


def pieces(one: Tiny, *words: str) -> list[int]:
    found = one.tokenizer.convert_tokens_to_ids(list(words))
    assert all(one.tokenizer.convert_ids_to_tokens(t) in words for t in found)
    return list(found)


# ---- greedy rows are those of generate() -----------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_gives_the_texts_of_one_prompt_at_a_time(
    tiny: Load, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "PREFILL_TOKENS", 64)  # several groups of prompts
    one = tiny(family)
    prompts = [one.tokens(text) for text in PROMPTS]
    assert min(map(len, prompts)) <= 2 and max(map(len, prompts)) > 8 * WINDOW
    rows = [row(prompt, limit) for prompt, limit in zip(prompts, LIMITS, strict=True)]
    watched = Wrapped(one.model, lambda ids: None)
    decode(one, rows, model=watched)
    assert sum(width > 1 for _, width in watched.shapes) > 2, "prompts ran in several groups"
    for prompt, limit, found in zip(prompts, LIMITS, rows, strict=True):
        expected = one.alone(prompt, limit)
        ended = expected[-1] in one.ends
        expected = expected[:-1] if ended else expected
        assert found.tokens == expected
        assert found.text == one.text(expected)
        assert found.finish == ("stop" if ended else "length")


def test_finished_rows_leave_the_batch(tiny: Load) -> None:
    one = tiny("llama")
    watched = Wrapped(one.model, lambda ids: None)
    limits = (2, 2, 2, 20)
    rows = [row(one.tokens("the Question is"), limit) for limit in limits]
    decode(one, rows, model=watched, ends=set())
    assert [width for _, width in watched.shapes[1:]] == [4] + [1] * 18


def test_a_row_is_yielded_when_it_finishes_not_when_the_batch_does(tiny: Load) -> None:
    one = tiny("llama")
    rows = [
        row(one.tokens(t), limit) for t, limit in zip(PROMPTS, (9, 2, 5, 14, 1, 7), strict=True)
    ]
    order = [r.max_new_tokens for r in run(scheduler(one, ends=set()), rows)]
    assert order == [1, 2, 5, 7, 9, 14]


# ---- the end of an answer --------------------------------------------------------------------


def test_an_end_token_ends_the_answer_and_is_not_part_of_it(tiny: Load) -> None:
    one = tiny("llama")
    ended = row(one.tokens("the Question is"), 40)
    decode(one, [ended])
    assert ended.finish == "stop"
    assert len(ended.tokens) < 40
    assert not one.ends & set(ended.tokens)
    expected = one.alone(one.tokens("the Question is"), 40)
    assert expected[-1] in one.ends and ended.tokens == expected[:-1]


def test_an_end_token_at_once_gives_an_empty_answer(tiny: Load) -> None:
    one = tiny("llama")
    prompt = one.tokens("the Question is")
    empty, other = row(prompt), row(one.tokens("Lisa"), 5)
    decode(one, [empty, other], ends={one.alone(prompt, 1)[0]})
    assert (empty.text, empty.tokens, empty.finish) == ("", [], "stop")
    assert len(other.tokens) == 5


def test_limits_are_per_row_and_exact(tiny: Load) -> None:
    one = tiny("olmo2")
    rows = [row(one.tokens("the Question is"), limit) for limit in (1, 4, 9)]
    decode(one, rows, ends=set())
    assert [len(r.tokens) for r in rows] == [1, 4, 9]
    assert {r.finish for r in rows} == {"length"}
    assert rows[2].text.startswith(rows[1].text)


def test_a_stop_string_across_tokens_is_cut_off(tiny: Load) -> None:
    one = tiny("llama")
    tokens = pieces(one, "on", "e", "Qu", "es", "tion", ":", "x")
    answer = scripted(one, tokens, ("Question:",))
    assert (answer.text, answer.finish) == ("one", "stop")
    assert answer.tokens == tokens[:6], "decoding stops at the token that completes it"


def test_a_stop_string_that_begins_and_ends_inside_tokens_is_cut_off(tiny: Load) -> None:
    one = tiny("llama")
    tokens = pieces(one, "an", "ĊUser", "is", "x")
    answer = scripted(one, tokens, ("n\nUseri",))
    assert (answer.text, answer.finish) == ("a", "stop")
    assert answer.tokens == tokens[:3]


def test_a_stop_string_of_many_bytes_is_found(tiny: Load) -> None:
    one = tiny("llama")
    stop = "日本🙂é"
    tokens = [*one.tokens("on")[1:], *one.tokens(stop)[1:], *pieces(one, "x")]
    assert len(tokens) == 1 + len(stop.encode()) + 1, "one token a byte"
    answer = scripted(one, tokens, (stop,))
    assert (answer.text, answer.finish) == ("on", "stop")
    assert answer.tokens == tokens[:-1]


def test_the_first_of_several_stop_strings_counts(tiny: Load) -> None:
    one = tiny("llama")
    tokens = pieces(one, "x", "Qu", "es", "tion")
    answer = scripted(one, tokens, ("zzz", "stion", "Qu"))
    assert answer.text == "x"
    assert answer.tokens == tokens[:2]


def test_a_stop_string_in_the_prompt_is_none_of_the_answer(tiny: Load) -> None:
    one = tiny("llama")
    prompt = one.tokens("Question: the Question:")
    free, stopped = row(prompt, 6), row(prompt, 6, ("Question:",))
    decode(one, [free, stopped], ends=set())
    assert free.tokens == stopped.tokens and stopped.finish == "length"


def test_an_answer_without_its_stop_string_ends_at_the_limit(tiny: Load) -> None:
    one = tiny("llama")
    answer = scripted(one, pieces(one, "Qu", "es"), ("Question",), limit=5)
    assert (answer.text, answer.finish) == ("Ques###", "length")


def test_a_limit_inside_a_stop_string_keeps_its_beginning(tiny: Load) -> None:
    one = tiny("llama")
    answer = scripted(one, pieces(one, "Qu", "es", "tion"), ("Question",), limit=2)
    assert (answer.text, answer.finish) == ("Ques", "length")


def test_special_tokens_are_no_part_of_the_text(tiny: Load) -> None:
    one = tiny("llama")
    answer = scripted(one, pieces(one, "on", BOS, PAD, "e"), ("#",))
    assert answer.text == "one"


def test_stops_of_one_row_are_not_those_of_another(tiny: Load) -> None:
    one = tiny("qwen3")
    prompt = one.tokens("and so on")
    free = row(prompt, 24)
    decode(one, [free], ends=set())
    stop = free.text[7:10]
    stopped, other = row(prompt, 24, (stop,)), row(prompt, 24)
    decode(one, [stopped, other], ends=set())
    assert stopped.finish == "stop"
    assert stopped.text == free.text[: free.text.index(stop)]
    assert other.text == free.text


@pytest.mark.parametrize(
    ("text", "stop", "expected"),
    [
        ("abc", (), "abc"),
        ("abc", ("x",), "abc"),
        ("abcbc", ("c", "bc"), "a"),
        ("abc", ("abc",), ""),
        ("xabcy", ("ab", "abc"), "x"),
        ("xaby", ("abc", "ab"), "x"),
        ("", ("a",), ""),
    ],
)
def test_cut_at(text: str, stop: tuple[str, ...], expected: str) -> None:
    assert cut_at(text, stop) == expected


# ---- sampling --------------------------------------------------------------------------------


def test_a_sampled_row_depends_on_its_seed_and_not_on_the_batch(tiny: Load) -> None:
    one = tiny("mistral")
    prompt = one.tokens(PROMPTS[3])

    def sampled(seed: int) -> Row:
        return row(prompt, 25, temperature=1.0, seed=seed)

    alone = sampled(7)
    decode(one, [alone], ends=set())
    company = [row(one.tokens(t), limit) for t, limit in zip(PROMPTS, LIMITS, strict=True)]
    again, other, noise = sampled(7), sampled(8), sampled(9)
    torch.manual_seed(123)  # the global generator plays no part
    decode(one, [noise, *company[:3], again, *company[3:], other], ends=set())
    assert again.tokens == alone.tokens
    assert other.tokens != alone.tokens
    greedy = row(prompt, 25)
    decode(one, [greedy], ends=set())
    assert greedy.tokens != alone.tokens


def test_greedy_rows_are_not_disturbed_by_sampled_ones(tiny: Load) -> None:
    one = tiny("llama")
    prompt = one.tokens(PROMPTS[5])
    greedy, sampled = row(prompt, 15), row(prompt, 15, temperature=2.0, seed=1)
    decode(one, [greedy, sampled], ends=set())
    assert greedy.tokens == row_alone(one, prompt, 15)
    assert sampled.tokens != greedy.tokens


def row_alone(one: Tiny, prompt: list[int], limit: int) -> list[int]:
    alone = row(prompt, limit)
    decode(one, [alone], ends=set())
    return alone.tokens


def test_a_temperature_near_zero_is_greedy(tiny: Load) -> None:
    one = tiny("llama")
    prompt = one.tokens(PROMPTS[5])
    cold = row(prompt, 15, temperature=1e-4, seed=3)
    decode(one, [cold], ends=set())
    assert cold.tokens == row_alone(one, prompt, 15)


def test_sampling_follows_the_softmax_at_the_temperature(tiny: Load) -> None:
    one = tiny("llama")
    prompt = one.tokens("the")
    with torch.inference_mode():
        logits = one.model(torch.tensor([prompt])).logits[0, -1]
    expected = (logits / 0.5).softmax(dim=-1)
    rows = [row(prompt, 1, temperature=0.5, seed=seed) for seed in range(400)]
    decode(one, rows, ends=set())
    top = int(expected.argmax())
    share = sum(r.tokens == [top] for r in rows) / len(rows)
    assert 0.1 < expected[top] < 0.9, "the model is neither sure nor clueless here"
    assert share == pytest.approx(float(expected[top]), abs=0.1)


# ---- figures ---------------------------------------------------------------------------------


class SlowTokenizer:
    """A tokenizer that takes its time: that, too, is the engine's."""

    pad_token_id = 0

    def __init__(self, tokenizer: Any, clock: Clock) -> None:
        self.tokenizer = tokenizer
        self.clock = clock
        self.calls = 0

    def decode(self, tokens: list[int], **options: Any) -> Any:
        self.calls += 1
        self.clock.wait(0.5)
        return self.tokenizer.decode(tokens, **options)


def test_engine_seconds_add_up_to_the_engine_s_time_without_the_caller_s(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, clock = tiny("llama"), Clock()
    monkeypatch.setattr(scheduling, "perf_counter", clock)
    rows = [row(one.tokens(t), limit) for t, limit in zip(PROMPTS, (1, 2, 1, 3, 2, 1), strict=True)]
    model = Wrapped(one.model, lambda ids: clock.wait(2.0))
    tokenizer = SlowTokenizer(one.tokenizer, clock)
    for _ in run(scheduler(one, model, ends=set(), tokenizer=tokenizer), rows):
        clock.wait(100.0)
    spent = 2.0 * len(model.shapes) + 0.5 * tokenizer.calls
    assert len(model.shapes) >= 3 and tokenizer.calls >= 6
    assert clock.now == pytest.approx(spent + 100.0 * len(rows))
    assert sum(r.engine_seconds for r in rows) == pytest.approx(spent)
    assert all(r.engine_seconds > 0 for r in rows)
    assert all(r.latency_seconds >= 2.0 for r in rows)
