"""Holm against statsmodels, and the verdicts of families."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from evaluation.config import ComparisonSettings
from evaluation.records import Difference
from evaluation.statistics import power
from evaluation.statistics.families import holm, judge_family
from evaluation.statistics.paired import paired_difference

SETTINGS = ComparisonSettings(draws=1000)


def compared(n: int, wins: int, losses: int) -> Difference:
    """Two models' answers to n questions."""
    return paired_difference(
        [1] * wins + [0] * (n - wins),
        [0] * wins + [1] * losses + [0] * (n - wins - losses),
        SETTINGS,
    )


@pytest.mark.parametrize("seed", range(5))
def test_holm_is_statsmodels(seed: int) -> None:
    ps = (np.random.default_rng(seed).random(20) ** 4).tolist()
    ps[3] = ps[7]
    expected = multipletests(ps, method="holm")[1]
    assert holm(ps) == pytest.approx(expected.tolist())


def test_what_was_not_tested_does_not_count() -> None:
    assert holm([None, 0.01, None, 0.04]) == [None, 0.02, None, 0.04]
    assert holm([]) == [] and holm([None]) == [None]
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_a_family_keeps_its_order_and_its_size() -> None:
    found = [compared(100, 20, 1), compared(100, 14, 4), compared(100, 5, 5), compared(0, 0, 0)]
    judged = judge_family(found, SETTINGS)
    assert [d.p for d in judged] == [d.p for d in found]
    assert [d.adjusted_p for d in judged] == holm([d.p for d in found])
    assert [d.family for d in judged] == [3, 3, 3, 1]
    # Alone the second one is shown (p = 0.03), among three it is not.
    assert [d.verdict for d in found[:2]] == ["better", "better"]
    assert [d.verdict for d in judged[:2]] == ["better", "not enough samples"]
    assert judged[3] == found[3]


def test_a_family_asks_for_more_samples_than_one_test() -> None:
    alone = compared(100, 14, 6)
    judged = judge_family([alone] * 20, SETTINGS)[0]
    assert alone.needed is not None and judged.needed is not None
    assert alone.detectable is not None and judged.detectable is not None
    assert judged.needed > 1.5 * alone.needed and judged.detectable > 1.2 * alone.detectable
    assert f"{judged.needed:,} samples" in judged.reason


def test_what_is_shown_leaves_its_error_to_the_others() -> None:
    plain = judge_family([compared(100, 14, 6)], SETTINGS)[0]
    beside = judge_family([compared(100, 14, 6), compared(100, 40, 1)], SETTINGS)[0]
    assert beside.verdict == "not enough samples" and beside.family == 2
    assert beside.needed == plain.needed


def test_judging_again_changes_nothing() -> None:
    once = judge_family([compared(100, 12, 6), compared(50, 9, 1), compared(80, 2, 2)], SETTINGS)
    assert judge_family(once, SETTINGS) == once


def test_what_is_not_comparable_stays_so() -> None:
    refused = Difference(n=0, verdict="not comparable", reason="other samples")
    assert judge_family([refused, compared(50, 9, 0)], SETTINGS)[0] == refused


def test_verdicts_follow_their_rules_in_order() -> None:
    # A difference that is shown, but too small to matter.
    tiny = judge_family([compared(100_000, 700, 400)], SETTINGS)[0]
    assert tiny.verdict == "better" and "smaller than the 0.02" in tiny.reason
    # The interval lies within the margin: equal.
    assert judge_family([compared(5000, 100, 110)], SETTINGS)[0].verdict == "equal"
    # The difference found matters and is not shown: too few samples, and how many it would take.
    few = judge_family([compared(100, 12, 6)], SETTINGS)[0]
    assert few.verdict == "not enough samples" and "difference of 0.06" in few.reason
    # The difference found does not matter, but one that does might have been missed.
    unknown = judge_family([compared(100, 20, 20)], SETTINGS)[0]
    assert unknown.verdict == "not enough samples" and "difference of 0.02" in unknown.reason
    # One that matters would have been shown; the interval reaches just beyond the margin.
    blank = judge_family([compared(3000, 200, 170)], SETTINGS)[0]
    assert blank.verdict == "no difference shown" and "would have shown" in blank.reason
    assert blank.needed is not None and blank.needed <= 3000


@pytest.mark.parametrize(("needed", "verdict"), [(101, "not enough"), (100, "no difference")])
def test_as_many_samples_as_needed_are_enough(
    monkeypatch: pytest.MonkeyPatch, needed: int, verdict: str
) -> None:
    monkeypatch.setattr(power, "needed", lambda *_, **__: needed)
    assert compared(100, 12, 6).verdict.startswith(verdict)


def test_no_disagreement_so_far_is_not_taken_for_none_ever() -> None:
    planned = compared(20, 0, 0)
    assert planned.needed == power.needed(0.02, alpha=1 - 0.95, power=0.8, discordance=1 / 22)


def test_settings_decide() -> None:
    found = compared(200, 20, 12)
    wide = SETTINGS.model_copy(update={"margin": 0.1})
    lax = SETTINGS.model_copy(update={"confidence": 0.7})
    assert judge_family([found], SETTINGS)[0].verdict == "not enough samples"
    assert judge_family([found], wide)[0].verdict == "equal"
    assert judge_family([found], lax)[0].verdict == "better"
    sure = SETTINGS.model_copy(update={"power": 0.95})
    more, less = judge_family([found], sure)[0].needed, judge_family([found], SETTINGS)[0].needed
    assert more is not None and less is not None and more > less
