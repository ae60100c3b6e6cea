"""The overview: who leads is said where it is decided, and nothing that is missing is hidden."""

from __future__ import annotations

from itertools import combinations
from math import nan
from typing import Any

import pytest

from evaluation.comparing import compare_tier
from evaluation.records import (
    CategoryScore,
    Comparison,
    Comparisons,
    DatasetComparison,
    Difference,
    Interval,
    MacroAverage,
    Result,
    Score,
    UnreadCell,
    Verdict,
)
from evaluation.reports import TierReport, score_tables
from evaluation.reports.headline import Name, Sentence, headline
from evaluation.reports.matrix import matrix
from evaluation.reports.pages import overview
from evaluation.reports.run_facts import run_facts
from evaluation.reports.versus import versus
from tests import synthetic_results, synthetic_tier
from tests.reports.builders import HOSTILE, Page, aggregate, hostile, result
from tests.synthetic_results import judge

MINUS = "\N{MINUS SIGN}"
Pairs = dict[tuple[str, str], tuple[Verdict, float | None]]


def difference(verdict: Verdict, value: float | None = 0.1, **changes: Any) -> Difference:
    given: dict[str, Any] = {"n": 0, "verdict": verdict}
    if value is None:
        given["reason"] = "other samples"
    else:
        given |= {
            "n": 20,
            "difference": value,
            "interval": Interval(low=value - 0.2, high=value + 0.3, method="MOVER"),
            "detectable": 0.45,
            "needed": 150,
        }
    return Difference.model_validate(given | changes)


def compared(pairs: Pairs, averages: dict[str, float | None], **single: Difference) -> Comparisons:
    """Comparisons with these overall verdicts; `single` are those on datasets, for all pairs."""
    datasets = [
        DatasetComparison(
            dataset=name, title=name.upper(), protocol="chat", metric="acc", difference=found
        )
        for name, found in (single or {"gsm8k": difference("not enough samples")}).items()
    ]
    return Comparisons(
        tier="quick",
        confidence=0.95,
        power=0.8,
        margin=0.02,
        averages=[
            MacroAverage(
                model=model,
                value=value,
                interval=None
                if value is None
                else Interval(low=value - 0.1, high=value + 0.1, method="MOVER"),
                datasets=["gsm8k"],
                left_out={"mmlu": "b has no result"},
            )
            for model, value in averages.items()
        ],
        comparisons=[
            Comparison(
                kind="models", a=a, b=b, datasets=datasets, overall=difference(verdict, value)
            )
            for (a, b), (verdict, value) in pairs.items()
        ],
    )


def report(
    found: Comparisons | None, models: str = "ab", results: list[Result] | None = None
) -> TierReport:
    given = [result(model, "gsm8k") for model in models] if results is None else results
    return TierReport(aggregate(given, list(models), ["gsm8k", "mmlu"]), found)


def text(sentence: Sentence) -> str:
    return "".join(part.text if isinstance(part, Name) else part for part in sentence)


def lead(pairs: Pairs, averages: dict[str, float | None]) -> str:
    return text(headline(report(compared(pairs, averages), "".join(averages))).lead)


# ---- who leads -----------------------------------------------------------------------------


def test_a_model_leads_only_where_it_is_better_than_each_other() -> None:
    averages: dict[str, float | None] = {"a": 0.5, "b": 0.7, "c": 0.6}
    shown: Pairs = {
        ("a", "b"): ("worse", -0.2),
        ("a", "c"): ("worse", -0.1),
        ("b", "c"): ("better", 0.1),
    }
    assert lead(shown, averages) == "b leads: it is shown to be better than c and a."
    shown["b", "c"] = ("not enough samples", 0.1)
    assert lead(shown, averages) == (
        "No single leader: b is ahead, but is not shown to be better than c."
    )
    shown["a", "b"] = ("no difference shown", -0.2)
    assert lead(shown, averages).endswith("is not shown to be better than c or a.")


