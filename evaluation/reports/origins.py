"""Where a tier's numbers come from, as tables of text: the provenance page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.benchmarks import benchmark
from evaluation.config import DATASETS
from evaluation.records import Cell, Hardware, Provenance, Session
from evaluation.reports import format as fmt
from evaluation.reports.facts import answer_sessions, code, machine
from evaluation.reports.inputs import TierReport
from evaluation.reports.notes import SOURCES, plain_title

Rows = list[tuple[str, ...]]
Cells = list[Cell]


@dataclass(frozen=True)
class Origins:
    """The tables of the provenance page: rows of text in the order of their headings."""

    run: Rows
    models: Rows
    datasets: Rows
    sessions: Rows
    machines: Rows
    packages: Rows
    notes: Rows


def origins(report: TierReport) -> Origins:
    """The facts of all cells, each distinct one once."""
    cells = report.aggregate.cells
    sessions = distinct_sessions(cells)
    return Origins(
        run=_run(report),
        models=_distinct(_model(cell.model, cell.provenance) for cell in cells),
        datasets=_distinct(_dataset(cell) for cell in cells),
        sessions=[_session(one) for one in sessions],
        machines=_machines(sessions, [cell.provenance for cell in cells]),
        packages=_packages(sessions, [cell.provenance for cell in cells]),
        notes=_notes(sessions),
    )


def distinct_sessions(cells: Iterable[Cell]) -> list[Session]:
    """The sessions of cells, those of answers before those of ratings, each once."""
    found = list(cells)
    answers = {(s.model, s.id): s for s in answer_sessions(found)}
    ratings = {(s.model, s.id): s for c in found if c.judge is not None for s in c.judge.sessions}
    return list({**answers, **ratings}.values())


def _run(report: TierReport) -> Rows:
    cells = report.aggregate.cells
    found = [cell.provenance for cell in cells]
    times = [fmt.moment(one) for one in sorted(one.scored for one in found)]
    asked = {cell.counts.requested for cell in cells}
    judges = [f"{c.judge.id} @ {fmt.short(c.judge.revision)}" for c in cells if c.judge is not None]
    facts: dict[str, list[str]] = {
        "Tier": [report.tier],
        "Samples asked of a dataset": [f"at most {max(asked)}"] if asked else [],
        "Scored": [" to ".join(dict.fromkeys((times[0], times[-1])))] if times else [],
        "Code that scored": [code(one) for one in found],
        "Seed of the sample order": [str(one.seed) for one in found],
        "Presets": [one.preset for one in found],
        "Judge of open answers": judges or ["none"],
        "Sandbox of programs": [one.sandbox for one in found if one.sandbox] or ["not used"],
    }
    return [(name, ", ".join(dict.fromkeys(values)) or fmt.NONE) for name, values in facts.items()]


def _model(name: str, found: Provenance) -> tuple[str, ...]:
    return (
        name,
        found.model_id,
        fmt.short(found.model_revision),
        found.model_licence or "not stated",
        fmt.short(found.model_fingerprint),
    )


def _dataset(cell: Cell) -> tuple[str, ...]:
    found = cell.provenance
    return (
        plain_title(cell.title),
        SOURCES[found.dataset_source],
        found.dataset_location or fmt.NONE,
        fmt.short(found.dataset_revision),
        _licence(cell),
        fmt.short(found.dataset_fingerprint),
        fmt.setup(cell.protocol, cell.few_shot, cell.repeats),
    )


def _licence(cell: Cell) -> str:
    """The licence of a dataset's rows: bundled samples have this project's."""
    if cell.provenance.dataset_source == "bundled":
        return "this project's"
    known = cell.dataset in DATASETS
    return benchmark(cell.dataset).card.licence if known else "not known"


def _session(found: Session) -> tuple[str, ...]:
    return (
        found.model,
        fmt.short(found.id),
        fmt.moment(found.started),
        fmt.duration(found.load_seconds),
        f"{found.engine}, revision {found.engine_revision}",
        found.dtype,
        "fixed" if found.exact else "free",
        found.preset,
        found.hardware.device,
    )


def _notes(sessions: list[Session]) -> Rows:
    """Each note with the models whose engine made it."""
    found: dict[str, dict[str, None]] = {}
    for session in sessions:
        for note in session.notes:
            found.setdefault(note, {})[session.model] = None
    return [(note, ", ".join(models)) for note, models in found.items()]


def _machines(sessions: list[Session], scored: list[Provenance]) -> Rows:
    """Each machine with what was done on it."""
    done: dict[Hardware, dict[str, None]] = {}
    for session in sessions:
        done.setdefault(session.hardware, {})["answers"] = None
    for found in scored:
        done.setdefault(found.hardware, {})["scores"] = None
    rows: dict[tuple[str, ...], dict[str, None]] = {}
    for hardware, what in done.items():
        device, *rest = machine(hardware)
        # A job that scores uses no device, and its record names none; of a server's machine
        # nothing is known, and the rest of the row is that of ours, which asked it.
        words = {"none": "no GPU used", "cpu": "processor", "endpoint": "a server, asked from here"}
        name = words.get(device, device)
        rows.setdefault((name, *rest), {}).update(what)
    return [(row[0], " and ".join(what), *row[1:]) for row, what in rows.items()]


def _packages(sessions: list[Session], scored: list[Provenance]) -> Rows:
    running: dict[str, dict[str, None]] = {}
    scoring: dict[str, dict[str, None]] = {}
    for table, packages in [
        *((running, s.packages) for s in sessions),
        *((scoring, p.packages) for p in scored),
    ]:
        for name, version in packages.items():
            table.setdefault(name, {})[version] = None
    return [
        (
            name,
            ", ".join(running.get(name, ())) or fmt.NONE,
            ", ".join(scoring.get(name, ())) or fmt.NONE,
        )
        for name in sorted({*running, *scoring}, key=str.lower)
    ]


def _distinct(rows: Iterable[tuple[str, ...]]) -> Rows:
    return list(dict.fromkeys(rows))
