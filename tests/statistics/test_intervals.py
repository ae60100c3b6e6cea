"""Intervals: Wilson against scipy, the bootstrap against what it must do."""

from __future__ import annotations

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evaluation.statistics.intervals import DRAWS, bootstrap, mean_score, wilson


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 100, 200, 1319, 14042])
def test_wilson_is_scipys(n: int, level: float) -> None:
    for k in {0, 1, n // 3, n // 2, n - 1, n}:
        expected = binomtest(k, n).proportion_ci(confidence_level=level, method="wilson")
        found = wilson(k, n, level)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert (found.level, found.method) == (level, "Wilson")


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_proportion_and_stays_in_range(case: tuple[int, int]) -> None:
    k, n = case
    found = wilson(k, n)
    assert 0 <= found.low <= k / n <= found.high <= 1
    mirrored = wilson(n - k, n)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high))


def test_wilson_ends_at_the_borders_exactly() -> None:
    assert wilson(0, 20).low == 0.0 and wilson(0, 20).high > 0
    assert wilson(20, 20).high == 1.0 and wilson(20, 20).low < 1


def test_wilson_narrows_with_n_and_widens_with_level() -> None:
    def width(k: int, n: int, level: float = 0.95) -> float:
        found = wilson(k, n, level)
        return found.high - found.low

    assert width(10, 20) > width(50, 100) > width(100, 200)
    assert width(10, 20, 0.99) > width(10, 20)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_proportion(k: int, n: int) -> None:
    with pytest.raises(ValueError, match=f"found {k} of {n}"):
        wilson(k, n)


def test_bootstrap_is_seeded() -> None:
    values = [i / 30 for i in range(30)]
    assert bootstrap(values, fmean, seed=1) == bootstrap(values, fmean, seed=1)
    assert bootstrap(values, fmean, seed=1) != bootstrap(values, fmean, seed=2)


def test_bootstrap_of_a_mean_is_near_the_normal_interval() -> None:
    values = [(i % 10) / 9 for i in range(200)]
    mean = fmean(values)
    error = (fmean([(v - mean) ** 2 for v in values]) / len(values)) ** 0.5
    found = bootstrap(values, fmean)
    assert found.low == pytest.approx(mean - 1.96 * error, abs=0.006)
    assert found.high == pytest.approx(mean + 1.96 * error, abs=0.006)
    assert (found.level, found.method) == (0.95, f"bootstrap ({DRAWS} draws)")


def test_bootstrap_widens_with_level_and_narrows_with_n() -> None:
    values = [(i % 7) / 6 for i in range(35)]

    def width(items: list[float], level: float) -> float:
        found = bootstrap(items, fmean, level)
        return found.high - found.low

    assert width(values, 0.5) < width(values, 0.95) < width(values, 0.99)
    assert width(values * 10, 0.95) < width(values, 0.95)


def test_bootstrap_resamples_items_of_any_kind() -> None:
    found = bootstrap([(1, 2), (3, 4)], lambda pairs: sum(a / b for a, b in pairs) / len(pairs))
    assert (found.low, found.high) == (0.5, 0.75)


@pytest.mark.parametrize("values", [[0.4], [0.4] * 10])
def test_bootstrap_of_equal_values_has_no_width(values: list[float]) -> None:
    found = bootstrap(values, fmean)
    assert (found.low, found.high) == pytest.approx((0.4, 0.4))


def test_bootstrap_refuses_an_empty_list() -> None:
    with pytest.raises(ValueError, match="empty"):
        bootstrap([], fmean)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_bootstrap_stays_within_the_values(values: list[float]) -> None:
    found = bootstrap(values, fmean)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_score_of_proportions_has_a_wilson_interval() -> None:
    score = mean_score("acc", [1.0, 0.0, 1.0, 1.0], primary=True, chance=0.25)
    assert (score.metric, score.value, score.n) == ("acc", 0.75, 4)
    assert (score.primary, score.chance, score.reason) == (True, 0.25, "")
    assert score.interval == wilson(3, 4)


def test_score_of_graded_values_has_a_bootstrap_interval() -> None:
    score = mean_score("rouge", [0.2, 0.4, 1.0])
    assert score.value == pytest.approx(8 / 15)
    assert score.interval == bootstrap([0.2, 0.4, 1.0], fmean)
    assert not score.primary and score.chance is None


def test_score_of_nothing_is_no_number() -> None:
    score = mean_score("acc", [], primary=True, chance=0.5)
    assert (score.value, score.n, score.interval) == (None, 0, None)
    assert (score.primary, score.chance) == (True, 0.5)