def test_many_models_are_counted_and_not_named() -> None:
    averages = dict(zip("abcdef", (0.9, 0.8, 0.7, 0.6, 0.5, 0.4), strict=True))
    verdicts: Pairs = dict.fromkeys(combinations("abcdef", 2), ("better", 0.1))
    assert lead(verdicts, dict(averages)).endswith("better than each of the 5 other models.")
    for other in "bcde":
        verdicts["a", other] = ("not enough samples", 0.1)
    assert lead(verdicts, dict(averages)).endswith("better than 4 of the 5 other models.")
    verdicts["a", "f"] = ("not enough samples", 0.1)
    assert lead(verdicts, dict(averages)).endswith("better than any other model.")


def test_there_is_no_ranking_where_nothing_is_decided() -> None:
    averages: dict[str, float | None] = {"a": 0.9, "b": 0.5, "c": 0.4}
    undecided: Pairs = dict.fromkeys(combinations("abc", 2), ("not enough samples", 0.4))
    assert lead(undecided, averages) == ("No ranking: no model is shown to be better than another.")
    two: Pairs = {("a", "b"): ("no difference shown", 0.01)}
    assert lead(two, {"a": 0.51, "b": 0.5}) == (
        "No ranking: it is not shown which of a and b is better."
    )
    two["a", "b"] = ("equal", 0.01)
    assert lead(two, {"a": 0.51, "b": 0.5}) == "a and b are equally good, within 2 points."


def test_without_averages_nothing_leads() -> None:
    pairs: Pairs = {("a", "b"): ("not comparable", None)}
    assert lead(pairs, {"a": None, "b": None}) == "No ranking: no dataset counts for all models."
    assert lead(pairs, {"a": 0.5, "b": None}) == "No ranking: a is the only model with an average."


def test_one_model_and_no_model_are_said() -> None:
    one = headline(report(None, "a"))
    assert text(one.lead) == "One model, a: nothing to compare it with."
    assert "need two models" in text(one.said[0])
    assert text(headline(report(None, "ab")).lead) == "The models were not compared."
    nothing = headline(report(None, "ab", []))
    assert text(nothing.lead) == "Nothing to report: no cell of this tier has a result."
    assert not nothing.against


@pytest.mark.parametrize(
    ("verdict", "value", "changes", "said"),
    [
        ("better", 0.1, {}, "Its lead over the next, b, is decided: +10.0 points"),
        ("equal", 0.01, {}, "The next, b, is as good within 2 points: +1.0 points"),
        ("worse", -0.1, {}, f"Yet over the datasets both have b is better: {MINUS}10.0 points"),
        (
            *("not enough samples", 0.1, {"n": 240, "needed": 1840}),
            "One as large would show with about 1,840 samples over all datasets, in place of 240.",
        ),
        (
            *("not enough samples", 0.001, {"n": 240, "needed": 9000}),
            "One of 2 points would show with about 9,000 samples",
        ),
        (
            *("not enough samples", 0.1, {"needed": None}),
            "No number of samples that anyone could run would show it.",
        ),
        (
            *("no difference shown", 0.03, {"n": 5000, "needed": 900}),
            "One as large would have shown with 5,000 samples.",
        ),
        ("not comparable", None, {}, "It cannot be compared with the next, b: other samples."),
    ],
)
def test_the_lead_over_the_next_is_said_with_what_it_would_take(
    verdict: Verdict, value: float | None, changes: dict[str, Any], said: str
) -> None:
    found = compared({("a", "b"): (verdict, value)}, {"a": 0.6, "b": 0.5})
    overall = difference(verdict, value, **changes)
    one = found.comparisons[0].model_copy(update={"overall": overall})
    found = found.model_copy(update={"comparisons": [one]})
    sentences = [text(sentence) for sentence in headline(report(found)).said]
    assert said in sentences[1]


