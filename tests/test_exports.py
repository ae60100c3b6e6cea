"""Exports: tidy tables that are safe to open, and records that other services accept."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import pytest
import yaml
from huggingface_hub import parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from evaluation.aggregate import to_cell
from evaluation.benchmarks import benchmark
from evaluation.config import DATASETS
from evaluation.errors import EvaluationError
from evaluation.exports.every_eval_ever import every_eval_ever
from evaluation.exports.hub_results import (
    eval_results_yaml,
    hub_results,
    model_index_yaml,
    refused,
)
from evaluation.exports.tables import (
    LONGEST,
    ComparisonRow,
    SampleRow,
    comparison_rows,
    safe,
    sample_rows,
    write_table,
)
from evaluation.exports.write import Targets, export_tier
from evaluation.files import write_record
from evaluation.records import (
    Agreement,
    Comparison,
    Comparisons,
    DatasetComparison,
    Difference,
    Interval,
    JudgeFacts,
    Result,
    SampleResult,
    Score,
    Turn,
)
from tests.export_schemas import EVAL_RESULTS, EVERY_EVAL_EVER, MODEL_INDEX
from tests.test_aggregate import ACCURACY, SECOND, UNRATED, result
from tests.test_cost import session

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SCORED = "2026-11-23T17:05:00+00:00"
RATING = Score(
    metric="rating",
    value=7.5,
    n=4,
    primary=True,
    interval=Interval(low=6.0, high=9.0, method="bootstrap"),
)
NAN = Score(metric="acc", value=float("nan"), n=4, primary=True)
MORE = result("m", "mmlu", []).counts.model_copy(update={"requested": 10})
JUDGE = JudgeFacts(
    name="j",
    id="judge",
    revision="r",
    self_judged=False,
    asked=4,
    parsed=4,
    retried=0,
    failed=0,
    truncated_prompts=0,
    prompt_tokens=1,
    completion_tokens=1,
    sessions=[],
)


def made(dataset: str, scores: list[Score], source: str = "hub", **changes: Any) -> Result:
    """A result of a Hub model on rows of a source."""
    one = result("m", dataset, scores, **changes)
    facts = {
        "model_id": "org/model",
        "model_revision": COMMIT,
        "dataset_source": source,
        "dataset_revision": {"hub": COMMIT, "mirror": "local mirror"}.get(source, "bundled"),
        "scored": SCORED,
        "sessions": [session("s", "cpu")],
    }
    return one.model_copy(update={"provenance": one.provenance.model_copy(update=facts)})


def turn(**changes: Any) -> Turn:
    fields = {
        "prompt": "What?",
        "response": "SECRET ANSWER",
        "finish_reason": "stop",
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "thinking_tokens": 2,
        "truncated_prompt_tokens": 1,
        "latency_seconds": 0.5,
    }
    return Turn.model_validate(fields | changes)


def sample(name: str, **changes: Any) -> SampleResult:
    fields = {
        "id": name,
        "category": "c",
        "turns": [turn()],
        "extracted": "4",
        "gold": "4",
        "scores": {"acc": 1.0},
        "status": "scored",
    }
    return SampleResult.model_validate(fields | changes)


# ---- tables --------------------------------------------------------------------------------


def test_one_row_a_sample_and_metric() -> None:
    found = made(
        "mmlu",
        [ACCURACY, SECOND],
        samples=[
            sample("two", scores={"acc": 1.0, "acc_norm": 0.0}, turns=[turn(), turn()]),
            sample("none", scores={}, status="failed", reason="out of memory", extracted=None),
        ],
    )
    first, second, failed = sample_rows(found)
    assert (first.sample, first.metric, first.primary, first.score) == ("two", "acc", True, 1.0)
    assert (second.sample, second.metric, second.primary, second.score) == (
        "two",
        "acc_norm",
        False,
        0.0,
    )
    assert (first.requests, first.prompt_tokens, first.completion_tokens) == (2, 20, 10)
    assert (first.finish_reasons, first.latency_seconds) == ("stop stop", 1.0)
    assert (failed.status, failed.metric, failed.score) == ("failed", None, None)
    assert failed.reason == "out of memory"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'␍=1"),
        ("\n=1", "'\n=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("a=1", "a=1"),
        ("", ""),
        ("a\x00b\u202e", "a␀b⟨U+202E⟩"),
    ],
)
def test_no_text_becomes_a_formula(text: str, expected: str) -> None:
    assert safe(text) == expected


def test_long_text_is_cut() -> None:
    assert len(safe("x" * 10_000)) == LONGEST


def test_files_of_the_table(tmp_path: Path) -> None:
    attack = '=HYPERLINK("http://evil","x")'
    found = made(
        "mmlu",
        [ACCURACY],
        samples=[
            sample("ok", extracted=attack, gold='a "b",\nc'),
            sample("-1", scores={}, status="not scored", extracted=None),
        ],
    )
    paths = tmp_path / "samples.csv", tmp_path / "samples.parquet"
    write_table(sample_rows(found), SampleRow, *paths)
    with paths[0].open(newline="") as handle:
        first, second = csv.DictReader(handle)
    assert (first["extracted"], first["gold"]) == (f"'{attack}", 'a "b",\nc')
    assert (first["score"], first["primary"]) == ("1.0", "True")
    assert (second["sample"], second["score"], second["metric"]) == ("'-1", "", "")
    # Neither prompts nor answers: those stay in the result.
    assert "SECRET" not in paths[0].read_text()
    table = pd.read_parquet(paths[1])
    assert table["extracted"][0] == attack
    assert list(table["sample"]) == ["ok", "-1"]
    assert table["score"].isna().tolist() == [False, True]
    assert pd.api.types.is_integer_dtype(table["prompt_tokens"])
    assert pd.api.types.is_float_dtype(table["score"])


def test_a_table_without_rows_has_its_columns(tmp_path: Path) -> None:
    paths = tmp_path / "c.csv", tmp_path / "c.parquet"
    write_table([], ComparisonRow, *paths)
    header = ",".join(ComparisonRow.model_fields)
    assert paths[0].read_text() == header + "\n"
    assert ",".join(pd.read_parquet(paths[1]).columns) == header


def comparisons() -> Comparisons:
    better = Difference(
        n=20,
        a=0.8,
        b=0.5,
        difference=0.3,
        interval=Interval(low=0.1, high=0.5, method="score"),
        p=0.01,
        adjusted_p=0.02,
        family=2,
        method="exact McNemar",
        wins=7,
        losses=1,
        ties=12,
        verdict="better",
    )
    return Comparisons(
        tier="quick",
        confidence=0.95,
        power=0.8,
        margin=0.02,
        averages=[],
        comparisons=[
            Comparison(
                kind="models",
                a="m1",
                b="m2",
                datasets=[
                    DatasetComparison(
                        dataset="mmlu",
                        title="MMLU",
                        protocol="chat",
                        metric="acc",
                        difference=better,
                        agreement=Agreement(both=9, only_a=7, only_b=1, neither=3),
                        warnings=["=one", "two"],
                    )
                ],
                overall=Difference(n=0, verdict="not enough samples", reason="no samples"),
                left_out={"mmlu": "named above", "gsm8k": "other rows"},
            )
        ],
    )


def test_one_row_a_comparison() -> None:
    mmlu, gsm8k, overall = comparison_rows(comparisons())
    assert (mmlu.dataset, mmlu.difference, mmlu.low, mmlu.high) == ("mmlu", 0.3, 0.1, 0.5)
    assert (mmlu.both_right, mmlu.only_a_right, mmlu.only_b_right, mmlu.neither_right) == (
        9,
        7,
        1,
        3,
    )
    assert (mmlu.adjusted_p, mmlu.verdict, mmlu.warnings) == (0.02, "better", "=one; two")
    assert (gsm8k.verdict, gsm8k.reason, gsm8k.n) == ("not comparable", "other rows", 0)
    assert (overall.dataset, overall.metric, overall.low) == (None, "macro average", None)


# ---- Every Eval Ever -----------------------------------------------------------------------


def record(*results: Result) -> dict[str, Any]:
    """The record as another program reads it, checked."""
    ids = [[s.id for s in one.samples] for one in results]
    made = every_eval_ever([to_cell(one) for one in results], ids)
    found: dict[str, Any] = json.loads(made.model_dump_json(exclude_none=True))
    jsonschema.Draft202012Validator(EVERY_EVAL_EVER).validate(found)
    return found


def test_a_record_says_where_each_score_came_from() -> None:
    found = record(
        made("mmlu", [ACCURACY, SECOND], few_shot=5, protocol="harness"),
        made("gsm8k", [ACCURACY], "mirror"),
        made("mt_bench", [RATING], judge=JUDGE),
    )
    names = [one["evaluation_result_id"] for one in found["evaluation_results"]]
    assert names == [
        "mmlu/harness-5shot/acc",
        "mmlu/harness-5shot/acc_norm",
        "gsm8k/chat-0shot/acc",
        "mt_bench/chat-0shot/rating",
    ]
    mmlu, _, gsm8k, mt_bench = found["evaluation_results"]
    assert mmlu["source_data"]["hf_repo"] == "cais/mmlu"
    assert mmlu["source_data"]["sample_ids"] == ["s"]
    assert mmlu["score_details"]["score"] == 0.75
    assert mmlu["score_details"]["uncertainty"]["confidence_interval"]["lower"] == 0.3
    assert mmlu["score_details"]["details"]["failed"] == "1"
    assert gsm8k["source_data"]["additional_details"]["source"] == "mirror"
    scale = mt_bench["metric_config"]
    assert (scale["min_score"], scale["max_score"]) == (1, 10)
    assert scale["additional_details"]["self_judged"] == "no"
    assert (found["model_info"]["id"], found["model_info"]["developer"]) == ("org/model", "org")
    assert found["retrieved_timestamp"] == "1795453500"


def test_bundled_samples_are_not_called_the_benchmark() -> None:
    title = "bundled samples in the form of MMLU"
    (found,) = record(made("mmlu", [ACCURACY], "bundled", title=title))["evaluation_results"]
    assert found["source_data"]["source_type"] == "other"
    assert found["source_data"]["dataset_name"].endswith("not the benchmark")
    assert found["evaluation_name"] == title
    assert "hf_repo" not in found["source_data"]


def test_scores_without_a_number_are_named_and_left_out() -> None:
    found = record(made("mt_bench", [UNRATED]), made("mmlu", [NAN]))
    assert found["evaluation_results"] == []
    left_out = found["source_metadata"]["additional_details"]["left_out"]
    assert left_out == "mt_bench/rating: not scored: no judge; mmlu/acc: no value"


def test_a_server_keeps_its_address() -> None:
    one = made("mmlu", [ACCURACY])
    facts = {
        "model_id": "big at http://intern:8000/v1",
        "model_revision": "not reported",
        "sessions": [session("e", "endpoint")],
    }
    one = one.model_copy(update={"provenance": one.provenance.model_copy(update=facts)})
    found = record(one)
    assert "intern" not in json.dumps(found)
    info = found["model_info"]
    assert info["id"] == "big"
    assert "developer" not in info
    assert "inference_engine" not in info


def test_a_folder_keeps_its_place() -> None:
    one = made("mmlu", [ACCURACY])
    facts = {"model_id": "/home/me/tiny", "model_revision": "local"}
    one = one.model_copy(update={"provenance": one.provenance.model_copy(update=facts)})
    found = record(one)
    assert "home" not in json.dumps(found)
    assert found["model_info"]["id"] == "m"
    assert "developer" not in found["model_info"]


def test_a_package_has_no_developer() -> None:
    one = made("mmlu", [ACCURACY])
    facts = {"model_id": "package==1.0", "model_revision": "1.0"}
    one = one.model_copy(update={"provenance": one.provenance.model_copy(update=facts)})
    info = record(one)["model_info"]
    assert info["id"] == "package==1.0"
    assert "developer" not in info


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_metric_is_on_its_scale(dataset: str) -> None:
    card = benchmark(dataset).card
    scores = [Score(metric=name, value=0.5, n=1) for name in card.metrics]
    for one in record(made(dataset, scores))["evaluation_results"]:
        scale = (one["metric_config"]["min_score"], one["metric_config"]["max_score"])
        rated = card.judged and one["metric_config"]["metric_name"].startswith("rating")
        assert scale == ((1, 10) if rated else (0, 1))


# ---- the Hub -------------------------------------------------------------------------------


def test_both_forms_are_read_by_the_hub_s_library() -> None:
    found = hub_results(
        [
            to_cell(made("gsm8k", [ACCURACY, SECOND], protocol="harness", few_shot=5)),
            to_cell(made("mmlu", [ACCURACY], "mirror", counts=MORE)),
            to_cell(made("mt_bench", [RATING], judge=JUDGE)),
        ]
    )
    raw = yaml.safe_load(eval_results_yaml(found))
    jsonschema.validate(raw, EVAL_RESULTS)
    gsm8k, mmlu, mt_bench = parse_eval_result_entries(raw)
    assert (gsm8k.dataset_id, gsm8k.task_id, gsm8k.value) == ("openai/gsm8k", "gsm8k", 75.0)
    assert gsm8k.dataset_revision == COMMIT
    assert gsm8k.notes == ("acc, 95% interval 30.0 to 95.0, harness, 5-shot, 4 of all 10")
    assert mmlu.dataset_revision is None
    assert "4 stratified samples" in str(mmlu.notes)
    assert "rows from a local mirror" in str(mmlu.notes)
    assert mt_bench.value == 7.5
    index = yaml.safe_load(model_index_yaml(found))
    jsonschema.validate(index, MODEL_INDEX)
    name, results = model_index_to_eval_results(index["model-index"])
    assert name == "m"
    assert [(r.dataset_type, r.metric_type, r.metric_value) for r in results] == [
        ("openai/gsm8k", "acc", 75.0),
        ("cais/mmlu", "acc", 75.0),
        ("HuggingFaceH4/mt_bench_prompts", "rating", 7.5),
    ]
    assert results[0].dataset_args == {
        "protocol": "harness",
        "num_few_shot": 5,
        "num_samples": 4,
        "seed": 1,
    }


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (made("mmlu", [ACCURACY], "bundled"), "bundled samples, not the benchmark"),
        (made("mt_bench", [UNRATED]), "not scored: no judge"),
        (made("mmlu", [NAN]), "no score"),
        (made("mmlu", []), "no score"),
        (
            made("mt_bench", [RATING], judge=JUDGE.model_copy(update={"self_judged": True})),
            "the judge rated its own answers",
        ),
        (made("mmlu", [ACCURACY]), ""),
    ],
)
def test_what_is_no_result_of_a_benchmark_is_refused(found: Result, reason: str) -> None:
    assert refused(to_cell(found)) == reason


def test_what_was_refused_is_named_in_the_files() -> None:
    odd = UNRATED.model_copy(update={"reason": "two\nlines: [x"})
    found = hub_results(
        [to_cell(made("mmlu", [ACCURACY], "bundled")), to_cell(made("mt_bench", [odd]))]
    )
    text = eval_results_yaml(found)
    assert text.splitlines()[:2] == [
        "# Left out: mmlu: bundled samples, not the benchmark",
        "# Left out: mt_bench: two lines: [x",
    ]
    assert yaml.safe_load(text) == []
    index = yaml.safe_load(model_index_yaml(found))
    assert index == {"model-index": [{"name": "m", "results": []}]}


# ---- all of it -----------------------------------------------------------------------------


def targets(folder: Path) -> Targets:
    return Targets(
        samples=(folder / "samples.csv", folder / "samples.parquet"),
        comparisons=(folder / "comparisons.csv", folder / "comparisons.parquet"),
        every_eval_ever=folder / "every_eval_ever",
        hub=folder / "hub",
    )


def test_a_tier_is_exported_again_byte_for_byte(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.json" for name in ("mmlu", "gsm8k")]
    for path in paths:
        write_record(path, made(path.stem, [ACCURACY]))
    write_record(tmp_path / "comparisons.json", comparisons())
    for name in ("first", "second"):
        export_tier(paths, tmp_path / "comparisons.json", targets(tmp_path / name))
    files = [p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*.*")]
    assert sorted(map(str, files)) == [
        "comparisons.csv",
        "comparisons.parquet",
        "every_eval_ever/m.json",
        "hub/m.eval_results.yaml",
        "hub/m.model_index.yaml",
        "samples.csv",
        "samples.parquet",
    ]
    for file in files:
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    assert len(pd.read_parquet(tmp_path / "first" / "samples.parquet")) == 2
    found = json.loads((tmp_path / "first/every_eval_ever/m.json").read_text())
    jsonschema.Draft202012Validator(EVERY_EVAL_EVER).validate(found)


def test_a_damaged_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(EvaluationError, match=r"broken\.json"):
        export_tier([path], None, targets(tmp_path))
