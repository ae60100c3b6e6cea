"""Comparisons: what is comparable, what is left out and said, and that the numbers bear it out."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from pathlib import Path
from typing import Any

import pytest

from evaluation.benchmarks.bfcl import macro_score
from evaluation.comparing import cells, compare_pair, compare_tier, judge_families, read_results
from evaluation.comparing.datasets import compare_results
from evaluation.comparing.measured import measure
from evaluation.config import ComparisonSettings
from evaluation.errors import EvaluationError
from evaluation.files import read_record, write_record
from evaluation.records import (
    Agreement,
    Comparison,
    Comparisons,
    DatasetComparison,
    Interval,
    Result,
    Score,
)
from tests.synthetic_results import SETTINGS, judge, result, session

LENIENT = SETTINGS.model_copy(update={"allow_mismatch": True})
A = [1.0, 1.0, 1.0, 0.0, 0.0]
B = [1.0, 0.0, 0.0, 1.0, 0.0]
MANY = [1.0] * 40 + [0.0] * 10
FEW = [1.0] * 10 + [0.0] * 40


def compare(
    a: Result, b: Result, settings: ComparisonSettings = SETTINGS, kind: Any = "models"
) -> DatasetComparison:
    return compare_results(a, b, ("m1", "m2"), kind, settings)[0]


def pair(
    a: Sequence[Result], b: Sequence[Result], settings: ComparisonSettings = SETTINGS
) -> Comparison:
    datasets = list(dict.fromkeys(r.dataset for r in (*a, *b)))
    return compare_pair(
        {r.dataset: r for r in a}, {r.dataset: r for r in b}, ("m1", "m2"), datasets, settings
    )


def refusal(a: Result, b: Result, settings: ComparisonSettings = SETTINGS, **how: Any) -> str:
    """Why two results were not compared; nothing else may be said of them."""
    found = compare(a, b, settings, **how)
    assert found.difference.verdict == "not comparable", found.difference
    assert found.difference.difference is None
    assert found.difference.p is None
    assert (found.agreement, found.categories, found.only_a, found.only_b) == (None, [], [], [])
    return found.difference.reason


# ---- two results that are comparable --------------------------------------------------------


def test_difference_agreement_and_disagreements() -> None:
    found = compare(result("m1", "mmlu", A), result("m2", "mmlu", B))
    difference = found.difference
    assert (difference.n, difference.a, difference.b) == (5, 0.6, 0.4)
    assert difference.difference == pytest.approx(0.2)
    assert (difference.wins, difference.losses, difference.ties) == (2, 1, 2)
    assert found.agreement == Agreement(both=1, only_a=2, only_b=1, neither=1)
    assert (found.only_a, found.only_b) == (["mmlu/1", "mmlu/2"], ["mmlu/3"])
    assert (found.metric, found.title, found.warnings) == ("acc", "MMLU", [])


def test_samples_are_matched_by_id_not_by_place() -> None:
    a = result("m1", "mmlu", [1.0, 0.0, 1.0], ids=["x", "y", "z"])
    b = result("m2", "mmlu", [0.0, 1.0, 1.0], ids=["y", "z", "x"])
    found = compare(a, b)
    assert found.difference.ties == 3
    assert found.agreement == Agreement(both=2, only_a=0, only_b=0, neither=1)


def test_graded_disagreements_come_with_the_largest_first() -> None:
    a = result("m1", "ifeval", [0.5, 0.2, 0.9, 0.1, 0.4])
    b = result("m2", "ifeval", [0.4, 0.9, 0.1, 0.3, 0.4])
    found = compare(a, b)
    assert found.agreement is None
    assert (found.only_a, found.only_b) == (["ifeval/2", "ifeval/0"], ["ifeval/1", "ifeval/3"])


def test_named_disagreements_are_capped_and_counted_in_the_agreement() -> None:
    found = compare(result("m1", "mmlu", [1.0] * 60), result("m2", "mmlu", [0.0] * 60))
    assert found.only_a == [f"mmlu/{i}" for i in range(50)]
    assert found.agreement == Agreement(both=0, only_a=60, only_b=0, neither=0)


def test_where_less_is_better_fewer_speak_for_a() -> None:
    primary = {"lower_is_better": True}
    a = result("m1", "toolllama", [0.1, 0.2, 0.9], primary=primary)
    b = result("m2", "toolllama", [0.8, 0.6, 0.8], primary=primary)
    found = compare(a, b)
    assert found.difference.difference == pytest.approx((0.7 + 0.4 - 0.1) / 3)
    assert (found.difference.wins, found.difference.losses) == (2, 1)
    assert (found.only_a, found.only_b) == (["toolllama/0", "toolllama/1"], ["toolllama/2"])
    assert "less of it is better" in pair([a], [b]).left_out["toolllama"]


def test_ratings_are_put_on_the_scale_of_the_margin() -> None:
    a = result("m1", "mt_bench", [10.0, 5.5, 1.0], metric="rating", judge=judge())
    b = result("m2", "mt_bench", [10.0, 1.0, 1.0], metric="rating", judge=judge())
    found = compare(a, b)
    assert found.metric == "rating (1 to 10 as 0 to 1)"
    assert (found.difference.a, found.difference.b) == pytest.approx((0.5, 1 / 3))
    assert found.difference.difference == pytest.approx(1 / 6)
    assert found.agreement is None


def test_categories_have_their_own_differences() -> None:
    kinds = ["x", "y", "x", "y", "y"]
    found = compare(
        result("m1", "mmlu", A, categories=kinds), result("m2", "mmlu", B, categories=kinds)
    )
    assert [(c.category, c.n, c.difference) for c in found.categories] == [
        ("x", 2, 0.5),
        ("y", 3, 0.0),
    ]
    alike = ["x"] * 5
    found = compare(
        result("m1", "mmlu", A, categories=alike), result("m2", "mmlu", B, categories=alike)
    )
    assert found.categories == []


def bfcl(model: str, values: list[float], kinds: list[str]) -> Result:
    score = macro_score("ast_accuracy", list(zip(kinds, values, strict=True)), primary=True)
    found = result(model, "bfcl", values, metric="ast_accuracy", categories=kinds)
    return found.model_copy(update={"scores": [score]})


def test_categories_that_count_alike_count_alike_in_the_difference() -> None:
    """BFCL's score is no plain mean: what is compared must still be what is reported."""
    kinds = ["simple"] * 4 + ["parallel"]
    a, b = (
        bfcl("m1", [1.0, 1.0, 1.0, 0.0, 0.0], kinds),
        bfcl("m2", [1.0, 0.0, 0.0, 0.0, 1.0], kinds),
    )
    assert a.scores[0].value == 0.375
    found = compare(a, b)
    assert (found.difference.a, found.difference.b) == pytest.approx((0.375, 0.625))
    assert found.difference.difference == pytest.approx(-0.25)
    assert found.agreement == Agreement(both=1, only_a=2, only_b=1, neither=1)
    assert found.difference.interval is not None
    assert -1 <= found.difference.interval.low <= found.difference.interval.high <= 1
    # All right is the same by either mean, and pairs with both.
    perfect = bfcl("m2", [1.0] * 5, kinds)
    assert compare(a, perfect).difference.b == pytest.approx(1.0)
    averages = compare_tier("quick", ["m1", "m2"], ["bfcl"], [a, perfect], SETTINGS).averages
    assert [average.value for average in averages] == pytest.approx([0.375, 1.0])