def test_an_average_of_bundled_samples_is_never_one_of_the_benchmark() -> None:
    found = compared({("a", "b"): ("better", 0.1)}, {"a": 0.6, "b": 0.5})
    bundled = [result(model, "gsm8k", source="bundled") for model in "ab"]
    said = headline(report(found, results=bundled))
    assert text(said.lead).startswith("a leads")
    assert text(said.lead).endswith(" All of it on bundled samples, not the benchmarks.")
    assert "over 1 of 2 datasets, which is bundled samples, not the benchmark" in text(said.said[0])
    plain = headline(report(found))
    assert "bundled" not in text(plain.lead) + text(plain.said[0])


def test_what_is_decided_is_counted_and_small_n_is_said() -> None:
    single = {
        "gsm8k": difference("better", n=20),
        "arc": difference("not enough samples", n=18, detectable=0.44),
        "math": difference("equal", n=20, detectable=0.6),
        "bfcl": difference("not comparable", None),
    }
    pairs: Pairs = {
        ("a", "b"): ("better", 0.1),
        ("a", "c"): ("equal", 0.0),
        ("b", "c"): ("not enough samples", -0.1),
    }
    found = compared(pairs, {"a": 0.6, "b": 0.5, "c": 0.5}, **single)
    said = [text(sentence) for sentence in headline(report(found, "abc")).said]
    assert said[-3:] == [
        "Of 3 pairs of models, 2 are decided and 1 open over all datasets together.",
        "Of 12 comparisons on single datasets, 6 are decided and 3 open (3 cannot be made).",
        "18 to 20 samples a dataset: corrected for 9 comparisons, a single dataset shows only "
        "differences of about 45 points or more; all of them together, those of about 45 points "
        "or more.",
    ]
    # The statement is about what was compared, whichever way the numbers lie.
    few = compared(
        {("a", "b"): ("not enough samples", 0.1)},
        {"a": 0.6, "b": 0.5},
        gsm8k=difference("not enough samples", n=3, detectable=None),
    )
    assert text(headline(report(few)).said[-1]) == (
        "3 samples a dataset: too few to show a difference of any size on most datasets."
    )


def test_comparisons_are_turned_to_the_model_that_is_looked_at() -> None:
    single = {"gsm8k": difference("better"), "arc": difference("no difference shown")}
    one = compared({("a", "b"): ("better", 0.1)}, {}, **single).comparisons[0]
    seen, turned = versus(one, "a"), versus(one, "b")
    assert (seen.verdict, seen.difference, seen.interval) == (
        "better",
        "+10.0",
        f"{MINUS}10.0 to +40.0",
    )
    assert (turned.verdict, turned.difference) == ("worse", f"{MINUS}10.0")
    assert (turned.other, turned.interval) == ("a", f"{MINUS}40.0 to +10.0")
    assert (turned.datasets["worse"], turned.datasets["better"], turned.open) == (1, 0, 1)
    assert seen.link == turned.link == "compare/a--b.html"


def test_the_matrix_has_both_sides_and_nothing_against_itself() -> None:
    pairs: Pairs = {("a", "b"): ("better", 0.1), ("a", "c"): ("worse", -0.1)}
    rows = matrix(report(compared(pairs, {}), "abc"))
    assert [row.model for row in rows] == ["a", "b", "c"]
    shown = [[cell.verdict if cell else None for cell in row.cells] for row in rows]
    assert shown == [[None, "better", "worse"], ["worse", None, None], ["better", None, None]]
    assert matrix(report(None)) == []


# ---- the page ------------------------------------------------------------------------------


def page(found: TierReport) -> Page:
    return Page(overview.render(found))


def test_a_score_is_shown_with_its_interval_and_n() -> None:
    found = page(report(None, "a"))
    for words in ("70.0%", "58.3\u201379.5% n 60", "chance 25.0%", "chat, 0-shot", "95% Wilson"):
        assert words in found.words, words
    for words in ("quick tier", "1 model", "1 of 2 cells", "0123456789ab (with uncommitted"):
        assert words in found.words, words
    assert ("td", "data-sort", "0.7") in found.attributes
    assert any(value.startswith("h7") for value in found.values("class"))
    assert "which need two models" in found.words


