"""What trusted programs can rely on in each sandbox, and what it leaves behind."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evaluation.sandbox import launch, lockdown, unprotected
from evaluation.sandbox.backends import Backend
from evaluation.sandbox.channel import Channel, ProcessEnded
from evaluation.sandbox.limits import Limits
from tests.sandbox.running import RUNNER, run

SOLUTIONS_IMPORT = [
    "array",
    "ast",
    "bisect",
    "calendar",
    "cmath",
    "collections",
    "copy",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "heapq",
    "io",
    "itertools",
    "json",
    "math",
    "operator",
    "os",
    "random",
    "re",
    "statistics",
    "string",
    "struct",
    "sys",
    "textwrap",
    "time",
    "typing",
    "unicodedata",
    "uuid",
    "zlib",
]


def test_modules_that_solutions_import_work(backend: Backend) -> None:
    source = """
for name in given:
    attempt(name, __import__, name)
import collections, datetime, decimal, fractions, hashlib, json, random, re, statistics
report("values", "seen", (
    collections.Counter("hello").most_common(1), str(decimal.Decimal(1) / 3),
    str(fractions.Fraction(6, 4)), hashlib.md5(b"x").hexdigest(), json.loads("[1]"),
    re.findall("[a-c]+", "abcd"), statistics.median([1, 2, 3]),
    datetime.date(2024, 2, 29).isoformat(), random.Random(1).randint(1, 10)))
with open("/dev/null", "w") as nothing:
    attempt("discard", nothing.write, "x")
"""
    outcome = run(backend, source, SOLUTIONS_IMPORT)
    assert [r for r in outcome.reports if r[1] == "refused"] == []
    assert outcome.value("values") == (
        [("l", 2)],
        "0.3333333333333333333333333333",
        "3/2",
        "9dd4e461268c8034f5c8564e155c67a6",
        [1],
        ["abc"],
        2,
        "2024-02-29",
        3,
    )


def test_numpy_can_be_imported_where_it_is_installed(backend: Backend) -> None:
    if importlib.util.find_spec("numpy") is None:
        pytest.skip("numpy is not installed")
    source = "import numpy.linalg as l; report('inverse', 'seen', l.inv([[2.0]]).tolist())"
    assert run(backend, source).value("inverse") == [[0.5]]


def test_other_installed_packages_cannot_be_imported(backend: Backend) -> None:
    outcome = run(backend, "attempt('pydantic', __import__, 'pydantic')")
    assert outcome.reports[0][1] == "refused"


def test_the_environment_is_empty_but_for_what_fixes_results(backend: Backend) -> None:
    names = run(backend, "report('names', 'seen', sorted(os.environ))").value("names")
    assert isinstance(names, list)
    # bubblewrap sets PWD.
    assert set(names) - {"PWD"} == {"LC_ALL", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED"}


def test_sets_of_strings_have_the_same_order_in_every_process(backend: Backend) -> None:
    source = "report('order', 'seen', list({str(n) for n in range(50)}))"
    assert run(backend, source).value("order") == run(backend, source).value("order")


def test_modules_and_arguments_reach_the_program(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def answer(): return 42")
    (tmp_path / "second.py").write_text("from helper import answer\nvalue = answer() + 1")
    (tmp_path / "program.py").write_text(
        "import os, sys, second\n"
        "message = repr((sys.argv, second.value)).encode()\n"
        "os.write(1, len(message).to_bytes(4, 'big') + message)\n"
    )
    process = backend.start(
        tmp_path / "program.py",
        Limits(),
        arguments=["--flag", "ä b"],
        modules=[tmp_path / "helper.py", tmp_path / "second.py"],
    )
    with Channel(process, Limits()) as channel:
        assert channel.receive().decode() == repr((["program.py", "--flag", "ä b"], 43))


def test_a_program_can_recover_from_running_out_of_memory(backend: Backend) -> None:
    source = "attempt('grow', bytearray, 1 << 31)\nreport('after', 'seen', sum(range(10)))"
    outcome = run(backend, source)
    assert outcome.reports[0][2] == "MemoryError: "
    assert outcome.value("after") == 45


def test_an_uncaught_exception_is_told_on_standard_error(backend: Backend) -> None:
    outcome = run(backend, "raise ValueError('wrong')")
    assert outcome.end == "died"
    assert outcome.ending.code == 1
    assert outcome.ending.stderr.strip().endswith("ValueError: wrong")


def test_messages_larger_than_a_pipe_pass_both_ways(backend: Backend) -> None:
    text = "x" * 300_000
    outcome = run(backend, "report('echo', 'seen', given)", text)
    assert outcome.value("echo") == text


def test_runs_in_parallel_threads_do_not_mix(backend: Backend) -> None:
    def square(number: int) -> object:
        return run(backend, "report('square', 'seen', given * given)", number).value("square")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(square, range(16))) == [n * n for n in range(16)]


def test_no_descriptors_are_left_open_in_the_parent(backend: Backend) -> None:
    run(backend, "")
    before = sorted(p.name for p in Path("/proc/self/fd").iterdir())
    for source in ("", "os._exit(3)", "os.write(2, b'x' * 5000)"):
        run(backend, source)
    assert sorted(p.name for p in Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize("source", ["os._exit(3)", "os.read(0, 1)"], ids=["exits", "is killed"])
def test_nothing_is_left_for_init_to_reap(backend: Backend, source: str) -> None:
    outcome = run(backend, source, limits=Limits(wall_seconds=0.3))
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == outcome.pid:
                    members.append(entry.name)
            except ProcessLookupError:
                continue
    assert members == []


def test_a_sandboxed_process_dies_with_its_parent(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import os, time\nos.write(1, b'!')\ntime.sleep(200)\n")
    setting = "landlock" if backend.name.startswith("landlock") else "bubblewrap"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time, sys\nfrom pathlib import Path\n"
            "from evaluation.sandbox import probe\nfrom evaluation.sandbox.limits import Limits\n"
            f"process = probe.choose({setting!r}).start(Path(sys.argv[1]), Limits())\n"
            "process.stdout.read(1)\nprint(process.pid, flush=True)\ntime.sleep(200)\n",
            str(tmp_path / "program.py"),
        ],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout
    child = int(parent.stdout.readline())
    os.kill(child, 0)

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    deadline = time.monotonic() + 60
    while any(_in_session(child)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(_in_session(child)) == []


def _in_session(session: int) -> list[int]:
    """Living processes of a session; those that only wait for init do not count."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getsid(int(entry.name)) == session:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [int(entry.name)] if state != "Z" else []
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


@pytest.mark.skipif(os.geteuid() == 0, reason="code is never run as root without a sandbox")
def test_without_isolation_limits_and_an_empty_environment_remain() -> None:
    source = """
report("names", "seen", sorted(os.environ))
attempt("memory", bytearray, 1 << 31)
attempt("fork", os.fork)
"""
    outcome = run(unprotected.find(), source)
    assert outcome.value("names") == ["LC_ALL", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED"]
    assert [r[1] for r in outcome.reports[1:3]] == ["refused", "refused"]


def test_a_process_that_cannot_be_locked_runs_nothing(tmp_path: Path) -> None:
    lock = launch.Lock(landlock=((str(tmp_path / "missing"),), ()))
    with Channel(launch.start(RUNNER, Limits(), lock), Limits()) as channel:
        with pytest.raises(ProcessEnded):
            channel.receive()
        ending = channel.close()
    assert ending.code == lockdown.REFUSED
    assert "the sandbox could not be closed" in ending.stderr
