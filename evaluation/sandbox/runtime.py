"""What an interpreter needs to see of this machine to run: its own files and shared libraries."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

# What programs import besides the standard library and find in the benchmarks' own environments.
_PACKAGES = ("numpy",)
_SYSTEM = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64")


@functools.cache
def interpreter() -> str:
    """The real interpreter behind a virtual environment's link."""
    return os.path.realpath(str(getattr(sys, "_base_executable", sys.executable)))


@functools.cache
def packages() -> dict[str, str]:
    """Folders of the packages that programs may import, as far as they are installed."""
    specs = {name: importlib.util.find_spec(name) for name in _PACKAGES}
    return {
        name: os.path.realpath(Path(spec.origin).parent)
        for name, spec in specs.items()
        if spec and spec.origin
    }


@functools.cache
def readable() -> tuple[str, ...]:
    """Real paths, none inside another: the interpreter, its libraries, the system's libraries.

    Not the project, its environment, home folders, /etc, /var, /proc or /sys. The cache of the
    dynamic loader is needed where Python's own library lies outside the default folders.
    """
    prefix = Path(interpreter()).parent.parent
    # Of the interpreter itself: in a virtual environment "platstdlib" is the environment's folder.
    base = {"platbase": sys.base_exec_prefix}
    wanted = [
        *_SYSTEM,
        interpreter(),
        str(prefix / "lib"),
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib", vars=base),
        "/etc/ld.so.cache",
        *packages().values(),
        # Shared libraries that wheels bring along.
        *(f"{folder}.libs" for folder in packages().values()),
    ]
    real = sorted({os.path.realpath(path) for path in wanted if Path(path).exists()})
    return tuple(path for path in real if not any(path.startswith(other + "/") for other in real))


@functools.cache
def links() -> tuple[tuple[str, str], ...]:
    """(target, link) of system folders that are links, as on systems with a merged /usr."""
    return tuple((str(Path(path).readlink()), path) for path in _SYSTEM if Path(path).is_symlink())
