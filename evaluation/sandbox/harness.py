"""Does a program pass its tests? Two sandboxed processes find out, neither trusting the other.

The *solver* holds the solution, the *tester* the tests; this process passes messages between them.
A solution shares no interpreter with its tests, so there is nothing in reach that it could patch,
walk to or print to become right, and it cannot end the tests' process. What it can do is answer
questions, and only plain values count as answers (`codec`), compared by the tester's own Python.
Both are sandboxed because both are foreign code; that a dataset's tests are trusted with the
verdict does not mean that they are trusted with the machine.

What differs from running both in one interpreter, as reference harnesses do: values cross as
copies, so tests do not see an argument that was changed in place (none of HumanEval or MBPP looks);
helpers of the dataset are the dataset's own, even where the solution defines them anew.
"""

from __future__ import annotations

import re
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from evaluation.config import SandboxSettings
from evaluation.errors import EvaluationError
from evaluation.records import Record
from evaluation.sandbox import codec
from evaluation.sandbox.backends import Backend
from evaluation.sandbox.channel import (
    Channel,
    ChannelError,
    DeadlineExceeded,
    Ending,
    OutputExceeded,
)
from evaluation.sandbox.limits import Limits
from evaluation.sandbox.probe import choose

_HERE = Path(__file__).parent
_COMMON = ("codec.py", "standard.py", "instances.py", "pipe.py")
# Program: the modules that it imports. The tester first, see `judge`.
_PROCESSES = {"tester.py": (*_COMMON, "remote.py"), "solver.py": _COMMON}

_LONGEST_REASON = 500
# For both processes to be ready: milliseconds, but not on a machine that is busy with others.
_PATIENCE = 120.0
# Differs from run to run.
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

Kind = Literal["passed", "failed", "timeout", "memory", "error", "tests"]


class Program(Record):
    """A solution and what it has to pass.

    `shared` is the dataset's own code that runs first on both sides: imports, helpers and classes
    of which both sides need a copy. `setup` and `tests` run in the tester, where `names` are the
    solution's functions, classes or values; `solution` runs in the solver.
    """

    shared: str = ""
    setup: str = ""
    tests: str
    names: tuple[str, ...]
    solution: str


class Verdict(Record):
    """Whether the tests hold, and if not, why, in words for people.

    `kind`: an assertion or comparison `failed`; the program caused an `error`; a limit was hit
    (`timeout`, `memory`); or the `tests` themselves could not be run, the dataset's fault.
    `seconds` is the time from the start of the processes to the verdict.
    """

    passed: bool
    kind: Kind
    reason: str = ""
    seconds: float


@dataclass(frozen=True)
class Sandbox:
    """A backend that works here, with the limits of one program."""

    backend: Backend
    limits: Limits

    @property
    def name(self) -> str:
        """The mechanism and its version, for results."""
        return self.backend.name

    def judge(self, program: Program) -> Verdict:
        """See `judge`."""
        return judge(program, self.backend, self.limits)


def open_sandbox(settings: SandboxSettings) -> Sandbox:
    """The sandbox of a configuration, tried out; raises SandboxUnavailable with the reasons.

    The kernel's limit on computing time lies behind the one on waiting: were they equal, chance
    would decide which of the two a busy loop meets, and what its verdict says.
    """
    limits = Limits(
        wall_seconds=settings.wall_seconds,
        cpu_seconds=settings.wall_seconds + 1,
        memory_mb=settings.memory_mb,
    )
    return Sandbox(choose(settings.backend), limits)


def judge(program: Program, backend: Backend, limits: Limits) -> Verdict:
    """Run a program against its tests. Safe to call from several threads.

    Raises EvaluationError when the sandbox itself does not start; nothing that a solution or a
    test does raises.
    """
    start = time.monotonic()
    with ExitStack() as stack:
        # Both are started before either is waited for.
        sides = []
        for name, modules in _PROCESSES.items():
            process = backend.start(_HERE / name, limits, modules=[_HERE / m for m in modules])
            side = _Side(Channel(process, limits, patience=_PATIENCE))
            stack.callback(side.close)
            sides.append(side)
        for side in sides:
            side.expect_ready()
        for side in sides:
            side.start_clock()
        began = time.monotonic()
        try:
            kind, reason = _relay(program, *sides)
        except _SideFailed as failure:
            seconds = time.monotonic() - began
            kind, reason = _failure(failure, limits, seconds, of_tests=failure.side is sides[0])
    return Verdict(
        passed=kind == "passed",
        kind=kind,
        reason=_printable(reason),
        seconds=time.monotonic() - start,
    )


