"""The workflow's promises, with a tiny random-weight model: what runs again, and what does not."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.end_to_end.project import DATASETS, Project, changed

MODELS = ("tiny_a", "tiny_b")
OUTPUTS = ("results/**/*", "reports/**/*", "data/*", "models/*.json")


def test_literal_command_builds_cells_aggregate_and_report(finished: Project) -> None:
    for model in MODELS:
        for dataset in DATASETS:
            result = finished.result("quick", model, dataset)
            assert [len(result.samples), result.counts.requested] == [4, 4]
    for name in ("all.json", "all.csv", "all.parquet"):
        assert (finished.folder / "results" / "quick" / name).stat().st_size > 0
    pages = {path.removeprefix("reports/quick/") for path in finished.snapshot("reports/**/*.html")}
    assert pages == {
        *(f"{name}.html" for name in ("index", "samples", "performance", "presets", "provenance")),
        *(f"models/{model}.html" for model in MODELS),
        "compare/tiny_a--tiny_b.html",
    }
    assert not finished.snapshot("results/journals/**/*.jsonl")


def test_one_load_a_model_and_plain_closing_words(finished: Project) -> None:
    assert finished.loads() == ["tiny_a", "tiny_b"]
    output = finished.first_output()
    assert "results/quick/all.json" in output
    assert "reports/quick/index.html" in output
    assert "Select jobs to execute" not in output


def test_second_run_has_nothing_to_do(project: Project) -> None:
    before = project.snapshot(*OUTPUTS)
    assert "Nothing to be done" in project.quick()
    assert project.snapshot(*OUTPUTS) == before


def test_deleted_cell_is_rebuilt_and_nothing_else(project: Project) -> None:
    cell = "results/quick/tiny_b/gsm8k.json"
    for _ in range(2):  # the same cell may go missing twice
        before = project.snapshot(*OUTPUTS)
        (project.folder / cell).unlink()
        project.quick()
        written = changed(before, project.snapshot(*OUTPUTS))
        assert cell in written
        tier = [f"results/quick/{name}." for name in ("all", "comparisons", "cost", "history")]
        whole = (*tier, "reports/quick/")
        assert {p for p in written if not p.startswith(whole)} == {cell}
        assert "results/quick/all.json" in written
        assert "reports/quick/index.html" in written
        assert project.loads() == []


def test_deleted_responses_are_really_generated_again(project: Project) -> None:
    responses = project.responses_file("tiny_a", "gsm8k", "0-4")
    session = project.responses("tiny_a", "gsm8k", "0-4")[0].session
    responses.unlink()
    (project.folder / "results/quick/tiny_a/gsm8k.json").unlink()
    project.quick()
    assert project.loads() == ["tiny_a"]
    assert project.responses("tiny_a", "gsm8k", "0-4")[0].session != session


def test_standard_after_quick_infers_only_the_new_samples(project: Project) -> None:
    config = project.config()
    config["run"]["models"] = ["tiny_a"]
    project.write_config(config)
    before = project.snapshot("results/responses/**/*", "results/quick/**/*")
    project.run("--cores", "1", "results/standard/all.json")
    after = project.snapshot("results/responses/**/*", "results/quick/**/*")
    assert {path.rsplit("/", 1)[1] for path in changed(before, after)} == {"4-7.jsonl"}
    assert len(project.responses("tiny_a", "gsm8k", "4-7")) == 3
    quick = [s.id for s in project.result("quick", "tiny_a", "gsm8k").samples]
    standard = [s.id for s in project.result("standard", "tiny_a", "gsm8k").samples]
    assert standard[:4] == quick
    assert len(standard) == 7


def test_cosmetic_edits_run_nothing(project: Project) -> None:
    config = project.config()
    config["datasets"] = dict(reversed(config["datasets"].items()))
    project.write_config(config)
    path = project.folder / "config.yaml"
    path.write_text("# a remark\n" + path.read_text())
    scorer = project.folder / "evaluation/benchmarks/gsm8k.py"
    os.utime(scorer)
    assert "Nothing to be done" in project.quick()


def test_edited_scorer_rescores_its_dataset_without_a_model(project: Project) -> None:
    scorer = project.folder / "evaluation/benchmarks/gsm8k.py"
    scorer.write_text(scorer.read_text() + "\n# edited\n")
    planned = project.planned("results/quick/all.json")
    assert planned["score"] == len(MODELS)
    assert "generate" not in planned
    assert "prepare_dataset" not in planned


def test_edited_prompt_generates_its_dataset_again(project: Project) -> None:
    module = project.folder / "evaluation/benchmarks/gsm8k.py"
    text = module.read_text()
    module.write_text(text.replace("Solve the problem step by step", "Work it out"))
    assert module.read_text() != text
    planned = project.planned("results/quick/all.json")
    assert planned["generate"] == len(MODELS)
    assert "prepare_dataset" not in planned


def test_edited_setting_reruns_its_own_cells(project: Project) -> None:
    config = project.config()
    config["datasets"]["gsm8k"]["max_new_tokens"] = 9
    project.write_config(config)
    planned = project.planned("results/quick/all.json")
    assert [planned["generate"], planned["score"]] == [len(MODELS), len(MODELS)]


def test_a_tier_with_examples_of_its_own_leaves_the_other_tiers_as_they_are(
    project: Project,
) -> None:
    config = project.config()
    config["datasets"]["arc_challenge"]["tiers"] = {"standard": {"few_shot": 2}}
    project.write_config(config)
    kept = ("results/responses/**/*", "results/quick/**/*.json")
    before = project.snapshot(*kept)
    project.run("--cores", "1", "results/standard/tiny_a/arc_challenge.json")
    after = project.snapshot(*kept)
    folder = "results/responses/tiny_a/balanced/arc_challenge/harness-2shot"
    assert changed(before, after) == {f"{folder}/0-4.jsonl", f"{folder}/4-7.jsonl"}
    quick, standard = (
        project.result(tier, "tiny_a", "arc_challenge") for tier in ("quick", "standard")
    )
    assert (quick.few_shot, standard.few_shot) == (0, 2)
    assert [s.id for s in standard.samples[:4]] == [s.id for s in quick.samples]
    examples = [result.samples[0].turns[0].prompt.count("Answer:") for result in (quick, standard)]
    assert examples == [1, 3]
    # The tier below is scored anew at most: its responses are those it was answered with.
    assert "generate" not in project.planned("results/quick/all.json")


def test_tiers_that_ask_differently_share_one_load(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    config = project.config()
    config["run"] = {"models": ["tiny_a"], "datasets": ["arc_challenge"]}
    config["datasets"]["arc_challenge"]["tiers"] = {"standard": {"few_shot": 2}}
    project.write_config(config)
    cells = [f"results/{tier}/tiny_a/arc_challenge.json" for tier in ("quick", "standard")]
    project.run("--cores", "1", *cells)
    assert project.loads() == ["tiny_a"]
    found = [project.result(tier, "tiny_a", "arc_challenge") for tier in ("quick", "standard")]
    assert [(r.few_shot, r.counts.scored) for r in found] == [(0, 4), (2, 7)]


def test_going_back_to_a_protocol_asks_nothing_again(project: Project) -> None:
    config = project.config()
    config["datasets"]["gsm8k"]["protocol"] = "harness"
    project.write_config(config)
    assert project.planned("results/quick/all.json")["generate"] == len(MODELS)
    project.run("--cores", "1", "results/quick/tiny_a/gsm8k.json")
    assert project.result("quick", "tiny_a", "gsm8k").protocol == "harness"
    config["datasets"]["gsm8k"]["protocol"] = "chat"
    project.write_config(config)
    planned = project.planned("results/quick/all.json")
    assert "generate" not in planned and planned["score"] == 1


def test_edits_that_change_no_response_generate_nothing(project: Project) -> None:
    config = project.config()
    config["engine"]["cpu_limit_b"] = 99.0
    config["presets"]["balanced"]["batch_rows"] = 3
    config["models"]["tiny_a"]["parameters_b"] = 0.5
    project.write_config(config)
    assert "Nothing to be done" in project.quick()


def test_edited_model_file_makes_the_model_anew_and_vanished_ones_are_named(
    project: Project, tmp_path: Path
) -> None:
    config = project.config()
    model = tmp_path / "model"
    shutil.copytree(config["models"]["tiny_a"]["path"], model)
    config["models"]["tiny_a"]["path"] = str(model)
    config["run"]["models"] = ["tiny_a"]
    project.write_config(config)
    project.run("--cores", "1", "models/tiny_a.json")
    assert "fetch_model" not in project.planned("results/quick/all.json")
    template = next(iter(model.glob("chat_template*")), model / "tokenizer_config.json")
    template.write_text(template.read_text() + " ")
    assert project.planned("results/quick/all.json")["fetch_model"] == 1

    shutil.rmtree(model)
    project.responses_file("tiny_a", "gsm8k", "0-4").unlink()
    (project.folder / "results/quick/tiny_a/gsm8k.json").unlink()
    output = project.quick(code=1)
    assert "model's directory does not exist" in output
    assert "correct models.tiny_a.path" in output


def test_edited_template_renders_only_the_report(project: Project) -> None:
    template = project.folder / "evaluation/reports/templates/overview.html"
    template.write_text(template.read_text() + "\n<!-- edited -->\n")
    planned = project.planned("results/quick/all.json")
    assert set(planned) - {"total"} == {"report"}


def test_a_broken_dataset_and_a_broken_model_cost_only_their_cells(
    fresh: Project, tmp_path: Path
) -> None:
    project = fresh.copy(tmp_path / "project")
    config = project.config()
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    config["models"]["tiny_b"]["path"] = str(tmp_path / "empty")
    config["mirror"] = "no/such/folder"
    for name in config["datasets"]:
        config["datasets"][name]["source"] = "mirror" if name == "gsm8k" else "bundled"
    project.write_config(config)
    output = project.quick("--keep-going", code=1)
    assert "fetch_model (model tiny_b)" in output
    assert "no weights in safetensors format" in output
    assert "dataset gsm8k, source mirror: no/such/folder/openai/gsm8k" in output
    assert "set datasets.gsm8k.source" in output
    assert "logs/prepare_dataset/gsm8k.log" in output
    cells = project.snapshot("results/quick/*/*.json")
    assert set(cells) == {
        f"results/quick/tiny_a/{dataset}.json" for dataset in DATASETS if dataset != "gsm8k"
    }
    assert project.result("quick", "tiny_a", "arc_challenge").counts.samples == 4
    assert project.loads() == ["tiny_a"]


@pytest.mark.long
def test_killed_run_resumes_and_redoes_only_what_was_in_flight(
    fresh: Project, tmp_path: Path
) -> None:
    def configured(name: str, *, exact: bool) -> Project:
        project = fresh.copy(tmp_path / name)
        config = project.config()
        config["run"] = {"models": ["tiny_a"], "datasets": ["gsm8k", "mt_bench"]}
        config["tiers"] = {"quick": 12, "standard": 13, "full": 14}
        config["engine"]["exact"] = exact
        # Small batches, so that a kill falls between two of them.
        config["presets"]["balanced"] = {"batch_tokens": 4096, "batch_rows": 2}
        project.write_config(config)
        return project

    cells = [f"results/quick/tiny_a/{dataset}.json" for dataset in ("gsm8k", "mt_bench")]
    whole = configured("whole", exact=True)
    whole.run("--cores", "1", *cells)

    # Exact batches are whole or not at all: what is kept of them are datasets that were complete.
    for exact, responses in ((False, 6), (True, 30)):
        project = configured(f"killed, {exact}", exact=exact)
        process = project.start_and_stop(responses, *cells)
        assert "Another run is at work in this folder" in project.run("--cores", "1", code=1)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        session, saved = kept_in_journals(project)
        assert len(saved) >= responses
        assert not any((project.folder / cell).exists() for cell in cells)

        project.run("--cores", "1", *cells)  # the same command, and nothing else
        kept: set[str] = set()
        for dataset in ("gsm8k", "mt_bench"):
            resumed = project.responses("tiny_a", dataset, "0-12")
            straight = whole.responses("tiny_a", dataset, "0-12")
            assert [r.text for r in resumed] == [r.text for r in straight]
            keys = {r.key for r in resumed}
            expected = saved & keys if not exact or keys <= saved else set()
            assert {r.key for r in resumed if r.session == session} == expected
            kept |= expected
            left, right = (p.result("quick", "tiny_a", dataset) for p in (project, whole))
            assert left.scores == right.scores
        assert kept
        assert project.loads() == ["tiny_a"]


def kept_in_journals(project: Project) -> tuple[str, set[str]]:
    """The one session that the journals name, and the keys of the responses in them."""
    journals = (project.folder / "results/journals").rglob("*.jsonl")
    lines = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
    (session,) = {line["record"]["id"] for line in lines if line["kind"] == "session"}
    return session, {line["record"]["key"] for line in lines if line["kind"] == "response"}
