"""Tables in Markdown, and their places in docs/performance.md.

A program replaces what stands between `<!-- begin NAME -->` and `<!-- end NAME -->`; the words
around it are written by hand.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.files import write_text
from evaluation.machine import git_state, hardware, packages

GIB = 2**30
PACKAGES = ("torch", "transformers")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [
        "| " + " | ".join(head) + " |",
        "|" + "|".join([" --- ", *(" ---: " for _ in head[1:])]) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return "\n".join(lines)


def circumstances(load: float, device: str = "") -> str:
    """When, on what and with which versions: the sentence above every table.

    `load` is the machine's load average before the run, without which a time says little.
    """
    machine, (commit, changed) = hardware(), git_state()
    versions = ", ".join(f"{name} {found}" for name, found in packages(PACKAGES).items())
    where = f"{device}, " if device else ""
    return (
        f"Measured {datetime.now(UTC).date().isoformat()} on {where}{machine.processor}, "
        f"{machine.cores} cores, {machine.memory / GIB:.0f} GiB; {versions}; commit "
        f"{commit[:10]}{' with changes' if changed else ''}; load average before the run "
        f"{load:.1f}."
    )


def load_average() -> float:
    """The machine's load average over the last minute."""
    return os.getloadavg()[0]


def replace_section(path: Path, name: str, body: str) -> None:
    """Put `body` between the markers of a section; raises EvaluationError if there are none."""
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise EvaluationError(
            f"The document has no section '{name}'.",
            where=str(path),
            remedy=f"write {begin} and {end} where the table shall be",
        )
    write_text(path, f"{before}{begin}\n\n{body}\n\n{end}{after}")
