"""The killable worker: values, failures, time limit, and that no process is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evaluation.benchmarks.worker import CallError, Worker
from evaluation.errors import EvaluationError

REPO = Path(__file__).resolve().parents[2]
CALLS = """
import os, sys, time

def make():
    print("noise while starting")
    return call

def call(what, *rest):
    print("noise", flush=True)
    if what == "echo":
        return list(rest)
    if what == "pid":
        return os.getpid()
    if what == "sleep":
        time.sleep(60)
    if what == "nap":
        time.sleep(0.6)
        return "rested"
    if what == "compute":
        return 10 ** 10 ** 10 % 7
    if what == "exit":
        os._exit(3)
    if what == "memory":
        return len(bytearray(5 * 1024**3))
    raise ValueError(f"cannot {what}\\nsecond line")

def make_fails():
    raise ImportError("no such library")
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker over the calls above."""
    (tmp_path / "calls.py").write_text(CALLS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = Worker("calls:make", limit=10)
    yield made
    made.close()


def is_running(pid: int) -> bool:
    """Whether a process is there and more than a zombie."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def wait_until_gone(pid: int) -> bool:
    """Whether a process ends, in a time that only ends what would wait for ever."""
    end = time.monotonic() + 50
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not is_running(pid)


def test_calls_return_json_values(worker: Worker) -> None:
    assert worker.call("echo", 1, "ü\ud800\n", None, [True]) == [1, "ü\ud800\n", None, [True]]


def test_one_process_serves_all_calls(worker: Worker) -> None:
    assert worker.call("pid") == worker.call("pid") != os.getpid()


def test_an_exception_is_named_in_one_line(worker: Worker) -> None:
    pid = worker.call("pid")
    with pytest.raises(CallError, match=r"raised ValueError: cannot fly$"):
        worker.call("fly")
    assert worker.call("pid") == pid


@pytest.mark.parametrize("what", ["sleep", "compute"])
def test_a_late_call_is_killed_and_the_next_one_works(worker: Worker, what: str) -> None:
    worker.limit = 0.1
    pid = worker._running().pid
    with pytest.raises(CallError, match=r"no verdict within 0\.1 s"):
        worker.call(what)
    assert not is_running(pid)
    worker.limit = 10
    assert worker.call("echo", 1) == [1]


def test_waiting_for_the_processor_is_not_late(worker: Worker) -> None:
    worker.limit = 0.5
    assert worker.call("nap") == "rested"


def test_a_call_that_ends_its_process_fails_alone(worker: Worker) -> None:
    with pytest.raises(CallError, match="process ended"):
        worker.call("exit")
    assert worker.call("echo", 1) == [1]


def test_a_process_killed_from_outside_is_replaced(worker: Worker) -> None:
    pid = worker.call("pid")
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    assert worker.call("echo", 1) == [1]


def test_memory_is_limited(worker: Worker) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system does not say how large a process is")
    with pytest.raises(CallError, match="MemoryError"):
        worker.call("memory")


def test_a_worker_that_cannot_start_says_why(worker: Worker) -> None:
    broken = Worker("calls:make_fails", limit=10)
    with pytest.raises(EvaluationError, match="ImportError: no such library"):
        broken.call()


@pytest.mark.parametrize(
    "last_act", ["pass", "w.call('exit')", "import os, signal; os.kill(os.getpid(), 9)"]
)
def test_no_worker_outlives_its_parent(worker: Worker, last_act: str) -> None:
    code = (
        "import threading, time; from evaluation.benchmarks.worker import Worker\n"
        "w = Worker('calls:make', 10); print(w.call('pid'), flush=True)\n"
        f"{last_act}"
    )
    environment = os.environ | {"PYTHONPATH": f"{REPO}:{os.environ['PYTHONPATH']}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=False, timeout=240
    )
    assert wait_until_gone(int(done.stdout))


def test_a_busy_worker_ends_itself_when_its_parent_was_killed(worker: Worker) -> None:
    code = (
        "import os; from evaluation.benchmarks.worker import Worker\n"
        "w = Worker('calls:make', 0.3); process = w._running(); print(process.pid, flush=True)\n"
        "process.stdin.write(b'[\"compute\"]\\n'); process.stdin.flush()\n"
        "os.kill(os.getpid(), 9)"
    )
    environment = os.environ | {"PYTHONPATH": f"{REPO}:{os.environ['PYTHONPATH']}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=False, timeout=240
    )
    assert done.returncode == -signal.SIGKILL
    assert wait_until_gone(int(done.stdout))