# ---- what is not comparable ---------------------------------------------------------------


def test_scores_that_samples_do_not_lead_to_are_not_compared() -> None:
    odd = result("m2", "mmlu", B, primary={"value": 0.77})
    assert "is not the mean of its samples' numbers" in refusal(result("m1", "mmlu", A), odd)


MISMATCHES: list[tuple[dict[str, Any], str]] = [
    ({"fingerprint": "e" * 64}, "dataset fingerprints differ: ffffffffffff and eeeeeeeeeeee"),
    ({"protocol": "harness"}, "protocols differ: chat and harness"),
    ({"few_shot": 5}, "numbers of worked examples differ: 0 and 5"),
    ({"repeats": 3}, "attempts at a sample differ: 1 and 3"),
    ({"seed": 2}, "seeds differ: 1 and 2"),
    ({"judge": judge("k")}, "judges differ: none and org/k, revision r1"),
    (
        {"ids": ["mmlu/0", "mmlu/1", "mmlu/2", "mmlu/3", "new"]},
        "other samples: 4 are in both, 1 only in m1's, 1 only in m2's",
    ),
]


@pytest.mark.parametrize(("changes", "words"), MISMATCHES)
def test_mismatches_are_refused_and_compared_only_when_allowed(
    changes: dict[str, Any], words: str
) -> None:
    a, b = result("m1", "mmlu", A), result("m2", "mmlu", B, **changes)
    assert refusal(a, b) == words
    found = compare(a, b, LENIENT)
    assert found.difference.n == (4 if "ids" in changes else 5)
    assert found.difference.p is not None
    assert f"compared in spite of it: {words}" in found.warnings


