"""Running a source in a backend and collecting what it reports, for the tests here."""

from __future__ import annotations

import ast
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox.backends import Backend
from evaluation.sandbox.channel import (
    Channel,
    DeadlineExceeded,
    Ending,
    OutputExceeded,
    ProcessEnded,
)
from evaluation.sandbox.limits import Limits

RUNNER = Path(__file__).with_name("runner.py")
_ENDS = {DeadlineExceeded: "deadline", OutputExceeded: "output", ProcessEnded: "died"}


@dataclass(frozen=True)
class Outcome:
    """How a run ended ("finished" or a key of the channel's errors), and what it said."""

    end: str
    reports: list[tuple[str, str, object]]
    ending: Ending
    seconds: float
    pid: int

    def value(self, what: str) -> object:
        """The detail of the one report on `what`."""
        (found,) = [detail for name, _, detail in self.reports if name == what]
        return found


def run(
    backend: Backend,
    source: str,
    given: object = None,
    limits: Limits | None = None,
    modules: Sequence[Path] = (),
) -> Outcome:
    """One process from start to end."""
    limits = limits or Limits(wall_seconds=60, cpu_seconds=61)
    started = time.monotonic()
    process = backend.start(RUNNER, limits, modules=modules)
    channel = Channel(process, limits)
    reports: list[tuple[str, str, object]] = []
    try:
        channel.send(repr((source, given)).encode())
        while not reports or reports[-1][0] != "finished":
            message = channel.receive()
            try:
                reports.append(ast.literal_eval(message.decode()))
            except (ValueError, SyntaxError):
                reports.append(("garbage", "seen", len(message)))
        end = "finished"
    except (DeadlineExceeded, OutputExceeded, ProcessEnded) as error:
        end = _ENDS[type(error)]
    ending = channel.close()
    return Outcome(end, reports, ending, time.monotonic() - started, process.pid)
