"""Batches: similar lengths, within the budget; exact ones hold one group only."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from evaluation.engines.batching import take_batch


@dataclass(frozen=True)
class Item:
    """A request of the pool as batching sees it."""

    name: int
    group: str
    prompt_length: int
    answer_length: int

    @property
    def length(self) -> int:
        return self.prompt_length + self.answer_length


SIZES = st.tuples(st.sampled_from("abc"), st.integers(1, 300), st.integers(0, 200))
ITEMS = st.lists(SIZES, min_size=1, max_size=25).map(
    lambda sizes: [Item(i, *size) for i, size in enumerate(sizes)]
)
TOKENS, ROWS = st.integers(1, 3000), st.integers(1, 10)


def drain(items: list[Item], max_tokens: int, max_rows: int, exact: bool) -> list[list[Item]]:
    waiting, batches = list(items), []
    while waiting:
        batch = take_batch(waiting, max_tokens=max_tokens, max_rows=max_rows, exact=exact)
        assert batch, "every call makes progress"
        waiting = [item for item in waiting if item not in batch]
        batches.append(batch)
    return batches


@given(ITEMS, TOKENS, ROWS, st.booleans())
def test_every_request_runs_once_within_the_budget(
    items: list[Item], max_tokens: int, max_rows: int, exact: bool
) -> None:
    batches = drain(items, max_tokens, max_rows, exact)
    assert sorted(item.name for batch in batches for item in batch) == [i.name for i in items]
    for batch in batches:
        assert len(batch) <= max_rows
        width = max(i.prompt_length for i in batch) + max(i.answer_length for i in batch)
        assert len(batch) == 1 or width * len(batch) <= max_tokens


@given(ITEMS, TOKENS, ROWS)
def test_similar_lengths_run_together_the_shortest_first(
    items: list[Item], max_tokens: int, max_rows: int
) -> None:
    order = [i.length for batch in drain(items, max_tokens, max_rows, False) for i in batch]
    assert order == sorted(order)


@given(ITEMS, TOKENS, ROWS)
def test_exact_batches_of_a_group_are_the_same_in_any_company(
    items: list[Item], max_tokens: int, max_rows: int
) -> None:
    together = drain(items, max_tokens, max_rows, True)
    assert all(len({item.group for item in batch}) == 1 for batch in together)
    for group in sorted({item.group for item in items}):
        alone = drain([i for i in items if i.group == group], max_tokens, max_rows, True)
        assert alone == [batch for batch in together if batch[0].group == group]


def test_a_batch_takes_all_that_fits() -> None:
    items = [Item(i, "a", 60, 40) for i in range(7)]
    sizes = [len(b) for b in drain(items, max_tokens=300, max_rows=9, exact=False)]
    assert sizes == [3, 3, 1]
    sizes = [len(b) for b in drain(items, max_tokens=3000, max_rows=2, exact=False)]
    assert sizes == [2, 2, 2, 1]


def test_a_long_prompt_and_a_long_answer_are_counted_together() -> None:
    # Padded to the longest prompt and with room for the longest answer: 2 * (90 + 80) tokens.
    items = [Item(0, "a", 90, 10), Item(1, "a", 10, 80)]
    assert len(take_batch(items, max_tokens=339, max_rows=9, exact=False)) == 1
    assert len(take_batch(items, max_tokens=340, max_rows=9, exact=False)) == 2


def test_groups_mix_unless_exact() -> None:
    items = [Item(0, "b", 10, 10), Item(1, "a", 10, 10)]
    assert len(take_batch(items, max_tokens=100, max_rows=9, exact=False)) == 2
    assert take_batch(items, max_tokens=100, max_rows=9, exact=True) == [items[1]]


def test_a_request_larger_than_the_budget_runs_alone() -> None:
    items = [Item(0, "a", 5000, 100), Item(1, "a", 10, 10), Item(2, "a", 20, 10)]
    batches = drain(items, max_tokens=1000, max_rows=9, exact=False)
    assert batches == [[items[1], items[2]], [items[0]]]