def test_another_revision_of_the_judge_is_another_judge() -> None:
    a = result("m1", "mt_bench", [4.0], metric="rating", judge=judge())
    b = result("m2", "mt_bench", [5.0], metric="rating", judge=judge(revision="r2"))
    assert refusal(a, b) == "judges differ: org/j, revision r1 and org/j, revision r2"


def test_all_mismatches_are_named_at_once() -> None:
    reason = refusal(
        result("m1", "mmlu", A), result("m2", "mmlu", B, protocol="harness", few_shot=5)
    )
    assert (
        reason == "protocols differ: chat and harness; numbers of worked examples differ: 0 and 5"
    )


def test_other_metrics_are_never_compared() -> None:
    a, b = result("m1", "math", A), result("m2", "math", B, metric="exact_match")
    for settings in (SETTINGS, LENIENT):
        assert refusal(a, b, settings) == "other metrics: acc and exact_match"
    assert compare(a, b).metric == "acc and exact_match"


def test_bundled_samples_are_never_compared_with_the_benchmark() -> None:
    a = result("m1", "mmlu", A)
    b = result("m2", "mmlu", B, source="bundled", fingerprint="e" * 64)
    for settings in (SETTINGS, LENIENT):
        assert "samples of the same id are other questions" in refusal(a, b, settings)


def test_other_rows_under_the_same_id_are_left_out() -> None:
    a = result("m1", "mmlu", A, golds=["A", "B", "C", "D", "A"])
    b = result("m2", "mmlu", B, golds=["A", "B", "C", "X", "Y"], fingerprint="e" * 64)
    found = compare(a, b, LENIENT)
    assert found.difference.n == 3
    assert any(warning.startswith("2 left out: another category") for warning in found.warnings)


def test_the_self_judged_belong_into_no_ranking() -> None:
    a = result("m1", "mt_bench", [4.0, 5.0], metric="rating", judge=judge(self_judged=True))
    b = result("m2", "mt_bench", [5.0, 5.0], metric="rating", judge=judge())
    for settings in (SETTINGS, LENIENT):
        assert "m1 was rated by itself" in refusal(a, b, settings)
    averages = compare_tier("quick", ["m1", "m2"], ["mt_bench"], [a, b], SETTINGS).averages
    assert [average.value for average in averages] == [None, None]
    assert averages[1].left_out == {"mt_bench": "m1 was rated by itself"}
    # Presets of one model have the same judge, which favours neither.
    found = compare(a, a, kind="presets")
    assert found.difference.n == 2
    assert "rated by the model itself" in found.warnings


@pytest.mark.parametrize(
    ("b", "words"),
    [
        (result("m2", "mmlu", ["failed"] * 5), "m2 has no acc: nothing could be scored"),
        (result("m2", "mmlu", B, primary={"primary": False}), "m2 has 0 primary scores, not one"),
        (result("m2", "mmlu", [nan, *B[1:]]), "the acc of m2 is nan"),
        (
            result("m2", "mmlu", [nan, *B[1:]], primary={"value": 0.4}),
            "the acc of sample mmlu/0 of m2 is nan, which is not from 0 to 1",
        ),
        (
            result("m2", "mmlu", [1.5, *B[1:]]),
            "the acc of sample mmlu/0 of m2 is 1.5, which is not from 0 to 1",
        ),
        (result("m2", "mmlu", B, ids=["mmlu/0"] * 5), "samples of m2 share an id"),
    ],
    ids=["nothing scored", "no primary", "nan", "nan sample", "off scale", "same ids"],
)
@pytest.mark.parametrize("settings", [SETTINGS, LENIENT], ids=["strict", "lenient"])
def test_results_without_numbers_are_refused(
    b: Result, words: str, settings: ComparisonSettings
) -> None:
    assert words in refusal(result("m1", "mmlu", A), b, settings)


def test_what_has_no_number_is_named_all_the_same() -> None:
    a = result("m1", "mt_bench", ["not scored"], metric="rating")
    assert compare(a, a).metric == "rating (1 to 10 as 0 to 1)"


def test_results_of_two_datasets_are_a_defect() -> None:
    with pytest.raises(ValueError, match="mmlu and math"):
        compare(result("m1", "mmlu", A), result("m2", "math", A))


# ---- what is left out, and what must be said --------------------------------------------------


