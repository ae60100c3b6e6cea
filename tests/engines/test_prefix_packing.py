"""Packs and rows: each input once, within the limits, and every token sees its own ancestors."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from evaluation.engines.packing import SHORTEST_STEM, Limits, Line, Pack, common, lay_out, packs

# Few different tokens and pieces, so that inputs have beginnings of all lengths in common.
PIECES = st.sampled_from([(1,), (2,), (1, 2), (3,) * 40, (1, 2, 3) * 20, (2, 1) * 45])
INPUTS = st.lists(PIECES, min_size=1, max_size=5).map(lambda parts: sum(parts, ()))


@st.composite
def lines_of_inputs(draw: st.DrawFn) -> list[Line]:
    lines = []
    for tokens in draw(st.lists(INPUTS, min_size=1, max_size=25, unique=True)):
        lengths = draw(st.lists(st.integers(1, min(len(tokens), 12)), min_size=1, max_size=3))
        lines.append(Line(tokens, {tuple(range(7, 7 + length)): 0.0 for length in lengths}))
    return lines


LINES = lines_of_inputs()
LIMITS = st.builds(Limits, tokens=st.integers(1, 300), logits=st.integers(1, 60))


def beginnings(lines: Sequence[Line]) -> set[tuple[int, ...]]:
    return {line.tokens[: end + 1] for line in lines for end in range(len(line.tokens))}


def shared_lines(stem: int, ends: Sequence[int], target: int = 1) -> list[Line]:
    """Lines with a common stem, then some tokens of their own."""
    return [
        Line((*range(stem), *([1000 + i] * end)), {tuple(range(target)): 0.0})
        for i, end in enumerate(ends)
    ]


@given(LINES, LIMITS)
def test_packs_hold_each_line_once_within_the_limits(lines: list[Line], limits: Limits) -> None:
    found = list(packs(lines, limits))
    assert sorted(id(line) for pack in found for line in pack.lines) == sorted(map(id, lines))
    for pack in found:
        distinct = len(beginnings(pack.lines)) - pack.stem
        if len(pack.lines) > 1:
            assert distinct <= limits.tokens
            assert sum(line.needed for line in pack.lines) <= limits.logits


@given(LINES, LIMITS)
def test_stems_are_shared_and_hold_no_position_that_is_read(
    lines: list[Line], limits: Limits
) -> None:
    for pack in packs(lines, limits):
        assert len({line.tokens[: pack.stem] for line in pack.lines}) == 1
        assert all(pack.stem <= len(line.tokens) - line.needed for line in pack.lines)
        assert pack.stem == 0 or pack.stem >= SHORTEST_STEM


@given(LINES, LIMITS, st.data())
def test_a_row_holds_each_beginning_once_and_every_token_sees_its_own(
    lines: list[Line], limits: Limits, data: st.DataObject
) -> None:
    for pack in packs(lines, limits):
        start = data.draw(st.integers(0, pack.stem))
        row = lay_out(pack, start)
        before = pack.lines[0].tokens[:start]
        inputs = []
        for place, position in enumerate(row.positions):
            seen = [i for i in range(place + 1) if row.last[i] >= place]
            assert [row.positions[i] for i in seen] == list(range(start, position + 1))
            inputs.append((*before, *(row.tokens[i] for i in seen)))
        assert len(set(inputs)) == len(inputs), "nothing is there twice"
        assert set(inputs) == {one for one in beginnings(pack.lines) if len(one) > start}
        assert sum(row.new) == len(row.tokens)
        for line in pack.lines:
            for target in line.targets:
                reads = [r for r in row.reads if r.line is line and r.target is target]
                assert tuple(read.token for read in reads) == target
                assert [inputs[read.place] for read in reads] == [
                    line.tokens[: len(line.tokens) - len(target) + i + 1]
                    for i in range(len(target))
                ]


def test_what_all_begin_with_is_computed_once_for_all_packs() -> None:
    lines = shared_lines(500, [30] * 20)
    found = list(packs(lines, Limits(100, 100)))
    assert [(pack.stem, len(pack.lines)) for pack in found] == [(500, 3)] * 6 + [(500, 2)]


def test_what_fits_into_one_pack_has_no_stem() -> None:
    assert [pack.stem for pack in packs(shared_lines(500, [30] * 10), Limits(800, 100))] == [0]


def test_stems_are_nested() -> None:
    # Like subjects with their own examples, after an instruction common to all.
    lines = [
        Line((*range(100), *([subject] * 90), *([question] * 20)), {(1,): 0.0})
        for subject in (1001, 1002)
        for question in range(2000, 2010)
    ]
    found = [(pack.stem, len(pack.lines)) for pack in packs(lines, Limits(100, 100))]
    assert found == [(190, 5)] * 4


def test_a_few_shared_tokens_make_no_stem_and_part_no_pack() -> None:
    lines = shared_lines(SHORTEST_STEM - 1, [30] * 4)
    found = [(pack.stem, len(pack.lines)) for pack in packs(lines, Limits(100, 100))]
    assert found == [(0, 2), (0, 2)]


def test_a_question_s_choices_stay_together_if_they_fit() -> None:
    lines = [
        Line((*([question] * 30), *([choice] * 10)), {(1,): 0.0})
        for question in (1, 2, 3)
        for choice in (11, 12, 13)
    ]
    found = [{line.tokens[0] for line in pack.lines} for pack in packs(lines, Limits(100, 100))]
    assert found == [{1}, {2}, {3}]


def test_one_long_input_is_its_stem_and_its_end() -> None:
    [pack] = packs(shared_lines(0, [500], target=7), Limits(100, 100))
    assert pack.stem == 493


def test_one_long_continuation_is_computed_whole() -> None:
    [pack] = packs(shared_lines(0, [500], target=490), Limits(100, 100))
    assert (pack.stem, len(pack.lines)) == (0, 1)


def test_no_lines_make_no_packs() -> None:
    assert list(packs([], Limits(100, 100))) == []


def test_a_row_in_the_order_of_its_tree() -> None:
    targets: dict[tuple[int, ...], float] = {(9,): 0.0}
    lines = (Line((1, 2, 3), targets), Line((1, 2, 4, 5), targets), Line((1, 6), targets))
    row = lay_out(Pack(0, lines), 0)
    assert row.tokens == [1, 2, 3, 4, 5, 6]
    assert row.positions == [0, 1, 2, 2, 3, 1]
    assert row.last == [5, 4, 2, 4, 4, 5]
    assert row.new == [3, 2, 1]
    assert [read.place for read in row.reads] == [2, 4, 5]


@given(st.lists(st.integers(0, 1), max_size=200), st.lists(st.integers(0, 1), max_size=200))
def test_common_counts_the_tokens_two_inputs_begin_with(left: list[int], right: list[int]) -> None:
    same = common(left, right)
    assert left[:same] == right[:same]
    assert same == min(len(left), len(right)) or left[same] != right[same]
    assert common(left + right, left) == len(left)
