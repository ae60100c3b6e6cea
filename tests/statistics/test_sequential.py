"""Group-sequential looks against published boundaries and scipy's multivariate normal."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evaluation.statistics.sequential import (
    Design,
    Spending,
    conditional_power,
    repeated_p,
)

SPENDINGS: tuple[Spending, ...] = ("obrien_fleming", "pocock")
SIZES = (20, 100, 200)


@pytest.mark.parametrize(
    ("spending", "boundaries"),
    [
        # Five equal looks at 5%: the tables of Reboussin, DeMets, Kim & Lan's program (2000).
        ("obrien_fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_boundaries_are_the_published_ones(spending: Spending, boundaries: list[float]) -> None:
    found = Design((1, 2, 3, 4, 5), 0.05, spending).nominal()
    assert -stats.norm.ppf(np.array(found) / 2) == pytest.approx(boundaries, abs=3e-4)


@pytest.mark.parametrize("spending", SPENDINGS)
@pytest.mark.parametrize("sizes", [SIZES, (20, 100, 164), (20, 21, 22), (199, 200)])
def test_looks_together_err_as_often_as_promised(
    sizes: tuple[int, ...], spending: Spending
) -> None:
    shares = np.array(sizes) / sizes[-1]
    limits = -stats.norm.ppf(np.array(Design(sizes, 0.05, spending).nominal()) / 2)
    covariance = np.sqrt(np.minimum.outer(shares, shares) / np.maximum.outer(shares, shares))
    normal = stats.multivariate_normal(cov=covariance, seed=0)
    assert 1 - normal.cdf(limits, lower_limit=-limits) == pytest.approx(0.05, abs=2e-5)


@pytest.mark.parametrize("spending", SPENDINGS)
def test_error_is_spent_bit_by_bit(spending: Spending) -> None:
    design = Design(SIZES, 0.05, spending)
    spent = design.spent()
    assert list(spent) == sorted(spent) and spent[-1] == pytest.approx(0.05)
    assert design.nominal()[0] == pytest.approx(spent[0])
    assert all(0 < level < 0.05 for level in design.nominal())


def test_one_look_is_the_plain_test() -> None:
    assert Design((100,), 0.05, "pocock").nominal() == pytest.approx((0.05,))
    assert repeated_p(0.0123, 0, (100,), "obrien_fleming") == 0.0123


@pytest.mark.parametrize("spending", SPENDINGS)
@pytest.mark.parametrize("look", [0, 1, 2])
@pytest.mark.parametrize("alpha", [1e-4, 0.004, 0.05, 0.3])
def test_repeated_p_is_the_error_at_which_the_look_would_end(
    spending: Spending, look: int, alpha: float
) -> None:
    level = Design(SIZES, alpha, spending).nominal()[look]
    assert repeated_p(level, look, SIZES, spending) == pytest.approx(alpha, rel=1e-4)


@pytest.mark.parametrize("spending", SPENDINGS)
def test_repeated_p_grows_with_p_and_is_never_smaller(spending: Spending) -> None:
    ps = np.linspace(0, 1, 101)
    for look in range(3):
        found = [repeated_p(float(p), look, SIZES, spending) for p in ps]
        assert found == sorted(found) and found[0] < 1e-8 and found[-1] == 1
        assert all(repeated >= p for repeated, p in zip(found, ps, strict=True))


def test_a_look_too_early_ends_nothing() -> None:
    assert repeated_p(1e-12, 0, (1, 20_000), "obrien_fleming") == 1


@pytest.mark.parametrize(
    ("sizes", "alpha"),
    [((), 0.05), ((0, 10), 0.05), ((20, 20), 0.05), ((20, 10), 0.05), (SIZES, 0)],
)
def test_impossible_designs_are_refused(sizes: tuple[int, ...], alpha: float) -> None:
    with pytest.raises(ValueError, match="found"):
        Design(sizes, alpha, "pocock")


def test_bad_looks_are_refused() -> None:
    with pytest.raises(ValueError, match="p must lie between"):
        repeated_p(float("nan"), 0, SIZES, "pocock")
    with pytest.raises(ValueError, match="looks 0 to 2, found 3"):
        repeated_p(0.1, 3, SIZES, "pocock")
    with pytest.raises(ValueError, match="final_n"):
        conditional_power(0.1, 0.5, 100, 50, 0.05)
    with pytest.raises(ValueError, match="above 0"):
        conditional_power(0.1, 0.0, 20, 100, 0.05)


@pytest.mark.parametrize("difference", [0.0, 0.05, -0.1])
def test_conditional_power_is_what_the_trend_would_bring(difference: float) -> None:
    n, final, sd, level = 100, 200, 0.6, 0.049
    random = np.random.default_rng(0)
    rest = random.normal(difference * (final - n), sd * np.sqrt(final - n), 200_000)
    z = (difference * n + rest) / (sd * np.sqrt(final))
    expected = np.mean(2 * stats.norm.sf(np.abs(z)) <= level)
    assert conditional_power(difference, sd, n, final, level) == pytest.approx(expected, abs=4e-3)


def test_conditional_power_at_the_last_look_is_its_outcome() -> None:
    assert conditional_power(0.2, 0.5, 200, 200, 0.05) == 1
    assert conditional_power(0.02, 0.5, 200, 200, 0.05) == 0
