"""Power against brute force and statsmodels."""

from __future__ import annotations

import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from evaluation.statistics import power
from evaluation.statistics.mcnemar import exact_p
from evaluation.statistics.power import detectable, mcnemar_power, needed, t_power


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 36])
@pytest.mark.parametrize(("difference", "discordance"), [(0.1, 0.3), (0.3, 0.3), (0.4, 0.2)])
def test_mcnemar_power_is_the_sum_over_all_tables(
    difference: float, discordance: float, alpha: float
) -> None:
    n, share = 60, max(discordance, difference)
    shares = [(share + difference) / 2, (share - difference) / 2, 1 - share]
    expected = sum(
        stats.multinomial.pmf([wins, losses, n - wins - losses], n, shares)
        for wins in range(n + 1)
        for losses in range(n + 1 - wins)
        if exact_p(wins, losses) <= alpha
    )
    assert mcnemar_power(difference, n, discordance, alpha) == pytest.approx(expected, abs=2e-4)


def test_the_normal_approximation_takes_over_without_a_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approximate = mcnemar_power(0.012, 17_000, 0.3, 0.05)
    monkeypatch.setattr(power, "MANY", 10_000)
    assert 0.7 < approximate < 0.9
    assert mcnemar_power(0.012, 17_000, 0.3, 0.05) == pytest.approx(approximate, abs=1e-3)


@pytest.mark.parametrize("n", [10, 20, 100])
@pytest.mark.parametrize("effect", [0.3, 0.7])
def test_t_power_is_statsmodels(n: int, effect: float) -> None:
    expected = TTestPower().power(effect, n, 0.05)
    assert t_power(effect * 0.4, n, 0.4, 0.05) == pytest.approx(expected, abs=0.01)


def test_needed_graded_samples_are_statsmodels() -> None:
    expected = TTestPower().solve_power(0.25, alpha=0.05, power=0.8)
    assert needed(0.1, alpha=0.05, power=0.8, sd=0.4) == pytest.approx(expected, abs=2)
    assert needed(-0.1, alpha=0.05, power=0.8, sd=0.4) == needed(0.1, alpha=0.05, power=0.8, sd=0.4)


@pytest.mark.parametrize("discordance", [0.05, 0.3, 0.6])
@pytest.mark.parametrize("n", [20, 200, 1000])
def test_detectable_and_needed_are_each_others_inverse(n: int, discordance: float) -> None:
    found = detectable(n, alpha=0.05, power=0.8, discordance=discordance)
    assert found is not None and 0 < found < 1
    assert mcnemar_power(found, n, discordance, 0.05) == pytest.approx(0.8, abs=1e-3)
    enough = needed(found, alpha=0.05, power=0.8, discordance=discordance)
    # The power of a test of counts is not quite even in n.
    assert enough == pytest.approx(n, rel=0.02, abs=1)


def test_what_cannot_be_shown_is_none() -> None:
    # Five flips of a coin are never significant; six are, if all agree.
    for kind in ({"discordance": 0.4}, {"sd": 0.3}):
        assert detectable(5, alpha=0.05, power=0.8, **kind) is None
        assert detectable(0, alpha=0.05, power=0.8, **kind) is None
        assert needed(0.0, alpha=0.05, power=0.8, **kind) is None
        assert needed(1e-6, alpha=0.05, power=0.8, **kind) is None
        assert needed(1.0, alpha=0.05, power=0.8, **kind) >= 6
    assert needed(1.0, alpha=0.05, power=0.8, discordance=1.0) == 6


def test_a_stricter_level_needs_more() -> None:
    single = needed(0.1, alpha=0.05, power=0.8, discordance=0.3)
    assert single is not None
    assert needed(0.1, alpha=0.005, power=0.8, discordance=0.3) > 1.5 * single
    assert needed(0.1, alpha=0.0, power=0.8, discordance=0.3) is None


def test_the_kind_of_scores_must_be_given() -> None:
    with pytest.raises(ValueError, match="discordance"):
        detectable(20, alpha=0.05, power=0.8)
    with pytest.raises(ValueError, match="sd"):
        needed(0.1, alpha=0.05, power=0.8, sd=0.0)
