"""The exact test against statsmodels, Tango's interval against a likelihood maximised by search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar

from evaluation.statistics.mcnemar import exact_p, score_interval


def test_exact_p_is_statsmodels() -> None:
    for wins in range(12):
        for losses in (0, 1, 2, 5, 40):
            expected = mcnemar([[3, wins], [losses, 4]], exact=True).pvalue
            assert exact_p(wins, losses) == pytest.approx(min(1.0, expected), rel=1e-12)


def score(wins: int, losses: int, n: int, difference: float) -> float:
    """The score statistic, its nuisance parameter found by maximising the likelihood."""

    def unlikely(lost: float) -> float:
        shares = np.array([lost + difference, lost, 1 - 2 * lost - difference])
        return -float(np.sum(np.array([wins, losses, n - wins - losses]) * np.log(shares)))

    least, most = max(0.0, -difference), (1 - difference) / 2
    inner = (least + 1e-13, most - 1e-13)
    lost = optimize.minimize_scalar(unlikely, bounds=inner, method="bounded", options={"xatol": 0})
    variance = n * (2 * lost.x + difference - difference**2)
    return float((wins - losses - n * difference) / np.sqrt(variance))


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(
    ("wins", "losses", "n"), [(12, 4, 100), (4, 12, 100), (1, 1, 3), (7, 2, 9), (40, 10, 200)]
)
def test_the_score_test_is_at_its_level_at_both_ends(
    wins: int, losses: int, n: int, level: float
) -> None:
    low, high = score_interval(wins, losses, n, level)
    z = stats.norm.ppf(0.5 + level / 2)
    assert score(wins, losses, n, float(low)) == pytest.approx(z, rel=1e-4)
    assert score(wins, losses, n, float(high)) == pytest.approx(-z, rel=1e-4)


def test_interval_holds_the_estimate_mirrors_and_stays_in_range() -> None:
    n = 15
    for wins in range(n + 1):
        for losses in range(n + 1 - wins):
            low, high = score_interval(wins, losses, n, 0.95)
            assert -1 <= low <= (wins - losses) / n <= high <= 1
            assert low < high
            mirrored = score_interval(losses, wins, n, 0.95)
            assert (-mirrored[1], -mirrored[0]) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("n", [1, 20, 200])
def test_no_discordant_sample_still_has_a_width(n: int) -> None:
    z2 = stats.norm.ppf(0.975) ** 2
    bound = z2 / (n + z2)
    assert score_interval(0, 0, n, 0.95) == pytest.approx((-bound, bound), abs=1e-9)


def test_one_always_right_the_other_never() -> None:
    low, high = score_interval(20, 0, 20, 0.95)
    assert high == 1 and 0.6 < low < 0.7
    assert score_interval(0, 20, 20, 0.95) == pytest.approx((-1, -low))


def test_full_confidence_is_the_whole_range() -> None:
    assert score_interval(5, 2, 20, 1.0) == pytest.approx((-1, 1))


@pytest.mark.parametrize(("wins", "losses", "n"), [(0, 0, 0), (3, 3, 5)])
def test_impossible_counts_are_refused(wins: int, losses: int, n: int) -> None:
    with pytest.raises(ValueError, match="wins \\+ losses <= n"):
        score_interval(wins, losses, n, 0.95)
