"""The gate: each rule passes, is violated, and is violated where it cannot be checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evaluation.config import GateRule, GateSettings, parse_config
from evaluation.decision_plan import compare_settings, comparing_code, gate_settings
from evaluation.errors import EvaluationError
from evaluation.files import read_record, write_record
from evaluation.gate import apply_gate, describe, refuse_violated
from evaluation.plan import to_json
from evaluation.records import GateCheck, GateReport, Result
from evaluation.statistics.paired import paired_difference
from tests.synthetic_results import SETTINGS, judge, result

GOOD = [1.0] * 160 + [0.0] * 40
WORSE = [1.0] * 150 + [0.0] * 50
ROOT = Path(__file__).resolve().parents[1]


def rule(**changes: Any) -> GateRule:
    base: dict[str, Any] = {"candidate": "new", "baseline": "old", "max_loss": 0.1}
    return GateRule(**(base | changes))


def check(results: list[Result], datasets: list[str] | None = None, **gate: Any) -> GateReport:
    names = datasets or list(dict.fromkeys(found.dataset for found in results))
    return apply_gate("quick", ["new", "old"], names, results, GateSettings(**gate), SETTINGS)


def one(report: GateReport) -> GateCheck:
    """The only check of a report, which decides it."""
    assert len(report.checks) == 1
    assert report.passed == report.checks[0].passed
    return report.checks[0]


def two(new: list[Any], old: list[Any], dataset: str = "mmlu", **changes: Any) -> list[Result]:
    return [result("new", dataset, new, **changes), result("old", dataset, old)]


# ---- not worse than a baseline --------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_loss", "passed"),
    [(0.02, False), (0.05, False), (0.081, False), (0.082, True), (0.2, True)],
)
def test_the_lower_bound_of_the_loss_decides(max_loss: float, passed: bool) -> None:
    """10 samples of 200 were lost: 5 points, 8.19 at most (Wilson's one-sided bound, by hand)."""
    found = one(check(two(WORSE, GOOD), rules=[rule(datasets=["mmlu"], max_loss=max_loss)]))
    assert found.passed == passed
    assert found.rule == f"new not more than {max_loss:g} worse than old on mmlu"
    assert found.wanted == f"at least {-max_loss:+.4f} with 95% confidence"
    assert "difference -0.0500, 0.7500 against 0.8000, 200 samples" in found.found


def test_the_bound_is_one_sided_at_the_confidence_of_the_rule() -> None:
    twice = SETTINGS.model_copy(update={"confidence": 0.8})  # 10% on either side
    interval = paired_difference(WORSE, GOOD, twice).interval
    assert interval is not None
    for slack, passed in ((1e-4, True), (-1e-4, False)):
        rules = [rule(datasets=["mmlu"], max_loss=slack - interval.low, confidence=0.9)]
        assert one(check(two(WORSE, GOOD), rules=rules)).passed == passed


def test_low_confidence_needs_less_evidence() -> None:
    for confidence, passed in ((0.55, True), (0.99, False)):
        rules = [rule(datasets=["mmlu"], max_loss=0.06, confidence=confidence)]
        assert one(check(two(WORSE, GOOD), rules=rules)).passed == passed


def test_few_samples_show_nothing_even_when_all_are_alike() -> None:
    rules = [rule(datasets=["mmlu"], max_loss=0.05)]
    assert not one(check(two([1.0], [1.0]), rules=rules)).passed
    assert not one(check(two([1.0] * 20, [1.0] * 20), rules=rules)).passed
    assert one(check(two([1.0] * 200, [1.0] * 200), rules=rules)).passed


def test_each_dataset_of_a_rule_is_checked_by_itself() -> None:
    results = [*two(GOOD, GOOD), *two(WORSE[::-1], GOOD, "math"), *two(WORSE, GOOD, "ifeval")]
    found = check(results, rules=[rule(datasets=["math", "mmlu"])])
    assert [(c.rule.rpartition(" ")[2], c.passed) for c in found.checks] == [
        ("math", False),
        ("mmlu", True),
    ]
    assert not found.passed


def test_without_datasets_the_macro_average_is_checked() -> None:
    results = [*two(GOOD, GOOD), *two(WORSE, GOOD, "math")]
    found = one(check(results, rules=[rule(max_loss=0.05)]))
    assert found.passed
    assert found.rule == "new not more than 0.05 worse than old in the macro average"
    assert "difference -0.0250" in found.found
    assert not one(check(results, rules=[rule(max_loss=0.03)])).passed


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([result("old", "mmlu", GOOD)], "new has no result"),
        (two(GOOD, GOOD, protocol="harness"), "protocols differ: harness and chat"),
        (two(["failed"] * 20, [1.0] * 20), "new has no acc: nothing could be scored"),
        (two([1.0, "failed"], ["failed", 1.0]), "No sample has a score under both."),
    ],
    ids=["missing", "protocol", "no score", "none shared"],
)
@pytest.mark.parametrize("datasets", [["mmlu"], []], ids=["dataset", "macro"])
def test_what_cannot_be_compared_is_violated(
    results: list[Result], words: str, datasets: list[str]
) -> None:
    found = one(check(results, rules=[rule(datasets=datasets, max_loss=1.0)]))
    assert not found.passed
    assert found.found.startswith("no answer, it cannot be checked: ")
    assert words.rstrip(".").casefold().removesuffix(" under both") in found.found.casefold()