def test_averages_stand_above_the_datasets_with_what_is_left_out() -> None:
    found = page(report(compared({("a", "b"): ("better", 0.1)}, {"a": 0.614, "b": None})))
    for words in ("Macro average", "61.4 51.4 to 71.4", "no average", "over 1 of 2 datasets"):
        assert words in found.words, words
    assert "Datasets that are in no average" in found.words
    assert "mmlu b has no result" in found.words


def test_the_average_row_is_what_the_comparisons_made() -> None:
    results = [
        synthetic_results.result(model, name, [1.0] * right + [0.0] * (20 - right))
        for model, right in (("a", 15), ("b", 9))
        for name in ("gsm8k", "mmlu")
    ]
    made = compare_tier("quick", ["a", "b"], ["gsm8k", "mmlu"], results, synthetic_results.SETTINGS)
    found = page(TierReport(aggregate(results, ["a", "b"], ["gsm8k", "mmlu"]), made))
    assert "over 2 of 2 datasets" in found.words
    first = made.averages[0]
    assert first.interval is not None
    shown = f"75.0 {100 * first.interval.low:.1f} to {100 * first.interval.high:.1f}"
    assert f"{shown} 45.0" in found.words


def test_the_page_says_against_whom_the_leader_is_decided() -> None:
    single = {"gsm8k": difference("better"), "arc": difference("not enough samples")}
    pairs: Pairs = {("a", "b"): ("better", 0.1), ("a", "c"): ("not enough samples", 0.05)}
    averages: dict[str, float | None] = {"a": 0.6, "b": 0.5, "c": 0.55}
    found = page(report(compared(pairs, averages, **single), "abc"))
    assert f"c ? not enough samples +5.0 {MINUS}15.0 to +35.0 20 150 1 0 0 1 0" in found.words
    assert f"b ▲ better +10.0 {MINUS}10.0 to +40.0 20 – 1 0 0 1 0" in found.words
    assert "compare/a--c.html" in found.values("href")
    assert "Every model against every other" in found.words
    assert "ranking" not in found.words.lower()


def test_two_models_have_no_matrix_but_a_link_to_their_comparison() -> None:
    found = page(report(compared({("a", "b"): ("equal", 0.0)}, {"a": 0.6, "b": 0.6})))
    assert "Every model against every other" not in found.words
    assert "compare/a--b.html" in found.values("href")
    without = page(report(compared({("a", "b"): ("not comparable", None)}, {"a": None, "b": None})))
    assert "Every model against every other" in without.words
    assert "compare/a--b.html" in without.values("href")


def special() -> TierReport:
    none = Score(
        metric="rating", value=None, n=0, primary=True, reason="not scored: no judge is configured"
    )
    low = Score(
        metric="acc",
        value=0.3,
        n=8,
        primary=True,
        chance=0.25,
        interval=Interval(low=0.1, high=0.6, method="Wilson"),
    )
    results = [
        result(
            "a",
            "mt_bench",
            scores=[none],
            counts={"scored": 0, "not_scored": 2},
            flags=["not scored: no judge is configured"],
        ),
        result(
            "a",
            "gsm8k",
            source="bundled",
            scores=[low],
            counts={"requested": 20, "failed": 1, "truncated_answers": 3, "truncated_prompts": 1},
            title="bundled samples in the form of GSM8K",
            judge=judge("big", revision="fedcba9876543210fedcba9876543210", asked=40, parsed=39),
            flags=[
                "bundled samples, not the benchmark",
                "2 of 20 samples: the dataset has no more",
                "self-judged",
                "3 truncated answers",
                "1 truncated prompts",
            ],
        ),
        result("a", "mmlu", source="mirror", flags=["local mirror"]),
        result("b", "mmlu", source="mirror", scores=[none], counts={"failed": 2, "scored": 0}),
    ]
    made = aggregate(results, ["a", "b"], ["mt_bench", "gsm8k", "mmlu"])
    unread = UnreadCell(model="b", dataset="gsm8k", reason="schema 0, this version reads 1")
    digests = {(one.model, one.dataset): () for one in results}
    return TierReport(made.model_copy(update={"unread": [unread]}), digests=digests)


