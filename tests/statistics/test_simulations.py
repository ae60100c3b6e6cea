"""The simulations of docs/statistics.md with fewer draws: what they promise holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import simulated_bootstraps as bootstraps
from benchmarks import simulated_groups as groups
from benchmarks import simulations as simulate
from benchmarks import statistics as program
from evaluation.statistics.sequential import Spending

DRAWS = 2000
# Three standard errors of a share of 5% of the draws.
NOISE = 3 * np.sqrt(0.05 * 0.95 / DRAWS)
AT_MOST = simulate.ALPHA + NOISE
# Fair on average, but by rare large wins and many small losses: docs/statistics.md warns of it.
LOPSIDED = "one in ten wins"


@pytest.mark.parametrize("n", [20, 100, 200])
def test_wilson_covers_within_a_point_on_average(n: int) -> None:
    computed = simulate.computed_coverage(*simulate.wilson_ends(n))
    assert computed.mean() == pytest.approx(0.95, abs=0.01)
    assert computed.min() > 0.92
    drawn = simulate.drawn_coverage(n, DRAWS, 1)
    assert drawn == pytest.approx(computed, abs=4 * np.sqrt(0.06 / DRAWS))
    # No rival is closer to 95% over all p by more than a fifth of a point.
    for ends in simulate.other_intervals(n).values():
        off = np.abs(simulate.computed_coverage(*ends) - 0.95).mean()
        assert np.abs(computed - 0.95).mean() < off + 0.002


def test_no_interval_at_all_is_within_a_point_at_20_samples() -> None:
    off = np.abs(simulate.closest_coverage(20) - 0.95)
    assert np.sum(off > 0.01) > 0 and np.all(off <= 0.05)
    assert np.all(np.abs(simulate.closest_coverage(200) - 0.95) < 0.01)


@pytest.mark.parametrize("discordance", [0.02, 0.1, 0.3, 0.6])
@pytest.mark.parametrize("n", [20, 100, 200])
def test_paired_tests_of_right_and_wrong(n: int, discordance: float) -> None:
    assert simulate.paired_shown(n, discordance, 0, DRAWS, 2) <= AT_MOST
    covers = [
        simulate.paired_coverage(n, discordance, share * discordance, DRAWS, 3)
        for share in (0, 0.3, 0.6)
    ]
    assert min(covers) > 0.95 - 0.025 - NOISE


@pytest.mark.parametrize("kind", [kind for kind in simulate.GRADED if kind != LOPSIDED])
def test_paired_tests_of_graded_scores(kind: str) -> None:
    for n in (20, 100):
        assert simulate.graded_shown(kind, n, DRAWS // 2, 4) <= AT_MOST + NOISE / 2
        assert simulate.graded_coverage(kind, n, DRAWS // 2, 5) > 0.95 - 0.01 - NOISE * 1.5


def test_lopsided_scores_are_hard_for_every_interval() -> None:
    few = simulate.graded_coverage(LOPSIDED, 20, DRAWS // 2, 5)
    many = simulate.graded_coverage(LOPSIDED, 200, DRAWS // 2, 5)
    assert few < 0.91 < many
    assert max(bootstraps.coverages(LOPSIDED, 20, 300, 5).values()) < 0.93


def test_no_bootstrap_covers_better_than_t() -> None:
    kind = "shares of instructions"
    rivals = bootstraps.coverages(kind, 20, DRAWS // 2, 5)
    assert list(rivals) == ["percentile", "BCa", "studentised"]
    off = abs(simulate.graded_coverage(kind, 20, DRAWS, 5) - 0.95)
    assert all(abs(share - 0.95) > off - NOISE for share in rivals.values())
    assert all(0.87 < share < 0.97 for share in rivals.values())


def test_the_detectable_difference_is_detected_as_often_as_said() -> None:
    for n, discordance in ((20, 0.3), (100, 0.1), (200, 0.3)):
        found, shown = simulate.paired_power(n, discordance, DRAWS, 6)
        assert found is not None
        assert shown == pytest.approx(0.8, abs=0.03)
    found, shown = simulate.graded_power("ratings", 100, DRAWS // 2, 7)
    assert found is not None
    assert shown == pytest.approx(0.8, abs=0.045)


def test_clusters_must_be_known_to_be_counted() -> None:
    aware, naive = groups.cluster_coverage(25, DRAWS // 2, 8)
    assert aware > 0.92 and naive < 0.88
    whole, single = groups.cluster_shown(25, DRAWS // 2, 9)
    assert whole <= AT_MOST + NOISE / 2 < single


def test_macro_averages() -> None:
    average, difference, shown = groups.macro(20, 400, 10)
    assert average > 0.91 and difference > 0.92 and shown <= 0.085


@pytest.mark.parametrize("spending", [groups.OBRIEN_FLEMING, groups.POCOCK])
def test_looking_thrice_errs_no_more_than_once(spending: Spending) -> None:
    for discordance in (0.1, 0.3, 0.6):
        assert groups.looks_shown(spending, discordance, 0, DRAWS, 11) <= AT_MOST
    assert groups.normal_looks_shown(spending, 10 * DRAWS, 12) == pytest.approx(0.05, abs=NOISE / 2)
    assert groups.family_errors(spending, 5, 5, DRAWS // 2, 13) <= AT_MOST


def test_looking_thrice_without_correction_errs_more() -> None:
    assert groups.looks_shown(None, 0.6, 0, DRAWS, 11) > AT_MOST


def test_looking_early_finds_large_differences() -> None:
    assert groups.looks_shown(groups.OBRIEN_FLEMING, 0.4, 0.2, DRAWS, 14) > 0.95


def test_the_program_writes_its_tables(tmp_path: Path) -> None:
    document = tmp_path / "statistics.md"
    document.write_text("before\n<!-- begin simulation -->\n<!-- end simulation -->\nafter\n")
    assert program.main(["--draws", "20", "--document", str(document)]) == 0
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before") and text.endswith("after\n")
    assert "20 draws for each number" in text and text.count("**") == 14
    assert "| Wilson | 20 | 95.3% |" in text
