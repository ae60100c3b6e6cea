"""Files: a reader never meets half a file, and every broken file is named with what to do."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation import files
from evaluation.errors import EvaluationError
from evaluation.records import DatasetManifest, Message, Sample

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = DatasetManifest(
    dataset="gsm8k",
    source="bundled",
    location="here",
    revision="r",
    licence="l",
    fingerprint="f",
    rows=2,
    seed=1,
)


def explained(action: Callable[[], Any]) -> EvaluationError:
    """The error for people that an action ends in."""
    with pytest.raises(EvaluationError) as caught:
        action()
    return caught.value


def read_manifest(path: Path) -> EvaluationError:
    return explained(lambda: files.read_record(path, DatasetManifest))


# ---- writing -------------------------------------------------------------------------------


def test_text_is_written_as_it_is_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    files.write_text(path, "one\r\ntwo\nthrée ☃")
    assert path.read_bytes() == "one\r\ntwo\nthrée ☃".encode()
    assert list(path.parent.iterdir()) == [path]


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    files.write_text(path, "old")

    def half(beside: Path) -> None:
        beside.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.write_with(path, half)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    files.write_text(path, "old")
    program = (
        "import os, sys; from pathlib import Path; from evaluation.files import write_with\n"
        "def half(beside):\n"
        "    beside.write_text('ne')\n"
        "    os.kill(os.getpid(), 9)\n"
        "write_with(Path(sys.argv[1]), half)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert path.read_text() == "old"


def test_the_data_is_on_disk_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def sync(handle: int) -> None:
        steps.append("sync")
        fsync(handle)

    def rename(old: Path, new: Path) -> None:
        steps.append("rename")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", rename)
    files.write_text(tmp_path / "x", "text")
    assert steps == ["sync", "rename"]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free disk space, then run the same command again"),
        (errno.EDQUOT, "free space within your quota"),
        (errno.EROFS, "make the folder writable"),
        (errno.EACCES, "make the folder writable"),
        (errno.EIO, "run the same command again once the cause is gone"),
    ],
)
@pytest.mark.parametrize("step", ["write", "sync", "rename"])
def test_what_the_system_refuses_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str, step: str
) -> None:
    path = tmp_path / "x.json"
    files.write_text(path, "old")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    if step != "write":
        monkeypatch.setattr(os, {"sync": "fsync", "rename": "replace"}[step], refuse)
    write = refuse if step == "write" else lambda beside: beside.write_text("new")
    error = explained(lambda: files.write_with(path, write))
    assert error.what == f"Cannot write: {os.strerror(number)}"
    assert error.where == str(path)
    assert remedy in error.remedy and "what was computed before is kept" in error.remedy
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "x.json"
    error = explained(lambda: files.write_text(path, "text"))
    assert error.what.startswith("Cannot write: ") and error.where == str(path)


def test_a_read_only_folder_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("open", "closed"):
        (tmp_path / name).mkdir()
    folders = [str(tmp_path / name) for name in ("open", "not there yet", "closed")]
    files.check_writable(folders)
    # Permissions do not bind root, as whom tests may run.
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("closed"))
    error = explained(lambda: files.check_writable(folders))
    assert error.what == "Cannot write: the folder is read-only."
    assert error.where == str(tmp_path / "closed")
    assert "make the folder writable" in error.remedy
    files.check_writable(folders[:2])


# ---- reading -------------------------------------------------------------------------------


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    files.write_record(path, MANIFEST)
    assert files.read_record(path, DatasetManifest) == MANIFEST
    assert path.read_text().endswith("\n")


def test_missing_file_is_named(tmp_path: Path) -> None:
    error = read_manifest(tmp_path / "no.json")
    assert error.what == "A file is missing."
    assert error.where == str(tmp_path / "no.json")
    assert error.remedy == "run the workflow for its target"


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    error = read_manifest(tmp_path)
    assert error.what.startswith("A file cannot be read: ") and error.where == str(tmp_path)
    assert f"make {tmp_path} readable" in error.remedy


@pytest.mark.parametrize("keep", [0, 1, 30, -3])
def test_truncated_file_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "m.json"
    files.write_record(path, MANIFEST)
    path.write_text(path.read_text()[:keep])
    error = read_manifest(path)
    assert error.what.startswith("A file is cut off or is not JSON: ") and "line" in error.what
    assert error.where == str(path)
    assert error.remedy == f"delete {path} and run again: it is rebuilt"


def test_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(b"\x89PNG\xff\xfe")
    error = read_manifest(path)
    assert (error.what, error.where) == ("A file is not text.", str(path))
    assert f"delete {path}" in error.remedy


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_file_of_another_schema_version_is_named(tmp_path: Path, version: object) -> None:
    path = tmp_path / "m.json"
    # A later version has fields that this one does not know: the version comes first.
    path.write_text(json.dumps(MANIFEST.model_dump() | {"schema_version": version, "new": 1}))
    error = read_manifest(path)
    assert error.what == f"A file has schema version {version}; this version reads 1."
    assert error.where == str(path) and f"delete {path}" in error.remedy


@pytest.mark.parametrize("text", ["[]", "null", "3", '"text"', "{}"])
def test_file_that_is_other_json_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    error = read_manifest(path)
    assert "schema version None" in error.what and error.where == str(path)


def test_wrong_content_names_the_key_and_the_count(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps(MANIFEST.model_dump() | {"rows": "many", "extra": 1}))
    error = read_manifest(path)
    assert "does not have the expected content: rows: " in error.what
    assert "(2 problems)" in error.what
    assert error.where == str(path) and f"delete {path}" in error.remedy


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    messages = [Message(role="user", content=f"{i}") for i in range(5)]
    files.write_records(path, messages)
    assert files.read_lines(path, Message) == messages
    assert files.read_lines(path, Message, limit=2) == messages[:2]
    assert files.read_lines(path, Message, limit=9) == messages


# With the separators that str.splitlines() knows, which JSON holds as they are.
SEPARATORS = st.sampled_from("\n\r\x0b\x0c\x1c\x85\u2028\u2029")
TEXT = st.text(SEPARATORS | st.characters(codec="utf-8"))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the property test, which may use no fixture of a narrower scope."""
    return tmp_path_factory.mktemp("files")


@given(texts=st.lists(TEXT, min_size=1, max_size=4))
def test_any_text_survives_a_lines_file(texts: list[str], scratch: Path) -> None:
    samples = [Sample(id=str(i), category=t, row={t: t}) for i, t in enumerate(texts)]
    path = scratch / "any.jsonl"
    files.write_records(path, samples)
    assert files.read_lines(path, Sample) == samples


def test_damaged_line_is_named_by_number(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    files.write_records(path, [Message(role="user", content="x")] * 3)
    path.write_text(path.read_text()[:-9])
    error = explained(lambda: files.read_lines(path, Message))
    assert "cut off" in error.what
    assert error.where == f"{path}, line 3" and f"delete {path}" in error.remedy
    # What is not asked for is not read.
    assert len(files.read_lines(path, Message, limit=2)) == 2


def test_empty_lines_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text("")
    error = explained(lambda: files.read_lines(path, Message))
    assert error.where == f"{path}, line 1"
