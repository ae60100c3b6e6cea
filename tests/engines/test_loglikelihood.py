"""Log-likelihoods: what is shared, split or padded gives the naive one-by-one numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from evaluation.engines import loglikelihood
from evaluation.engines.loading import rope_switch
from evaluation.engines.loglikelihood import Scored, Scorer, score_all
from evaluation.engines.prefix_support import attention_windows
from evaluation.engines.prompts import ContinuationTokens, Renderer
from evaluation.records import Continuation, ContinuationScore
from tests.engines.conftest import Clock, Tiny, Wrapped
from tests.tiny_models import FAMILIES, WINDOW

Load = Callable[[str], Tiny]
Pairs = Sequence[tuple[str, str]]

LONG = "On the third day the rain came down in sheets and the river rose. " * 3
FEW_SHOT = "".join(f"Question: is {n} in the list?\nAnswer: it is {n + 1}.\n\n" for n in range(6))
# Requests as the benchmarks make them; lengths differ widely and are in no order.
REQUESTS: dict[str, Pairs] = {
    "letters": [("Question: what is it?\nA. tea\nB. ink\nAnswer:", f" {c}") for c in "ABCD"],
    "endings": [
        (LONG + "So the people", " went home."),
        (LONG + "So the people", " built a wall out of sand, and on and on until the end."),
    ],
    "few-shot letters": [(FEW_SHOT + "Question: is it?\nAnswer:", f" {c}") for c in "AB"],
    "few-shot endings": [
        (FEW_SHOT + "Question: what then?\nAnswer:", t) for t in (" the rain", " the tin", " so")
    ],
    "different contexts": [
        (LONG + "The kettle would not fit on the shelf because the kettle", " was too tall."),
        (LONG + "The kettle would not fit on the shelf because the shelf", " was too tall."),
    ],
    "one choice": [("C", " is")],
    "trailing space": [("the end of the ", "line"), ("the end of the ", "rest")],
    "empty context": [("", "the Question is"), ("", "and")],
    "beyond ASCII": [("日本の café", " é"), ("日本の café", " 🙂")],
    "the end of another's input": [(FEW_SHOT + "Question: what", " then?\nAnswer: the")],
}


def naive(model: Any, item: ContinuationTokens) -> float:
    """The sum of log-probabilities of one continuation, alone, from full logits."""
    whole = [*item.tokens, item.target[-1]]
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([whole])).logits[0].double().log_softmax(dim=-1)
    first = len(whole) - len(item.target)
    return sum(float(logits[first + i - 1, token]) for i, token in enumerate(item.target))


def prepare(
    one: Tiny, requests: Iterable[Pairs], context: int = 2048
) -> list[list[ContinuationTokens]]:
    renderer = Renderer(one.tokenizer, context, thinking=False)
    return [
        [renderer.continuation(Continuation(context=c, text=t)) for c, t in pairs]
        for pairs in requests
    ]


def scorer(one: Tiny, max_tokens: int = 512, model: Any = None, *, share: bool = True) -> Scorer:
    windows = attention_windows(one.model) if share else None
    return Scorer(model or one.model, one.tokenizer.pad_token_id, windows, max_tokens)


def run(found: Scorer, requests: Sequence[Sequence[ContinuationTokens]]) -> list[Scored]:
    """Every request's result, in the order of the requests."""
    results = sorted(score_all(found, requests), key=lambda done: done.index)
    assert [done.index for done in results] == list(range(len(requests)))
    return results


def score(
    found: Scorer, requests: Sequence[Sequence[ContinuationTokens]]
) -> list[list[ContinuationScore]]:
    results = run(found, requests)
    assert all(done.error is None for done in results)
    return [done.scores for done in results]


def logprobs(scores: Iterable[Sequence[ContinuationScore]]) -> list[float]:
    return [one.logprob for scores_of_one in scores for one in scores_of_one]


def distinct(requests: Sequence[Sequence[ContinuationTokens]]) -> int:
    """How many different beginnings the inputs have: the fewest tokens to compute."""
    inputs = {tuple(item.tokens) for items in requests for item in items}
    return len({tokens[: end + 1] for tokens in inputs for end in range(len(tokens))})


def watched(one: Tiny) -> Wrapped:
    return Wrapped(one.model, lambda ids: None)


