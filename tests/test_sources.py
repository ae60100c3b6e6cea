"""Rows of datasets from the Hub, from a mirror and from the bundled samples."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from evaluation import sources
from evaluation.benchmarks import benchmark
from evaluation.config import DATASETS
from evaluation.errors import EvaluationError
from evaluation.sources import RawRows, read_rows
from tests.hub_server import COMMIT, Hub, hub_for

SHARED = Path(__file__).resolve().parents[2] / "shared/data/hub"
GSM8K = benchmark("gsm8k")
IFEVAL = benchmark("ifeval")
HELLASWAG = benchmark("hellaswag")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_for(monkeypatch, tmp_path / "home") as running:
        yield running


def from_hub(task: Any, revision: str | None = None) -> RawRows:
    return read_rows(task, "hub", revision=revision, mirror=None)


def from_mirror(task: Any, mirror: Path) -> RawRows:
    return read_rows(task, "mirror", revision=None, mirror=str(mirror))


# ---- the real repositories -----------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A Hub with all twelve repositories at the commits that the cards pin."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data/hub")
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as monkeypatch, hub_for(monkeypatch, home) as running:
        for name in DATASETS:
            card = benchmark(name).card
            commit = COMMIT if card.revision == "main" else card.revision
            running.add(card.hub_id, SHARED / card.hub_id, kind="dataset", commit=commit)
        yield running


@pytest.mark.parametrize("name", DATASETS)
def test_hub_and_mirror_give_the_same_rows(shared_hub: Hub, name: str) -> None:
    task = benchmark(name)
    shared_hub.seen.clear()
    found, mirrored = from_hub(task), from_mirror(task, SHARED)
    assert found.rows
    assert found.rows == mirrored.rows
    assert found.few_shot == mirrored.few_shot
    assert bool(found.few_shot) == (task.card.files.few_shot_split is not None)
    assert len(found.few_shot) <= sources.FEW_SHOT_POOL
    pinned = COMMIT if task.card.revision == "main" else task.card.revision
    assert (found.location, found.revision) == (task.card.hub_id, pinned)
    assert mirrored.location == str(SHARED / task.card.hub_id)
    assert mirrored.revision == "local mirror"
    assert found.licence == mirrored.licence == task.card.licence
    for index, raw in enumerate(found.rows[:20]):
        task.sample(raw, index)


def test_unused_splits_are_not_downloaded(shared_hub: Hub) -> None:
    """MMLU's largest file is one that nobody reads."""
    shared_hub.seen.clear()
    shutil.rmtree(cache_of(shared_hub) / "datasets--cais--mmlu", ignore_errors=True)
    from_hub(benchmark("mmlu"))
    files = {Path(name).name.split("-")[0] for name, _ in shared_hub.downloads()}
    assert files == {"README.md", "test", "dev"}


def cache_of(hub: Hub) -> Path:
    from huggingface_hub import constants

    assert hub.endpoint == constants.ENDPOINT
    return Path(constants.HF_HUB_CACHE)


# ---- small repositories of our own ---------------------------------------------------------

TEST = [{"question": f"Was ist {n} + 1?", "answer": f"#### {n + 1}"} for n in range(5)]
TRAIN = [{"question": f"Was ist {n} - 1?", "answer": f"#### {n - 1}"} for n in range(400)]
CARD = """---
license: mit
configs:
- config_name: main
  data_files:
  - split: train
    path: main/odd-train-*
  - split: test
    path: main/odd-test-*
- config_name: socratic
  data_files:
  - split: test
    path: socratic/test-*
---
"""


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def gsm8k(directory: Path, prefix: str = "") -> Path:
    parquet(directory / f"main/{prefix}test-00000-of-00001.parquet", TEST)
    parquet(directory / f"main/{prefix}train-00000-of-00001.parquet", TRAIN)
    return directory


def serve(hub: Hub, task: Any, directory: Path) -> None:
    hub.add(task.card.hub_id, directory, kind="dataset", commit=task.card.revision)


