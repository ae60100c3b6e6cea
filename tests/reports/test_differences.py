"""Differences are written in points with their sign, scores in their own unit."""

from __future__ import annotations

from math import inf, nan

import pytest

from evaluation.records import Difference, Interval
from evaluation.reports import differences as diff

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123, "+12.3"),
        (-0.123, f"{MINUS}12.3"),
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (-0.0001, "0.0"),
        (-1.0, f"{MINUS}100.0"),
        (None, "–"),
        (nan, "–"),
        (inf, "–"),
    ],
)
def test_points(value: float | None, text: str) -> None:
    assert diff.points(value) == text


def test_sizes_have_no_sign() -> None:
    assert diff.size(-0.05) == "5.0"
    assert diff.size(None) == diff.size(nan) == "–"


def test_intervals_need_both_ends() -> None:
    assert diff.interval(Interval(low=-0.1, high=0.25, method="t")) == f"{MINUS}10.0 to +25.0"
    assert diff.interval(Interval.model_construct(low=nan, high=0.2, method="t")) == "–"
    assert diff.interval(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0004, "<0.001"), (0.001, "0.001"), (1.0, "1.000"), (nan, "–")]
)
def test_p_values(value: float, text: str) -> None:
    assert diff.p_value(value) == text


def test_a_share_has_points_as_its_unit() -> None:
    found = diff.scale("acc_norm")
    assert not found.own
    assert found.score(0.5) == "50.0%"
    assert found.change(0.1) == ""


def test_ratings_are_written_as_ratings() -> None:
    found = diff.scale("rating (1 to 10 as 0 to 1)")
    assert found.own
    assert found.metric == "rating"
    assert found.score(0.5) == "5.50"
    assert found.change(-0.1) == f"{MINUS}0.90 rating"
    assert found.score(None) == "–"
    assert found.change(nan) == ""


def test_a_scale_without_numbers_is_a_name() -> None:
    assert diff.scale("rating (low to high as 0 to 1)").own is False


@pytest.mark.parametrize(
    ("needed", "text"),
    [
        (7, "about 7"),
        (57, "about 57"),
        (447, "about 450"),
        (450, "about 450"),
        (9465, "about 9,500"),
        (12_232, "about 13,000"),
        (None, "more than a billion"),
    ],
)
def test_needed_samples_are_rounded_up(needed: int | None, text: str) -> None:
    found = Difference(n=20, difference=0.1, p=0.3, needed=needed, verdict="not enough samples")
    assert diff.samples_needed(found) == text


def test_without_a_test_nothing_is_said_to_be_needed() -> None:
    assert diff.samples_needed(Difference(n=0, verdict="not enough samples")) == ""


def test_needed_is_for_the_difference_but_at_least_the_margin() -> None:
    def target(value: float | None) -> float:
        return diff.target(Difference(n=9, difference=value, verdict="equal"), 0.02)

    assert [target(-0.3), target(0.01), target(None), target(nan)] == [0.3, 0.02, 0.02, 0.02]
