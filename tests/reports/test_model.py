"""The page of a model: scores in context, categories, answers, errors, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from evaluation.records import (
    CategoryScore,
    Comparisons,
    Interval,
    PresetChoice,
    Result,
    SampleResult,
    Score,
)
from evaluation.reports import (
    TierReport,
    model_categories,
    model_errors,
    model_samples,
    model_scores,
    model_view,
)
from evaluation.reports.charts.dots import Dot, dots
from evaluation.reports.charts.histogram import Spread, bins, spreads, ticks
from evaluation.reports.digest import digests
from evaluation.reports.pages import model as model_page
from evaluation.reports.samples import views
from evaluation.reports.spread import quantile
from tests.reports.builders import Page, aggregate, hostile, result, sample, session, turn
from tests.synthetic_results import judge
from tests.synthetic_tier import comparisons_of, dataset_names, model_names, tier

DATASETS = ("gsm8k", "arc_challenge", "math", "mt_bench")


def report_of(
    results: Sequence[Result], comparisons: Comparisons | None = None, **changes: Any
) -> TierReport:
    models = list(dict.fromkeys(one.model for one in results))
    datasets = list(dict.fromkeys(one.dataset for one in results))
    found = {(one.model, one.dataset): digests(views(one)) for one in results}
    base: dict[str, Any] = {
        "aggregate": aggregate(list(results), models, datasets),
        "comparisons": comparisons,
        "digests": found,
    }
    return TierReport(**(base | changes))


@cache
def synthetic() -> TierReport:
    """Three models on four datasets; one cell is missing, one is of bundled samples."""
    results = list(
        tier(3, DATASETS, 30, missing={("cedar_9b", "math")}, sources={"gsm8k": "bundled"})
    )
    compared = comparisons_of(results, model_names(3), dataset_names(DATASETS))
    return report_of(results, compared)


def show(report: TierReport, model: str = "m_one") -> Page:
    return Page(model_page.render(report, model))


def scored(value: float | None = 0.7, **changes: Any) -> Score:
    base: dict[str, Any] = {"metric": "acc", "value": value, "n": 40, "primary": True}
    return Score.model_construct(**(Score(**base).model_dump() | changes))


def between(low: float, high: float) -> Interval:
    return Interval(low=low, high=high, method="Wilson")


# ---- scores ---------------------------------------------------------------------------------


def test_a_score_stands_beside_chance_and_the_other_models() -> None:
    results = [
        result("m_one", scores=[scored(0.7, interval=between(0.58, 0.8), chance=0.25)]),
        result("m_two", scores=[scored(0.5)]),
        result("m_three", scores=[scored(0.9)]),
        result("m_four", scores=[scored(0.1, metric="f1")]),
    ]
    row = model_scores.score_rows(report_of(results), "m_one")[0]
    assert (row.score, row.interval, row.n) == ("70.0%", "58.0–80.0%", 40)
    assert row.others == "50.0% to 90.0%"
    assert row.chance == "above 25.0%"
    assert row.link == "samples.html#model=m_one&dataset=gsm8k"
    assert row.dot == Dot("GSM8K", 0.7, 0.58, 0.8, 0.25, (0.5, 0.9))


@pytest.mark.parametrize(
    ("interval", "chance", "said"),
    [
        (between(0.3, 0.5), 0.25, "above 25.0%"),
        (between(0.2, 0.5), 0.25, "interval includes 25.0%"),
        (between(0.1, 0.2), 0.25, "below 25.0%"),
        (None, 0.25, "chance is 25.0%"),
        (between(0.3, 0.5), None, "–"),
        (between(0.3, 0.5), float("nan"), "–"),
    ],
)
def test_chance_in_words(interval: Interval | None, chance: float | None, said: str) -> None:
    found = report_of([result(scores=[scored(0.4, interval=interval, chance=chance)])])
    row = model_scores.score_rows(found, "m_one")[0]
    assert row.chance == said
    assert not {"below chance", "interval includes chance"} & set(row.flags)


def test_verdicts_are_turned_for_the_second_model_of_a_pair() -> None:
    found = synthetic()
    assert found.comparisons is not None
    turned = {"better": "worse", "worse": "better"}
    pair = next(p for p in found.pairs() if (p.a, p.b) == ("alder_8b", "birch_14b"))
    datasets = [
        one.model_copy(update={"difference": one.difference.model_copy(update={"verdict": v})})
        for one, v in zip(pair.datasets, ("better", "worse", "equal"), strict=False)
    ]
    forged = pair.model_copy(update={"datasets": datasets})
    one_pair = found.comparisons.model_copy(update={"comparisons": [forged]})
    report = TierReport(found.aggregate, one_pair)
    rows = {r.dataset: r for r in model_scores.score_rows(report, "alder_8b")}
    assert rows[datasets[0].dataset].decided == (("better", 1),)
    seen = {r.dataset: r for r in model_scores.score_rows(report, "birch_14b")}
    for one in datasets:
        verdict = one.difference.verdict
        assert seen[one.dataset].decided == ((turned.get(verdict, verdict), 1),)
    third = model_scores.score_rows(report, "cedar_9b")
    assert not any(row.decided or row.undecided for row in third)


def test_scores_on_other_scales_stay_out_of_the_chart() -> None:
    rating = scored(7.5, metric="rating", interval=between(6, 8))
    found = report_of(
        [
            result(dataset="talk", scores=[rating]),
            result(dataset="lies", scores=[scored(0.2, metric="rate", lower_is_better=True)]),
            result(dataset="gsm8k"),
        ]
    )
    rows = model_scores.score_rows(found, "m_one")
    assert [row.dot is None for row in rows] == [True, True, False]
    page = show(found)
    assert "more is better: TALK and LIES." in page.words
    assert page.tags.count("figure") == 2
    only = report_of([result(dataset="talk", scores=[rating])])
    assert model_scores.chart(model_scores.score_rows(only, "m_one"), "m_one") is None
    assert "7.50" in show(only).text


def test_how_well_scores_are_known_is_said() -> None:
    results = [
        result(dataset="a", scores=[scored(0.5, n=20, interval=between(0.3, 0.7))]),
        result(dataset="b", scores=[scored(0.5, n=2000, interval=between(0.48, 0.52))]),
    ]
    rows = model_scores.score_rows(report_of(results), "m_one")
    assert model_scores.precision(rows) == (
        "With 20 to 2,000 scored samples a dataset, scores are known to about ±2.0 to 20.0 points."
    )
    assert "about ±20.0 points" in model_scores.precision(rows[:1])
    bare = report_of([result(scores=[scored(0.5)])])
    assert model_scores.precision(model_scores.score_rows(bare, "m_one")) == ""


@pytest.mark.parametrize(
    ("changes", "word", "reason"),
    [
        ({"scores": [scored(None, reason="no sandbox")]}, "not scored", "no sandbox"),
        ({"scores": [scored(float("nan"))]}, "not a number", "recorded"),
        ({"scores": [scored(float("inf"))]}, "not a number", "recorded"),
        ({"scores": [scored(None, n=0)], "counts": {"samples": 0}}, "no samples", "gave none"),
        ({"counts": {"failed": 2}, "scores": [scored(None)]}, "failed", "every sample failed"),
    ],
)
def test_why_there_is_no_score(changes: dict[str, Any], word: str, reason: str) -> None:
    found = report_of([result(**changes), result("m_two")])
    row = model_scores.score_rows(found, "m_one")[0]
    assert (row.score, row.word, row.interval, row.dot) == ("", word, "–", None)
    assert reason in row.reason
    page = show(found)
    assert word in page.words
    assert "nan" not in page.words.lower().split()
    assert ("no samples" in page.words) == (word == "no samples")


def test_a_missing_cell_is_said_and_the_others_are_shown() -> None:
    row = next(r for r in model_scores.score_rows(synthetic(), "cedar_9b") if r.dataset == "math")
    assert (row.word, row.n, row.link, row.dot) == ("missing", None, "", None)
    assert "%" in row.others
    page = show(synthetic(), "cedar_9b")
    assert "No result of this model on MATH-500." in page.words
    assert "3 of 4 datasets" in page.words


def test_bundled_samples_are_not_taken_for_the_benchmark() -> None:
    page = show(synthetic(), "alder_8b")
    assert "Not the benchmark: the rows of GSM8K are our own writing" in page.words
    assert "GSM8K *" in page.words
    assert "* bundled samples" in page.words
    average = model_view.average(synthetic(), "alder_8b")
    assert average.over == "2 datasets, 1 of bundled samples"
    mirrored = show(report_of([result(source="mirror")]))
    assert "GSM8K were read from a local mirror" in mirrored.words
    assert "Not the benchmark" not in mirrored.words


# ---- against the others ---------------------------------------------------------------------


def test_what_is_decided_against_whom_is_said_with_links() -> None:
    page = show(synthetic(), "birch_14b")
    assert "../compare/alder_8b--birch_14b.html" in page.values("href")
    assert "../compare/birch_14b--cedar_9b.html" in page.values("href")
    found = model_view.standing(
        v for v in model_page.versus.opponents(synthetic(), "birch_14b").values()
    )
    assert {one.other for group in found for one in group.others} == {"alder_8b", "cedar_9b"}
    assert all(group.words in page.words for group in found)


def test_one_model_alone_has_no_average_and_no_comparison() -> None:
    page = show(report_of([result()]))
    assert "No average: averages come with the comparisons" in page.words
    assert "There is one model in this report" in page.words
    assert "compare/" not in " ".join(page.values("href"))


def test_a_report_without_comparisons_says_so() -> None:
    page = show(report_of([result(), result("m_two")]))
    assert "This report has no comparison of this model with another one." in page.words


def test_self_judged_is_said() -> None:
    rated = result(judge=judge("m_one", self_judged=True), title="Talk")
    assert "rated its own answers on Talk" in show(report_of([rated])).words
    other = result(judge=judge("m_two"), title="Talk")
    assert "rated its own answers" not in show(report_of([other])).words


# ---- categories -----------------------------------------------------------------------------


def category(name: str, value: float | None, n: int) -> CategoryScore:
    return CategoryScore(category=name, value=value, n=n)


def test_categories_are_ranked_by_how_much_they_say() -> None:
    found = [
        category("few", 0.0, 3),
        category("many", 0.2, 60),
        category("tiny", 0.0, 2),
        category("good", 0.9, 30),
        category("same", 0.5, 30),
        category("empty", None, 0),
    ]
    other = result("m_two", categories=[category("many", 0.8, 60)], scores=[scored(0.6)])
    report = report_of([result(categories=found, scores=[scored(0.5)]), other])
    extremes = model_categories.extremes(report, "m_one")
    assert [one.name for one in extremes.worst] == ["many", "few"]
    assert [one.name for one in extremes.best] == ["good"]
    assert extremes.left_out == 1
    many = extremes.worst[0]
    assert (many.n, many.value, many.whole, many.difference) == (60, "20.0%", "50.0%", "−30.0")
    assert (many.others, extremes.worst[1].others) == ("80.0%", "")
    assert "1 with fewer than 3 samples" in show(report).words


def test_nested_categories_are_shown_on_both_levels() -> None:
    found = [
        category("Algebra/level 1", 1.0, 10),
        category("Algebra/level 5", 0.0, 30),
        category("Geometry/level 1", 0.5, 10),
        category("Geometry/level 5", 0.5, 10),
    ]
    report = report_of([result(categories=found, scores=[scored(0.5)])])
    shown = model_categories.breakdowns(report, "m_one")[0]
    assert [(one.name, one.n, one.value, one.inner) for one in shown.levels] == [
        ("Algebra", 40, "25.0%", False),
        ("level 5", 30, "0.0%", True),
        ("level 1", 10, "100.0%", True),
        ("Geometry", 20, "50.0%", False),
        ("level 1", 10, "50.0%", True),
        ("level 5", 10, "50.0%", True),
    ]
    assert [(one.name, one.n, one.value) for one in shown.across] == [
        ("level 5", 40, "12.5%"),
        ("level 1", 20, "75.0%"),
    ]
    strata = model_categories.strata(found)
    assert strata["Algebra (all)"] == (0.25, 40)
    assert strata["level 5 (all)"] == (0.125, 40)
    worst = model_categories.extremes(report, "m_one").worst
    assert [one.name for one in worst][:2] == ["Algebra/level 5", "level 5 (all)"]


def test_categories_without_levels_get_none() -> None:
    report = report_of([result(categories=[category("", 0.4, 5), category("b", 0.2, 5)])])
    shown = model_categories.breakdowns(report, "m_one")[0]
    assert [one.name for one in shown.levels] == ["b", "(none)"]
    assert not shown.across
    assert not shown.nested
    assert "(all)" not in show(report).words


def test_own_scales_are_not_ranked_and_the_worst_is_first_where_less_is_better() -> None:
    found = [category("a", 0.1, 9), category("b", 0.3, 9)]
    rate = scored(0.2, metric="rate", lower_is_better=True)
    report = report_of(
        [
            result(dataset="lies", categories=found, scores=[rate]),
            result(dataset="talk", categories=found, scores=[scored(7.0, metric="rating")]),
        ]
    )
    extremes = model_categories.extremes(report, "m_one")
    assert not extremes.worst
    assert not extremes.best
    lies, talk = model_categories.breakdowns(report, "m_one")
    assert [one.name for one in lies.levels] == ["b", "a"]
    assert [one.name for one in talk.levels] == ["a", "b"]


def test_no_categories_are_said() -> None:
    page = show(report_of([result(categories=[])]))
    assert "No result of this model has scores by category." in page.words


# ---- answers --------------------------------------------------------------------------------


def answered(number: int, tokens: int, **changes: Any) -> SampleResult:
    return sample(number, turns=[turn(completion_tokens=tokens, **changes)])


def test_lengths_latencies_and_endings() -> None:
    samples = [
        answered(0, 10, latency_seconds=1.0),
        answered(1, 20, latency_seconds=2.0, thinking_tokens=5),
        answered(2, 30, latency_seconds=12.0, finish_reason="length"),
        answered(3, 0, latency_seconds=0.5, finish_reason="error", error="gone"),
        sample(4, turns=[]),
    ]
    scored_only = [
        sample(n, turns=[turn("", completion_tokens=0, finish_reason="scored")]) for n in (0, 1)
    ]
    report = report_of(
        [result(samples=samples), result(dataset="arc", samples=scored_only, title="ARC")]
    )
    found = model_samples.answers(report, "m_one")
    (one,) = found.lengths
    assert (one.answers, one.median, one.most, one.cut) == (3, 20, 30, 1)
    assert one.p95 == pytest.approx(29)
    assert one.thinking == "8%"
    assert [(e.requests, [n for n, _ in e.counts]) for e in found.endings] == [
        (4, [2, 1, 0, 1]),
        (2, [0, 0, 2, 0]),
    ]
    assert found.total.counts == ((2, "33%"), (1, "17%"), (2, "33%"), (1, "17%"))
    assert (found.latencies[0].samples, found.latencies[0].median) == (4, 1.5)
    assert found.latencies[0].most == 12.0
    assert found.scored_only == ("ARC",)
    page = show(report)
    assert "No text is written on ARC" in page.words
    assert "12.0 s" in page.words
    assert "1.50 s" in page.words


def test_thinking_is_never_more_than_everything() -> None:
    report = report_of([result(samples=[answered(0, 10, thinking_tokens=11)])])
    assert model_samples.answers(report, "m_one").lengths[0].thinking == "100%"


def test_samples_that_were_not_given_are_said() -> None:
    page = show(report_of([result()], digests={}))
    assert "The samples of GSM8K were not given to this report" in page.words
    assert "There are no samples to say it of." in page.words
    assert not [href for href in page.values("href") if "samples.html#" in href]


def test_what_was_never_asked_has_no_answers() -> None:
    page = show(report_of([result(samples=[sample(0, turns=[])])]))
    assert "The model was not asked anything in this tier." in page.words


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5.0], 0.95, 5.0), ([1, 2, 3, 4], 0.5, 2.5), ([4, 1, 3, 2], 1, 4), ([1, 3], 0.25, 1.5)],
)
def test_quantiles(values: list[float], share: float, expected: float) -> None:
    assert quantile(values, share) == pytest.approx(expected)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.1), ([1.0], -0.1)])
def test_quantiles_of_nothing_are_errors(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="quantile"):
        quantile(values, share)


# ---- errors ---------------------------------------------------------------------------------


def test_a_sample_is_an_example_of_the_first_kind_that_fits() -> None:
    cut = [turn(finish_reason="length")]
    samples = [
        sample(0),
        sample(1, 0.0),
        sample(2, 0.0, turns=cut, extracted=None),
        sample(3, 1.0, turns=cut),
        sample(4, 0.0, extracted=None),
        sample(5, None, status="failed", turns=[turn(error="gone", finish_reason="error")]),
        sample(6, None, status="unscorable", turns=[], reason="no columns"),
        sample(7, None, status="not scored", turns=cut, reason="no sandbox"),
        sample(8, 0.0, turns=[turn(truncated_prompt_tokens=9)]),
        sample(9, 0.5),
    ]
    report = report_of([result(samples=samples)])
    found = {
        one.name: [e.sample.id for e in one.examples] for one in model_errors.kinds(report, "m_one")
    }
    assert found == {
        "failed": ["item/5"],
        "unscorable": ["item/6"],
        "not scored": ["item/7"],
        "answer truncated": ["item/2"],
        "prompt truncated": ["item/8"],
        "nothing extracted": ["item/4"],
        "wrong": ["item/1"],
    }
    page = show(report)
    assert "../samples.html#model=m_one&dataset=gsm8k&sample=item%2F5" in page.values("href")
    assert "Failed: 1 sample of 1 dataset" in page.words
    assert "gone" in page.words


def test_a_benchmark_that_extracts_nothing_ever_has_wrong_answers() -> None:
    samples = [sample(0, 0.0, extracted=None), sample(1, 1.0, extracted=None)]
    kinds = model_errors.kinds(report_of([result(samples=samples)]), "m_one")
    assert [one.name for one in kinds] == ["wrong"]


def test_examples_are_of_different_datasets_and_few() -> None:
    many = [sample(n, 0.0) for n in range(5)]
    results = [
        result(dataset="a", samples=many[:1]),
        result(dataset="b", samples=many),
    ]
    (kind,) = model_errors.kinds(report_of(results), "m_one")
    assert (kind.samples, kind.datasets) == (6, 2)
    assert [(e.dataset, e.sample.id) for e in kind.examples] == [
        ("b", "item/0"),
        ("a", "item/0"),
        ("b", "item/1"),
    ]


def test_a_model_without_errors_is_said() -> None:
    page = show(report_of([result(samples=[sample(0)])]))
    assert "Nothing: no sample is wrong, cut, failed or without a score." in page.words


# ---- runs -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("", "Preset balanced. As configured: no choice by measuring was made for this tier."),
        ("balanced", "Preset balanced. Chosen by measuring: it is healthy."),
        ("careful", "Not all results were made with careful, which was chosen"),
    ],
)
def test_the_preset_and_why(chosen: str, said: str) -> None:
    choice = PresetChoice(model="m_one", chosen=chosen, reason="it is healthy", tried=[])
    other = PresetChoice(model="m_two", chosen="swift", reason="", tried=[])
    presets = [other, choice] if chosen else [other]
    page = show(report_of([result()], presets=presets))
    assert said in page.words
    assert "swift" not in page.words


def test_sessions_are_listed_once_in_their_order() -> None:
    late = session("m_one", "late").model_copy(update={"started": "2025-01-02T10:00:00Z"})
    early = session("m_one", "early")
    both = result().provenance.model_copy(update={"sessions": [late, early]})
    report = report_of([result(provenance=both), result(dataset="mmlu", provenance=both)])
    rows = model_view.session_rows(model_view.sessions(report.cells_of("m_one")))
    assert [row[0] for row in rows] == ["early", "late"]
    assert "not recorded" in rows[0][-1]
    assert show(report).words.count("flash attention is not installed") == 1


# ---- whole pages ----------------------------------------------------------------------------


def test_pages_are_sound() -> None:
    for name in synthetic().aggregate.models:
        raw = model_page.render(synthetic(), name)
        page = Page(raw)
        ids = page.values("id")
        assert len(ids) == len(set(ids))
        assert set(" ".join(page.values("aria-labelledby")).split()) <= set(ids)
        anchors = [href[1:] for href in page.values("href") if href.startswith("#")]
        assert set(anchors) <= {*ids, "main"}
        assert page.tags.count("table") == page.tags.count("caption")
        assert not [v for _, name, v in page.attributes if name == "style"]
        levels = [int(tag[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag)]
        assert all(b - a <= 1 for a, b in pairwise(levels))
        assert len(raw) < 3 << 20


def test_hostile_text_is_inert() -> None:
    bad = hostile()
    report = report_of([bad, result("m_two")], comparisons=None)
    raw = model_page.render(report, "m_one")
    page = Page(raw)
    assert page.tags.count("script") == len(page.scripts) == 1
    assert not {"img", "iframe", "object", "link", "base", "form"} & set(page.tags)
    names = {k for _, k, _ in page.attributes}
    assert not {n for n in names if n.startswith("on") or n in ("style", "src", "srcdoc")}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", raw)
    assert page.text.count("<script>alert(1)</script>") >= 5
    assert "{{ 7*7 }}" in page.text
    assert all(href.startswith(("../", "#")) for href in page.values("href"))


@pytest.mark.parametrize("name", ["a b/c", "<b>", "ünï", "..", "x" * 300])
def test_names_with_odd_characters(name: str) -> None:
    page = show(report_of([result(name, name), result("m_two", name)]), name)
    assert name in page.text
    assert not {"b"} & set(page.tags)


def test_a_model_without_a_result_is_said() -> None:
    base = report_of([result()])
    listed = base.aggregate.model_copy(update={"models": ["m_one", "ghost"]})
    page = show(TierReport(listed), "ghost")
    assert "0 of 1 dataset" in page.words
    assert "No result of this model on GSM8K." in page.words
    assert "The report has no result of this model." in page.words
    assert show(TierReport(listed.model_copy(update={"datasets": [], "cells": []})), "ghost")


# ---- charts ---------------------------------------------------------------------------------


def test_dots_have_a_row_each_and_survive_gaps() -> None:
    rows = [
        Dot("GSM8K", 0.5, 0.4, 0.6, 0.25, (0.1, float("nan"))),
        Dot("<script>alert(1)</script>", None, others=(0.3,)),
        Dot("edge", 1.0, float("nan"), 1.0),
    ]
    found = dots(rows, "Scores & more", "What it shows")
    page = Page(str(found))
    assert "GSM8K" in page.text
    assert "50.0" in page.text
    assert "Scores & more" in page.text
    assert "script" not in page.tags
    assert not page.values("style")
    assert found == dots(rows, "Scores & more", "What it shows")
    with pytest.raises(ValueError, match="rows"):
        dots([], "", "")


def test_histograms_count_every_value_once() -> None:
    values = [1, 1.2, 1.5, 2, 3, 3.9, 4, 1000]
    counts = bins(values, 0, 20)
    assert sum(counts) == len(values)
    assert counts[:5] == [2, 1, 1, 2, 1]
    rows = [Spread("one", (7.0,), 7.0, 7.0), Spread("two", (1.0, 4096.0), 2048.0, 4000.0)]
    page = Page(str(spreads(rows, "tokens", "Lengths", "What it shows")))
    assert {"one", "two", "tokens"} <= set(page.text.split())
    assert "1,000" in page.text


@pytest.mark.parametrize("rows", [[], [Spread("a", (), 1, 1)], [Spread("a", (0.0, 2.0), 1, 2)]])
def test_histograms_need_numbers_above_0(rows: list[Spread]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        spreads(rows, "", "", "")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (8, 120, [10, 20, 50, 100]),
        (1, 3000, [1, 3, 10, 30, 100, 300, 1000, 3000]),
        (1, 10**6, [10**power for power in range(7)]),
        (5.7, 8, [6]),
    ],
)
def test_ticks_are_round_and_few(low: float, high: float, expected: list[int]) -> None:
    assert ticks(low, high) == expected
