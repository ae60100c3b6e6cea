"""The frame of jobs: logs, notes about failures and loads, exit codes; facts about the machine."""

from __future__ import annotations

import errno
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evaluation import job, machine, run_notes
from evaluation.errors import EvaluationError, first_line
from evaluation.run_notes import Failure, Load, Remark

ROOT = Path(__file__).resolve().parents[1]
LOG = "logs/score/gsm8k.log"
WRONG = EvaluationError("It was wrong.", where="dataset gsm8k, row 3", remedy="put it right")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workflow folder, and logging as it was afterwards."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # basicConfig would close pytest's handlers.
    root.handlers.clear()
    yield tmp_path
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def run(work: Callable[[], None]) -> None:
    job.run("score", "model m, dataset gsm8k", LOG, work)


def failing(error: BaseException) -> SystemExit:
    """How a job ends whose work raises."""

    def work() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        run(work)
    return caught.value


def log_text() -> str:
    return Path(LOG).read_text()


# ---- jobs ----------------------------------------------------------------------------------


def test_a_job_that_works_leaves_a_log_and_no_failure() -> None:
    def work() -> None:
        logging.getLogger("evaluation.x").info("all is %s", "well")
        warnings.warn("not quite", UserWarning, stacklevel=1)

    run(work)
    assert "INFO evaluation.x: all is well" in log_text()
    # Warnings of libraries go to the log, not to the terminal.
    assert "not quite" in log_text()
    assert run_notes.failures() == []


def test_a_log_starts_anew_with_each_run() -> None:
    run(lambda: logging.info("first"))
    run(lambda: logging.info("second"))
    assert "first" not in log_text() and "second" in log_text()


def test_an_explained_error_ends_the_job_with_code_one_and_a_note() -> None:
    assert failing(WRONG).code == 1
    (failure,) = run_notes.failures()
    assert failure == Failure(
        rule="score", about="model m, dataset gsm8k", message=str(WRONG), log=LOG
    )
    assert "where: dataset gsm8k, row 3" in failure.message
    assert "to do: put it right" in failure.message
    assert str(WRONG) in log_text()
    assert "Traceback" not in log_text()


def test_an_unexpected_error_is_called_a_defect_and_its_traceback_is_logged() -> None:
    assert failing(ZeroDivisionError("by zero\nmore")).code == 1
    (failure,) = run_notes.failures()
    assert failure.message == (
        "ZeroDivisionError: by zero\n  to do: this is a defect; the log has its traceback"
    )
    assert "Traceback (most recent call last)" in log_text() and "in work" in log_text()


def test_an_interrupt_is_no_failure() -> None:
    def work() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(work)
    assert run_notes.failures() == []


def test_an_unwritable_log_ends_the_job_with_words() -> None:
    Path("logs").write_text("a file where a folder should be")
    with pytest.raises(SystemExit) as caught:
        run(lambda: pytest.fail("the work must not start"))
    message = str(caught.value.code)
    assert message.startswith(f"score (model m, dataset gsm8k): cannot write the log {LOG}: ")


def test_a_note_that_cannot_be_written_is_said_instead(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    assert failing(WRONG).code == 1
    said = capsys.readouterr().err
    assert "score failed (model m, dataset gsm8k): It was wrong." in said
    assert "put it right" in said


def test_arguments_that_all_scripts_share() -> None:
    given = job.parser("Does it.").parse_args(["--settings", "{}", "--log", LOG])
    assert (given.settings, given.log) == ("{}", LOG)
    with pytest.raises(SystemExit):
        job.parser("Does it.").parse_args(["--log", LOG])


def test_a_script_fails_with_code_one_a_note_and_no_output(folder: Path) -> None:
    settings = (
        '{"dataset": "gsm8k", "source": "mirror", "mirror": "/nowhere", "revision": null, '
        '"few_shot": 0, "seed": 1, "normaliser": ""}'
    )
    script = str(ROOT / "scripts" / "prepare_dataset.py")
    words = ["--settings", settings, "--log", LOG, "--samples", "s.jsonl", "--manifest", "m.json"]
    done = subprocess.run(
        [sys.executable, script, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    (failure,) = run_notes.failures()
    assert (failure.rule, failure.about) == ("prepare_dataset", "dataset gsm8k, source mirror")
    assert "mirror has no folder" in failure.message and "/nowhere/openai/gsm8k" in failure.message
    assert failure.message in log_text()
    assert not Path("s.jsonl").exists() and not Path("m.json").exists()


# ---- notes ---------------------------------------------------------------------------------


def test_notes_are_kept_by_kind_until_the_next_run() -> None:
    failures = [Failure(rule="r", about=f"{i}", message="m", log="l") for i in range(3)]
    for i, failure in enumerate(failures):
        run_notes.note(failure, f"r-{i}")
    run_notes.note(Load(model="m", seconds=2.5), "s")
    run_notes.note(Remark(words="a cell is missing"), "t")
    assert run_notes.remarks() == ["a cell is missing"]
    assert run_notes.failures() == failures
    assert run_notes.loads() == [Load(model="m", seconds=2.5)]
    run_notes.clear()
    assert (run_notes.failures(), run_notes.loads(), run_notes.remarks()) == ([], [], [])
    run_notes.clear()


# ---- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (WRONG, "It was wrong.\n  where: dataset gsm8k, row 3\n  to do: put it right"),
        (EvaluationError("What."), "What."),
        (EvaluationError("What.", where="here"), "What.\n  where: here"),
        (EvaluationError("What.", remedy="this"), "What.\n  to do: this"),
    ],
)
def test_an_error_says_what_where_and_what_to_do(error: EvaluationError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "ValueError: one"),
        (ValueError("\n\n  one  \ntwo"), "ValueError: one"),
        (ValueError(), "ValueError: "),
        (OSError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
    ],
)
def test_an_error_as_one_line(error: BaseException, line: str) -> None:
    assert first_line(error).rstrip() == line.rstrip()


def test_an_error_as_one_line_is_short() -> None:
    assert len(first_line(ValueError("x" * 1000))) == 300
    assert first_line(ValueError("x" * 1000), limit=20) == "ValueError: xxxxxxxx"


# ---- machine -------------------------------------------------------------------------------


def test_hardware_is_this_machines() -> None:
    found = machine.hardware("cuda:0", 5)
    assert (found.device, found.device_memory) == ("cuda:0", 5)
    assert found.processor and found.platform
    assert 1 <= found.cores <= (os.cpu_count() or 1)
    assert found.memory > 2**28


def test_packages_that_are_not_installed_are_left_out() -> None:
    found = machine.packages(("pydantic", "no-such-package-here"))
    assert list(found) == ["pydantic"] and found["pydantic"][0].isdigit()


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_state_of_the_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = machine.git_state.__wrapped__
    monkeypatch.setattr(machine, "ROOT", folder)
    # A folder above may be a repository: look no further than this one.
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert state() == ("unknown", None)
    git(folder, "init", "--quiet")
    Path("a").write_text("one")
    git(folder, "add", "a")
    git(folder, "commit", "--quiet", "--message", "m")
    commit, dirty = state()
    assert len(commit) == 40 and dirty is False
    Path("new").write_text("untracked files decide nothing")
    assert state() == (commit, False)
    Path("a").write_text("two")
    assert state() == (commit, True)


def test_state_of_the_code_without_git(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert machine.git_state.__wrapped__() == ("unknown", None)


def test_jobs_find_this_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    machine.use_this_interpreter()
    assert os.environ["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}/usr/bin"


def test_peak_memory_is_in_bytes() -> None:
    assert 2**24 < machine.peak_resident_memory() < machine.hardware().memory
