"""What the user sees when something is wrong: a clear message, a non-zero exit, nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.end_to_end.project import Project


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("results/quick/foo/gsm8k.json", ["unknown model 'foo'", "qwen3_8b"]),
        ("results/quick/tiny_a/bar.json", ["unknown dataset 'bar'", "winogrande"]),
        ("results/quik/tiny_a/gsm8k.json", ["unknown tier 'quik'", "standard"]),
        ("results/quik/all.json", ["unknown tier 'quik'", "standard"]),
        ("results/quick/gsm8k.json", ["results/TIER/MODEL/DATASET.json"]),
        ("standrad", ["standrad"]),
    ],
)
def test_unknown_target_names_what_is_known(fresh: Project, target: str, words: list[str]) -> None:
    output = fresh.run("--cores", "1", "-n", target, code=1)
    for word in words:
        assert word in output.replace("-- standrad", "")


def test_bad_config_ends_before_any_job(fresh: Project) -> None:
    output = fresh.quick("--config", "tierz=3", code=1)
    assert "tierz: unknown key (did you mean 'tiers'?)" in output
    assert not (fresh.folder / "data").exists()


def test_dry_run_needs_no_torch(fresh: Project, tmp_path: Path) -> None:
    for name in ("torch", "transformers", "datasets", "pandas"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name} must not be imported')")
    output = fresh.quick("-n", PYTHONPATH=str(tmp_path))
    assert "generate" in output


def test_large_model_without_gpu_is_refused_before_anything_is_fetched(
    fresh: Project, tmp_path: Path
) -> None:
    project = fresh.copy(tmp_path / "project")
    config = project.config()
    config["run"]["models"] = ["qwen3_14b"]
    project.write_config(config)
    output = project.quick(code=1, CUDA_VISIBLE_DEVICES="")
    assert "No GPU: qwen3_14b has 14.8 billion parameters" in output
    assert "make demo" in output
    assert not (project.folder / "models").exists()
    assert not (project.folder / "data").exists()


def test_no_network_names_the_remedy(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    config = project.config()
    config["dataset_source"] = "hub"
    config["run"] = {"models": ["tiny_a"], "datasets": ["gsm8k"]}
    project.write_config(config)
    output = project.quick(code=1, HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "hf"))
    assert "dataset openai/gsm8k" in output
    assert "make demo" in output


def test_bad_rows_fail_their_dataset_when_many_and_are_named_when_few(
    fresh: Project, tmp_path: Path
) -> None:
    project = fresh.copy(tmp_path / "project")
    folder = tmp_path / "mirror/openai/gsm8k/main"
    folder.mkdir(parents=True)

    def put(bad: set[int]) -> None:
        rows = [
            {"question": None if i in bad else f"What is {i} + {i}?", "answer": f"#### {2 * i}"}
            for i in range(20)
        ]
        for split in ("test", "train"):
            pd.DataFrame(rows).to_parquet(folder / f"{split}-00000-of-00001.parquet")

    config = project.config()
    config["mirror"] = str(tmp_path / "mirror")
    config["run"] = {"models": ["tiny_a"], "datasets": ["gsm8k"]}
    config["tiers"] = {"quick": 20, "standard": 21, "full": 22}
    project.write_config(config)
    put({3, 7, 11})
    output = project.quick(code=1)
    assert "3 of 20 samples cannot be scored, more than 5%; the first: row" in output
    assert "wrong columns: question: Input should be a valid string" in output
    assert "dataset gsm8k, source mirror" in output
    assert "columns and values of openai/gsm8k" in output
    assert project.loads() == []

    put({7})
    project.quick()
    result = project.result("quick", "tiny_a", "gsm8k")
    assert (result.counts.samples, result.counts.scored, result.counts.unscorable) == (20, 19, 1)
    (bad,) = [sample for sample in result.samples if sample.status == "unscorable"]
    assert bad.reason.startswith("row 7: wrong columns: question") and bad.turns == []
    data = (project.folder / "reports/quick/samples/tiny_a/gsm8k").glob("*.js")
    assert any("row 7: wrong columns: question" in p.read_text(encoding="utf-8") for p in data)


def test_truncated_result_is_named_and_kept_out(project: Project) -> None:
    cell = project.folder / "results/quick/tiny_a/gsm8k.json"
    cell.write_text(cell.read_text()[:200])
    output = project.quick(code=1)
    assert "results/quick/tiny_a/gsm8k.json" in output
    assert "cut off" in output
    cell.unlink()
    project.quick()


def test_decisions_stop_at_a_result_of_another_version(project: Project) -> None:
    cell = project.folder / "results/quick/tiny_a/gsm8k.json"
    text = cell.read_text().replace('"schema_version": 1', '"schema_version": 99', 1)
    cell.write_text(text)
    output = project.run("--cores", "1", "export", code=1)
    assert "schema version 99" in output
    assert f"delete {cell.relative_to(project.folder)}" in output


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as handle, contextlib.suppress(OSError):
        while True:
            handle.write(b"x" * 4096)


def test_full_disk_keeps_what_was_computed(project: Project, small_disk: Path) -> None:
    moved = small_disk / "results"
    shutil.move(project.folder / "results", moved)
    (project.folder / "results").symlink_to(moved)
    kept = project.snapshot("results/quick/tiny_a/*.json")
    (moved / "quick/tiny_b/gsm8k.json").unlink()
    filler = small_disk / "filler"
    fill(filler)
    output = project.quick(code=1)
    assert "No space left" in output
    assert "free disk space" in output
    filler.unlink()
    project.quick()
    assert project.snapshot("results/quick/tiny_a/*.json") == kept


def test_read_only_results_folder(project: Project, small_disk: Path) -> None:
    moved = small_disk / "results"
    shutil.move(project.folder / "results", moved)
    (project.folder / "results").symlink_to(moved)
    (moved / "quick/tiny_b/gsm8k.json").unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    output = project.quick(code=1)
    assert "the folder is read-only" in output
    assert "where: results" in output
    assert "make the folder writable" in output
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    project.quick()


def test_killed_job_is_named(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    config = project.config()
    config["run"] = {"models": ["tiny_a"], "datasets": ["gsm8k"]}
    config["presets"]["balanced"] = {"batch_tokens": 4096, "batch_rows": 1}
    project.write_config(config)
    process = project.start_and_stop(1, "results/quick/all.json")
    job = project.stopped_job()
    assert job is not None
    os.kill(job, signal.SIGKILL)
    output = process.communicate(timeout=500)[0]
    assert process.returncode == 1
    assert "ended without a word: killed, or out of memory?" in output
    assert "model tiny_a" in output
    assert "logs/generate/tiny_a/balanced/gsm8k/chat-0shot/0-4.log" in output
    assert "the same command goes on from here" in output