@pytest.mark.parametrize("with_card", [True, False])
def test_parquet(hub: Hub, tmp_path: Path, with_card: bool) -> None:
    directory = gsm8k(tmp_path / "rows", prefix="odd-" if with_card else "")
    if with_card:
        (directory / "README.md").write_text(CARD)
    serve(hub, GSM8K, directory)
    found = from_hub(GSM8K)
    assert found.rows == TEST
    assert found.few_shot == TRAIN[:300]
    assert found.revision == GSM8K.card.revision


def test_another_revision(hub: Hub, tmp_path: Path) -> None:
    serve(hub, GSM8K, gsm8k(tmp_path / "rows"))
    parquet(tmp_path / "newer/main/test-00000-of-00001.parquet", TEST[:2])
    parquet(tmp_path / "newer/main/train-00000-of-00001.parquet", TRAIN[:3])
    hub.add("openai/gsm8k", tmp_path / "newer", kind="dataset", commit=COMMIT, branch="next")
    found = from_hub(GSM8K, "next")
    assert (found.rows, found.few_shot, found.revision) == (TEST[:2], TRAIN[:3], COMMIT)
    assert from_hub(GSM8K).rows == TEST


def test_json_lines_with_different_keys(hub: Hub, tmp_path: Path) -> None:
    """Neither keys nor nulls are added: checkers tell a missing argument from a null."""
    rows: list[dict[str, Any]] = [
        {"key": 1, "kwargs": [{"num_words": 5}, {}]},
        {"key": 2, "kwargs": [{"relation": "at least"}], "extra": [1, "1", None, 1.0]},
        {"key": "drei", "kwargs": {}},
    ]
    (tmp_path / "rows").mkdir()
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "rows/ifeval_input_data.jsonl").write_text(text)
    serve(hub, IFEVAL, tmp_path / "rows")
    found = from_hub(IFEVAL).rows
    assert found == rows
    assert [list(row) for row in found] == [list(row) for row in rows]


def test_splits_that_the_card_lists_and_nobody_asked_for(hub: Hub, tmp_path: Path) -> None:
    directory = tmp_path / "rows"
    for split in ("train", "validation", "test"):
        parquet(directory / f"data/{split}-00000-of-00001.parquet", [{"split": split}])
    paths = "".join(
        f"  - split: {split}\n    path: data/{split}-*\n"
        for split in ("test", "train", "validation", "challenge")
    )
    configs = f"configs:\n- config_name: default\n  data_files:\n{paths}"
    (directory / "README.md").write_text(f"---\n{configs}---\n")
    serve(hub, HELLASWAG, directory)
    found = from_hub(HELLASWAG)
    assert (found.rows, found.few_shot) == ([{"split": "validation"}], [{"split": "train"}])
    downloaded = {name for name, _ in hub.downloads()}
    assert not any("test" in name for name in downloaded)


def test_empty_split(hub: Hub, tmp_path: Path) -> None:
    directory = gsm8k(tmp_path / "rows")
    empty = pyarrow.schema([("question", pyarrow.string())]).empty_table()
    pyarrow.parquet.write_table(empty, directory / "main/test-00000-of-00001.parquet")
    serve(hub, GSM8K, directory)
    assert from_hub(GSM8K).rows == []


# ---- errors --------------------------------------------------------------------------------


def test_damaged_file_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    directory = gsm8k(tmp_path / "rows")
    (directory / "main/test-00000-of-00001.parquet").write_bytes(b"PAR1 and no more")
    serve(hub, GSM8K, directory)
    with pytest.raises(EvaluationError) as caught:
        from_hub(GSM8K)
    assert "A Parquet file cannot be read" in caught.value.what
    where, remedy = caught.value.where, caught.value.remedy
    assert f"dataset gsm8k, source hub: openai/gsm8k ({GSM8K.card.revision})" in where
    assert "main/test-00000-of-00001.parquet" in where
    copy = cache_of(hub) / "datasets--openai--gsm8k"
    assert f"a fresh copy is fetched once {copy} is deleted" in remedy
    # And that helps, once the repository is in order.
    gsm8k(directory)
    shutil.rmtree(copy)
    assert from_hub(GSM8K).rows == TEST


