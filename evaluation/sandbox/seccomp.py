"""The seccomp filter every sandboxed interpreter closes behind itself.

Allowed are the calls of `syscalls.py`; everything else fails with EPERM, which Python programs see
as an ordinary `PermissionError`. A call of another instruction set (32-bit code in a 64-bit
process) kills the process, as its numbers mean other calls; x32 numbers are on no list.

The filter is installed by the interpreter itself, after its start and before the first untrusted
byte: an outer one would have to allow `execve` and the set-up calls. A filter cannot be taken off.

Five calls depend on their arguments:

- `ioctl`: terminal check, close-on-exec and bytes waiting; not TIOCSTI (typing into the user's
  terminal), not FIOSETOWN (signals to others).
- `fcntl`: duplicates and flags; not F_SETOWN, by which the kernel would signal another process.
- `prlimit64`: reading its own limits; not setting any, not other processes'.
- `kill`, `tgkill`: itself only, which `abort()` and `signal.raise_signal` need.
"""

from __future__ import annotations

import functools
import struct
from typing import NamedTuple

from evaluation.sandbox import syscalls

_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_ALLOW, _KILL_PROCESS, _DENY = 0x7FFF0000, 0x80000000, 0x00050000 | 1  # errno 1: EPERM
# Offsets in struct seccomp_data; both architectures are little endian.
_NUMBER, _AUDIT, _ARGUMENTS = 0, 4, 16

_FCNTL = (0, 1, 2, 3, 4, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC
_IOCTL = (0x5401, 0x5450, 0x5451, 0x541B)  # TCGETS, FIONCLEX, FIOCLEX, FIONREAD


class Filter(NamedTuple):
    """A BPF program as the kernel takes it, and where the process must put in its own number."""

    code: bytes
    pid_offsets: tuple[int, ...]


@functools.cache
def build(machine: str) -> Filter:
    """The filter for `platform.machine()`; KeyError for an architecture without a table."""
    program: list[bytes] = []
    pids: list[int] = []

    def add(code: int, value: int, when_true: int = 0, when_false: int = 0) -> None:
        program.append(struct.pack("<HBBI", code, when_true, when_false, value))

    def argument(index: int, high: bool = False) -> None:
        add(_LOAD, _ARGUMENTS + 8 * index + 4 * high)

    def only(number: int, checks: list[tuple[int, bool, tuple[int, ...]]]) -> None:
        """For this call: allow if each argument (index, high half) is among its values."""
        size = sum(2 + len(values) for _, _, values in checks) + 1
        add(_EQUAL, number, 0, size)
        for index, high, values in checks:
            argument(index, high)
            for position, value in enumerate(values):
                add(_EQUAL, value, len(values) - position, 0)
            add(_RETURN, _DENY)
        add(_RETURN, _ALLOW)

    def only_self(number: int) -> None:
        pids.append(8 * (len(program) + 2) + 4)
        only(number, [(0, False, (0,))])

    add(_LOAD, _AUDIT)
    add(_EQUAL, syscalls.ARCHITECTURES[machine].audit, 1, 0)
    add(_RETURN, _KILL_PROCESS)
    add(_LOAD, _NUMBER)
    for number in syscalls.allowed(machine).values():
        add(_EQUAL, number, 0, 1)
        add(_RETURN, _ALLOW)
    numbers = syscalls.conditional(machine)
    # The kernel takes these arguments as 32-bit numbers and drops the upper half; so do we.
    only(numbers["ioctl"], [(1, False, _IOCTL)])
    only(numbers["fcntl"], [(1, False, _FCNTL)])
    only(numbers["prlimit64"], [(0, False, (0,)), (2, False, (0,)), (2, True, (0,))])
    only_self(numbers["kill"])
    only_self(numbers["tgkill"])
    add(_RETURN, _DENY)
    return Filter(b"".join(program), tuple(pids))
