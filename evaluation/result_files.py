"""The results of a tier as files, some of which another version may have written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from evaluation.errors import OtherVersionError
from evaluation.files import read_record
from evaluation.records import Result, UnreadCell


def read_results(paths: Iterable[Path]) -> Iterator[Result | UnreadCell]:
    """Read results one at a time; one of another version is named by where it lies.

    For what tells of a tier. What decides by it (the gate, the adaptive tier) uses `read_record`
    and stops at such a file. Raises EvaluationError that names a missing or damaged file.
    """
    for path in paths:
        try:
            yield read_record(path, Result)
        except OtherVersionError as error:
            reason = f"{error.what} To do: {error.remedy}."
            yield UnreadCell(model=path.parent.name, dataset=path.stem, reason=reason)


def of_this_version(paths: Iterable[Path]) -> Iterator[Result]:
    """The results that this version reads."""
    return (found for found in read_results(paths) if isinstance(found, Result))
