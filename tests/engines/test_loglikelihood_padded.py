"""Padded batches of whole inputs keep their limits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evaluation.engines.packing import Limits, Line
from evaluation.engines.padded_rows import batches


def line(length: int, *targets: int) -> Line:
    """An input of some length, with continuations of some lengths."""
    return Line((1,) * length, {(1,) * target: 0.0 for target in targets})


LINES = st.lists(
    st.builds(
        lambda length, targets: line(length, *(min(target, length) for target in targets)),
        st.integers(1, 60),
        st.lists(st.integers(1, 9), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=30,
)


@given(LINES, st.builds(Limits, tokens=st.integers(1, 200), logits=st.integers(1, 50)))
def test_batches_hold_each_line_once_within_the_limits(lines: list[Line], limits: Limits) -> None:
    found = list(batches(lines, limits))
    assert sorted(id(one) for batch in found for one in batch) == sorted(map(id, lines))
    lengths = [len(one.tokens) for batch in found for one in batch]
    assert lengths == sorted(lengths, reverse=True), "the longest run first"
    for batch in found:
        width = max(len(one.tokens) for one in batch)
        needed = max(one.needed for one in batch)
        assert len(batch) == 1 or len(batch) * width <= limits.tokens
        assert len(batch) == 1 or len(batch) * needed <= limits.logits


def test_lines_that_fit_together_run_together() -> None:
    lines = [line(10, 1) for _ in range(8)]
    assert [len(batch) for batch in batches(lines, Limits(40, 1000))] == [4, 4]


def test_a_long_target_does_not_narrow_the_batches_after_it() -> None:
    lines = [line(20, 9), *(line(10, 1) for _ in range(8))]
    assert [len(batch) for batch in batches(lines, Limits(1000, 9))] == [1, 8]