@pytest.mark.parametrize("max_tokens", [16, 100, 4096])
@pytest.mark.parametrize("family", FAMILIES)
def test_shared_prefixes_give_the_naive_numbers(tiny: Load, family: str, max_tokens: int) -> None:
    one = tiny(family)
    requests = prepare(one, REQUESTS.values())
    scores = score(scorer(one, max_tokens), requests)
    for name, items, found in zip(REQUESTS, requests, scores, strict=True):
        assert [s.tokens for s in found] == [len(item.target) for item in items], name
        expected = [naive(one.model, item) for item in items]
        assert [s.logprob for s in found] == pytest.approx(expected, abs=1e-4), name
        assert len({round(e, 3) for e in expected}) == len(items), "the choices differ"


@pytest.mark.parametrize("max_tokens", [256, 4096])
@pytest.mark.parametrize("family", FAMILIES)
def test_without_sharing_the_numbers_are_the_same(tiny: Load, family: str, max_tokens: int) -> None:
    one = tiny(family)
    requests = prepare(one, REQUESTS.values())
    expected = [naive(one.model, item) for items in requests for item in items]
    found = run(scorer(one, max_tokens, share=False), requests)
    assert logprobs(done.scores for done in found) == pytest.approx(expected, abs=1e-4)
    # Continuations of the same input still share it.
    inputs = {tuple(item.tokens) for items in requests for item in items}
    assert sum(done.computed for done in found) == sum(map(len, inputs))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", ["mistral", "gemma3_text"])
def test_windows_are_kept_across_the_border_of_the_stem(
    tiny: Load, family: str, attention: str
) -> None:
    # The stem is longer than the window, and rows begin within a window of its end.
    one = tiny(family)
    model = type(one.model).from_pretrained(one.folder, attn_implementation=attention).eval()
    requests = prepare(
        one, [[(FEW_SHOT + "the " * n, " end"), (FEW_SHOT, " and")] for n in range(9)]
    )
    assert len(one.tokens(FEW_SHOT)) > 2 * WINDOW
    expected = [naive(model, item) for items in requests for item in items]
    for max_tokens in (WINDOW - 5, WINDOW + 5, 300):
        found = score(scorer(one, max_tokens, model), requests)
        assert logprobs(found) == pytest.approx(expected, abs=1e-4)


def test_inputs_beyond_the_switch_of_longrope_have_their_own_factors(
    tiny: Load, tmp_path: Path
) -> None:
    one = tiny("phi3")
    config = one.model.config.to_dict()
    switch = 64
    factors = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0] * 4,
        "long_factor": [8.0] * 4,
        "original_max_position_embeddings": switch,
    }
    config |= {"original_max_position_embeddings": switch, "rope_parameters": factors}
    kind = type(one.model)
    model = kind.from_pretrained(one.folder, config=type(one.model.config)(**config)).eval()
    assert rope_switch(model) == switch
    # The same beginning, on both sides of the switch and at it.
    text = one.tokens("and so on and on " * 20)
    requests = [
        [ContinuationTokens(text[:length], text[length - 2 : length], 0)]
        for length in (20, switch - 1, switch, switch + 1, switch + 9)
    ]
    expected = [naive_input(model, items[0]) for items in requests]
    windows = attention_windows(model)
    found = score(Scorer(model, 2, windows, 30, rope_switch(model)), requests)
    assert logprobs(found) == pytest.approx(expected, abs=1e-4)
    mixed = score(Scorer(model, 2, windows, 30), requests)
    assert logprobs(mixed) != pytest.approx(expected, abs=1e-2), "the switch matters"


def naive_input(model: Any, item: ContinuationTokens) -> float:
    """As `naive`, but the last token is not an input: it would be one more position."""
    with torch.inference_mode():
        logits = model(torch.tensor([item.tokens])).logits[0].double().log_softmax(dim=-1)
    first = len(item.tokens) - len(item.target)
    return sum(float(logits[first + i, token]) for i, token in enumerate(item.target))


def test_text_goes_in_and_the_number_is_the_text_s_probability(tiny: Load) -> None:
    # By hand, from one forward pass over start token, context and continuation.
    one = tiny("llama")
    ids = one.tokens("C is")
    with torch.inference_mode():
        probabilities = one.model(torch.tensor([ids])).logits[0].softmax(dim=-1)
    context = len(one.tokens("C"))
    expected = 1.0
    for place in range(context, len(ids)):
        expected *= float(probabilities[place - 1, ids[place]])
    [[found]] = score(scorer(one), prepare(one, [[("C", " is")]]))
    assert found.logprob == pytest.approx(float(torch.tensor(expected).log()), abs=1e-4)
    assert found.tokens == len(ids) - context


