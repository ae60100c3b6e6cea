"""The history of a tier: one line a run that changed it, kept from run to run.

The file is a convenience and not evidence: results say themselves where they come from. So a line
that cannot be read (cut off by a full disk, written by another version) is kept as it is, skipped
and counted, and never stops a run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.files import parse_record, read_text, write_text
from evaluation.records import Aggregate, Cell, CellRun, Record, RunRecord, Session


class AskedSettings(Record):
    """How a dataset is asked, as far as its results do not say it; see `PromptSettings`."""

    max_new_tokens: int
    temperature: float


class HistorySettings(Record):
    """The settings of a history job: how datasets and models of the run are asked, by name."""

    tier: str
    datasets: dict[str, AskedSettings]
    thinking: dict[str, bool | None]


@dataclass(frozen=True)
class History:
    """The runs of a tier, oldest first, and the lines that could not be read, by number."""

    runs: Sequence[RunRecord] = ()
    unreadable: Sequence[int] = ()


def run_record(aggregate: Aggregate, settings: HistorySettings, recorded: str) -> RunRecord:
    """What a tier is now, as a line of its history."""
    packages: dict[str, dict[str, str]] = {}

    def named(versions: dict[str, str]) -> str:
        name = sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest()[:12]
        packages[name] = dict(sorted(versions.items()))
        return name

    cells = [
        _cell_run(
            cell,
            settings,
            running=sorted({named(s.packages) for s in cell.provenance.sessions}),
            scoring=named(cell.provenance.packages),
        )
        for cell in aggregate.cells
    ]
    return RunRecord(recorded=recorded, tier=aggregate.tier, cells=cells, packages=packages)


def _cell_run(cell: Cell, settings: HistorySettings, running: list[str], scoring: str) -> CellRun:
    score = next((s for s in cell.scores if s.primary), cell.scores[0] if cell.scores else None)
    found = cell.provenance
    asked = settings.datasets[cell.dataset]
    return CellRun(
        model=cell.model,
        dataset=cell.dataset,
        metric=score.metric if score else "",
        value=score.value if score else None,
        n=score.n if score else 0,
        low=score.interval.low if score and score.interval else None,
        high=score.interval.high if score and score.interval else None,
        protocol=cell.protocol,
        few_shot=cell.few_shot,
        repeats=cell.repeats,
        max_new_tokens=asked.max_new_tokens,
        temperature=asked.temperature,
        thinking=settings.thinking[cell.model],
        preset=found.preset,
        seed=found.seed,
        model_id=found.model_id,
        model_revision=found.model_revision,
        model_fingerprint=found.model_fingerprint,
        dataset_source=found.dataset_source,
        dataset_revision=found.dataset_revision,
        dataset_fingerprint=found.dataset_fingerprint,
        engines=sorted({_engine(session) for session in found.sessions}),
        devices=sorted({session.hardware.device for session in found.sessions}),
        judge=f"{cell.judge.id} @ {cell.judge.revision}" if cell.judge else "",
        sandbox=found.sandbox,
        commit=found.git_commit,
        dirty=found.git_dirty,
        running=running,
        scoring=scoring,
    )


def _engine(session: Session) -> str:
    exact = ", exact" if session.exact else ""
    return f"{session.engine} revision {session.engine_revision}, {session.dtype}{exact}"


def read(path: Path) -> History:
    """The history in a file; empty where there is none. Raises EvaluationError if unreadable."""
    lines = read_text(path).split("\n") if path.exists() else []
    found = [(number, _parse(line)) for number, line in enumerate(lines, 1) if line.strip()]
    return History(
        runs=[run for _, run in found if run is not None],
        unreadable=[number for number, run in found if run is None],
    )


def record(path: Path, run: RunRecord) -> bool:
    """Add a run unless nothing differs from the last one that can be read; whether it was added.

    The file is written in any case, so that it is newer than what it was made from, and at once, so
    that a kill leaves the old file or the new one. Lines that cannot be read stay.
    """
    lines = [
        line for line in (read_text(path) if path.exists() else "").split("\n") if line.strip()
    ]
    readable = [found for line in lines if (found := _parse(line)) is not None]
    added = not readable or not _same(readable[-1], run)
    if added:
        lines.append(run.model_dump_json())
    write_text(path, "".join(f"{line}\n" for line in lines))
    return added


def _same(one: RunRecord, other: RunRecord) -> bool:
    return one.model_copy(update={"recorded": other.recorded}) == other


def _parse(line: str) -> RunRecord | None:
    try:
        return parse_record(line, RunRecord, "", "")
    except EvaluationError:
        return None
