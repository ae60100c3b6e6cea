"""Finding a sandbox that works here, by trying it.

An installed program proves nothing: containers, AppArmor and old kernels refuse namespaces at run
time, and a sandbox that is half there would be worse than none. So a canary runs in each candidate
and tries what must fail; the parent also looks from outside whether anything came through.
"""

from __future__ import annotations

import ast
import functools
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from evaluation.sandbox import bubblewrap, landlock, syscalls, unprotected
from evaluation.sandbox.backends import Backend, SandboxUnavailable
from evaluation.sandbox.channel import Channel, ChannelError
from evaluation.sandbox.limits import Limits

Setting = Literal["auto", "bubblewrap", "landlock", "none"]

_CANARY = Path(__file__).with_name("canary.py")
_LIMITS = Limits()
_FINDERS: dict[str, Callable[[], Backend]] = {
    "bubblewrap": bubblewrap.find,
    "landlock": landlock.find,
}
_REMEDY = (
    "install bubblewrap (Debian, Ubuntu: apt install bubblewrap) and allow user namespaces, "
    "or use Linux 6.12 or newer; see docs/sandbox.md"
)


@functools.cache
def choose(setting: Setting) -> Backend:
    """The backend to run generated code in, tried out once a process.

    `auto` takes bubblewrap, or else Landlock, never `none`. Raises `SandboxUnavailable` with the
    reason of every backend that was tried.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(
            f"code can be run in a sandbox on Linux only, not on {sys.platform}",
            remedy="run the workflow in a Linux container or virtual machine",
        )
    if setting == "none":
        return unprotected.find()
    reasons = []
    for name in _FINDERS if setting == "auto" else (setting,):
        try:
            return _tried(name)
        except SandboxUnavailable as error:
            reasons.append(f"{name}: {error.what}")
    raise SandboxUnavailable(
        "no sandbox works on this machine: " + "; ".join(reasons),
        where=f"sandbox.backend: {setting}",
        remedy=_REMEDY,
    )


def describe(setting: Setting) -> str:
    """One sentence for people on where generated code would run."""
    try:
        backend = choose(setting)
    except SandboxUnavailable as error:
        return f"code tasks cannot be scored: {error.what}"
    if backend.name == "none":
        return "generated code runs WITHOUT isolation (sandbox.backend: none)"
    return f"generated code runs in {backend.name}"


def _tried(name: str) -> Backend:
    if platform.machine() not in syscalls.ARCHITECTURES:
        raise SandboxUnavailable(
            f"no seccomp filter for {platform.machine()} (only {', '.join(syscalls.ARCHITECTURES)})"
        )
    backend = _FINDERS[name]()
    came_through = try_out(backend)
    if came_through:
        raise SandboxUnavailable(f"code inside could {', '.join(came_through)}")
    return backend


def try_out(backend: Backend) -> list[str]:
    """What a canary in `backend` could do, in words; empty when the sandbox holds.

    Raises `SandboxUnavailable` when it does not start or does not compute.
    """
    with (
        tempfile.TemporaryDirectory(prefix="canary-") as folder,
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("127.0.0.1", 0))
        for listener in (tcp, udp):
            listener.setblocking(False)
        secret = Path(folder, "secret")
        secret.write_text("not to be read")
        ports = (tcp.getsockname()[1], udp.getsockname()[1])
        arguments = [str(secret), folder, *map(str, ports), str(os.getpid())]
        worked = _report(backend, arguments)
        seen = {
            "create a file": len(list(Path(folder).iterdir())) > 1,
            "remove a file": not secret.exists(),
            "open a TCP connection": _arrived(tcp.accept),
            "send a UDP datagram": _arrived(lambda: udp.recv(64)),
        }
    return worked + [what for what, happened in seen.items() if happened and what not in worked]


def _report(backend: Backend, arguments: list[str]) -> list[str]:
    channel = Channel(backend.start(_CANARY, _LIMITS, arguments=arguments), _LIMITS)
    try:
        report = ast.literal_eval(channel.receive().decode())
    except (ChannelError, ValueError, SyntaxError) as error:
        words = " ".join(channel.close().stderr.split())[-300:]
        raise SandboxUnavailable(f"it does not start: {words or error}") from error
    worked: list[str] = report["worked"]
    try:
        held = channel.receive() == b"held"
    except ChannelError:
        held = False
    channel.close()
    if report["product"] != 42:
        raise SandboxUnavailable("it computes wrongly")
    return worked if held else [*worked, "execute a program"]


def _arrived(receive: Callable[[], object]) -> bool:
    try:
        receive()
    except BlockingIOError:
        return False
    return True


def works(setting: Setting) -> bool:
    """Whether programs can be run here."""
    try:
        choose(setting)
    except SandboxUnavailable:
        return False
    return True