@pytest.mark.parametrize("family", ["llama", "gemma3_text", "deepseek_v2"])
def test_truncated_contexts_are_scored_on_what_is_left(tiny: Load, family: str) -> None:
    one = tiny(family)
    whole = prepare(one, [REQUESTS["endings"]])[0]
    cut = prepare(one, [REQUESTS["endings"]], context=80)[0]
    for full, short in zip(whole, cut, strict=True):
        assert short.cut == len(full.tokens) - 80 > 0
        assert short.tokens == full.tokens[-80:]
        assert short.target == full.target
    expected = [naive(one.model, item) for item in cut]
    found = logprobs(score(scorer(one), [cut]))
    assert found == pytest.approx(expected, abs=1e-4)
    assert found != pytest.approx([naive(one.model, item) for item in whole], abs=1e-2)


# ---- what is computed ------------------------------------------------------------------------


def test_choices_of_one_token_are_read_off_one_pass(tiny: Load) -> None:
    one = tiny("llama")
    model = watched(one)
    question = prepare(one, [[("Answer:", "A"), ("Answer:", "B"), ("Answer:", "C")]])
    assert {len(item.target) for item in question[0]} == {1}
    score(scorer(one, model=model), question)
    assert model.shapes == [(1, len(question[0][0].tokens))]


@pytest.mark.parametrize("max_tokens", [60, 300])
def test_a_few_shot_prefix_and_each_question_are_computed_once(tiny: Load, max_tokens: int) -> None:
    one = tiny("llama")
    model = watched(one)
    requests = prepare(
        one,
        [
            [(f"{FEW_SHOT}Question: is {n} so?\nAnswer:", t) for t in (" the rain", " tin", " A")]
            for n in range(20)
        ],
    )
    found = run(scorer(one, max_tokens, model), requests)
    computed = sum(width for _, width in model.shapes)
    assert {height for height, _ in model.shapes} == {1}
    assert max(width for _, width in model.shapes) <= max_tokens
    assert sum(done.computed for done in found) == computed
    # What all questions begin with is the stem; packs share what follows it only within.
    assert distinct(requests) <= computed <= distinct(requests) * 1.25
    assert computed < sum(len(item.tokens) for items in requests for item in items) / 20
    assert all(done.computed > 0 for done in found)
    assert max(done.computed for done in found) > len(one.tokens(FEW_SHOT))


def test_nested_prefixes_are_computed_once(tiny: Load) -> None:
    one = tiny("llama")
    model = watched(one)
    subjects = [f"{LONG}On {subject}. {FEW_SHOT}" for subject in ("tin", "ink", "the rain")]
    requests = prepare(
        one, [[(f"{s}Question: {n}?\nAnswer:", " A")] for n in range(30) for s in subjects]
    )
    score(scorer(one, 100, model), requests)
    assert sum(width for _, width in model.shapes) <= distinct(requests) * 1.25


def test_a_request_that_another_one_holds_whole_costs_nothing(tiny: Load) -> None:
    one = tiny("llama")
    first, second = REQUESTS["letters"][:2], REQUESTS["letters"][1:]
    letters = prepare(one, [first, second])
    found = run(scorer(one), letters)
    assert sum(done.computed for done in found) == distinct(letters)
    assert {done.rows for done in found} == {2}
    assert all(done.seconds > 0 for done in found)
    for items, done in zip(letters, found, strict=True):
        expected = [naive(one.model, item) for item in items]
        assert logprobs([done.scores]) == pytest.approx(expected, abs=1e-4)


