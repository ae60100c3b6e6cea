"""Sign flips against scipy's permutation test and against what must hold for any of them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.statistics.permutation import ROUNDS, sign_flip_p


@pytest.mark.parametrize("seed", range(5))
def test_exact_p_is_scipys(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.5, 1, 11)
    expected = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    p, exact = sign_flip_p(values, 10_000, 0)
    assert exact and p == pytest.approx(expected.pvalue, rel=1e-12)


def test_drawn_p_is_near_the_exact_one_and_repeats_with_its_seed() -> None:
    values = np.random.default_rng(3).normal(0.6, 1, 13)
    truth, exact = sign_flip_p(values, 2**13, 0)
    drawn, still = sign_flip_p(values, 5000, 1)
    assert exact and not still
    assert drawn == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / 5000))
    assert sign_flip_p(values, 5000, 1) == (drawn, False) != sign_flip_p(values, 5000, 2)


def test_samples_that_tie_change_nothing() -> None:
    values = np.array([0.5, 0.25, -0.25, 1, 0.5, 0.5])
    assert sign_flip_p(values, 1000, 0) == sign_flip_p(np.append(values, np.zeros(90)), 1000, 0)
    assert sign_flip_p(np.zeros(5), 1000, 0) == (1.0, True)


def test_with_equal_steps_it_is_the_exact_mcnemar_test() -> None:
    values = np.array([0.1] * 9 + [-0.1] * 1)
    p, exact = sign_flip_p(values, 2000, 0)
    assert exact and p == pytest.approx(stats.binomtest(1, 10).pvalue)


def test_a_drawn_p_is_small_but_never_0() -> None:
    p, exact = sign_flip_p(np.ones(200), 1000, 0)
    assert not exact and p == 1 / (1000 * ROUNDS + 1)


def test_sums_equal_but_for_rounding_count_as_equal() -> None:
    # 0.1 + 0.2 - 0.3 is not 0 in floating point, and 0.3 + 0.3 + 0.6 is reached in one order only.
    assert sign_flip_p(np.array([0.1, 0.2, -0.3]), 1000, 0) == (1.0, True)
    assert sign_flip_p(np.array([0.3, 0.3, 0.6]), 1000, 0) == (0.25, True)
