"""The journal of a generate job: every finished response, on disk before the next batch.

A journal lives outside the declared outputs (Snakemake deletes those when a job starts), is
append-only and synced, and is removed once its output is written. What a killed process leaves
is a valid journal with at most one torn last line, which is dropped.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from evaluation.files import explained
from evaluation.records import Response, Session

log = logging.getLogger(__name__)


class Journal:
    """Responses and sessions of one (model, preset, dataset, slice)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.responses: dict[str, Response] = {}
        self.sessions: dict[str, Session] = {}
        self._load()

    def _load(self) -> None:
        if not self.path.exists():
            return
        for number, line in enumerate(self.path.read_bytes().split(b"\n"), 1):
            if not line:
                continue
            try:
                raw = json.loads(line)
                if raw["kind"] == "session":
                    self._remember(Session.model_validate(raw["record"]))
                else:
                    self._remember(Response.model_validate(raw["record"]))
            except (ValueError, KeyError, TypeError, ValidationError):
                # Torn by a kill, or from another version: that response is made again.
                log.warning("%s, line %d cannot be read and is redone", self.path, number)

    def _remember(self, record: Response | Session) -> None:
        if isinstance(record, Session):
            self.sessions[record.id] = record
        else:
            self.responses[record.key] = record

    def append(self, records: Iterable[Response | Session]) -> None:
        """Add records and wait until they are on the disk.

        Raises EvaluationError when the disk is full or read-only; earlier entries stay valid.
        """
        lines = []
        for record in records:
            kind = "session" if isinstance(record, Session) else "response"
            lines.append(f'{{"kind": "{kind}", "record": {record.model_dump_json()}}}\n')
            self._remember(record)
        if not lines:
            return
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as handle:
                if handle.tell() and not self._ends_with_newline():
                    handle.write(b"\n")
                handle.write("".join(lines).encode("utf-8"))
                handle.flush()
                os.fsync(handle.fileno())

    def _ends_with_newline(self) -> bool:
        with self.path.open("rb") as handle:
            handle.seek(-1, os.SEEK_END)
            return handle.read(1) == b"\n"

    def remove(self) -> None:
        """Forget the journal: its output is written."""
        self.path.unlink(missing_ok=True)
