"""What the index page says about the run: speed, models, datasets, sessions and packages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evaluation.records import Aggregate, Cell, Hardware, JudgeFacts, Provenance, Session
from evaluation.reports import format as fmt
from evaluation.reports.notes import SOURCES
from evaluation.reports.usage import machine_use, phases

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Facts:
    """The tables of the run section: rows of text in the order of their headings."""

    run: Rows
    models: Rows
    datasets: Rows
    sessions: Rows
    phases: Rows
    machine_use: Rows
    machines: Rows
    packages: Rows
    notes: list[str]


def performance(aggregate: Aggregate) -> Rows:
    """One row a model. A session that served several datasets counts as one load."""
    rows: Rows = []
    for model in aggregate.models:
        cells = [c for c in aggregate.cells if c.model == model]
        if not cells:
            continue
        sessions = _sessions(cells)
        answering = [c for c in cells if c.performance.completion_tokens]
        scoring = [c for c in cells if not c.performance.completion_tokens]
        rows.append(
            (
                model,
                fmt.count(len(sessions)),
                fmt.duration(sum(s.load_seconds for s in sessions)),
                fmt.duration(sum(c.performance.engine_seconds for c in cells)),
                fmt.count(sum(c.performance.prompt_tokens for c in cells)),
                fmt.count(sum(c.performance.completion_tokens for c in cells)),
                _rate(answering, sum(c.performance.completion_tokens for c in answering)),
                _rate(scoring, sum(c.performance.prompt_tokens for c in scoring)),
                fmt.size(max(c.performance.peak_memory for c in cells)),
            )
        )
    return rows


def _rate(cells: list[Cell], tokens: int) -> str:
    seconds = sum(c.performance.engine_seconds for c in cells)
    return fmt.rate(tokens / seconds if seconds > 0 and tokens else None)


def _sessions(cells: Iterable[Cell]) -> list[Session]:
    return list({(s.model, s.id): s for c in cells for s in c.provenance.sessions}.values())


def _judge_sessions(cells: Iterable[Cell]) -> list[Session]:
    return list({s.id: s for c in cells if c.judge is not None for s in c.judge.sessions}.values())


def gather(aggregate: Aggregate) -> Facts:
    """The facts of all cells, each distinct one once."""
    cells = aggregate.cells
    sessions = [*_sessions(cells), *_judge_sessions(cells)]
    return Facts(
        run=_run(aggregate),
        models=_distinct(
            (
                c.model,
                p.model_id,
                fmt.short(p.model_revision),
                p.model_licence or fmt.NONE,
                fmt.short(p.model_fingerprint),
            )
            for c in cells
            for p in (c.provenance,)
        ),
        datasets=_distinct(
            (
                c.title,
                SOURCES[p.dataset_source],
                p.dataset_location or fmt.NONE,
                fmt.short(p.dataset_revision),
                fmt.short(p.dataset_fingerprint),
            )
            for c in cells
            for p in (c.provenance,)
        ),
        sessions=[
            (
                fmt.short(s.id),
                s.model,
                s.started,
                fmt.duration(s.load_seconds),
                f"{s.engine}, revision {s.engine_revision}",
                s.dtype,
                s.preset,
                "yes" if s.exact else "no",
                s.hardware.device,
            )
            for s in sessions
        ],
        phases=phases(sessions),
        machine_use=machine_use(s for s in sessions if s.hardware.device != "endpoint" or s.usage),
        machines=_distinct(
            machine(h)
            for h in [*(s.hardware for s in sessions), *(c.provenance.hardware for c in cells)]
        ),
        packages=_packages(sessions, [c.provenance for c in cells]),
        notes=list(dict.fromkeys(f"{s.model}: {note}" for s in sessions for note in s.notes)),
    )


def judge_name(judge: JudgeFacts) -> str:
    """A judge and its revision as text."""
    return f"{judge.id} @ {fmt.short(judge.revision)}"


def judging(judge: JudgeFacts | None) -> Rows:
    """What a samples page says about the judge; nothing without one."""
    if judge is None:
        return []
    read = f"{judge.parsed} of {judge.asked}; {judge.retried} asked for a second time"
    tokens = f"{fmt.count(judge.prompt_tokens)} of prompts, "
    tokens += f"{fmt.count(judge.completion_tokens)} generated"
    return [
        ("Judge", f"{judge.id} @ {judge.revision}"),
        ("Judged itself", "yes: no part of any ranking" if judge.self_judged else "no"),
        ("Ratings read", read),
        ("Tokens of the judge", tokens),
    ]


def _run(aggregate: Aggregate) -> Rows:
    found = [c.provenance for c in aggregate.cells]
    times = sorted(p.scored for p in found)
    facts: dict[str, list[str]] = {
        "Tier": [aggregate.tier],
        "Presets": [p.preset for p in found],
        "Seed": [str(p.seed) for p in found],
        "Code": [code(p) for p in found],
        "Scored": [times[0], times[-1]] if times else [],
    }
    return [(name, ", ".join(dict.fromkeys(v)) or fmt.NONE) for name, v in facts.items()]


def code(found: Provenance) -> str:
    """The commit that scored a cell and whether the tree was as committed."""
    state = {True: "with uncommitted changes", False: "clean", None: "state of the tree unknown"}
    return f"{fmt.short(found.git_commit)} ({state[found.git_dirty]})"


def machine(found: Hardware) -> tuple[str, ...]:
    """A machine as text."""
    return (
        found.device,
        fmt.size(found.device_memory),
        found.processor or fmt.NONE,
        fmt.count(found.cores),
        fmt.size(found.memory),
        found.platform,
    )


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
