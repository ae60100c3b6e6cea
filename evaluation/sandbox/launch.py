"""Starting and ending sandboxed interpreters."""

from __future__ import annotations

import contextlib
import functools
import marshal
import os
import platform
import resource
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

from evaluation.sandbox import runtime, seccomp
from evaluation.sandbox.limits import Limits

_LOCKDOWN = Path(__file__).with_name("lockdown.py")
# -s -S: no site-packages; -P: nothing from the working directory; -B: no byte code to write. The
# environment is ours alone, so -E and -I would only take PYTHONHASHSEED away, without which the
# order of sets, and with it a verdict, could differ from run to run.
_OPTIONS = ("-s", "-S", "-P", "-B")
_ENVIRONMENT = {"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
_GRACE = 5.0
"""Seconds for bubblewrap to notice that its child was killed."""
# Everything comes through one descriptor, which is closed before anything else happens.
_LOADER = """
def load():
    import marshal, posix, sys
    del globals()["load"]
    descriptor = int(sys.argv[1])
    bundle = marshal.loads(posix.pread(descriptor, 1 << 24, 0))
    posix.close(descriptor)
    names = {"__name__": "lockdown"}
    exec(bundle["lockdown"], names)
    names["main"](bundle)
load()
"""


@dataclass(frozen=True)
class Lock:
    """What the process closes by itself, beyond limits and capabilities.

    `landlock` has the readable paths and the writable devices. `parent_death`: die with the
    thread that started it, where no PID namespace takes care of that.
    """

    landlock: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    seccomp: bool = True
    parent_death: bool = True


def start(
    program: Path,
    limits: Limits,
    lock: Lock,
    *,
    arguments: Sequence[str] = (),
    modules: Sequence[Path] = (),
    prefix: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Run `program` behind `lock`, the command after `prefix` (see `backends.Backend.start`)."""
    bundle = marshal.dumps(
        {
            "lockdown": _code(_LOCKDOWN),
            "settings": {
                "limits": _resource_limits(limits),
                "parent": os.getpid() if lock.parent_death else 0,
                "landlock": lock.landlock,
                "seccomp": tuple(seccomp.build(platform.machine())) if lock.seccomp else None,
            },
            "packages": runtime.packages(),
            "name": program.name,
            "arguments": list(arguments),
            "modules": [(module.stem, _code(module)) for module in modules],
            "program": _code(program),
        }
    )
    with os.fdopen(os.memfd_create("sandbox"), "wb") as file:
        file.write(bundle)
        file.flush()
        python = (runtime.interpreter(), *_OPTIONS, "-c", _LOADER, str(file.fileno()))
        return subprocess.Popen(
            [*prefix, *python],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=_ENVIRONMENT,
            pass_fds=(file.fileno(),),
            bufsize=0,
            # A session of its own: one group to kill, no terminal to type into.
            start_new_session=True,
        )


def kill(process: subprocess.Popen[bytes]) -> int:
    """End the process and its whole group, and return how it ended.

    Positive: its exit code; negative: the signal that killed it.
    """
    if process.poll() is None:
        # What bubblewrap started goes first, so that bubblewrap can still reap it.
        for child in _children(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_GRACE)
    if process.poll() is None:
        # Not reaped, so the number is still its own and not a stranger's.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    code = process.returncode
    # bubblewrap reports a child that died of a signal as shells do.
    return code if code <= 128 else 128 - code


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # It has ended, or the kernel does not list children.
        return []


def _resource_limits(limits: Limits) -> list[tuple[int, int]]:
    return [
        (resource.RLIMIT_AS, limits.memory_mb << 20),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
        # Nothing may be written anyway; this holds even should a path be left open.
        (resource.RLIMIT_FSIZE, 0),
        # Does not bind root, for whom seccomp does it.
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 64),
    ]


@functools.cache
def _code(path: Path) -> CodeType:
    """The compiled file; the child is the same interpreter, so it need not compile again."""
    text = path.read_text(encoding="utf-8")
    return compile(text, f"<sandbox>/{path.name}", "exec", dont_inherit=True)