def test_a_macro_average_without_a_dataset_of_the_run_is_violated() -> None:
    results = [*two(GOOD, GOOD), result("old", "math", GOOD)]
    found = one(check(results, rules=[rule()]))
    assert not found.passed
    assert "math: new has no result" in found.found


def test_what_nobody_could_score_is_no_fault_of_the_candidate() -> None:
    """MT-Bench without a judge has no score for anyone; it is named."""
    unscored = [
        result(model, "mt_bench", ["not scored"] * 20, metric="rating") for model in ("new", "old")
    ]
    found = one(check([*two(GOOD, GOOD), *unscored], rules=[rule()]))
    assert found.passed
    assert "(without mt_bench, scored for neither)" in found.found
    # With a judge whose words could not be read, something went wrong.
    judged = [unscored[0].model_copy(update={"judge": judge()}), unscored[1]]
    assert not one(check([*two(GOOD, GOOD), *judged], rules=[rule()])).passed
    # And scored for the baseline alone, it counts against the candidate.
    rated = result("old", "mt_bench", [5.0] * 20, metric="rating")
    assert not one(check([*two(GOOD, GOOD), unscored[0], rated], rules=[rule()])).passed


# ---- least scores, and most truncated and failed ----------------------------------------------


def test_least_scores_hold_for_every_model() -> None:
    found = check(two(WORSE, GOOD), min_scores={"mmlu": 0.8})
    assert [(c.rule, c.passed) for c in found.checks] == [
        ("least score of new on mmlu", False),
        ("least score of old on mmlu", True),
    ]
    assert found.checks[0].found == "0.7500 in acc"
    assert found.checks[0].wanted == "at least 0.8000"


def test_least_ratings_are_shares_of_their_scale() -> None:
    ratings = [
        result(model, "mt_bench", [value], metric="rating")
        for model, value in (("new", 5.5), ("old", 5.4))
    ]
    found = check(ratings, min_scores={"mt_bench": 0.5})
    assert [c.passed for c in found.checks] == [True, False]
    assert found.checks[0].found == "0.5000 in rating (1 to 10 as 0 to 1)"


@pytest.mark.parametrize(
    ("results", "datasets", "words"),
    [
        ([result("old", "mmlu", GOOD)], ["mmlu"], "new has no result"),
        ([result("old", "mmlu", GOOD)], ["math"], "the dataset is not part of the run"),
        (two(["failed"], GOOD), ["mmlu"], "new has no acc: nothing could be scored"),
        (
            two([0.1], GOOD, primary={"lower_is_better": True}),
            ["mmlu"],
            "less acc is better, a least score says nothing",
        ),
    ],
    ids=["missing", "not in the run", "no score", "less is better"],
)
def test_a_score_that_is_not_there_is_not_high_enough(
    results: list[Result], datasets: list[str], words: str
) -> None:
    found = check(results, datasets, min_scores={"mmlu": 0.0}).checks[0]
    assert (found.passed, found.found) == (False, f"no answer, it cannot be checked: {words}")


