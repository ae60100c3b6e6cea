"""The filter, run by a small interpreter of its instructions, for both architectures."""

from __future__ import annotations

import platform
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.sandbox import seccomp, syscalls

ALLOW, DENY, KILL = 0x7FFF0000, 0x50001, 0x80000000
PID = 4242
machines = pytest.mark.parametrize("machine", list(syscalls.ARCHITECTURES))


def decide(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the kernel would answer to a system call, by classic BPF's rules."""
    code = bytearray(seccomp.build(machine).code)
    for offset in seccomp.build(machine).pid_offsets:
        code[offset : offset + 4] = PID.to_bytes(4, "little")
    values = [a & (1 << 64) - 1 for a in (*arguments, *[0] * (6 - len(arguments)))]
    data = struct.pack("<IIQ6Q", number, audit or syscalls.ARCHITECTURES[machine].audit, 0, *values)
    accumulator = position = 0
    while True:
        operation, yes, no, value = struct.unpack_from("<HBBI", code, 8 * position)
        position += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("<I", data, value)[0]
        elif operation == 0x15:
            position += yes if accumulator == value else no
        else:
            assert operation == 0x06
            return value


@machines
@given(number=st.one_of(st.integers(0, 600), st.integers(0, 2**32 - 1)))
def test_exactly_the_listed_calls_are_allowed(machine: str, number: int) -> None:
    if number in syscalls.conditional(machine).values():
        return
    expected = ALLOW if number in syscalls.allowed(machine).values() else DENY
    assert decide(machine, number) == expected


@machines
def test_calls_of_another_instruction_set_kill(machine: str) -> None:
    for audit in (0x40000003, 0x40000028, 0xC0000015):
        assert decide(machine, syscalls.allowed(machine)["read"], audit=audit) == KILL


def test_x32_numbers_are_denied() -> None:
    for number in syscalls.allowed("x86_64").values():
        assert decide("x86_64", 0x40000000 | number) == DENY


@machines
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("kill", (PID, 9), ALLOW),
        ("kill", (PID + (1 << 32), 9), ALLOW),  # The kernel drops the upper half as well.
        ("kill", (1, 9), DENY),
        ("kill", (0, 9), DENY),
        ("kill", (-1, 9), DENY),
        ("kill", (-PID, 9), DENY),
        ("tgkill", (PID, PID, 6), ALLOW),
        ("tgkill", (PID + 1, PID, 6), DENY),
        ("prlimit64", (0, 7, 0, 4096), ALLOW),
        ("prlimit64", (0, 7, 4096, 0), DENY),
        ("prlimit64", (0, 7, 1 << 32, 0), DENY),
        ("prlimit64", (PID, 7, 0, 4096), DENY),
        ("fcntl", (0, 3), ALLOW),
        ("fcntl", (0, 1030, 3), ALLOW),
        ("fcntl", (0, 8, 1), DENY),
        ("fcntl", (0, 15, 1), DENY),
        ("fcntl", (0, 1031, 1 << 20), DENY),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5451), ALLOW),
        ("ioctl", (0, 0x5412), DENY),
        ("ioctl", (0, 0x8901), DENY),
    ],
)
def test_arguments_decide(
    machine: str, name: str, arguments: tuple[int, ...], expected: int
) -> None:
    assert decide(machine, syscalls.conditional(machine)[name], *arguments) == expected


@machines
def test_the_numbers_are_those_of_the_kernel_headers(machine: str) -> None:
    native = Path(f"/usr/include/{platform.machine()}-linux-gnu/asm/unistd_64.h")
    header = native if machine == "x86_64" else Path("/usr/include/asm-generic/unistd.h")
    if not header.exists() or (machine == "x86_64" and platform.machine() != "x86_64"):
        pytest.skip(f"the kernel headers are not installed ({header})")
    defined = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", header.read_text()))
    defined.setdefault("newfstatat", defined.get("fstatat", ""))
    for name, number in {**syscalls.allowed(machine), **syscalls.conditional(machine)}.items():
        assert defined[name] == str(number), name
