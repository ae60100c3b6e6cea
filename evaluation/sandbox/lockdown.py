"""The first code of a sandboxed interpreter: it closes the lock and then runs one program.

Runs in the child, given as compiled code, without the project's packages. The order matters: what
needs privileges or descriptors first, the seccomp filter last. If any step fails the process ends
before the program starts, with the step on standard error and the exit code `REFUSED`.

Doing this here, in trusted code before any untrusted byte is read, instead of in a `preexec_fn`,
leaves `subprocess` free to use `vfork` and is safe in a parent with threads. Imports are what a
start costs, so these are built-in parts: `ctypes` instead of `_ctypes` would take 3 ms, `typing`
7 ms, as much as the interpreter.
"""

from __future__ import annotations

import _ctypes
import posix
import resource
import sys
from _frozen_importlib_external import spec_from_file_location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any

REFUSED = 97
"""Exit code of a process that could not be locked."""

_PDEATHSIG, _DUMPABLE, _SECCOMP, _NO_NEW_PRIVS = 1, 4, 22, 38  # prctl options
_SECCOMP_MODE_FILTER = 2
_CAPABILITY_VERSION_3 = 0x20080522
_CAPSET = {"x86_64": 126, "aarch64": 91}
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446  # on every architecture
_LANDLOCK_RULE_PATH = 1
_READ_FILE, _READ_FOLDER = 1 << 2, 1 << 3
_DEVICE = 1 << 1 | 1 << 2 | 1 << 14  # write, read, truncate
_ALL_OF_ABI_6 = (0xFFFF, 0b11, 0b11)  # files, TCP, scopes: what is named is denied
_SIGKILL = 9


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "l"


class _Short(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "H"


class _Bytes(_ctypes._SimpleCData):  # type: ignore[type-arg]
    _type_ = "z"


class _FilterProgram(_ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = [("length", _Short), ("filter", _Bytes)]  # noqa: RUF012 - as ctypes wants it


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


_library = _ctypes.dlopen("", 2)
_syscall = _Function(_ctypes.dlsym(_library, "syscall"))
_prctl = _Function(_ctypes.dlsym(_library, "prctl"))


class _Packages:
    """Finds the few packages besides the standard library, without their folder on the path."""

    def __init__(self, folders: dict[str, str]) -> None:
        self._folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        folder = self._folders.get(name)
        if folder is None:
            return None
        return spec_from_file_location(
            name, f"{folder}/__init__.py", submodule_search_locations=[folder]
        )


def lock(settings: dict[str, Any]) -> None:
    """Close the lock that `launch.start` describes; OSError names the step that failed."""
    for kind, value in settings["limits"]:
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))
    _checked("no_new_privs", _prctl, _NO_NEW_PRIVS, 1, 0, 0, 0)
    # No core dump, whichever program the kernel would pipe it to, and no tracing by equals.
    _checked("dumpable", _prctl, _DUMPABLE, 0, 0, 0, 0)
    if settings["parent"]:
        _checked("parent death signal", _prctl, _PDEATHSIG, _SIGKILL, 0, 0, 0)
        if posix.getppid() != settings["parent"]:
            raise OSError(0, "the parent is gone")
    # Root without capabilities cannot raise limits or ignore permissions.
    header = _number(_CAPABILITY_VERSION_3, 4) + bytes(4)
    _checked("capset", _syscall, _CAPSET[posix.uname().machine], header, bytes(24))
    if settings["landlock"]:
        _restrict_paths(*settings["landlock"])
    if settings["seccomp"]:
        _restrict_calls(*settings["seccomp"])


def main(bundle: dict[str, Any]) -> None:
    """Lock, then execute the bundle's modules and its program."""
    try:
        lock(bundle["settings"])
    except OSError as error:
        posix.write(2, f"the sandbox could not be closed: {error.strerror}\n".encode())
        posix._exit(REFUSED)
    sys.argv[:] = [bundle["name"], *bundle["arguments"]]
    sys.meta_path.append(_Packages(bundle["packages"]))
    for name, code in bundle["modules"]:
        sys.modules[name] = module = type(sys)(name)
        exec(code, module.__dict__)  # noqa: S102 - our own files
    exec(bundle["program"], sys.modules["__main__"].__dict__)  # noqa: S102


def _restrict_paths(readable: Sequence[str], devices: Sequence[str]) -> None:
    """Landlock: read these files and folders, write these devices; no TCP; signals inside only."""
    attributes = b"".join(_number(bits, 8) for bits in _ALL_OF_ABI_6)
    ruleset = _checked("landlock", _syscall, _LANDLOCK_CREATE, attributes, len(attributes), 0)
    for path in (*readable, *devices):
        opened = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
        is_folder = posix.fstat(opened).st_mode & 0o170000 == 0o040000
        access = _READ_FILE | _READ_FOLDER if is_folder else _READ_FILE
        rule = _number(_DEVICE if path in devices else access, 8) + _number(opened, 4)
        _checked(path, _syscall, _LANDLOCK_ADD, ruleset, _LANDLOCK_RULE_PATH, rule, 0)
        posix.close(opened)
    _checked("landlock", _syscall, _LANDLOCK_RESTRICT, ruleset, 0)
    posix.close(ruleset)


def _restrict_calls(code: bytes, pid_offsets: Sequence[int]) -> None:
    """Seccomp: the filter of `seccomp.build`, completed by this process's number."""
    filled = bytearray(code)
    for offset in pid_offsets:
        filled[offset : offset + 4] = _number(posix.getpid(), 4)
    program = _FilterProgram(len(filled) // 8, bytes(filled))
    _checked("seccomp", _prctl, _SECCOMP, _SECCOMP_MODE_FILTER, _ctypes.byref(program), 0, 0)


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, sys.byteorder)


def _checked(step: str, function: Any, *arguments: Any) -> int:
    """Call a C function, every number as wide as its variable arguments are read."""
    result: int = function(*[_Long(a) if isinstance(a, int) else a for a in arguments])
    if result < 0:
        code = _ctypes.get_errno()
        raise OSError(code, f"{step}: {posix.strerror(code)}")
    return result
