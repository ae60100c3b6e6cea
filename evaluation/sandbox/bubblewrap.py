"""Isolation by bubblewrap: namespaces in which nothing else exists, and seccomp."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.sandbox import launch, runtime
from evaluation.sandbox.backends import SandboxUnavailable
from evaluation.sandbox.limits import Limits

# PIDs are private, so the process dies with its namespace; bubblewrap's own --die-with-parent
# takes the namespace down with us.
_LOCK = launch.Lock(parent_death=False)


@dataclass(frozen=True)
class Bubblewrap:
    """A root of its own, read only, with the interpreter and its libraries, and nothing else.

    User, PID, network, IPC, UTS and cgroup namespaces are new, capabilities are dropped, and there
    is no /proc, no /sys, no /tmp and of /dev only `null`. The root is a tmpfs that is remounted
    read only: there is no place to write to, hence no size of it to limit.
    """

    name: str
    executable: str

    def start(
        self,
        program: Path,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        modules: Sequence[Path] = (),
    ) -> subprocess.Popen[bytes]:
        """See `backends.Backend.start`."""
        prefix = (self.executable, *_options())
        return launch.start(
            program, limits, _LOCK, arguments=arguments, modules=modules, prefix=prefix
        )


@functools.cache
def find() -> Bubblewrap:
    """The installed bubblewrap, not tried yet; raises `SandboxUnavailable`."""
    executable = shutil.which("bwrap")
    if executable is None:
        raise SandboxUnavailable("bubblewrap is not installed (no `bwrap` in PATH)")
    try:
        version = subprocess.run(
            [executable, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise SandboxUnavailable(f"{executable} does not run: {error}") from error
    return Bubblewrap(f"{version} + seccomp", executable)


@functools.cache
def _options() -> tuple[str, ...]:
    # --unshare-all takes a user namespace only if it can get one; we insist. No --new-session: the
    # process already leads a session, and another would take it out of the group that is killed.
    options = ["--unshare-all", "--unshare-user", "--die-with-parent", "--cap-drop", "ALL"]
    # The program is the namespace's first process: bubblewrap's own, otherwise there, would be left
    # to init when the program ends, and stay as a zombie in containers without one.
    options += ["--as-pid-1", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"]
    for path in runtime.readable():
        options += ["--ro-bind", path, path]
    for target, link in runtime.links():
        options += ["--symlink", target, link]
    options += ["--dev-bind", "/dev/null", "/dev/null", "--remount-ro", "/", "--chdir", "/", "--"]
    return tuple(options)
