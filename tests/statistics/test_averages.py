"""Macro averages: each dataset the same weight, and errors propagated."""

from __future__ import annotations

from math import nan, sqrt

import numpy as np
import pytest

from evaluation.config import ComparisonSettings
from evaluation.statistics.averages import macro_average, macro_difference
from evaluation.statistics.intervals import wilson
from evaluation.statistics.paired import paired_difference

SETTINGS = ComparisonSettings(draws=1000)


def drawn(n: int, ease: float, seed: int) -> list[float]:
    return (np.random.default_rng(seed).random(n) < ease).astype(float).tolist()


def test_datasets_weigh_the_same_whatever_their_size() -> None:
    value, interval = macro_average({"large": [1.0] * 900, "small": [0.0] * 10}, SETTINGS)
    assert value == 0.5 and interval.low < 0.5 < interval.high
    assert interval.method == "MOVER over 2 datasets" and interval.level == 0.95


def test_one_dataset_is_its_own_average() -> None:
    value, interval = macro_average({"only": [1, 1, 0, 1]}, SETTINGS)
    alone = wilson(3, 4)
    assert value == 0.75 and (interval.low, interval.high) == pytest.approx((alone.low, alone.high))


def test_large_datasets_propagate_their_standard_errors() -> None:
    sizes, eases = (4000, 9000, 6000), (0.3, 0.5, 0.8)
    scores = {str(n): drawn(n, ease, n) for n, ease in zip(sizes, eases, strict=True)}
    value, interval = macro_average(scores, SETTINGS)
    error = sqrt(sum(np.var(s) / len(s) for s in scores.values())) / 3
    ends = (value - 1.96 * error, value + 1.96 * error)
    assert (interval.low, interval.high) == pytest.approx(ends, abs=2e-4)


def test_all_right_everywhere_is_not_certain() -> None:
    value, interval = macro_average({"x": [1.0] * 20, "y": [1.0] * 20}, SETTINGS)
    assert (value, interval.high) == (1, 1) and 0.85 < interval.low < 0.95


def test_graded_scores_and_single_ones_are_safe() -> None:
    value, interval = macro_average({"x": [0.5], "y": [0.2, 0.4, 0.9]}, SETTINGS)
    assert value == pytest.approx(0.5) and 0 <= interval.low < 0.2 and 0.8 < interval.high <= 1


def test_a_difference_of_averages() -> None:
    pairs = {
        "x": (drawn(200, 0.8, 1), drawn(200, 0.5, 2)),
        "y": (drawn(20, 0.6, 3), drawn(20, 0.4, 4)),
    }
    found = macro_difference(pairs, SETTINGS)
    parts = [paired_difference(a, b, SETTINGS) for a, b in pairs.values()]
    assert found.n == 220 and found.wins == sum(p.wins for p in parts)
    assert found.difference == pytest.approx(np.mean([p.difference for p in parts]))
    assert found.a is not None and found.b is not None
    assert found.difference == pytest.approx(found.a - found.b)
    assert found.interval is not None and found.interval.low > 0 and found.verdict == "better"
    assert found == macro_difference(pairs, SETTINGS)
    turned = macro_difference({k: (b, a) for k, (a, b) in pairs.items()}, SETTINGS)
    assert turned.verdict == "worse" and turned.p == found.p


def test_a_small_dataset_is_not_drowned_by_a_large_one() -> None:
    # 0.3 better on 20 samples, 0.01 worse on 1000: the average says better, the pool says worse.
    small = ([1.0] * 6 + [0.0] * 14, [0.0] * 20)
    large = ([0.0] * 1000, [1.0] * 10 + [0.0] * 990)
    found = macro_difference({"small": small, "large": large}, SETTINGS)
    assert found.difference == pytest.approx(0.145) and found.wins < found.losses
    # The six wins decide: two of their 64 flips are as extreme, whatever the ten losses do.
    assert found.p == pytest.approx(2 / 64, abs=0.02)


def test_twice_the_same_dataset_plans_like_twice_the_samples() -> None:
    random = np.random.default_rng(7)
    a, b = random.random(80).tolist(), random.random(80).tolist()
    twice = macro_difference({"x": (a, b), "y": (a, b)}, SETTINGS)
    alone = paired_difference(a, b, SETTINGS)
    assert twice.n == 160 and twice.sd == pytest.approx(alone.sd)
    assert twice.needed == alone.needed


def test_one_dataset_is_its_own_difference() -> None:
    a, b = drawn(100, 0.7, 5), drawn(100, 0.5, 6)
    one, alone = macro_difference({"x": (a, b)}, SETTINGS), paired_difference(a, b, SETTINGS)
    assert (one.difference, one.wins, one.ties) == (alone.difference, alone.wins, alone.ties)
    assert one.p == pytest.approx(alone.p, abs=0.03)
    assert one.interval is not None and alone.interval is not None
    assert one.interval.low == pytest.approx(alone.interval.low)
    assert one.detectable == pytest.approx(alone.detectable, rel=0.1)


def test_no_datasets_and_equal_models() -> None:
    none = macro_difference({}, SETTINGS)
    assert none.verdict == "not enough samples" and none.difference is None and none.n == 0
    same = macro_difference({"x": ([1], [1]), "y": ([0.5, 0.5], [0.5, 0.5])}, SETTINGS)
    assert (same.p, same.difference, same.verdict) == (1.0, 0, "not enough samples")


@pytest.mark.parametrize(
    ("scores", "message"),
    [([1.0, nan], "value 1 of the scores of bad is nan"), ([], "bad has no scores")],
)
def test_a_bad_dataset_is_named(scores: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        macro_average({"good": [1, 0], "bad": scores}, SETTINGS)


def test_bad_pairs_are_named() -> None:
    with pytest.raises(ValueError, match="no datasets"):
        macro_average({}, SETTINGS)
    with pytest.raises(ValueError, match="bad: value 0 of a is nan"):
        macro_difference({"bad": ([nan], [1])}, SETTINGS)
    with pytest.raises(ValueError, match="bad: a has 1 scores and b 2"):
        macro_difference({"bad": ([1], [1, 0])}, SETTINGS)
    with pytest.raises(ValueError, match="bad has no scores"):
        macro_difference({"bad": ([], [])}, SETTINGS)
