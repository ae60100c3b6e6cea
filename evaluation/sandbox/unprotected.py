"""No isolation, for people who ask for it: limits only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox import launch
from evaluation.sandbox.backends import SandboxUnavailable
from evaluation.sandbox.limits import Limits


@dataclass(frozen=True)
class Unprotected:
    """Resource limits, an empty environment and no inherited descriptors; everything else is open.

    Generated code can read what the user can read and use the network.
    """

    name: str = "none"

    def start(
        self,
        program: Path,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        modules: Sequence[Path] = (),
    ) -> subprocess.Popen[bytes]:
        """See `backends.Backend.start`."""
        lock = launch.Lock(seccomp=False)
        return launch.start(program, limits, lock, arguments=arguments, modules=modules)


def find() -> Unprotected:
    """The backend; raises `SandboxUnavailable` for root, who would risk the whole machine."""
    if os.geteuid() == 0:
        raise SandboxUnavailable(
            "code is never run as root without a sandbox",
            where="sandbox.backend: none",
            remedy="run as another user, or set sandbox.backend to auto (docs/sandbox.md)",
        )
    return Unprotected()
