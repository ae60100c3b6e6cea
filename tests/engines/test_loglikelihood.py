"""Log-likelihoods: batches, shared rows and bounds give the naive one-by-one numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evaluation.engines import loglikelihood
from evaluation.engines.loglikelihood import Line, batches, score_continuations
from evaluation.engines.prompts import ContinuationTokens, Renderer
from evaluation.records import Continuation, ContinuationScore
from tests.engines.conftest import Tiny, Wrapped
from tests.tiny_models import FAMILIES

Load = Callable[[str], Tiny]
Pairs = Sequence[tuple[str, str]]

LONG = "On the third day the rain came down in sheets and the river rose. " * 3
# Requests as the benchmarks make them; lengths differ widely and are in no order.
REQUESTS: dict[str, Pairs] = {
    "letters": [("Question: what is it?\nA. tea\nB. ink\nAnswer:", f" {c}") for c in "ABCD"],
    "endings": [
        (LONG + "So the people", " went home."),
        (LONG + "So the people", " built a wall out of sand, and on and on until the end."),
    ],
    "different contexts": [
        ("The kettle would not fit on the shelf because the kettle", " was too tall."),
        ("The kettle would not fit on the shelf because the shelf", " was too tall."),
    ],
    "one choice": [("C", " is")],
    "trailing space": [("the end of the ", "line"), ("the end of the ", "rest")],
    "empty context": [("", "the Question is"), ("", "and")],
    "beyond ASCII": [("日本の café", " é"), ("日本の café", " 🙂")],
}


def naive(one: Tiny, item: ContinuationTokens) -> float:
    """The sum of log-probabilities of one continuation, alone, from full logits."""
    whole = [*item.tokens, item.target[-1]]
    with torch.inference_mode():
        logits = one.model(torch.tensor([whole])).logits[0].double().log_softmax(dim=-1)
    first = len(whole) - len(item.target)
    return sum(float(logits[first + i - 1, token]) for i, token in enumerate(item.target))


def prepare(
    one: Tiny, requests: Sequence[Pairs], context: int = 2048
) -> list[list[ContinuationTokens]]:
    renderer = Renderer(one.tokenizer, context, thinking=False)
    return [
        [renderer.continuation(Continuation(context=c, text=t)) for c, t in pairs]
        for pairs in requests
    ]


def score(
    one: Tiny,
    requests: Sequence[Sequence[ContinuationTokens]],
    max_tokens: int = 512,
    watched: Wrapped | None = None,
) -> list[list[ContinuationScore]]:
    results = list(
        score_continuations(
            watched or one.model, one.tokenizer.pad_token_id, 300, requests, max_tokens
        )
    )
    assert sorted(index for index, _, _ in results) == list(range(len(requests)))
    return [scores for _, scores, _ in sorted(results, key=lambda result: result[0])]


@pytest.mark.parametrize("max_tokens", [256, 4096])
@pytest.mark.parametrize("family", FAMILIES)
def test_batches_give_the_naive_numbers(tiny: Load, family: str, max_tokens: int) -> None:
    one = tiny(family)
    requests = prepare(one, list(REQUESTS.values()))
    for name, items, scores in zip(
        REQUESTS, requests, score(one, requests, max_tokens), strict=True
    ):
        assert [s.tokens for s in scores] == [len(item.target) for item in items], name
        expected = [naive(one, item) for item in items]
        assert [s.logprob for s in scores] == pytest.approx(expected, abs=1e-4), name
        assert len({round(e, 3) for e in expected}) == len(items), "the choices differ"


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
    [[found]] = score(one, prepare(one, [[("C", " is")]]))
    assert found.logprob == pytest.approx(float(torch.tensor(expected).log()), abs=1e-4)
    assert found.tokens == len(ids) - context


def test_choices_of_one_token_share_one_row(tiny: Load) -> None:
    one = tiny("llama")
    watched = Wrapped(one.model, lambda ids: None)
    question = prepare(one, [REQUESTS["letters"]])
    score(one, question, watched=watched)
    assert watched.shapes == [(1, len(question[0][0].tokens))]


def test_a_shared_row_serves_several_requests(tiny: Load) -> None:
    one = tiny("llama")
    watched = Wrapped(one.model, lambda ids: None)
    letters = prepare(one, [REQUESTS["letters"][:2], REQUESTS["letters"][1:]])
    scores = score(one, letters, watched=watched)
    assert sum(height for height, _ in watched.shapes) == 1
    for items, found in zip(letters, scores, strict=True):
        expected = [naive(one, item) for item in items]
        assert [s.logprob for s in found] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("family", ["llama", "gemma3_text", "deepseek_v2"])
def test_truncated_contexts_are_scored_on_what_is_left(tiny: Load, family: str) -> None:
    one = tiny(family)
    whole = prepare(one, [REQUESTS["endings"]])[0]
    cut = prepare(one, [REQUESTS["endings"]], context=80)[0]
    for full, short in zip(whole, cut, strict=True):
        assert short.cut == len(full.tokens) - 80 > 0
        assert short.tokens == full.tokens[-80:]
        assert short.target == full.target
    expected = [naive(one, item) for item in cut]
    found = [s.logprob for s in score(one, [cut])[0]]
    assert found == pytest.approx(expected, abs=1e-4)
    assert found != pytest.approx([naive(one, item) for item in whole], abs=1e-2)


def test_small_logit_bounds_split_batches_and_change_no_number(
    tiny: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = tiny("llama")
    requests = prepare(one, list(REQUESTS.values()))
    watched = Wrapped(one.model, lambda ids: None)
    free = score(one, requests, 100_000, watched)
    assert len(watched.shapes) == 1
    monkeypatch.setattr(loglikelihood, "LOGITS_BYTES", 300 * 4 * 20)
    watched.shapes.clear()
    bounded = score(one, requests, 100_000, watched)
    assert len(watched.shapes) > 3
    for left, right in zip(free, bounded, strict=True):
        assert [s.logprob for s in left] == pytest.approx([s.logprob for s in right], abs=1e-4)


def test_requests_are_yielded_as_they_complete(tiny: Load) -> None:
    one = tiny("llama")
    requests = prepare(one, [REQUESTS["one choice"], REQUESTS["letters"], REQUESTS["endings"]])
    watched = Wrapped(one.model, lambda ids: None)
    order = []
    passes = []
    for index, _, seconds in score_continuations(watched, 2, 300, requests, 300):
        order.append(index)
        passes.append(len(watched.shapes))
        assert seconds > 0
    assert sorted(order) == [0, 1, 2]
    assert order[0] == 2, "the longest ran first"
    assert passes[0] < passes[-1], "it came before the last was computed"


LINES = st.lists(
    st.builds(
        lambda length, targets: Line(
            list(range(length)), {tuple(range(min(t, length))): 0.0 for t in targets}
        ),
        st.integers(1, 60),
        st.lists(st.integers(1, 9), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=30,
)


@given(LINES, st.integers(1, 200), st.integers(1, 40), st.integers(100, 20_000))
def test_batches_hold_each_line_once_within_the_bounds(
    lines: list[Line], max_tokens: int, vocabulary: int, limit: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loglikelihood, "LOGITS_BYTES", limit)
        found = list(batches(lines, vocabulary, max_tokens))
    assert sorted(id(line) for batch in found for line in batch) == sorted(map(id, lines))
    lengths = [len(line.tokens) for batch in found for line in batch]
    assert lengths == sorted(lengths, reverse=True), "the longest run first"
    for batch in found:
        width = max(len(line.tokens) for line in batch)
        needed = max(len(target) for line in batch for target in line.targets)
        assert len(batch) == 1 or len(batch) * width <= max_tokens
        assert len(batch) == 1 or len(batch) * needed * vocabulary * 4 <= limit


def test_lines_that_fit_together_run_together() -> None:
    lines = [Line([1] * 10, {(1,): 0.0}) for _ in range(8)]
    assert [len(batch) for batch in batches(lines, 300, 40)] == [4, 4]


def test_a_long_target_does_not_narrow_the_batches_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loglikelihood, "LOGITS_BYTES", 9 * 300 * 4)
    lines = [Line([1] * 20, {(1,) * 9: 0.0}), *(Line([1] * 10, {(1,): 0.0}) for _ in range(8))]
    assert [len(batch) for batch in batches(lines, 300, 1000)] == [1, 8]