def test_seconds_add_up_to_the_engine_s_time_and_latencies_end_with_it(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tiny("llama")
    clock = Clock()
    for module in ("prefix", "padded_rows", "loglikelihood"):
        monkeypatch.setattr(f"evaluation.engines.{module}.perf_counter", clock)
    model = Wrapped(one.model, lambda ids: clock.wait(2.0))
    requests = prepare(one, REQUESTS.values())
    found = run(scorer(one, 100, model), requests)
    assert sum(done.seconds for done in found) == pytest.approx(2.0 * len(model.shapes))
    assert len(model.shapes) > 5
    assert all(2.0 <= done.latency < 2.0 * len(model.shapes) for done in found)


def test_small_logit_bounds_split_packs_and_change_no_number(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tiny("llama")
    requests = prepare(one, REQUESTS.values())
    model = watched(one)
    free = score(scorer(one, model=model), requests)
    passes = len(model.shapes)
    vocabulary = one.model.config.vocab_size
    monkeypatch.setattr(loglikelihood, "LOGITS_BYTES", vocabulary * 4 * 20)
    model.shapes.clear()
    bounded = score(scorer(one, model=model), requests)
    assert len(model.shapes) > passes
    assert logprobs(bounded) == pytest.approx(logprobs(free), abs=1e-4)


def test_requests_are_yielded_as_they_complete(tiny: Load) -> None:
    one = tiny("llama")
    model = watched(one)
    requests = prepare(one, REQUESTS.values())
    passes = [len(model.shapes) for _ in score_all(scorer(one, 100, model), requests)]
    assert len(passes) == len(requests)
    assert passes[0] < passes[-1], "the first came before the last was computed"
    assert len(set(passes)) > 3


def test_the_order_of_requests_changes_no_bit(tiny: Load) -> None:
    one = tiny("llama")
    requests = prepare(one, REQUESTS.values())
    forth = logprobs(score(scorer(one, 100), requests))
    back = score(scorer(one, 100), requests[::-1])[::-1]
    assert [value.hex() for value in logprobs(back)] == [value.hex() for value in forth]


# ---- failures --------------------------------------------------------------------------------


class Card:
    """A card on which passes of more than `tokens` tokens do not fit."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.failures = 0

    def __call__(self, ids: torch.Tensor) -> None:
        if ids.numel() > self.tokens:
            self.failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("tokens", [80, 150, 200])
def test_passes_that_do_not_fit_are_halved_until_they_do(
    tiny: Load, tokens: int, share: bool
) -> None:
    one = tiny("llama")
    requests = prepare(one, (r for n, r in REQUESTS.items() if share or "few" not in n))
    if not share:
        requests = [items for items in requests if all(len(i.tokens) <= tokens for i in items)]
    expected = logprobs(score(scorer(one, share=share), requests))
    card = Card(tokens)
    found = run(scorer(one, 4096, Wrapped(one.model, card), share=share), requests)
    assert card.failures > 0
    assert [done.error for done in found] == [None] * len(requests)
    assert logprobs(done.scores for done in found) == pytest.approx(expected, abs=1e-4)
    assert max(done.backoffs for done in found) > 0


def test_one_request_alone_is_tried_with_smaller_passes(tiny: Load) -> None:
    one = tiny("llama")
    [items] = prepare(one, [REQUESTS["few-shot endings"]])
    card = Card(70)
    [done] = run(scorer(one, 4096, Wrapped(one.model, card)), [items])
    assert card.failures == done.backoffs == 2, "256 tokens, 128, then 64"
    expected = [naive(one.model, item) for item in items]
    assert logprobs([done.scores]) == pytest.approx(expected, abs=1e-4)


def test_one_request_that_never_fits_fails(tiny: Load) -> None:
    one = tiny("llama")
    requests = prepare(one, [REQUESTS["letters"]])
    [done] = run(scorer(one, 4096, Wrapped(one.model, Card(0))), requests)
    assert isinstance(done.error, torch.OutOfMemoryError)
    assert done.scores == []


@pytest.mark.parametrize("bad", REQUESTS)
def test_a_failing_request_costs_only_itself_and_none_is_answered_twice(
    tiny: Load, bad: str
) -> None:
    one = tiny("llama")
    poison = one.tokenizer.convert_tokens_to_ids("<|system|>")
    names = list(REQUESTS)
    requests = prepare(one, REQUESTS.values())
    expected = score(scorer(one, 100), requests)
    place = names.index(bad)
    requests[place] = [
        ContinuationTokens([*item.tokens, poison], item.target, 0) for item in requests[place]
    ]

    def fail(ids: torch.Tensor) -> None:
        if bool((ids == poison).any()):
            raise ValueError("poison")

    found = run(scorer(one, 100, Wrapped(one.model, fail)), requests)
    assert [str(done.error) for done in found if done.error] == ["poison"]
    assert found[place].error is not None
    for name, done, scores in zip(names, found, expected, strict=True):
        if name != bad:
            assert logprobs([done.scores]) == pytest.approx(logprobs([scores]), abs=1e-4)
