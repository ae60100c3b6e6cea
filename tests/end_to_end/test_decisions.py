"""Comparisons and the gate of a finished run: what they say, what runs again, how they fail."""

from __future__ import annotations

import shutil

from evaluation.files import read_record
from evaluation.records import Comparisons, GateReport
from tests.end_to_end.project import Project, changed

COMPARISONS = "results/quick/comparisons.json"
GATE = "results/quick/gate.json"
INFERENCE = ("generate", "prepare_dataset", "fetch_model", "score")


def test_comparisons_come_from_results_alone(project: Project) -> None:
    (project.folder / COMPARISONS).unlink()
    project.run("--cores", "1", COMPARISONS)
    assert project.loads() == []
    found = read_record(project.folder / COMPARISONS, Comparisons)
    one = found.comparisons[0]
    assert [(c.a, c.b) for c in found.comparisons] == [("tiny_a", "tiny_b")]
    # The two are the same model, so that each sample came out alike.
    differences = {c.dataset: c.difference for c in one.datasets}
    assert differences["gsm8k"].ties == differences["gsm8k"].n == 4
    assert "bundled samples, not the benchmark" in one.datasets[0].warnings
    assert differences["mt_bench"].verdict == "not comparable"
    assert "no judge" in one.left_out["mt_bench"]
    assert [a.datasets for a in found.averages] == [["gsm8k", "arc_challenge"]] * 2
    # A threshold changes the decision and nothing below it; a deleted cell is seen.
    assert "Nothing to be done" in project.run("--cores", "1", COMPARISONS)
    config = project.config()
    config["comparison"] = {"margin": 0.9}
    project.write_config(config)
    planned = project.planned(COMPARISONS)
    assert planned["compare_models"] == 1
    assert not set(planned) & set(INFERENCE)
    (project.folder / "results/quick/tiny_a/gsm8k.json").unlink()
    project.run("--cores", "1", COMPARISONS)
    verdict = read_record(project.folder / COMPARISONS, Comparisons).comparisons[0].datasets[0]
    assert (verdict.dataset, verdict.difference.verdict) == ("gsm8k", "equal")
    assert (project.folder / "results/quick/tiny_a/gsm8k.json").exists()


def test_violated_gate_fails_each_time_and_is_kept(project: Project) -> None:
    refused = project.run("--cores", "1", GATE, code=1)
    assert "The gate has nothing to check." in refused
    assert "configure gate.rules" in refused
    config = project.config()
    config["gate"] = {"min_scores": {"gsm8k": 1.0}, "max_failed": 0}
    project.write_config(config)
    # The gate comes last: what was asked for beside it is made, though two jobs could run at once.
    report = project.folder / "reports/quick/index.html"
    shutil.rmtree(report.parent)
    (project.folder / "results/quick/all.json").unlink()
    first = project.run("--cores", "2", GATE, "results/quick/all.json", code=1)
    assert report.exists()
    assert "VIOLATED: least score of tiny_a on gsm8k" in first
    assert "The gate is violated: 2 of 8 checks." in first
    found = read_record(project.folder / GATE, GateReport)
    assert (found.passed, len(found.checks)) == (False, 8)
    before = project.snapshot("results/**/*")
    second = project.run("--cores", "1", GATE, code=1)
    assert "The gate is violated: 2 of 8 checks." in second
    assert changed(before, project.snapshot("results/**/*")) == set()
    # Rules that hold: the same command ends well, and no result was made again for it.
    config["gate"]["min_scores"] = {"gsm8k": 0.0}
    project.write_config(config)
    passed = project.run("--cores", "1", GATE)
    assert "Gate of quick: 8 of 8 checks passed" in passed
    assert changed(before, project.snapshot("results/**/*")) == {GATE}
    project.run("--cores", "1", "gate_quick")
