"""Run a reference program where it can do no harm: scorers execute and evaluate what they score.

A namespace of its own without network; of the file system only the interpreter, this folder, the
rows and one writable folder are there.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path

from evaluation.errors import EvaluationError

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives")
# Address space of a process, in bytes, and the time of the whole program, in seconds.
MEMORY = 8 * 1024**3
LIMIT = 1800


def run(python: Path, arguments: list[str], readable: list[Path], writable: Path) -> None:
    """Run a module of this folder in the environment of `python`.

    Raises EvaluationError without bubblewrap, or when the program fails.
    """
    if shutil.which("bwrap") is None:
        raise EvaluationError(
            "Bubblewrap is needed to run the reference's scorers, which execute what they score.",
            remedy="install the package bubblewrap",
        )
    root = Path(__file__).resolve().parents[1]
    environment = python.absolute().parents[1]
    shown = [*map(Path, SYSTEM), Path(sys.base_prefix), environment, root / "crosscheck", *readable]
    binds = [part for path in shown if path.exists() for part in ("--ro-bind", path, path)]
    command = [
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
        *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),  # noqa: S108
        *binds,
        *("--bind", writable, writable, "--chdir", root),
        *("--clearenv", "--setenv", "HF_HUB_OFFLINE", "1", "--setenv", "HF_DATASETS_OFFLINE", "1"),
        *("--setenv", "TQDM_DISABLE", "1", "--setenv", "OMP_NUM_THREADS", "1"),
        *("--setenv", "HOME", "/tmp", "--setenv", "PATH", "/usr/bin:/bin"),  # noqa: S108
        *("--setenv", "PYTHONHASHSEED", "0"),
        *(python.absolute(), "-m", *arguments),
    ]
    result = subprocess.run(
        [str(part) for part in command],
        check=False,
        timeout=LIMIT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    if result.returncode != 0:
        raise EvaluationError(
            f"A reference program ended with code {result.returncode}; its output is above.",
            where=" ".join(arguments),
        )
