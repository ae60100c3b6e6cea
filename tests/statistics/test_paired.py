"""Paired differences: against scipy, at the edges, and with bad input."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evaluation.config import ComparisonSettings
from evaluation.statistics.clustered import mean_of
from evaluation.statistics.paired import (
    change_interval,
    differences,
    pair,
    paired_difference,
)

SETTINGS = ComparisonSettings(draws=1000)


def answers(n: int, wins: int, losses: int) -> tuple[list[float], list[float]]:
    """Scores of two models, of which both are right where they agree."""
    ties = n - wins - losses
    return [1.0] * wins + [0.0] * losses + [1.0] * ties, [0.0] * wins + [1.0] * (n - wins)


def test_right_and_wrong_answers() -> None:
    found = paired_difference(*answers(100, 20, 4), SETTINGS)
    assert (found.n, found.wins, found.losses, found.ties) == (100, 20, 4, 76)
    assert (found.a, found.b) == pytest.approx((0.96, 0.8))
    assert found.difference == pytest.approx(0.16)
    assert found.p == pytest.approx(stats.binomtest(4, 24).pvalue)
    assert (found.adjusted_p, found.family, found.method) == (found.p, 1, "exact McNemar")
    assert found.interval is not None and found.interval.method == "Tango"
    assert 0.06 < found.interval.low < 0.16 < found.interval.high < 0.26
    assert found.verdict == "better" and found.reason == ""


def test_the_other_way_round_is_worse() -> None:
    a, b = answers(100, 20, 4)
    one, other = paired_difference(a, b, SETTINGS), paired_difference(b, a, SETTINGS)
    assert other.verdict == "worse" and other.p == one.p and other.difference == -one.difference
    turned = paired_difference(b, a, SETTINGS, lower_is_better=True)
    assert turned.verdict == "better" and turned.difference == one.difference
    assert (turned.wins, turned.a, turned.b) == (20, other.a, other.b)


def test_graded_scores_have_the_t_interval() -> None:
    random = np.random.default_rng(0)
    a, b = random.random(60), random.random(60)
    found = paired_difference(a.tolist(), b.tolist(), SETTINGS, seed=5)
    expected = stats.ttest_rel(a, b)
    ends = expected.confidence_interval(0.95)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((ends.low, ends.high))
    assert found.p == pytest.approx(expected.pvalue, abs=0.05)
    assert found.sd == pytest.approx(np.std(a - b, ddof=1))
    assert found.method == "drawn sign flips"
    assert found == paired_difference(a.tolist(), b.tolist(), SETTINGS, seed=5)


def test_few_graded_differences_are_gone_through() -> None:
    found = paired_difference([0.5, 1, 0.75, 1, 0.5], [0.25, 0.5, 0.5, 0.5, 0.5], SETTINGS)
    assert (found.p, found.method, found.ties) == (2 / 16, "exact sign flips", 1)


def test_one_graded_score_makes_all_graded() -> None:
    a, b = answers(30, 9, 1)
    found = paired_difference([0.5, *a], [0.5, *b], SETTINGS)
    assert "sign flips" in found.method and found.interval is not None
    assert found.interval.method == "t"


def test_rounding_is_no_win() -> None:
    found = paired_difference([0.1 + 0.2, 0.5], [0.3, 0.5], SETTINGS)
    assert (found.wins, found.losses, found.ties, found.difference) == (0, 0, 2, 0)


@pytest.mark.parametrize("graded", [False, True])
def test_no_samples_give_a_verdict_and_no_number(graded: bool) -> None:
    found = paired_difference([], [], SETTINGS, clusters=[] if graded else None)
    assert found.verdict == "not enough samples" and "No sample" in found.reason
    assert (found.n, found.a, found.difference, found.interval, found.p) == (0, *[None] * 4)


@pytest.mark.parametrize(("a", "b"), [(1, 0), (0, 1), (1, 1), (0.5, 0.25), (0.5, 0.5), (8, 7)])
def test_one_sample_decides_nothing(a: float, b: float) -> None:
    found = paired_difference([a], [b], SETTINGS)
    assert found.verdict == "not enough samples"
    assert (found.n, found.p, found.detectable) == (1, 1.0, None)
    assert found.difference == a - b
    assert found.needed is not None and found.needed > 1
    assert f"{found.needed:,} samples" in found.reason
    assert found.interval is not None and found.interval.high - found.interval.low > 1


@pytest.mark.parametrize("score", [0.0, 1.0, 0.5])
def test_all_the_same_is_not_equal_before_there_are_samples_enough(score: float) -> None:
    few = paired_difference([score] * 100, [score] * 100, SETTINGS)
    assert few.verdict == "not enough samples" and few.p == 1 and few.ties == 100
    assert few.interval is not None and few.interval.low == -few.interval.high < -0.03
    assert few.sd is not None and few.sd > 0
    many = paired_difference([score] * 200, [score] * 200, SETTINGS)
    assert many.verdict == "equal" and "within 0.02" in many.reason


def test_a_narrow_interval_of_a_handful_is_not_equal() -> None:
    a, b = [0.500, 0.501] * 10, [0.501, 0.500] * 10
    few, many = (paired_difference(a * k, b * k, SETTINGS) for k in (1, 10))
    assert few.interval is not None and few.interval.high < SETTINGS.margin
    assert few.verdict == "no difference shown"
    assert many.verdict == "equal"


def test_all_right_against_all_wrong() -> None:
    found = paired_difference([1] * 20, [0] * 20, SETTINGS)
    assert found.verdict == "better" and found.difference == 1
    assert found.interval is not None and found.interval.high == 1 > found.interval.low > 0.6
    # Five answers, however clear, are not significant at 5%.
    five = paired_difference([1] * 5, [0] * 5, SETTINGS)
    assert (five.verdict, five.needed, five.detectable) == ("not enough samples", 6, None)


def test_clusters_are_flipped_whole() -> None:
    a, b = answers(40, 8, 0)
    names = [f"text {k // 4}" for k in range(40)]
    alone, grouped = (
        paired_difference(a, b, SETTINGS),
        paired_difference(a, b, SETTINGS, clusters=names),
    )
    # Eight samples of two texts: two texts that agree are no evidence.
    assert alone.verdict == "better" and alone.clusters is None
    assert grouped.p == 0.5 and grouped.clusters == 10
    assert grouped.verdict == "not enough samples"
    assert alone.interval is not None and grouped.interval is not None
    assert grouped.interval.low < 0 < alone.interval.low
    assert alone.needed is not None and grouped.needed is not None
    assert grouped.needed > 2 * alone.needed and grouped.needed > 40
    apart = paired_difference(a, b, SETTINGS, clusters=[str(k) for k in range(40)])
    assert apart == alone


@pytest.mark.parametrize("score", [0.5, None])
def test_copies_of_samples_plan_like_the_samples(score: float | None) -> None:
    random = np.random.default_rng(1)
    a, b = ([score] * 30, [score] * 30) if score else random.random((2, 30)).tolist()
    names = [str(k // 4) for k in range(120)]
    alone = paired_difference(a, b, SETTINGS)
    copies = paired_difference(
        np.repeat(a, 4).tolist(), np.repeat(b, 4).tolist(), SETTINGS, clusters=names
    )
    assert copies.clusters == 30 and alone.needed is not None
    assert copies.needed == 4 * alone.needed
    assert copies.detectable == pytest.approx(alone.detectable, rel=1e-5)


def test_one_cluster_decides_nothing() -> None:
    found = paired_difference([1] * 30, [0] * 30, SETTINGS, clusters=["text"] * 30)
    assert (found.p, found.clusters, found.verdict) == (1.0, 1, "not enough samples")
    assert found.interval is not None and found.interval.low < 0


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_what_is_no_number_is_refused_with_its_place(value: float) -> None:
    with pytest.raises(ValueError, match="value 2 of b is"):
        paired_difference([1, 1, 1], [1, 0, value], SETTINGS)


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="a has 2 scores and b 3"):
        paired_difference([1, 0], [1, 0, 1], SETTINGS)
    with pytest.raises(ValueError, match="2 values, but the clusters of 1"):
        paired_difference([1, 0], [1, 1], SETTINGS, clusters=["a"])


@given(
    st.lists(
        st.tuples(*[st.sampled_from([0.0, 1.0])] * 2) | st.tuples(*[st.floats(0, 1)] * 2),
        min_size=1,
        max_size=12,
    )
)
def test_numbers_always_agree_with_each_other(pairs: list[tuple[float, float]]) -> None:
    a, b = [p for p, _ in pairs], [p for _, p in pairs]
    found = paired_difference(a, b, SETTINGS)
    assert found.wins + found.losses + found.ties == found.n == len(pairs)
    assert found.difference is not None and found.interval is not None and found.p is not None
    assert -1 <= found.interval.low <= found.difference + 1e-9
    assert found.difference - 1e-9 <= found.interval.high <= 1
    assert 0 < found.p <= 1
    assert (found.verdict in ("better", "worse")) == (found.p <= 0.05)
    assert found.verdict != "not enough samples" or (found.needed or inf) > found.n


@pytest.mark.parametrize("b", [[0, 1, 0, 1, 1], [0.5, 0.25, 1, 0, 0], [1, 1, 1, 1, 1]])
def test_certainty_is_the_whole_range(b: list[float]) -> None:
    # A first look of many may test at a level that is 0 in floating point.
    first, second = pair([1, 1, 1, 1, 1], b)
    change = differences(first, second)
    found = change_interval(first, second, change, mean_of(change), 1.0)
    assert (found.low, found.high) == pytest.approx((-1, 1))
