"""Isolation by Landlock and seccomp: needs nothing installed and no namespaces."""

from __future__ import annotations

import ctypes
import functools
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox import launch, runtime
from evaluation.sandbox.backends import SandboxUnavailable
from evaluation.sandbox.limits import Limits

NEEDED_ABI = 6
"""The first to keep signals and abstract sockets inside (Linux 6.12)."""
_CREATE_RULESET, _VERSION_FLAG = 444, 1


@dataclass(frozen=True)
class Landlock:
    """The same interpreter on the same machine, which can open only its own libraries.

    What Landlock does not cover, seccomp denies: UDP and every other socket, changing modes,
    owners and times. It still sees that paths exist (`stat`), the host name and its real PID.
    """

    name: str

    def start(
        self,
        program: Path,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        modules: Sequence[Path] = (),
    ) -> subprocess.Popen[bytes]:
        """See `backends.Backend.start`."""
        return launch.start(program, limits, _lock(), arguments=arguments, modules=modules)


@functools.cache
def find() -> Landlock:
    """The kernel's Landlock, not tried yet; raises `SandboxUnavailable`."""
    library = ctypes.CDLL(None, use_errno=True)
    abi = library.syscall(
        ctypes.c_long(_CREATE_RULESET), None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_FLAG)
    )
    if abi < 0:
        reason = os.strerror(ctypes.get_errno())
        raise SandboxUnavailable(f"the kernel offers no Landlock ({reason})")
    if abi < NEEDED_ABI:
        raise SandboxUnavailable(
            f"the kernel's Landlock is ABI {abi}; ABI {NEEDED_ABI} (Linux 6.12) is needed"
        )
    return Landlock(f"landlock ABI {abi} + seccomp")


@functools.cache
def _lock() -> launch.Lock:
    return launch.Lock(landlock=(runtime.readable(), ("/dev/null",)))
