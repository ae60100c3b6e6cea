"""Aggregates: every cell of a tier as JSON, CSV and Parquet."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evaluation.aggregate import aggregate, to_cell, write_tables
from evaluation.errors import EvaluationError
from evaluation.files import read_record, write_record
from evaluation.records import (
    Aggregate,
    CategoryScore,
    Counts,
    Hardware,
    Interval,
    JudgeFacts,
    Performance,
    Provenance,
    Result,
    SampleResult,
    Score,
)
from evaluation.result_files import of_this_version

HARDWARE = Hardware(platform="p", processor="c", cores=1, memory=1, device="none")
ACCURACY = Score(
    metric="acc",
    value=0.75,
    n=4,
    interval=Interval(low=0.3, high=0.95, method="Wilson"),
    primary=True,
    chance=0.25,
)
SECOND = Score(metric="acc_norm", value=0.5, n=4)
UNRATED = Score(metric="rating", value=None, n=0, primary=True, reason="not scored: no judge")
COLUMNS = [
    "tier",
    "model",
    "dataset",
    "source",
    "protocol",
    "few_shot",
    "repeats",
    "metric",
    "primary",
    "value",
    "n",
    "low",
    "high",
    "interval",
    "reason",
    "samples",
    "failed",
    "not_scored",
    "unscorable",
    "truncated_answers",
    "truncated_prompts",
    "judge",
    "judge_revision",
    "self_judged",
    "preset",
    "model_revision",
    "dataset_fingerprint",
    "tokens_per_second",
    "engine_seconds",
    "peak_memory",
]


def result(model: str, dataset: str, scores: list[Score], **changes: Any) -> Result:
    fields: dict[str, Any] = {
        "model": model,
        "dataset": dataset,
        "title": dataset.upper(),
        "tier": "quick",
        "protocol": "chat",
        "few_shot": 0,
        "scores": scores,
        "categories": [CategoryScore(category="c", value=0.5, n=2)],
        "counts": Counts(
            requested=20,
            samples=10,
            scored=4,
            failed=1,
            not_scored=2,
            unscorable=1,
            truncated_answers=3,
            truncated_prompts=5,
            thinking=0,
        ),
        "flags": ['1 failed, or "so"'],
        "samples": [
            SampleResult(
                id="s", category="c", turns=[], extracted=None, gold="", scores={}, status="failed"
            )
        ],
        "performance": Performance(
            load_seconds=1.0,
            loads=1,
            engine_seconds=2.5,
            prompt_tokens=3,
            completion_tokens=4,
            tokens_per_second=1.6,
            peak_memory=7,
        ),
        "provenance": Provenance(
            model_id="id",
            model_revision="rev",
            model_licence="MIT",
            model_fingerprint="mf",
            dataset_source="bundled",
            dataset_location="l",
            dataset_revision="r",
            dataset_fingerprint="df",
            preset="balanced",
            seed=1,
            sessions=[],
            packages={},
            git_commit="g",
            git_dirty=False,
            hardware=HARDWARE,
            scored="then",
        ),
    }
    return Result(**(fields | changes))


RESULTS = [
    result("m1", "mmlu", [ACCURACY, SECOND]),
    result("m1", "mt_bench", [UNRATED]),
    result("m2", "mmlu", [ACCURACY.model_copy(update={"value": 0.0})]),
]


@pytest.fixture
def cells(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{r.model}-{r.dataset}.json" for r in RESULTS]
    for path, one in zip(paths, RESULTS, strict=True):
        write_record(path, one)
    return paths


@pytest.fixture
def found(cells: list[Path]) -> Aggregate:
    return aggregate("quick", ["m1", "m2"], ["mmlu", "mt_bench"], cells)


def written(found: Aggregate, folder: Path) -> tuple[Path, Path, Path]:
    paths = (folder / "all.json", folder / "all.csv", folder / "all.parquet")
    write_tables(found, *paths)
    return paths


def test_aggregate_has_all_cells_in_order_without_samples(found: Aggregate) -> None:
    assert (found.tier, found.models, found.datasets) == (
        "quick",
        ["m1", "m2"],
        ["mmlu", "mt_bench"],
    )
    assert [(c.model, c.dataset) for c in found.cells] == [(r.model, r.dataset) for r in RESULTS]
    assert not hasattr(found.cells[0], "samples")


@pytest.mark.parametrize("one", RESULTS)
def test_a_cell_keeps_everything_but_the_samples(one: Result) -> None:
    cell = to_cell(one)
    assert cell.model_dump() == one.model_dump(exclude={"schema_version", "samples"})


def test_json_comes_back_as_it_was(found: Aggregate, tmp_path: Path) -> None:
    json, _, _ = written(found, tmp_path)
    assert read_record(json, Aggregate) == found


def test_csv_has_one_row_a_score(found: Aggregate, tmp_path: Path) -> None:
    _, path, _ = written(found, tmp_path)
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == COLUMNS
    assert [(r["model"], r["dataset"], r["metric"], r["value"]) for r in rows] == [
        ("m1", "mmlu", "acc", "0.75"),
        ("m1", "mmlu", "acc_norm", "0.5"),
        ("m1", "mt_bench", "rating", ""),
        ("m2", "mmlu", "acc", "0.0"),
    ]
    assert rows[0] == {
        "tier": "quick",
        "model": "m1",
        "dataset": "mmlu",
        "source": "bundled",
        "protocol": "chat",
        "few_shot": "0",
        "repeats": "1",
        "metric": "acc",
        "primary": "True",
        "value": "0.75",
        "n": "4",
        "low": "0.3",
        "high": "0.95",
        "interval": "Wilson",
        "reason": "",
        "samples": "10",
        "failed": "1",
        "not_scored": "2",
        "unscorable": "1",
        "truncated_answers": "3",
        "truncated_prompts": "5",
        "judge": "",
        "judge_revision": "",
        "self_judged": "False",
        "preset": "balanced",
        "model_revision": "rev",
        "dataset_fingerprint": "df",
        "tokens_per_second": "1.6",
        "engine_seconds": "2.5",
        "peak_memory": "7",
    }
    # No interval and no value are empty fields, not zeros.
    assert (rows[1]["low"], rows[1]["high"], rows[1]["interval"]) == ("", "", "")
    assert (rows[2]["low"], rows[2]["reason"]) == ("", "not scored: no judge")


def test_parquet_has_the_same_rows_with_types(found: Aggregate, tmp_path: Path) -> None:
    _, path, parquet = written(found, tmp_path)
    table = pd.read_parquet(parquet)
    assert list(table.columns) == COLUMNS
    assert table["value"].tolist()[:2] == [0.75, 0.5] and table["value"].isna().tolist() == [
        False,
        False,
        True,
        False,
    ]
    assert {str(table[name].dtype) for name in ("value", "low", "high")} == {"float64"}
    assert str(table["n"].dtype) == "int64" and str(table["primary"].dtype) == "bool"
    text = pd.read_csv(path, keep_default_na=False)
    assert table["model"].tolist() == text["model"].tolist()


def test_tables_have_numbers_as_numbers_where_none_is_known(tmp_path: Path) -> None:
    """A run of MT-Bench alone has no value at all; its tables have the same types."""
    only = Aggregate(
        tier="quick", models=["m1"], datasets=["mt_bench"], cells=[to_cell(RESULTS[1])]
    )
    table = pd.read_parquet(written(only, tmp_path)[2])
    assert {str(table[name].dtype) for name in ("value", "low", "high")} == {"float64"}
    assert table["value"].isna().all()


def test_a_judged_cell_names_its_judge_and_whether_it_judged_itself(tmp_path: Path) -> None:
    judge = JudgeFacts(
        name="m1",
        id="org/m1",
        revision="r1",
        self_judged=True,
        asked=20,
        parsed=19,
        retried=2,
        failed=0,
        truncated_prompts=0,
        prompt_tokens=1,
        completion_tokens=1,
        sessions=[],
    )
    cells = [to_cell(result("m1", "mt_bench", [UNRATED], judge=judge)), to_cell(RESULTS[0])]
    only = Aggregate(tier="quick", models=["m1"], datasets=["mt_bench", "mmlu"], cells=cells)
    _, path, parquet = written(only, tmp_path)
    table = pd.read_parquet(parquet)
    columns = ["judge", "judge_revision", "self_judged"]
    assert table[columns].values.tolist() == [["org/m1", "r1", True], *[["", "", False]] * 2]
    assert str(table["self_judged"].dtype) == "bool"
    assert pd.read_csv(path)["self_judged"].tolist() == [True, False, False]


def test_attempts_are_in_the_tables(tmp_path: Path) -> None:
    cell = to_cell(result("m1", "humaneval", [ACCURACY], repeats=5))
    only = Aggregate(tier="quick", models=["m1"], datasets=["humaneval"], cells=[cell])
    assert pd.read_parquet(written(only, tmp_path)[2])["repeats"].tolist() == [5]


def test_unknown_speed_is_empty(tmp_path: Path) -> None:
    figures = RESULTS[0].performance.model_copy(update={"tokens_per_second": None})
    cell = to_cell(result("m1", "mmlu", [ACCURACY], performance=figures))
    only = Aggregate(tier="quick", models=["m1"], datasets=["mmlu"], cells=[cell])
    _, path, parquet = written(only, tmp_path)
    assert pd.read_csv(path)["tokens_per_second"].isna().all()
    speed = pd.read_parquet(parquet)["tokens_per_second"]
    assert speed.isna().all() and str(speed.dtype) == "float64"


def test_damaged_cell_is_named(cells: list[Path]) -> None:
    cells[1].write_text(cells[1].read_text()[:-30])
    with pytest.raises(EvaluationError) as caught:
        aggregate("quick", ["m1", "m2"], ["mmlu", "mt_bench"], cells)
    assert "cut off" in caught.value.what
    assert caught.value.where == str(cells[1])
    assert f"delete {cells[1]} and run again" in caught.value.remedy


def test_cells_of_another_version_are_left_out_and_named(tmp_path: Path) -> None:
    paths = [tmp_path / "quick" / one.model / f"{one.dataset}.json" for one in RESULTS]
    for path, one in zip(paths, RESULTS, strict=True):
        write_record(path, one)
    old = paths[1].read_text().replace('"schema_version": 1', '"schema_version": 0', 1)
    paths[1].write_text(old)
    found = aggregate("quick", ["m1", "m2"], ["mmlu", "mt_bench"], paths)
    assert [(c.model, c.dataset) for c in found.cells] == [("m1", "mmlu"), ("m2", "mmlu")]
    (unread,) = found.unread
    assert (unread.model, unread.dataset) == ("m1", "mt_bench")
    assert "schema version 0; this version reads 1" in unread.reason
    assert f"delete {paths[1]} and run again" in unread.reason
    assert [one.model for one in of_this_version(paths)] == ["m1", "m2"]


def test_a_tier_without_any_cell_has_empty_tables(tmp_path: Path) -> None:
    nothing = Aggregate(tier="quick", models=["m1"], datasets=["mmlu"], cells=[])
    json, _, parquet = written(nothing, tmp_path)
    assert read_record(json, Aggregate) == nothing
    assert len(pd.read_parquet(parquet)) == 0


def test_full_disk_leaves_the_old_tables(
    found: Aggregate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = written(found, tmp_path)
    before = [path.read_bytes() for path in paths]

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(EvaluationError) as caught:
        written(found, tmp_path)
    assert "free disk space" in caught.value.remedy and caught.value.where == str(paths[1])
    assert [path.read_bytes() for path in paths] == before
