"""Notes that jobs leave for the end of the run: what failed, what was loaded, what to know.

Snakemake runs each job in a process of its own; the notes are how the closing words can name the
cell, the cause and the log in plain words.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from evaluation.files import read_record, write_record
from evaluation.records import Record

FOLDER = Path("logs/run")


class Failure(Record):
    """A failed job: the rule, what it was about, why, and where its log is."""

    rule: str
    about: str
    message: str
    log: str


class Load(Record):
    """A model that was loaded, with the seconds that took."""

    model: str
    seconds: float


class Remark(Record):
    """Something to be said at the end of a run that stopped nothing."""

    words: str


def clear() -> None:
    """Forget the notes of the previous run."""
    shutil.rmtree(FOLDER, ignore_errors=True)


def note(record: Failure | Load | Remark, name: str) -> None:
    """Leave a note; `name` is unique within the run."""
    write_record(FOLDER / f"{type(record).__name__.lower()}-{name}.json", record)


def failures() -> list[Failure]:
    """All failures of this run."""
    return [read_record(path, Failure) for path in sorted(FOLDER.glob("failure-*.json"))]


def loads() -> list[Load]:
    """All model loads of this run."""
    return [read_record(path, Load) for path in sorted(FOLDER.glob("load-*.json"))]


def remarks() -> list[str]:
    """All remarks of this run."""
    return [read_record(path, Remark).words for path in sorted(FOLDER.glob("remark-*.json"))]
