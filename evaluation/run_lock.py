"""One run at a time in a folder, with a lock that dies with its process.

Snakemake's own lock is a file that a killed run leaves behind, so that the same command then
fails until someone unlocks. The kernel releases this one however the process ends; the default
profile turns Snakemake's off.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from evaluation.errors import EvaluationError
from evaluation.files import explained

LOCK = Path(".snakemake/evaluation/run.lock")
# Closing the file gives the lock back, so it stays open as long as the process lives.
_held: list[IO[str]] = []


def take_lock() -> None:
    """Take the folder's lock; raises EvaluationError when another run holds it."""
    with explained(LOCK):
        LOCK.parent.mkdir(parents=True, exist_ok=True)
        handle = LOCK.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        holder = handle.read().strip() or "unknown"
        handle.close()
        raise EvaluationError(
            f"Another run is at work in this folder (process {holder}).",
            where=str(LOCK.resolve()),
            remedy="wait for it to end, or run in another folder",
        ) from None
    handle.truncate(0)
    handle.write(f"{os.getpid()}\n")
    handle.flush()
    _held.append(handle)