def test_special_cases_appear_in_words() -> None:
    found = page(special())
    for words in (
        "not scored: samples of a on MT_BENCH no judge is configured n 0 of 2",
        "1 dataset is not the benchmark.",
        "our own writing in the form of GSM8K",
        "GSM8K bundled samples acc chat, 0-shot chance 25.0%",
        "judged by org/big @ fedcba987654",
        "ratings read: 39 of 40",
        "were read from a local mirror of the Hub dataset",
        "4 cells have no score.",
        "MT_BENCH, b: missing, no result in this report",
        "GSM8K, b: not read, schema 0, this version reads 1",
        "2 of 20 samples: the dataset has no more 3 truncated answers 1 truncated prompt 1 failed",
        "interval includes chance self-judged",
        "failed: samples of b on MMLU",
        "4 of 6 cells",
    ):
        assert words in found.words, words
    assert found.flags.count("3 truncated answers") == 1
    assert not {"local mirror", "not scored: no judge is configured"} & set(found.flags)
    assert "not scored: not scored" not in found.words
    assert not [flag for flag in found.flags if "benchmark" in flag]
    assert "samples.html#model=a&dataset=mmlu" in found.values("href")


def test_only_cells_that_a_reader_must_know_about_are_marked() -> None:
    found = page(special())
    marked = [value for value in found.values("class") if "warned" in value]
    # All but the mirror's: what has no score, and the cell with flags.
    assert len(marked) == 5


def test_a_score_that_is_no_number_is_said() -> None:
    broken = Score(metric="acc", value=nan, n=3, primary=True)
    found = page(report(None, "a", [result("a", "gsm8k", scores=[broken])]))
    assert "not scored its acc is no finite number" in found.words
    assert ("td", "data-sort", "") in found.attributes


def test_an_empty_aggregate_renders() -> None:
    found = page(TierReport(aggregate([], ["a"], ["gsm8k"])))
    assert "no cell of this tier has a result" in found.words
    assert "1 cell has no score." in found.words
    assert page(TierReport(aggregate([], [], []))).tags.count("table") >= 1


def test_facts_that_differ_between_models_stand_in_the_cells() -> None:
    results = [result("a"), result("b", few_shot=5, protocol="harness")]
    found = page(report(None, results=results))
    assert "GSM8K acc chance 25.0% 70.0%" in found.words
    assert "n 60 chat, 0-shot" in found.words
    assert "n 60 harness, 5-shot" in found.words


def test_counts_are_in_a_table() -> None:
    one = result("a", counts={"samples": 3, "requested": 3, "scored": 2, "unscorable": 1})
    found = page(report(None, "a", [one]))
    assert "Model Asked for Samples Scored Not scored Unscorable Failed" in found.words
    assert "a 3 3 2 0 1 0 0 0 0" in found.words


def test_many_categories_are_left_to_the_pages_of_models() -> None:
    few = [CategoryScore(category=f"c{n}", value=0.5, n=2) for n in range(3)]
    many = few + [CategoryScore(category=f"d{n}", value=0.5, n=2) for n in range(40)]
    results = [result("a", categories=few), result("a", "mmlu", categories=many)]
    groups = score_tables.groups(aggregate(results, ["a"], ["gsm8k", "mmlu"]))
    tables = [group.categories for group in groups]
    assert tables[0] is not None
    assert tables[1] is not None
    assert [row[0] for row in tables[0].rows] == ["c0", "c1", "c2"]
    assert (tables[1].rows, tables[1].number) == ((), 43)
    assert (
        "has 43 categories: the pages of the models have them"
        in page(report(None, "a", results)).words
    )


