"""The choice of presets in real runs, with faults that only some presets have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.records import PresetChoice
from tests.end_to_end.conftest import Once
from tests.end_to_end.project import Project, changed

RUN = ("--cores", "1", "--resources", "gpu=1")
CHOICE = "results/presets/tiny_a.json"
STANDARD = "results/standard/tiny_a/gsm8k.json"
KEPT = ("results/quick/**/*", "results/responses/**/*", "results/standard/**/*")


def inject(project: Project, fault: str) -> None:
    """Have the engine's responses changed by an expression of `self.session.preset`."""
    module = project.folder / "evaluation/engines/transformers_engine.py"
    text = module.read_text()
    fields = "            peak_memory=self._peak_memory(),\n            **fields,\n"
    assert text.count(fields) == 1
    changed = f"            **{{'peak_memory': self._peak_memory(), **fields, **({fault})}},\n"
    module.write_text(text.replace(fields, changed))


def configure(project: Project, **selection: object) -> None:
    """Choose presets by what is injected and nothing else that a tiny model does."""
    config = project.config()
    config["run"] = {"models": ["tiny_a"], "datasets": ["gsm8k", "mt_bench"]}
    config["presets"]["memory_saver"] = {"batch_tokens": 8192, "batch_rows": 4}
    # Four samples show little: any loss will do.
    lenient = {"enabled": True, "truncated": 1.0, "unstable": 1.0, "headroom": 0.0, "margin": 1.0}
    config["preset_selection"] = lenient | selection
    project.write_config(config)


def choice(project: Project) -> PresetChoice:
    return PresetChoice.model_validate_json((project.folder / CHOICE).read_text())


@pytest.fixture(scope="module")
def chosen(fresh: Project, once: Once) -> Project:
    """A project whose default preset has to start again, so that another one was chosen."""

    def make(folder: Path) -> None:
        project = fresh.copy(folder)
        configure(project)
        inject(project, "{'backoffs': 3 if self.session.preset == 'balanced' else 0}")
        project.note_output(project.run(*RUN, "presets"))

    return Project(once("chosen", make))


def test_back_offs_lead_to_the_next_preset_and_to_no_other(chosen: Project, tmp_path: Path) -> None:
    found = choice(chosen)
    assert found.chosen == "memory_saver"
    assert "balanced: backoffs 1, at most 0.05 allowed" in found.reason
    assert [(h.preset, h.healthy) for h in found.tried] == [
        ("balanced", False),
        ("memory_saver", True),
    ]
    against = found.tried[1].against_default
    assert against is not None and against.n == 4
    # One load for all slices of a preset, and none for the third one.
    assert chosen.loads() == ["tiny_a", "tiny_a"]
    presets = {p.split("/")[3] for p in chosen.snapshot("results/responses/**/*.jsonl")}
    assert presets == {"balanced", "memory_saver"}
    # Its own results lie beside the quick ones; what is judged is not scored for it.
    assert chosen.result("quick", "tiny_a", "gsm8k").provenance.preset == "balanced"
    own = chosen.folder / "results/presets/tiny_a/memory_saver/gsm8k.json"
    assert json.loads(own.read_text())["provenance"]["preset"] == "memory_saver"
    assert not (own.parent / "mt_bench.json").exists()
    output = chosen.first_output()
    assert "preset of tiny_a: memory_saver, results/presets/tiny_a.json" in output
    again = chosen.copy(tmp_path / "project")
    assert "Nothing to be done" in again.run(*RUN, "presets")


@pytest.mark.long
def test_standard_runs_with_the_choice_and_follows_a_changed_one(
    chosen: Project, tmp_path: Path
) -> None:
    project = chosen.copy(tmp_path / "project")
    project.run(*RUN, STANDARD)
    assert project.result("standard", "tiny_a", "gsm8k").provenance.preset == "memory_saver"
    assert "Nothing to be done" in project.run(*RUN, STANDARD)

    # The evidence changes and the choice does not: nothing else is done.
    before = project.snapshot(*KEPT)
    configure(project, backoffs=0.5)
    project.run(*RUN, STANDARD)
    assert choice(project).chosen == "memory_saver"
    assert project.snapshot(*KEPT) == before

    # With another choice only the cells above quick are made anew, from what is there of it.
    configure(project, backoffs=1.0)
    project.run(*RUN, STANDARD)
    assert choice(project).chosen == "balanced"
    written = changed(before, project.snapshot(*KEPT))
    folder = "results/responses/tiny_a/balanced/gsm8k/chat-0shot"
    assert written == {STANDARD, f"{folder}/4-7.jsonl"}
    assert project.result("standard", "tiny_a", "gsm8k").provenance.preset == "balanced"

    # A choice that was deleted is made again when a cell needs it.
    (project.folder / CHOICE).unlink()
    (project.folder / STANDARD).unlink()
    planned = project.planned(STANDARD)
    assert planned["select_preset"] == 1 and "generate" not in planned


def test_a_pin_and_a_switch_leave_no_choice_to_be_made(chosen: Project, tmp_path: Path) -> None:
    project = chosen.copy(tmp_path / "project")
    config = project.config()
    config["optimal_presets"] = {"tiny_a": "throughput"}
    project.write_config(config)
    planned = project.planned(STANDARD)
    assert not {"assess_preset", "select_preset"} & set(planned)
    assert planned["generate"] == 2
    output = project.run(*RUN, CHOICE, code=1)
    assert "no preset is chosen for tiny_a, as optimal_presets.tiny_a pins it" in output
    configure(project, enabled=False)
    assert not {"assess_preset", "select_preset"} & set(project.planned(STANDARD))
    assert "There is no preset to choose" in project.run(*RUN, "presets", code=1)


def test_quick_needs_no_choice(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    configure(project)
    planned = project.planned("results/quick/all.json")
    assert not {"assess_preset", "select_preset"} & set(planned)
    assert planned["score"] == 2


def test_a_failure_in_quick_says_what_the_choice_waits_for(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    configure(project)
    config = project.config()
    config["run"]["datasets"] = ["gsm8k"]
    config["mirror"] = "no/such/folder"
    config["datasets"]["gsm8k"]["source"] = "mirror"
    project.write_config(config)
    output = project.run(*RUN, STANDARD, code=1)
    assert "No preset was chosen for tiny_a" in output
    assert "pin a preset in optimal_presets" in output