@pytest.mark.parametrize(
    ("limit", "count", "words"),
    [
        ("max_truncated", "truncated_answers", "truncated answers"),
        ("max_failed", "failed", "failed"),
    ],
)
def test_limits_hold_for_every_result(limit: str, count: str, words: str) -> None:
    results = two(GOOD, GOOD)
    results[0] = results[0].model_copy(
        update={"counts": results[0].counts.model_copy(update={count: 20})}
    )
    found = check(results, **{limit: 0.1})
    assert found.passed
    assert found.checks[0].found == "0.1000 (20 of 200)"
    assert words in found.checks[0].rule
    found = check(results, **{limit: 0.09})
    assert [c.passed for c in found.checks] == [False, True]
    assert not check(results[:1], ["mmlu"], **{limit: 1.0}).passed
    empty = results[0].model_copy(
        update={"counts": results[0].counts.model_copy(update={"samples": 0})}
    )
    found = check([empty, results[1]], **{limit: 1.0})
    assert found.checks[0].found == "no answer, it cannot be checked: the result has no samples"


def test_all_kinds_of_rules_are_in_the_report_in_order() -> None:
    gate = {"rules": [rule()], "min_scores": {"mmlu": 0.1}, "max_truncated": 0.0, "max_failed": 0.0}
    found = check(two(GOOD, GOOD), **gate)
    words = ["macro average", *["least score"] * 2, *["truncated"] * 2, *["failed"] * 2]
    assert len(found.checks) == len(words)
    assert all(word in c.rule for word, c in zip(words, found.checks, strict=True))
    assert found.passed


# ---- words, files and settings ---------------------------------------------------------------


def test_violated_gates_say_so_and_are_refused(tmp_path: Path) -> None:
    found = check(two(WORSE, GOOD), min_scores={"mmlu": 0.8})
    text = describe(found).splitlines()
    assert text[:3] == [
        "Gate of quick: 1 of 2 checks passed",
        "  VIOLATED: least score of new on mmlu",
        "    found 0.7500 in acc; wanted at least 0.8000",
    ]
    with pytest.raises(EvaluationError, match="violated: 1 of 2 checks") as caught:
        refuse_violated(found, "results/quick/gate.json")
    assert "least score of new on mmlu: found 0.7500 in acc" in caught.value.what
    assert caught.value.where == "results/quick/gate.json"
    refuse_violated(check(two(GOOD, GOOD), min_scores={"mmlu": 0.8}), "")
    write_record(tmp_path / "gate.json", found)
    assert read_record(tmp_path / "gate.json", GateReport) == found


def test_a_gate_without_rules_is_no_gate() -> None:
    assert not check(two(GOOD, GOOD)).passed
    config = parse_config(_raw())
    with pytest.raises(EvaluationError, match="nothing to check") as caught:
        gate_settings(config, "quick")
    assert "gate.rules, gate.min_scores, gate.max_truncated or gate.max_failed" in (
        caught.value.remedy
    )
    for gate in ({"min_scores": {"mmlu": 0.1}}, {"max_truncated": 0}, {"max_failed": 0.0}):
        assert gate_settings(parse_config(_raw(gate=gate)), "quick").gate == GateSettings(**gate)


def test_thresholds_of_the_gate_change_no_comparison() -> None:
    plain, gated = parse_config(_raw()), parse_config(_raw(gate={"max_failed": 0.1}))
    assert to_json(compare_settings(plain, "full")) == to_json(compare_settings(gated, "full"))
    wider = parse_config(_raw(comparison={"margin": 0.1}))
    assert to_json(compare_settings(plain, "full")) != to_json(compare_settings(wider, "full"))


def test_the_code_that_decides_is_there() -> None:
    code = comparing_code()
    assert "evaluation/comparing/shared.py" in code
    assert "evaluation/statistics/paired.py" in code
    assert all((ROOT / path).is_file() for path in code)


def _raw(**changes: Any) -> dict[str, Any]:
    import yaml

    raw: dict[str, Any] = yaml.safe_load((ROOT / "config.yaml").read_text())
    return raw | changes
