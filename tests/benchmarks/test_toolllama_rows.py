"""ToolLLaMA's rows: bundled, in a directory of the Hub's layout, and the real ones."""

from __future__ import annotations

import json
import random
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from evaluation.benchmarks.base import PromptSettings
from evaluation.benchmarks.toolllama import BENCHMARK
from evaluation.benchmarks.toolllama_rows import GROUPS
from evaluation.errors import EvaluationError
from evaluation.records import GenerateRequest, Sample
from evaluation.sampling import stratified_order
from tests.evidence import evidence

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "resources" / "samples" / "toolllama" / "samples.jsonl"
HUB = ROOT.parent / "shared/data/hub/tuandunghcmut/toolbench-v1"
SETTINGS = PromptSettings(protocol="chat")


def bundled() -> list[dict[str, Any]]:
    return [json.loads(line) for line in BUNDLED.read_text(encoding="utf-8").splitlines()]


def hub() -> Path:
    if not HUB.is_dir():
        pytest.skip("the real rows are not on this machine")
    return HUB


def scores(sample: Sample, text: str) -> dict[str, float]:
    return dict(BENCHMARK.score(sample, evidence([], [text])).scores)


def assert_gold_and_empty(row: dict[str, Any], index: int) -> None:
    sample = BENCHMARK.sample(row, index)
    assert not sample.unscorable
    (request,) = BENCHMARK.requests(sample, [], SETTINGS)
    assert isinstance(request, GenerateRequest) and request.messages[-1].role == "user"
    if row["kind"] == "query":
        relevant = json.loads(row["relevant_apis"])
        gold = scores(sample, f"The APIs are:\n{json.dumps(relevant)}")
        assert gold.pop("api_names") == len(set(map(tuple, relevant)))  # some are listed twice
    else:
        gold = scores(sample, row["conversations"][-1]["value"])
    # Nothing is made up, so what is a share of faults is 0 and all else 1.
    faults = {metric for metric in gold if "hallucination" in metric}
    assert {gold[metric] for metric in faults} <= {0.0}
    assert {value for metric, value in gold.items() if metric not in faults} == {1.0}
    empty = scores(sample, "")
    empty.pop("plan_em (compat)", None)  # by the published rules, silence is a call
    assert set(empty.values()) == {0.0}


def test_bundled_samples_score_full_marks_with_gold_and_none_without() -> None:
    rows = bundled()
    for index, row in enumerate(rows):
        assert_gold_and_empty(row, index)
    assert {BENCHMARK.sample(row, i).category for i, row in enumerate(rows)} == {
        *(f"steps/{kind}" for kind in ("first call", "later call", "finish", "give up")),
        *(f"queries/{group}" for group in GROUPS),
    }


def test_half_of_every_tier_are_steps_and_half_are_queries() -> None:
    samples = [BENCHMARK.sample(row, i) for i, row in enumerate(bundled())]
    order = stratified_order(samples, "toolllama", seed=1234)
    for size in (2, 8, 20):
        kinds = [sample.category.partition("/")[0] for sample in order[:size]]
        assert kinds.count("steps") == kinds.count("queries") == size // 2
    assert len({sample.category for sample in order[:20]}) == 4 + len(GROUPS)


def test_hub_rows_score_full_marks_with_gold_and_none_without() -> None:
    rows: list[dict[str, Any]] = BENCHMARK.read_rows(hub())
    steps = [(i, row) for i, row in enumerate(rows) if row["kind"] == "step"]
    queries = [(i, row) for i, row in enumerate(rows) if row["kind"] == "query"]
    assert steps and {row["group"] for _, row in queries} == set(GROUPS)
    assert len({BENCHMARK.sample(row, i).id for i, row in enumerate(rows)}) == len(rows)
    for index, row in steps + random.Random(0).sample(queries, 300):
        assert_gold_and_empty(row, index)


def test_missing_queries_are_named(tmp_path: Path) -> None:
    shutil.copytree(hub(), tmp_path / "copy")
    (tmp_path / "copy" / "benchmark" / "g1_tool-00000-of-00001.parquet").unlink()
    with pytest.raises(EvaluationError) as caught:
        BENCHMARK.read_rows(tmp_path / "copy")
    assert "The benchmark queries are missing: g1_tool." in caught.value.what
    assert caught.value.where.endswith("benchmark/g1_tool-*.parquet")
    assert "'benchmark' of tuandunghcmut/toolbench-v1" in caught.value.remedy


def test_a_source_with_steps_only_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        BENCHMARK.read_rows(tmp_path)
    assert all(group in caught.value.what for group in GROUPS)


def test_the_files_of_both_kinds_are_fetched_and_no_others() -> None:
    patterns = BENCHMARK.card.files.patterns
    files = [str(path.relative_to(hub())) for path in hub().rglob("*") if path.is_file()]
    fetched = {file for file in files if any(fnmatch(file, pattern) for pattern in patterns)}
    assert {file.split("/")[0] for file in fetched} == {"README.md", "data", "benchmark"}
    assert len(fetched) == 2 + len(GROUPS)