def test_hostile_text_is_inert_and_whole() -> None:
    bad = hostile()
    verdicts = compared({(HOSTILE, "b"): ("better", 0.1)}, {})
    # Lone surrogates pass no validation, but a page must survive whatever a record holds.
    one = verdicts.comparisons[0].model_copy(update={"a": HOSTILE})
    average = MacroAverage.model_construct(
        model=HOSTILE, value=0.5, interval=None, datasets=["gsm8k"], left_out={HOSTILE: HOSTILE}
    )
    other = average.model_copy(update={"model": "b", "value": 0.4})
    bad = bad.model_copy(update={"model": HOSTILE, "dataset": HOSTILE})
    made = aggregate([bad], [HOSTILE, "b"], [HOSTILE])
    found = verdicts.model_copy(update={"comparisons": [one], "averages": [average, other]})
    shown = page(TierReport(made, found, digests={(HOSTILE, HOSTILE): ()}))
    assert not {"img", "iframe", "object", "link", "base", "form"} & set(shown.tags)
    assert not {n for _, n, _ in shown.attributes if n.startswith("on") or n in ("style", "src")}
    assert "<script>alert(1)</script>" in shown.text
    assert "{{ 7*7 }}" in shown.text
    assert not any("alert" in script for script in shown.scripts)
    assert "⟨U+202E⟩evil⟨U+202C⟩" in shown.text


# ---- the run -------------------------------------------------------------------------------


def facts(found: TierReport) -> dict[str, tuple[str, str]]:
    return {fact.name: (fact.value, fact.note) for fact in run_facts(found)}


def test_the_run_is_told_in_short() -> None:
    names, datasets = synthetic_tier.model_names(3), synthetic_tier.dataset_names(2)
    results = list(synthetic_tier.tier(3, 2, 20))
    made = synthetic_tier.aggregate_of(results, names, datasets)
    cost = synthetic_tier.cost_of(made)
    told = facts(TierReport(made, cost=cost))
    assert told["Tier"] == ("full", "")
    assert told["Models loaded"][0] == "3 times"
    total = sum(one.answers.money or 0 for one in cost.models)
    assert told["Money"] == (f"{total:,.2f} {cost.currency}", "")


def test_costs_that_are_not_known_say_for_how_many_and_why() -> None:
    # The fourth model's session was killed, the seventh's answers came from a server.
    names, datasets = synthetic_tier.model_names(7), synthetic_tier.dataset_names(1)
    results = list(synthetic_tier.tier(7, 1, 8))
    made = synthetic_tier.aggregate_of(results, names, datasets)
    told = facts(TierReport(made, cost=synthetic_tier.cost_of(made)))
    assert told["GPU time"][1] == "for 6 of 7 models; not known: a server's devices are not known"
    assert "was killed before it had measured itself" in told["Time by the clock"][1]
    assert told["Models loaded"][0].endswith(" times")
    assert told["Models loaded"][1].endswith("; 1 model asked over a server")
    server = [one for one in results if one.model == names[6]]
    only = synthetic_tier.aggregate_of(server, names[6:], datasets)
    assert facts(TierReport(only, cost=synthetic_tier.cost_of(only)))["Energy of GPUs"] == (
        "not known",
        "a server's energy is not known",
    )
    assert facts(TierReport(only))["Costs"] == ("not known", "this report was made without them")


def test_a_full_tier_is_lean() -> None:
    """8 models, 12 datasets: the page stays below 500 KB."""
    names, datasets = synthetic_tier.model_names(), synthetic_tier.dataset_names()
    results = map(synthetic_tier.without_texts, synthetic_tier.tier(8, 12, 60))
    made = synthetic_tier.aggregate_of(results, names, datasets)
    pairs: Pairs = dict.fromkeys(combinations(names, 2), ("better", 0.1))
    single = {name: difference("not enough samples") for name in datasets}
    found = compared(pairs, dict.fromkeys(names, 0.5), **single)
    digests = {(cell.model, cell.dataset): () for cell in made.cells}
    source = overview.render(TierReport(made, found, digests=digests))
    assert len(source.encode()) < 400_000
    assert Page(source).tags.count("tr") > 300
