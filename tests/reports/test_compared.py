"""The index page says about pairs what the comparisons say, in words and numbers."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.records import (
    Comparison,
    Comparisons,
    DatasetComparison,
    Difference,
    Interval,
    Verdict,
)
from evaluation.reports import compared
from evaluation.reports.render import render_index
from tests.reports.test_render import aggregate

MINUS = "\N{MINUS SIGN}"


def difference(verdict: Verdict, value: float | None = 0.1, **changes: Any) -> Difference:
    given: dict[str, Any] = {"n": 0, "verdict": verdict}
    if value is not None:
        given |= {
            "n": 20,
            "a": 0.5,
            "b": 0.5 - value,
            "difference": value,
            "interval": Interval(low=value - 0.2, high=value + 0.2, method="Tango"),
            "p": 0.2,
            "adjusted_p": 0.4,
            "detectable": 0.31,
            "needed": 150,
        }
    return Difference.model_validate(given | changes)


def dataset(name: str, found: Difference, metric: str = "acc") -> DatasetComparison:
    return DatasetComparison(
        dataset=name, title=name.upper(), protocol="harness", metric=metric, difference=found
    )


def comparison(*datasets: DatasetComparison, **changes: Any) -> Comparison:
    given: dict[str, Any] = {
        "kind": "models",
        "a": "one",
        "b": "two",
        "datasets": list(datasets),
        "overall": difference("no difference shown", -0.015),
    }
    return Comparison.model_validate(given | changes)


def of(one: Comparison) -> Comparisons:
    return Comparisons(
        tier="quick", confidence=0.95, power=0.8, margin=0.02, averages=[], comparisons=[one]
    )


def test_every_verdict_is_said_with_its_datasets() -> None:
    lines = compared.summary(
        comparison(
            dataset("gsm8k", difference("worse", -0.4)),
            dataset("mmlu", difference("better", 0.3)),
            dataset("arc", difference("better", 0.2)),
            dataset("bfcl", difference("not comparable", None, reason="other samples")),
        )
    )
    assert lines == [
        f"Overall {MINUS}1.5 points for one ({MINUS}21.5 to +18.5): no difference shown.",
        "Better on MMLU, ARC.",
        "Worse on GSM8K.",
        "Not comparable on BFCL.",
    ]


def test_the_nearest_to_a_verdict_is_named() -> None:
    short = difference("not enough samples", needed=400)
    nearer = difference("not enough samples", needed=60)
    lines = compared.summary(comparison(dataset("gsm8k", short), dataset("arc", nearer)))
    assert lines[-1].startswith("The nearest to a verdict is ARC: about 60 samples")


def test_without_numbers_there_are_none() -> None:
    one = comparison(
        dataset("arc", difference("not comparable", None, reason="other samples")),
        overall=difference("not comparable", None, reason="no dataset can be compared"),
        left_out={"mmlu": "no result of two"},
    )
    (pair,) = compared.pairs(of(one))
    assert pair.summary[0] == "Overall: not comparable. no dataset can be compared"
    assert pair.rows[0][2:10] == ("–",) * 8
    assert pair.rows[0][-2:] == ("not comparable", "other samples")
    assert pair.left_out == [("mmlu", "no result of two")]


def test_units_are_the_metric_s() -> None:
    (pair,) = compared.pairs(
        of(comparison(dataset("mt_bench", difference("better", 1.25), metric="rating")))
    )
    assert pair.rows[0][5] == "+1.250"
    assert pair.rows[-1][5] == f"{MINUS}1.5"


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "{{ 7 * 7 }}", "\u202eevil"])
def test_the_page_shows_it_and_executes_nothing(hostile: str) -> None:
    one = comparison(dataset(hostile, difference("better")), a=hostile, left_out={"x": hostile})
    page = render_index(aggregate([], ["m"], []), {}, of(one))
    assert 'id="comparisons"' in page
    assert "<script>alert" not in page
    assert "\u202e" not in page
    assert ">49<" not in page


def test_without_comparisons_there_is_no_section() -> None:
    assert 'id="comparisons"' not in render_index(aggregate([], ["m"], []), {})