@pytest.mark.parametrize(
    ("file", "data", "what", "place"),
    [
        ("main/test-00000-of-00001.parquet", b"", "A Parquet file cannot be read", "test-00000"),
        ("main/test-00000-of-00001.parquet", None, "no files of split 'test'", "gsm8k"),
        ("main/train-00000-of-00001.parquet", None, "no files of split 'train'", "gsm8k"),
    ],
)
def test_damaged_mirror(
    tmp_path: Path, file: str, data: bytes | None, what: str, place: str
) -> None:
    path = gsm8k(tmp_path / "openai/gsm8k") / file
    path.unlink() if data is None else path.write_bytes(data)
    with pytest.raises(EvaluationError) as caught:
        from_mirror(GSM8K, tmp_path)
    assert what in caught.value.what
    start = f"dataset gsm8k, source mirror: {tmp_path / 'openai/gsm8k'} (local mirror)"
    assert caught.value.where.startswith(start)
    assert place in caught.value.where.removeprefix(start)
    assert caught.value.remedy
    assert "is deleted" not in caught.value.remedy


def test_unreadable_file_of_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody foresaw still says which dataset and file it is about."""

    def broken(*args: object) -> None:
        raise PermissionError(13, "Permission denied", "some file")

    gsm8k(tmp_path / "openai/gsm8k")
    monkeypatch.setattr(type(GSM8K), "read_rows", broken)
    with pytest.raises(EvaluationError) as caught:
        from_mirror(GSM8K, tmp_path)
    assert "rows of dataset gsm8k cannot be read: PermissionError" in caught.value.what
    assert "source mirror" in caught.value.where
    assert "datasets.gsm8k.source" in caught.value.remedy


def test_mirror_without_the_dataset(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError) as caught:
        from_mirror(GSM8K, tmp_path)
    assert caught.value.what == "The mirror has no folder for dataset gsm8k."
    assert str(tmp_path / "openai/gsm8k") in caught.value.where
    assert "put openai/gsm8k there" in caught.value.remedy
    assert "`mirror`" in caught.value.remedy
    assert "datasets.gsm8k.source" in caught.value.remedy


def test_mirror_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    gsm8k(tmp_path / "mirror/openai/gsm8k")
    assert from_mirror(GSM8K, Path("~/mirror")).rows == TEST


def test_gated_dataset(hub: Hub, tmp_path: Path) -> None:
    serve(hub, GSM8K, gsm8k(tmp_path / "rows"))
    hub.gated.add("openai/gsm8k")
    with pytest.raises(EvaluationError) as caught:
        from_hub(GSM8K)
    assert "gated" in caught.value.what
    assert caught.value.where == f"dataset openai/gsm8k at {GSM8K.card.revision}"
    assert "hf auth login" in caught.value.remedy


# ---- bundled -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DATASETS)
def test_bundled_rows_need_no_network(hub: Hub, name: str) -> None:
    task = benchmark(name)
    found = read_rows(task, "bundled", revision=None, mirror=None)
    assert hub.seen == []
    assert found.location == f"resources/samples/{name}"
    assert found.revision == "bundled"
    assert "our own" in found.licence
    assert found.rows
    for index, raw in enumerate(found.rows):
        task.sample(raw, index)
    card = task.card
    expected = card.files.few_shot_split is not None or card.packaged_few_shot is not None
    assert bool(found.few_shot) == expected


def test_bundled_rows_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "BUNDLED", tmp_path)
    with pytest.raises(EvaluationError) as caught:
        read_rows(GSM8K, "bundled", revision=None, mirror=None)
    assert "bundled samples are not there" in caught.value.what
    assert caught.value.where == str(tmp_path / "gsm8k" / "samples.jsonl")
    assert "version control" in caught.value.remedy
