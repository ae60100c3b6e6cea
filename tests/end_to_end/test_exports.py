"""Costs, exports and plain text in the real workflow; none of them starts inference."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from evaluation.records import TierCost
from tests.end_to_end.project import Project, changed


def test_export_and_print_what_a_run_left(project: Project) -> None:
    before = project.snapshot(
        "results/responses/**/*", "results/journals/**/*", "logs/generate/**/*"
    )
    config = project.config()
    config["cost"] = {"cpu_hour": 3600}
    project.write_config(config)
    # A price concerns no result.
    planned = project.planned("results/quick/all.json", "reports/quick/index.html")
    assert set(planned) == {"total", "cost", "report"}
    project.run("--cores", "1", "export")
    folder = project.folder / "results" / "quick"
    found = TierCost.model_validate_json((folder / "cost.json").read_text())
    # A second costs 1; each session is shared out to the last second of its load and its run.
    sessions = {
        s.id: s
        for name in ("tiny_a", "tiny_b")
        for s in project.result("quick", name, "gsm8k").provenance.sessions
    }
    whole = sum(s.load_seconds + s.usage.wall_seconds for s in sessions.values() if s.usage)
    assert found.answers.money is not None
    assert abs(found.answers.money - whole) < 1e-6 * whole
    assert found.per_decision is not None
    table = pd.read_parquet(folder / "export" / "samples.parquet")
    assert table.groupby(["model", "dataset"])["sample"].nunique().eq(4).all()
    assert len(pd.read_csv(folder / "export" / "comparisons.csv")) == 4
    record = json.loads((folder / "export" / "every_eval_ever" / "tiny_a.json").read_text())
    assert {r["source_data"]["source_type"] for r in record["evaluation_results"]} == {"other"}
    assert (
        "# Left out: gsm8k: bundled samples, not the benchmark"
        in (folder / "export" / "hub" / "tiny_b.eval_results.yaml").read_text()
    )
    assert "Nothing to be done" in project.run("-n", "--cores", "1", "export")
    files = project.snapshot("results/**/*", "data/**/*")
    text = project.run("--cores", "1", "analyze")
    assert "Tier quick: 2 models, 3 datasets" in text
    assert "all models" in text
    text = project.run("--cores", "1", "compare")
    assert "tiny_a (a) against tiny_b (b)" in text
    assert not changed(files, project.snapshot("results/**/*", "data/**/*"))
    after = project.snapshot(
        "results/responses/**/*", "results/journals/**/*", "logs/generate/**/*"
    )
    assert not changed(before, after)


def test_nothing_to_print_starts_nothing(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    for target, words in (("analyze", "There are no results"), ("compare", "no comparisons")):
        output = project.run("--cores", "1", target, code=1)
        assert words in output
        assert "to do: make them first" in output
    assert not (project.folder / "results").exists()
