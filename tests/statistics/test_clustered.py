"""Cluster-robust means against statsmodels; intervals at the borders."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from evaluation.statistics.clustered import (
    cluster_sums,
    clustered_mean,
    mean_interval,
    mean_of,
    score_range,
)


def test_standard_error_is_statsmodels() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(0, 12, 80)
    values = random.normal(0, 1, 80) + groups / 5
    fit = sm.OLS(values, np.ones(80)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    found = mean_of(values, [f"text {group}" for group in groups])
    assert found.value == pytest.approx(fit.params[0])
    assert found.error == pytest.approx(fit.bse[0])
    assert (found.n, found.units) == (80, 12)


def test_clusters_of_one_are_independent_samples() -> None:
    values = np.random.default_rng(1).normal(3, 1, 30)
    found = mean_of(values, [str(k) for k in range(30)])
    assert found == mean_of(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    interval = mean_interval(found, -10, 10, 0.9)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_repeating_every_sample_teaches_nothing() -> None:
    values = np.random.default_rng(2).random(25)
    once, twice = mean_of(values), mean_of(np.repeat(values, 4), [str(k // 4) for k in range(100)])
    assert once.error == pytest.approx(twice.error)
    graded = clustered_mean(np.repeat(values, 4).tolist(), [str(k // 4) for k in range(100)], 0.95)
    alone = mean_interval(once, 0, 1, 0.95)
    assert (graded.low, graded.high) == pytest.approx((alone.low, alone.high))


def test_answers_that_go_together_widen_the_interval() -> None:
    scores = [float(k // 4 % 3 > 0) for k in range(120)]
    together = clustered_mean(scores, [str(k // 4) for k in range(120)], 0.95)
    apart = clustered_mean(scores, [str(k) for k in range(120)], 0.95)
    assert together.high - together.low > 1.8 * (apart.high - apart.low)
    assert together.method == "Wilson, 30 clusters"


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_all_alike_counts_clusters_not_samples(right: float) -> None:
    found = clustered_mean([right] * 40, [str(k // 4) for k in range(40)], 0.95)
    few = clustered_mean([right] * 10, [str(k) for k in range(10)], 0.95)
    assert (found.low, found.high) == pytest.approx((few.low, few.high))
    assert found.low <= right <= found.high and 0.2 < found.high - found.low < 0.4


def test_one_cluster_says_little() -> None:
    found = clustered_mean([1, 0, 1, 1], ["text"] * 4, 0.95)
    assert 0 <= found.low < 0.2 and found.high > 0.95
    graded = clustered_mean([0.5, 0.7], ["text"] * 2, 0.95)
    assert 0 <= graded.low < 0.2 and 0.8 < graded.high <= 1


def test_bad_input_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match="value 1 of the scores is nan"):
        clustered_mean([1, float("nan")], ["a", "b"], 0.95)
    with pytest.raises(ValueError, match="2 values, but the clusters of 1"):
        clustered_mean([1, 0], ["a"], 0.95)
    with pytest.raises(ValueError, match="no mean"):
        clustered_mean([], [], 0.95)


def test_sums_and_ranges() -> None:
    assert cluster_sums(np.array([1.0, 2, 4]), ["b", "a", "b"]).tolist() == [2, 5]
    assert score_range(np.array([0.2, 0.4])) == (0, 1)
    assert score_range(np.array([3.0, 9.0])) == (3, 9)
    assert score_range(np.array([7.0, 7.0])) == (6.5, 7.5)
