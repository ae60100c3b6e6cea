"""A judge for open answers and a sandbox for programs, in the real workflow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from evaluation.sandbox import probe
from tests.end_to_end.project import Project, changed

RESPONSES = "results/responses/**/*.jsonl"
JUDGMENTS = "results/judgments/**/*.jsonl"


def test_a_judge_rates_what_is_there_with_one_load_and_answers_nothing_anew(
    project: Project,
) -> None:
    config = project.config()
    config["judge"] = {"model": "tiny_b", "max_new_tokens": 8}
    project.write_config(config)
    answers = project.snapshot(RESPONSES)
    project.quick()
    assert project.loads() == ["tiny_b (judge)"]
    assert not changed(answers, project.snapshot(RESPONSES))
    assert len(project.snapshot(JUDGMENTS)) == 2
    for model in ("tiny_a", "tiny_b"):
        result = project.result("quick", model, "mt_bench")
        assert result.judge is not None
        assert (result.judge.asked, result.judge.name) == (8, "tiny_b")
        # Both models are the same files under two names.
        assert result.judge.self_judged
        # Random weights rate nothing that can be read.
        primary = next(score for score in result.scores if score.primary)
        assert primary.value is None
        assert "95%" in primary.reason
    assert "Nothing to be done" in project.quick()


def code_tasks(project: Project, backend: str) -> None:
    """Configure one code task, to be run in a backend."""
    config = project.config()
    config["run"] = {"models": ["tiny_a"], "datasets": ["humaneval"]}
    config["sandbox"] = {"backend": backend}
    project.write_config(config)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
def test_root_may_not_run_programs_without_a_sandbox(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    code_tasks(project, "none")
    output = project.quick(code=1)
    assert "root" in output
    assert not project.snapshot("results/**/*.json", RESPONSES)


def test_without_a_sandbox_answers_are_kept_and_scored_once_there_is_one(
    fresh: Project, tmp_path: Path
) -> None:
    project = fresh.copy(tmp_path / "project")
    code_tasks(project, "auto")
    code = project.folder / "evaluation/sandbox/probe.py"
    original = code.read_text()
    code.write_text(original.replace("for name in _FINDERS if", "for name in () if"))
    output = project.quick()
    assert "humaneval will be answered but not scored" in output
    result = project.result("quick", "tiny_a", "humaneval")
    assert (result.counts.scored, result.counts.not_scored) == (0, 4)
    assert any("no sandbox" in flag for flag in result.flags)
    if not probe.works("auto"):
        pytest.skip("no sandbox works on this machine")
    answers = project.snapshot(RESPONSES)
    code.write_text(original)
    output = project.quick()
    name = probe.choose("auto").name
    assert f"Programs of humaneval run in {name}." in output
    assert project.loads() == []
    assert not changed(answers, project.snapshot(RESPONSES))
    result = project.result("quick", "tiny_a", "humaneval")
    assert result.provenance.sandbox == name
    assert result.counts.scored == 4
    assert next(score for score in result.scores if score.primary).value == 0