class _Side:
    """One of the two processes, named in its failures."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def close(self) -> Ending:
        """End the process, if it has not ended, and tell how it did."""
        return self._channel.close()

    def start_clock(self) -> None:
        """Count the wall limit from now on."""
        self._channel.start_clock()

    def send(self, message: bytes) -> None:
        """Write a message; raises _SideFailed."""
        try:
            self._channel.send(message)
        except ChannelError as error:
            raise _SideFailed(self, error) from None

    def receive(self) -> bytes:
        """Read a message; raises _SideFailed."""
        try:
            return self._channel.receive()
        except ChannelError as error:
            raise _SideFailed(self, error) from None

    def expect_ready(self) -> None:
        """Wait until the sandbox is closed and our program runs in it."""
        try:
            if self._channel.receive() == b"ready":
                return
            problem = "a broken message"
        except ChannelError as error:
            problem = self.close().stderr.strip() or str(error)
        raise EvaluationError(
            f"A sandboxed process did not start: {problem}",
            where="the sandbox of a code task",
            remedy="free memory and processes, or choose another sandbox.backend (docs/sandbox.md)",
        )


class _SideFailed(Exception):  # noqa: N818 - no defect
    """A process ended, was too slow or wrote too much."""

    def __init__(self, side: _Side, error: ChannelError) -> None:
        super().__init__(str(error))
        self.side = side
        self.error = error


def _relay(program: Program, tester: _Side, solver: _Side) -> tuple[Kind, str]:
    """Pass questions to the solver and answers to the tester until the verdict.

    Answers are not looked at here, and only what comes from the tester can be a verdict.
    """
    tests = (program.shared, program.setup, program.tests, list(program.names))
    solver.send(codec.encode((program.shared, program.solution)))
    tester.send(codec.encode(tests))
    while True:
        message = tester.receive()
        if message[:1] == b"!":
            return _outcome(message[1:])
        solver.send(message[1:])
        tester.send(solver.receive())


def _outcome(message: bytes) -> tuple[Kind, str]:
    """Kind and reason as the tester sent them."""
    try:
        kind, reason = codec.decode(message)
    except (ValueError, TypeError):
        return "tests", "the tests sent no verdict"
    return (kind, str(reason)) if kind in get_args(Kind) else ("tests", "the tests sent no verdict")


def _failure(
    failure: _SideFailed, limits: Limits, seconds: float, *, of_tests: bool
) -> tuple[Kind, str]:
    """Kind and words of a process that gave nothing (more)."""
    subject = "the tests" if of_tests else "the program"
    fault: Kind = "tests" if of_tests else "error"
    if isinstance(failure.error, DeadlineExceeded):
        return "timeout", f"timed out after {limits.wall_seconds:g} s"
    if isinstance(failure.error, OutputExceeded):
        return fault, f"{subject} wrote too much output (over {limits.output_kb} kB)"
    ending = failure.side.close()
    # The kernel kills what uses up its computing time, or the machine's memory.
    killed = ending.signal in (signal.SIGXCPU, signal.SIGKILL)
    if killed and seconds >= limits.cpu_seconds:
        return "timeout", f"used more than {limits.cpu_seconds} s of computing time"
    if killed:
        return "memory", f"{subject} was killed, most likely for want of memory"
    if "MemoryError" in ending.stderr[-200:]:
        return "memory", "out of memory"
    if ending.code is None and ending.signal is None:
        return fault, f"{subject} closed the connection"
    how = f"signal {ending.signal}" if ending.signal is not None else f"exit code {ending.code}"
    return fault, f"{subject} ended the process ({how})"


def _printable(reason: str) -> str:
    """One short line that can be written anywhere."""
    text = " ".join(reason.encode("utf-8", "replace").decode().split())
    text = _ADDRESS.sub("", text)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"
