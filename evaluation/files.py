"""Reading and writing files so that a reader never meets half a file.

All outputs go through `write_text` (write beside, sync, rename), all inputs through `read_record`
or `read_lines`, which name a file that is truncated or of another version and what to do.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evaluation.errors import EvaluationError, OtherVersionError
from evaluation.records import SCHEMA_VERSION

RecordT = TypeVar("RecordT", bound=BaseModel)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's error about writing `path` into one that says what to do."""
    try:
        yield
    except OSError as error:
        remedy = {
            errno.ENOSPC: "free disk space, then run the same command again",
            errno.EDQUOT: "free space within your quota, then run the same command again",
            errno.EROFS: "make the folder writable, or run in a folder that is",
            errno.EACCES: "make the folder writable, or run in a folder that is",
            errno.EPERM: "make the folder writable, or run in a folder that is",
        }.get(error.errno or 0, "run the same command again once the cause is gone")
        raise EvaluationError(
            f"Cannot write: {error.strerror or error}",
            where=str(path),
            remedy=f"{remedy}; what was computed before is kept",
        ) from error


def check_writable(folders: Iterable[str]) -> None:
    """Raise EvaluationError for a folder that is there and cannot be written to."""
    for folder in folders:
        if Path(folder).is_dir() and not os.access(folder, os.W_OK):
            raise EvaluationError(
                "Cannot write: the folder is read-only.",
                where=folder,
                remedy="make the folder writable, or run in a copy of the project that is; what "
                "was computed before is kept",
            )


def write_with(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, sync it, then rename it to `path`."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(beside)
            with beside.open("rb") as handle:
                os.fsync(handle.fileno())
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically; newlines are written as they are."""
    write_with(path, lambda beside: _write_bytes(beside, text.encode("utf-8")))


def _write_bytes(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def write_record(path: Path, record: BaseModel) -> None:
    """Write one record as indented JSON, atomically."""
    write_text(path, record.model_dump_json(indent=1) + "\n")


def write_records(path: Path, records: Iterable[BaseModel]) -> None:
    """Write one record a line, atomically."""
    write_text(path, "".join(f"{r.model_dump_json()}\n" for r in records))


def read_record(path: Path, kind: type[RecordT]) -> RecordT:
    """Read a JSON file of one record.

    Raises EvaluationError that names the file when it is missing, cut off or of another version.
    """
    return parse_record(
        read_text(path), kind, str(path), f"delete {path} and run again: it is rebuilt"
    )


def read_text(path: Path) -> str:
    """Read a text file; raises EvaluationError that names it when it is missing or unreadable."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise EvaluationError(
            "A file is missing.", where=str(path), remedy="run the workflow for its target"
        ) from None
    except UnicodeDecodeError:
        raise EvaluationError(
            "A file is not text.",
            where=str(path),
            remedy=f"delete {path} and run again: it is rebuilt",
        ) from None
    except OSError as error:
        raise EvaluationError(
            f"A file cannot be read: {error.strerror or error}",
            where=str(path),
            remedy=f"make {path} readable, or delete it and run again: it is rebuilt",
        ) from error


def parse_record(text: str, kind: type[RecordT], where: str, remedy: str) -> RecordT:
    """Parse one record; errors tell truncation, another schema version and damage apart."""
    try:
        raw: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise EvaluationError(
            f"A file is cut off or is not JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}.",
            where=where,
            remedy=remedy,
        ) from None
    found = raw.get("schema_version") if isinstance(raw, dict) else None
    if "schema_version" in kind.model_fields and found != SCHEMA_VERSION:
        raise OtherVersionError(
            f"A file has schema version {found}; this version reads {SCHEMA_VERSION}.",
            where=where,
            remedy=remedy,
        )
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"])
        raise EvaluationError(
            f"A file does not have the expected content: {key}: {first['msg']} "
            f"({error.error_count()} problems).",
            where=where,
            remedy=remedy,
        ) from None


def read_lines(path: Path, kind: type[RecordT], limit: int | None = None) -> list[RecordT]:
    """Read a JSON-lines file of records, the first `limit` lines of it."""
    remedy = f"delete {path} and run again: it is rebuilt"
    # Not splitlines(): JSON strings may hold line separators of Unicode.
    lines = read_text(path).removesuffix("\n").split("\n")[:limit]
    return [parse_record(t, kind, f"{path}, line {i}", remedy) for i, t in enumerate(lines, 1)]
