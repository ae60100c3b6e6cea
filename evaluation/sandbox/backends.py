"""What the ways of shutting a process in have in common."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from evaluation.errors import EvaluationError
from evaluation.sandbox.limits import Limits


class SandboxUnavailable(EvaluationError):  # noqa: N818 - a state of the machine
    """No way of shutting generated code in works here, or the one asked for does not."""


class Backend(Protocol):
    """Starts trusted programs of this package inside a sandbox."""

    @property
    def name(self) -> str:
        """The mechanism with its version, for results: "bubblewrap 0.8.0 + seccomp"."""
        ...

    def start(
        self,
        program: Path,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        modules: Sequence[Path] = (),
    ) -> subprocess.Popen[bytes]:
        """Run `program`, one of our own files, in a fresh locked interpreter.

        When its first line runs the lock is closed: no files but the standard library and numpy
        to read, nothing to write, no network, no other process, no new process or thread. It is
        `__main__`, `sys.argv` is its file name and `arguments`, and it can import `modules` (our
        files too, executed in that order before it) by their stems. Standard input and output
        are the pipes of the returned process and carry the messages; its standard error is a
        pipe as well. `channel.Channel` reads all of them with a deadline, and `launch.kill` ends
        the process with whatever belongs to it. The process also ends with the thread that
        started it.
        """
        ...
