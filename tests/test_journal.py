"""The journal: whatever is left of a killed process is read, and the rest is redone."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.errors import EvaluationError
from evaluation.journal import Journal
from evaluation.records import Hardware, Response, Session

ROOT = Path(__file__).resolve().parents[1]
SESSION = Session(
    id="s1",
    model="m",
    revision="r",
    preset="balanced",
    engine="e",
    engine_revision=1,
    dtype="float32",
    exact=False,
    started="now",
    load_seconds=1.5,
    packages={},
    hardware=Hardware(platform="p", processor="c", cores=1, memory=1, device="cpu"),
)


def response(key: str, text: str = "an answer") -> Response:
    return Response(
        key=key,
        sample_id=f"sample {key}",
        turn=0,
        session="s1",
        prompt="?",
        text=text,
        finish_reason="stop",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journals" / "0-20.jsonl"


def filled(path: Path, keys: str) -> Journal:
    journal = Journal(path)
    journal.append([SESSION, *(response(key) for key in keys)])
    return journal


def test_everything_comes_back(path: Path) -> None:
    journal = filled(path, "ab")
    again = Journal(path)
    assert again.responses == journal.responses == {"a": response("a"), "b": response("b")}
    assert again.sessions == {"s1": SESSION}


def test_no_file_is_an_empty_journal_and_appending_nothing_makes_none(path: Path) -> None:
    journal = Journal(path)
    assert (journal.responses, journal.sessions) == ({}, {})
    journal.append([])
    assert not path.exists()


def test_later_appends_keep_what_is_there(path: Path) -> None:
    filled(path, "a")
    Journal(path).append([response("b")])
    assert list(Journal(path).responses) == ["a", "b"]


def test_the_last_response_of_a_key_counts(path: Path) -> None:
    journal = filled(path, "a")
    journal.append([response("a", "another")])
    assert Journal(path).responses["a"].text == "another"


def test_removed_journal_is_gone_and_may_be_removed_again(path: Path) -> None:
    journal = filled(path, "a")
    journal.remove()
    journal.remove()
    assert not path.exists() and Journal(path).responses == {}


@pytest.mark.parametrize("lost", [2, 5, 40, 120])
def test_torn_last_line_costs_only_itself(
    path: Path, lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    filled(path, "abc")
    path.write_bytes(path.read_bytes()[:-lost])
    with caplog.at_level(logging.WARNING):
        journal = Journal(path)
    assert list(journal.responses) == ["a", "b"]
    assert caplog.messages == [f"{path}, line 4 cannot be read and is redone"]


def test_last_line_without_its_newline_counts(path: Path) -> None:
    filled(path, "ab")
    path.write_bytes(path.read_bytes()[:-1])
    assert list(Journal(path).responses) == ["a", "b"]
    Journal(path).append([response("c")])
    assert list(Journal(path).responses) == ["a", "b", "c"]


def test_appending_after_a_torn_line_starts_a_new_one(path: Path) -> None:
    filled(path, "ab")
    path.write_bytes(path.read_bytes()[:-20])
    Journal(path).append([response("c")])
    Journal(path).append([response("b")])
    assert list(Journal(path).responses) == ["a", "c", "b"]


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 50,
        b"\xff\xfe\x80",
        b"[]",
        b"3",
        b"null",
        b"{}",
        b'{"kind": "response"}',
        b'{"kind": "response", "record": {"key": "z"}}',
        b'{"kind": "session", "record": null}',
        b'{"kind": "response", "record": 5}',
    ],
)
def test_garbage_lines_cost_only_themselves(
    path: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    filled(path, "a")
    with path.open("ab") as handle:
        handle.write(garbage + b"\n")
    Journal(path).append([response("b")])
    caplog.clear()
    assert list(Journal(path).responses) == ["a", "b"]
    assert caplog.messages == [f"{path}, line 3 cannot be read and is redone"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole journal of a session and three responses."""
    path = tmp_path_factory.mktemp("journal") / "shared.jsonl"
    filled(path, "abc")
    return path


@given(data=st.data())
def test_cut_anywhere_a_journal_is_a_prefix_and_goes_on(data: st.DataObject, shared: Path) -> None:
    whole = shared.read_bytes()
    cut = data.draw(st.integers(0, len(whole)))
    part = shared.with_name("cut.jsonl")
    part.write_bytes(whole[:cut])
    journal = Journal(part)
    # A line counts from its last byte on; its newline may be missing.
    lines = whole[:cut].count(b"\n") + (whole[cut : cut + 1] == b"\n")
    assert "".join(journal.responses) == "abc"[: max(0, lines - 1)]
    journal.append([response("d")])
    assert list(Journal(part).responses) == [*journal.responses]
    assert "d" in journal.responses


@given(garbage=st.binary(max_size=80))
def test_any_bytes_between_lines_raise_nothing(garbage: bytes, shared: Path) -> None:
    path = shared.with_name("garbage.jsonl")
    whole = shared.read_bytes()
    path.write_bytes(whole + garbage + b"\n" + whole.replace(b'"key":"', b'"key":"again '))
    assert list(Journal(path).responses) == ["a", "b", "c", "again a", "again b", "again c"]


def test_line_separators_of_unicode_are_text(path: Path) -> None:
    Journal(path).append([response("a", "one\u2028two\x85three\r\n")])
    assert Journal(path).responses["a"].text == "one\u2028two\x85three\r\n"


def test_what_was_appended_outlives_a_kill(path: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from evaluation.journal import Journal\n"
        "from evaluation.records import Response\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for key in 'abc':\n"
        "    journal.append([Response(key=key, sample_id='s', turn=0, session='x', prompt='',\n"
        "                             finish_reason='stop')])\n"
        "    if key == 'b':\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, check=False)
    assert done.returncode == -9
    assert list(Journal(path).responses) == ["a", "b"]


def test_each_append_is_synced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: sizes.append(os.fstat(fd).st_size))
    journal = Journal(path)
    for key in "abc":
        journal.append([response(key)])
    assert len(sizes) == 3 and sizes[-1] == path.stat().st_size


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free disk space"), (errno.EROFS, "make the folder writable")],
)
def test_full_or_read_only_disk_is_explained_and_earlier_entries_stay(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    journal = filled(path, "ab")

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(EvaluationError) as caught:
            journal.append([response("c")])
    assert caught.value.what == f"Cannot write: {os.strerror(number)}"
    assert caught.value.where == str(path)
    assert (
        remedy in caught.value.remedy and "what was computed before is kept" in caught.value.remedy
    )
    assert list(Journal(path).responses)[:2] == ["a", "b"]