def test_samples_without_a_score_are_left_out_and_counted() -> None:
    a = result("m1", "mmlu", [1.0, "failed", 1.0, "not scored", 0.0, "failed"])
    b = result("m2", "mmlu", [1.0, 0.0, "failed", 1.0, 1.0, "failed"])
    found = compare(a, b)
    assert (found.difference.n, found.difference.a, found.difference.b) == (2, 0.5, 1.0)
    assert found.warnings == [
        "1 left out: failed under m1",
        "1 left out: not scored under m1",
        "1 left out: failed under m2",
    ]


def test_a_metric_that_does_not_apply_to_a_sample_is_nothing_lost() -> None:
    """ToolLLaMA's F1 exists for some samples only, the same for all models."""

    def steps(model: str, values: list[float]) -> Result:
        found = result(model, "toolllama", values, metric="arg_f1")
        other = found.samples[0].model_copy(update={"id": "q", "scores": {"api_f1": 1.0}})
        return found.model_copy(update={"samples": [*found.samples, other]})

    found = compare(steps("m1", [0.5, 1.0]), steps("m2", [0.25, 1.0]))
    assert (found.difference.n, found.warnings) == (2, [])


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_samples_are_too_few(n: int) -> None:
    a = result("m1", "mmlu", [1.0] * n + ["failed"] * 2 + [1.0])
    b = result("m2", "mmlu", [0.0] * n + [1.0] * 2 + ["failed"])
    found = pair([a], [b])
    difference = found.datasets[0].difference
    assert (difference.n, difference.verdict) == (n, "not enough samples")
    if n == 0:
        assert found.left_out == {"mmlu": "no sample has a score in both"}
        assert found.overall.verdict == "not comparable"


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_right_or_all_wrong_leaves_room_for_doubt(value: float) -> None:
    one = [value] * 20
    found = compare(result("m1", "mmlu", one), result("m2", "mmlu", one)).difference
    assert (found.difference, found.p) == (0.0, 1.0)
    assert found.interval is not None
    assert found.interval.low < -0.02 < 0.02 < found.interval.high
    assert found.verdict == "not enough samples"


def test_fair_differences_between_runs_are_said() -> None:
    a = result("m1", "mmlu", A, sessions=[session()], source="bundled")
    gpu = session(dtype="float16", device="NVIDIA H100", engine="vllm")
    cut = {"truncated_answers": 3}
    b = result(
        "m2", "mmlu", B, sessions=[gpu, gpu], preset="throughput", source="bundled", counts=cut
    )
    found = compare(a, b)
    assert found.difference.n == 5
    assert found.warnings == [
        "bundled samples, not the benchmark",
        "presets differ: balanced and throughput",
        "engines differ: transformers and vllm",
        "number formats differ: bfloat16 and float16",
        "devices differ: cpu and NVIDIA H100",
        "answers cut off: 0 under m1, 3 under m2",
    ]


# ---- pairs, families, a tier ----------------------------------------------------------------


def test_overall_counts_datasets_alike_and_names_what_is_left_out() -> None:
    found = pair(
        [
            result("m1", "mmlu", MANY),
            result("m1", "gsm8k", [1.0, 1.0]),
            result("m1", "math", A),
            result("m1", "ifeval", A),
        ],
        [
            result("m2", "mmlu", FEW),
            result("m2", "gsm8k", [1.0, 1.0]),
            result("m2", "math", A, protocol="harness"),
        ],
    )
    assert [one.dataset for one in found.datasets] == ["mmlu", "gsm8k", "math"]
    assert found.left_out == {
        "math": "protocols differ: chat and harness",
        "ifeval": "m2 has no result",
    }
    assert found.overall.difference == pytest.approx((0.6 + 0.0) / 2)
    assert (found.overall.a, found.overall.b) == pytest.approx((0.9, 0.6))


def test_nothing_to_compare_is_said() -> None:
    found = pair([], [result("m2", "mmlu", A)])
    assert (found.datasets, found.left_out) == ([], {"mmlu": "m1 has no result"})
    assert (found.overall.verdict, found.overall.reason) == (
        "not comparable",
        "no dataset can be compared",
    )


def test_presets_of_a_model_are_compared_by_the_same_function() -> None:
    a = {"mmlu": result("m", "mmlu", MANY)}
    b = {"mmlu": result("m", "mmlu", FEW, preset="memory_saver")}
    found = compare_pair(
        a, b, ("balanced", "memory_saver"), ["mmlu"], SETTINGS, kind="presets", model="m"
    )
    assert (found.kind, found.a, found.b, found.model) == (
        "presets",
        "balanced",
        "memory_saver",
        "m",
    )
    assert found.datasets[0].warnings == ["presets differ: balanced and memory_saver"]
    assert judge_families([found], SETTINGS)[0].datasets[0].difference.verdict == "better"


