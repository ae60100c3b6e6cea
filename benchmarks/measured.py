"""Run a command and see how long it takes and how much memory it and its children need."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

import psutil

from crosscheck.exchange import Record
from evaluation.errors import EvaluationError

# Seconds between two looks at the memory.
EVERY = 0.2


class Measured(Record):
    """Wall time in seconds and the peak of resident memory in bytes.

    The memory is that of the command and all its children together, as seen every 0.2 s. The
    kernel's own peak would count what this process had when it started the command.
    """

    seconds: float
    peak_memory: int


def measure(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
) -> Measured:
    """Run a command to its end; raises EvaluationError when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        start = perf_counter()
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        done, peaks = Event(), [0]
        watcher = Thread(target=_watch, args=(process.pid, done, peaks), daemon=True)
        watcher.start()
        process.wait()
        seconds = perf_counter() - start
        done.set()
        watcher.join()
    if process.returncode != 0:
        raise EvaluationError(
            f"A measured command ended with code {process.returncode}.",
            where=" ".join(command)[:200],
            remedy=f"its output is in {log}",
        )
    return Measured(seconds=seconds, peak_memory=peaks[0])


def _watch(pid: int, done: Event, peaks: list[int]) -> None:
    while not done.wait(EVERY):
        total = 0
        try:
            process = psutil.Process(pid)
            for one in [process, *process.children(recursive=True)]:
                try:
                    total += one.memory_info().rss
                except psutil.Error:
                    continue
        except psutil.Error:
            return
        peaks[0] = max(peaks[0], total)
