"""The page of a pair says what was decided and what was not, with its numbers and samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import nan
from typing import Any

import pytest

from evaluation.comparing import compare_tier
from evaluation.records import (
    Agreement,
    CategoryDifference,
    Comparison,
    Comparisons,
    DatasetComparison,
    Difference,
    Interval,
    Result,
    Verdict,
)
from evaluation.reports import TierReport, pair_view
from evaluation.reports.digest import digests
from evaluation.reports.disagreements import SHOWN, disagreements
from evaluation.reports.pages import pair
from evaluation.reports.samples import views
from tests import synthetic_results
from tests.reports.builders import HOSTILE, Page, aggregate, hostile

MINUS = "\N{MINUS SIGN}"
RATING = "rating (1 to 10 as 0 to 1)"


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
            "wins": 4,
            "losses": 2,
            "ties": 14,
            "method": "exact McNemar",
            "detectable": 0.31,
            "needed": 150,
        }
    return Difference.model_validate(given | changes)


def dataset(name: str, found: Difference, **changes: Any) -> DatasetComparison:
    given: dict[str, Any] = {
        "dataset": name,
        "title": name.upper(),
        "protocol": "harness",
        "metric": "acc",
        "difference": found,
    }
    return DatasetComparison.model_validate(given | changes)


def comparison(*datasets: DatasetComparison, **changes: Any) -> Comparison:
    given: dict[str, Any] = {
        "kind": "models",
        "a": "one",
        "b": "two",
        "datasets": list(datasets),
        "overall": difference("no difference shown", -0.015),
    }
    return Comparison.model_validate(given | changes)


def report(one: Comparison, results: Sequence[Result] = ()) -> TierReport:
    names = list(dict.fromkeys(each.dataset for each in one.datasets))
    return TierReport(
        aggregate(list(results), [one.a, one.b], names),
        Comparisons(
            tier="quick", confidence=0.95, power=0.8, margin=0.02, averages=[], comparisons=[one]
        ),
        digests={(r.model, r.dataset): digests(views(r)) for r in results},
    )


def source(one: Comparison, results: Sequence[Result] = ()) -> str:
    return pair.render(report(one, results), one)


def words(one: Comparison, results: Sequence[Result] = ()) -> str:
    return Page(source(one, results)).words


def compared(*results: Result) -> TierReport:
    """A report whose comparisons were made from the results."""
    models = list(dict.fromkeys(r.model for r in results))
    datasets = list(dict.fromkeys(r.dataset for r in results))
    return TierReport(
        aggregate(list(results), models, datasets),
        compare_tier("quick", models, datasets, results, synthetic_results.SETTINGS),
        digests={(r.model, r.dataset): digests(views(r)) for r in results},
    )


def page_of(found: TierReport) -> tuple[str, Page]:
    text = pair.render(found, found.pairs()[0])
    return text, Page(text)


# ---- the verdict in words ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("better", "one is better overall."),
        ("worse", "two is better overall."),
        ("equal", "Overall the two are equal, within the 2 points that matter."),
        ("no difference shown", "Overall no difference is shown."),
        ("not enough samples", "Overall there are not enough samples to say which is better."),
    ],
)
def test_the_overall_verdict_names_the_model(verdict: Verdict, said: str) -> None:
    found = words(comparison(dataset("arc", difference("worse")), overall=difference(verdict)))
    assert said in found
    assert "Mean over ARC alone: one 50.0, two 40.0 of 100." in found
    assert "The difference is +10.0 points" in found
    assert f"with a 95% interval of {MINUS}10.0 to +30.0." in found


def test_what_cannot_be_compared_has_a_reason_and_no_number() -> None:
    none = difference("not comparable", None, reason="no dataset can be compared")
    one = comparison(
        dataset("arc", difference("not comparable", None, reason="seeds differ: 1 and 2")),
        overall=none,
        left_out={"arc": "seeds differ: 1 and 2", "mmlu": "two has no result"},
    )
    found = words(one)
    assert "Overall the two cannot be compared. No dataset can be compared." in found
    assert "Not comparable on ARC seeds differ: 1 and 2" in found
    assert "mmlu two has no result" in found
    assert "of 100" not in found
    assert "<svg" not in source(one)


def test_datasets_are_grouped_by_verdict() -> None:
    one = comparison(
        dataset("gsm8k", difference("worse", -0.4)),
        dataset("mmlu", difference("better", 0.2)),
        dataset("arc", difference("better", 0.3)),
        dataset("math", difference("not enough samples", 0.1)),
    )
    groups = pair_view.groups(pair_view.lines(report(one), one))
    assert [(g.verdict, [line.dataset for line in g.lines]) for g in groups] == [
        ("better", ["arc", "mmlu"]),
        ("worse", ["gsm8k"]),
        ("not enough samples", ["math"]),
    ]
    found = words(one)
    assert "one is better on ARC +30.0 MMLU +20.0" in found
    assert f"two is better on GSM8K {MINUS}40.0" in found
    assert "Not enough samples to say on MATH +10.0; 20 of about 150 samples" in found
    assert "Decided on 3 of 4 datasets: 2 for one, 1 for two." in found


def test_where_nothing_is_decided_it_says_so() -> None:
    short = difference("not enough samples")
    assert "None of the 2 datasets decides it" in words(
        comparison(dataset("gsm8k", short), dataset("arc", short))
    )
    assert "The one dataset does not decide it" in words(comparison(dataset("arc", short)))


def test_the_nearest_to_a_decision_is_the_one_that_lacks_the_fewest_samples() -> None:
    far = difference("not enough samples", n=20, needed=400)
    near = difference("not enough samples", n=500, needed=560)
    found = words(comparison(dataset("gsm8k", far), dataset("arc", near)))
    assert "Nearest to a decision: ARC. About 560 samples, of which 500 are there" in found
    assert "Nearest" not in words(comparison(dataset("arc", difference("better"))))


def test_small_numbers_of_samples_are_said_plainly() -> None:
    found = words(
        comparison(
            dataset("gsm8k", difference("not enough samples", detectable=0.31)),
            dataset("arc", difference("better", n=18, detectable=0.48)),
            dataset("math", difference("not enough samples", n=5, detectable=None)),
        )
    )
    assert "With 5 to 20 samples a dataset, only true differences of about 31.0 to 48.0 " in found
    assert "On 1 dataset there are too few samples to show any." in found


def test_too_few_samples_for_any_difference() -> None:
    few = difference("not enough samples", n=4, detectable=None, needed=None)
    found = words(comparison(dataset("arc", few), overall=few))
    assert "no difference can show, however large" in found
    assert "more than a billion samples over all datasets are needed; there are 4" in found


def test_bundled_samples_are_said_first() -> None:
    results = [
        synthetic_results.result(model, name, [1.0, 0.0], source=kind)
        for model in ("one", "two")
        for name, kind in (("arc" * 20, "bundled"), ("mmlu", "hub"))
    ]
    found = page_of(compared(*results))[1].words  # type: ignore[arg-type]
    assert "Bundled samples on 1 of 2 datasets." in found
    assert found.index("Bundled samples on") < found.index("Not enough samples to say")
    assert "ARCARCARCARCARCARCA… (bundled)" in found  # in the chart


# ---- numbers ----------------------------------------------------------------------------------


def test_the_table_has_every_number() -> None:
    one = comparison(dataset("arc", difference("not enough samples", reason="too few of them")))
    text = source(one)
    table = text[text.index('<table class="numbers') : text.index("<tfoot>")]
    assert re.findall(r"<td[^>]*>([^<]*)", table)[1:5] == ["20", "50.0%", "40.0%", ""]
    for number in ("+10.0", f"{MINUS}10.0 to +30.0", "0.200", "0.400", "4", "2", "14", "31.0"):
        assert f">{number}<" in table, number
    for said in ("150", "exact McNemar", "Tango", "too few of them", "acc"):
        assert f">{said}<" in table, said


def test_ratings_keep_their_unit_beside_the_points() -> None:
    rated = difference("better", 0.1, a=0.7, b=0.6)
    found = words(comparison(dataset("mt_bench", rated, metric=RATING)))
    assert "+10.0 +0.90 rating" in found
    assert "7.30 6.40" in found
    assert "on MT_BENCH, 10 points are 0.9 of rating" in found
    assert "10 points are" not in words(comparison(dataset("arc", difference("better"))))


def test_numbers_that_are_none_are_no_numbers() -> None:
    broken = difference("no difference shown").model_copy(
        update={
            **dict.fromkeys(("a", "b", "difference", "p", "adjusted_p", "detectable"), nan),
            "interval": Interval.model_construct(low=nan, high=nan, method="none"),
        }
    )
    category = CategoryDifference.model_construct(category="x", n=1, difference=nan, interval=None)
    one = comparison(dataset("arc", broken, categories=[category]), overall=broken)
    text = source(one)
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert "<svg" not in text


def test_a_remark_about_several_datasets_is_made_once() -> None:
    one = comparison(
        dataset("arc", difference("better"), warnings=["devices differ", "1 left out"]),
        dataset("mmlu", difference("better"), warnings=["devices differ"]),
    )
    assert pair_view.warnings(one) == [("devices differ", "all 2"), ("1 left out", "ARC")]
    assert "devices differ all 2 1 left out ARC" in words(one)


def test_who_was_right() -> None:
    both = Agreement(both=10, only_a=4, only_b=2, neither=4)
    one = comparison(
        dataset("arc", difference("better"), agreement=both),
        dataset(
            "mmlu",
            difference("better"),
            agreement=Agreement.model_construct(both=0, only_a=0, only_b=0, neither=0),
        ),
    )
    found = words(one)
    assert "ARC 10 4 2 4 70%" in found
    assert "MMLU 0 0 0 0 –" in found
    assert "Agreement" not in words(comparison(dataset("arc", difference("better"))))


def test_categories_are_in_order_and_not_tested() -> None:
    parts = [
        CategoryDifference(category=name, n=n, difference=value, interval=ends)
        for name, n, value, ends in (
            ("law", 4, -0.5, Interval(low=-0.9, high=0.1, method="t")),
            ("art", 9, 0.25, None),
        )
    ]
    found = words(comparison(dataset("mmlu", difference("better"), categories=parts)))
    assert f"art 9 +25.0 – law 4 {MINUS}50.0 {MINUS}90.0 to +10.0" in found
    assert "not tested" in found


# ---- samples ----------------------------------------------------------------------------------


def two(first: Sequence[float | str], second: Sequence[float | str], **how: Any) -> TierReport:
    return compared(
        synthetic_results.result("one", "arc", first, **how),
        synthetic_results.result("two", "arc", second, **how),
    )


def test_disagreements_lead_to_both_answers() -> None:
    golds = ["A", "B", "C"]
    text, page = page_of(two([1.0, 0.0, 1.0], [0.0, 1.0, 1.0], golds=golds))
    links = [link for link in page.values("href") if "samples.html#" in link]
    assert links == [
        f"../samples.html#model=one&dataset=arc&sample=arc%2F{n}&beside=two" for n in (0, 1)
    ]
    assert "one did better on 1 sample arc/0 A right nothing extracted wrong" in page.words
    assert "two did better on 1 sample arc/1 B wrong nothing extracted right" in page.words
    # A dataset's name leads to its samples.
    assert 'href="#samples-1"' in text
    assert "samples-1" in page.values("id")


def test_many_disagreements_are_links_and_a_count() -> None:
    found = two([1.0] * 60, [0.0] * 60)
    (one,) = disagreements(found, found.pairs()[0])
    side, none = one.sides
    assert (side.total, len(side.shown), len(side.others), side.unnamed) == (
        60,
        SHOWN,
        50 - SHOWN,
        10,
    )
    assert none.total == 0
    page = page_of(found)[1]
    assert f"one did better on 60 samples; {SHOWN} are shown" in page.words
    assert "and 10 more" in page.words
    assert sum("beside=two" in link for link in page.values("href")) == 50
    assert "two did better" not in page.words


def test_without_samples_ids_are_no_links() -> None:
    one = comparison(dataset("arc", difference("better"), only_a=["arc/7"]))
    page = Page(source(one))
    assert "arc/7" in page.words
    assert "its samples were not given to the report" in page.words
    assert not [link for link in page.values("href") if "samples.html#" in link]


def test_the_samples_of_the_first_alone_are_shown() -> None:
    first = synthetic_results.result("one", "arc", [1.0])
    one = comparison(dataset("arc", difference("better"), only_a=["arc/0"]))
    page = Page(source(one, [first]))
    (link,) = [link for link in page.values("href") if "samples.html#" in link]
    assert "beside" not in link


# ---- the page ---------------------------------------------------------------------------------


def test_two_models_without_a_dataset_in_common() -> None:
    found = compared(
        synthetic_results.result("one", "arc", [1.0]),
        synthetic_results.result("two", "mmlu", [1.0]),
    )
    text, page = page_of(found)
    assert "The two have no dataset in common" in page.words
    assert "ARC two has no result MMLU one has no result" in page.words
    assert "<svg" not in text


def test_cells_without_scored_samples() -> None:
    page = page_of(two(["failed", "failed"], [1.0, 0.0]))[1]
    assert "Overall the two cannot be compared" in page.words
    assert "Not comparable on ARC one has no acc: nothing could be scored" in page.words


def everything() -> Comparison:
    parts = [CategoryDifference(category=name, n=2, difference=0.5, interval=None) for name in "ab"]
    both = Agreement(both=1, only_a=1, only_b=1, neither=1)
    rich: dict[str, Any] = {"agreement": both, "categories": parts, "warnings": ["devices differ"]}
    return comparison(
        dataset("arc", difference("better"), only_a=["x"], only_b=["y"], **rich),
        dataset("mmlu", difference("not enough samples"), only_a=["x"], **rich),
        left_out={"math": "two has no result"},
    )


def test_the_page_is_well_made() -> None:
    text = source(everything())
    page = Page(text)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {part for value in page.values("aria-labelledby") for part in value.split()} <= set(ids)
    inner = [link[1:] for link in page.values("href") if link.startswith("#")]
    assert len(inner) > 6
    assert set(inner) <= set(ids)
    headings = [tag for tag in page.tags if tag in ("h1", "h2", "h3")]
    assert headings[0] == "h1"
    assert headings.count("h1") == 1
    assert page.tags.count("caption") == page.tags.count("table") > 5
    assert not page.values("style")
    assert "../models/one.html" in page.values("href")
    assert "../models/two.html" in page.values("href")


def test_hostile_text_is_text() -> None:
    evil = hostile().model_copy(update={"model": HOSTILE, "dataset": HOSTILE})
    found = comparison(
        dataset(HOSTILE, difference("better", reason=HOSTILE, method=HOSTILE)),
        dataset("arc", difference("not comparable", None, reason=HOSTILE)),
    )
    (first, second) = found.datasets
    first = first.model_copy(
        update={
            "title": HOSTILE,
            "metric": HOSTILE,
            "warnings": [HOSTILE],
            "only_a": [HOSTILE],
            "only_b": ["other"],
            "categories": [
                CategoryDifference.model_construct(
                    category=HOSTILE, n=1, difference=0.1, interval=None
                )
            ],
        }
    )
    found = found.model_copy(
        update={"a": HOSTILE, "b": "two", "datasets": [first, second], "left_out": {"x": HOSTILE}}
    )
    text = source(found, [evil])
    page = Page(text)
    assert len(page.scripts) == 1
    assert "img" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not re.search("[\x00\x1b\u202e\u200b\ud800]", text)
    assert "{{ 7*7 }}" in page.text
    assert "onerror=alert(2)>" in page.text
    assert text.encode()  # no surrogate is left