def tier(settings: ComparisonSettings = SETTINGS) -> Comparisons:
    """Three models, of which one is far worse; one comparison is impossible."""
    weak = [1.0] * 34 + [0.0] * 16
    results = [
        result("m1", "mmlu", MANY),
        result("m1", "math", MANY),
        result("m2", "mmlu", weak),
        result("m2", "math", MANY),
        result("m3", "mmlu", FEW),
        result("m3", "math", FEW, protocol="harness"),
    ]
    return compare_tier("quick", ["m1", "m2", "m3"], ["mmlu", "math"], results, settings)


def test_pairs_are_in_the_order_of_the_run() -> None:
    found = tier()
    assert [(c.a, c.b) for c in found.comparisons] == [("m1", "m2"), ("m1", "m3"), ("m2", "m3")]
    assert (found.tier, found.confidence, found.power, found.margin) == ("quick", 0.95, 0.8, 0.02)
    assert tier() == found


def test_families_are_all_tests_of_the_tier_and_all_overall_ones() -> None:
    found = tier()
    singles = [one.difference for c in found.comparisons for one in c.datasets]
    tested = [difference for difference in singles if difference.p is not None]
    # Two pairs have no comparable math; those tests are in no family.
    assert [difference.family for difference in tested] == [4] * 4
    assert [difference.verdict for difference in singles].count("not comparable") == 2
    assert [c.overall.family for c in found.comparisons] == [3] * 3
    # 6 wins and no loss: shown by itself, not as one of four.
    close = found.comparisons[0].datasets[0].difference
    assert close.p == pytest.approx(2 / 2**6)
    assert close.adjusted_p == pytest.approx(2 * 2 / 2**6)
    assert close.verdict == "not enough samples"
    alone = compare(result("m1", "mmlu", MANY), result("m2", "mmlu", [1.0] * 34 + [0.0] * 16))
    assert alone.difference.verdict == "better"
    assert found.comparisons[1].datasets[0].difference.verdict == "better"


def test_averages_are_over_the_same_datasets_for_all() -> None:
    found = tier()
    assert [(average.model, average.datasets) for average in found.averages] == [
        (model, ["mmlu"]) for model in ("m1", "m2", "m3")
    ]
    assert [average.value for average in found.averages] == pytest.approx([0.8, 0.68, 0.2])
    assert found.averages[0].left_out == {"math": "protocols differ: chat and harness"}
    interval = found.averages[0].interval
    assert interval is not None
    assert 0 <= interval.low < 0.8 < interval.high <= 1


def test_a_model_without_results_empties_no_average_of_the_others() -> None:
    results = [result("m1", "mmlu", A), result("m2", "mmlu", B), result("other", "mmlu", B)]
    found = compare_tier("quick", ["m1", "m2", "m3"], ["mmlu"], results, SETTINGS)
    assert [average.value for average in found.averages] == [0.6, 0.4, None]
    assert found.averages[2].left_out == {"mmlu": "m3 has no result"}
    assert [c.left_out for c in found.comparisons[1:]] == [{"mmlu": "m3 has no result"}] * 2


def test_one_model_has_an_average_and_no_comparison() -> None:
    found = compare_tier("quick", ["m1"], ["mmlu"], [result("m1", "mmlu", A)], SETTINGS)
    assert (found.comparisons, found.averages[0].value) == ([], 0.6)


def test_a_cell_that_is_there_twice_is_refused() -> None:
    with pytest.raises(EvaluationError, match="same cell") as caught:
        cells(["m1"], [result("m1", "mmlu", A), result("m1", "mmlu", B)])
    assert "model m1, dataset mmlu" in caught.value.where


def test_files_come_back_as_they_were_and_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.json"
    found = tier()
    write_record(path, found)
    assert read_record(path, Comparisons) == found
    cell = tmp_path / "mmlu.json"
    write_record(cell, result("m1", "mmlu", A))
    assert [r.samples for r in read_results([cell])] == [result("m1", "mmlu", A).samples]
    cell.write_text(cell.read_text()[:-20])
    with pytest.raises(EvaluationError) as caught:
        read_results([cell])
    assert caught.value.where == str(cell)


def test_a_score_is_a_number_of_the_result_not_of_other_metrics() -> None:
    found = result("m1", "mmlu", A)
    beside = Score(metric="f1", value=0.1, n=5, interval=Interval(low=0, high=1, method="Wilson"))
    changed = found.model_copy(update={"scores": [beside, *found.scores]})
    assert measure(changed, "m1").value == 0.6
