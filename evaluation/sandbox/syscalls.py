"""The system calls that computing needs, with their numbers.

An allow-list: everything that CPython and the standard library call to compute, to import modules,
to read files and clocks, to handle their own signals and to talk through open descriptors. What is
missing is denied, known or not yet invented: new processes and threads, executing, sockets,
anything that changes a file system, mounts, namespaces, keys, `ptrace`, `bpf`, `io_uring`.
"""

from __future__ import annotations

from typing import NamedTuple


class Architecture(NamedTuple):
    """An instruction set: its kernel audit number, and its column in the table."""

    audit: int
    column: int


ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, 0),
    "aarch64": Architecture(0xC00000B7, 1),
}
"""By `platform.machine()`."""

# name: (x86_64, aarch64); None where the architecture does not have the call. Ordered by how often
# programs make them, for the filter compares in this order.
_ALLOWED: dict[str, tuple[int, int | None]] = {
    # Descriptors that are open, and files to read. (Nothing that creates or changes one.)
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "lseek": (8, 62),
    "newfstatat": (262, 79),
    "openat": (257, 56),
    "fstat": (5, 80),
    "stat": (4, None),
    "lstat": (6, None),
    "open": (2, None),
    "getdents64": (217, 61),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "statx": (332, 291),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getcwd": (79, 17),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    # Memory, and the locks of one thread.
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    "brk": (12, 214),
    "futex": (202, 98),
    # Its own signals and timers.
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
    "alarm": (37, None),
    "setitimer": (38, 103),
    "getitimer": (36, 102),
    "pause": (34, None),
    "restart_syscall": (219, 128),
    # Clocks, chance, and what the process is.
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "exit_group": (231, 94),
    "exit": (60, 93),
}

# Allowed for some arguments only; `seccomp.py` says which.
_CONDITIONAL: dict[str, tuple[int, int | None]] = {
    "ioctl": (16, 29),
    "fcntl": (72, 25),
    "prlimit64": (302, 261),
    "kill": (62, 129),
    "tgkill": (234, 131),
}


def _column(table: dict[str, tuple[int, int | None]], machine: str) -> dict[str, int]:
    column = ARCHITECTURES[machine].column
    return {name: number for name, row in table.items() if (number := row[column]) is not None}


def allowed(machine: str) -> dict[str, int]:
    """Calls that are allowed whatever their arguments, by name."""
    return _column(_ALLOWED, machine)


def conditional(machine: str) -> dict[str, int]:
    """Calls whose arguments decide, by name."""
    return _column(_CONDITIONAL, machine)
