"""The adaptive tier after a quick run: which cells infer more, and what a threshold changes."""

from __future__ import annotations

from typing import Any

import pytest

from evaluation.files import read_record
from evaluation.records import AdaptiveStage, AdaptiveSummary
from tests.end_to_end.project import Project, changed

SUMMARY = "results/adaptive/summary.json"


def configure(project: Project, **sections: Any) -> None:
    project.write_config(project.config() | sections)


def responses(project: Project) -> dict[str, int]:
    """Responses by file."""
    folder = project.folder / "results/responses"
    return {
        str(path.relative_to(folder)): len(path.read_text().splitlines()) - 1
        for path in folder.rglob("*.jsonl")
    }


@pytest.mark.long
def test_undecided_cells_infer_more_until_full_and_no_other(project: Project) -> None:
    # Both names are one model, so that every sample is a tie. A wide margin calls that equal.
    quick = responses(project)
    configure(project, comparison={"margin": 0.8})
    output = project.run("--cores", "1", "adaptive")
    assert project.loads() == []
    assert responses(project) == quick
    summary = read_record(project.folder / SUMMARY, AdaptiveSummary)
    assert [d.difference.verdict for d in summary.decisions] == ["equal", "equal"]
    assert [summary.tiers, summary.samples, summary.samples_full] == [["quick"], 16, 36]
    assert [(one.dataset, "no judge" in one.reason) for one in summary.left_out] == [
        ("mt_bench", True)
    ]
    assert "16 samples asked, 56% fewer than the 36 of full" in output

    # A narrow one leaves it open to the end; what cannot be compared is not asked again.
    configure(project, comparison={"margin": 0.001}, adaptive={"futility": 0})
    before = project.snapshot("results/quick/**/*.json", "results/responses/**/*")
    project.run("--cores", "1", "adaptive")
    assert project.loads() == ["tiny_a", "tiny_a", "tiny_b", "tiny_b"]
    assert not before.keys() & changed(
        before, project.snapshot("results/quick/**/*.json", "results/responses/**/*")
    )
    new = {path: n for path, n in responses(project).items() if path not in quick}
    assert {(*path.split("/")[:3:2], path.rsplit("/", 1)[1], n) for path, n in new.items()} == {
        (model, dataset, part, n)
        for model in ("tiny_a", "tiny_b")
        for dataset in ("gsm8k", "arc_challenge")
        for part, n in (("4-7.jsonl", 3), ("7-9.jsonl", 2))
    }
    summary = read_record(project.folder / SUMMARY, AdaptiveSummary)
    assert [d.status for d in summary.decisions] == ["exhausted", "exhausted"]
    assert [[look.n for look in d.looks] for d in summary.decisions] == [[4, 7, 9]] * 2
    assert [summary.tiers[-1], summary.samples, summary.seconds_saved] == ["full", 36, 0.0]

    files = project.snapshot("results/**/*")
    assert "Nothing to be done" in project.run("--cores", "1", "adaptive")
    assert project.snapshot("results/**/*") == files

    # Another threshold is another decision, of the answers that are there.
    configure(project, adaptive={"futility": 0.1})
    files = project.snapshot("results/[!a]*/**/*")
    project.run("--cores", "1", "adaptive")
    assert project.loads() == []
    assert project.snapshot("results/[!a]*/**/*") == files
    stage = read_record(project.folder / "results/adaptive/quick.json", AdaptiveStage)
    assert [[d.status for d in stage.decisions], stage.promoted] == [["stopped", "stopped"], []]
    assert read_record(project.folder / SUMMARY, AdaptiveSummary).samples == 16


def test_what_the_configuration_rules_out_is_said_before_any_job(project: Project) -> None:
    config = project.config()
    config["datasets"]["arc_challenge"]["tiers"] = {"full": {"few_shot": 2}}
    project.write_config(config)
    output = project.run("--cores", "1", "adaptive", code=1)
    assert "where: datasets.arc_challenge.tiers.full" in output
    config["run"]["models"] = ["tiny_a"]
    project.write_config(config)
    output = project.run("--cores", "1", "adaptive", code=1)
    assert "the run has only one: tiny_a" in output
    assert not (project.folder / "results/adaptive").exists()
