"""What the runs of models took, as rows of text for the index page."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.records import PhaseName, Session, Usage
from evaluation.reports import format as fmt

PHASES: tuple[tuple[PhaseName, str], ...] = (
    ("prefill", "prompts"),
    ("decode", "answers"),
    ("scoring", "choices"),
    ("mixed", "prompts and answers together"),
)

Rows = list[tuple[str, ...]]


def phases(sessions: Iterable[Session]) -> Rows:
    """One row for each kind of work of each session."""
    return [
        (
            fmt.short(session.id),
            session.model,
            words,
            fmt.count(phase.tokens),
            fmt.duration(phase.seconds),
            fmt.rate(phase.tokens / phase.seconds if phase.seconds and phase.tokens else None),
            fmt.share(phase.padding),
        )
        for session in sessions
        if session.usage is not None
        for name, words in PHASES
        if (phase := session.usage.phases.get(name)) is not None
    ]


def machine_use(sessions: Iterable[Session]) -> Rows:
    """One row for each session, measured or not."""
    return [
        (fmt.short(session.id), session.model, *_measured(session.usage)) for session in sessions
    ]


def _measured(usage: Usage | None) -> tuple[str, ...]:
    if usage is None:
        return ("not measured", *[fmt.NONE] * 9)
    device = usage.device
    return (
        fmt.duration(usage.wall_seconds),
        fmt.count(usage.requests),
        rows(usage.mean_rows, usage.most_rows),
        fmt.count(usage.shared_tokens),
        fmt.NONE if usage.cpu_cores is None else f"{usage.cpu_cores:.1f}",
        fmt.size(usage.resident_memory),
        fmt.share(device.utilisation if device else None),
        fmt.NONE if device is None or device.watts is None else f"{device.watts:.0f} W",
        fmt.energy(device.joules if device else None),
        fmt.size(device.memory or 0) if device else fmt.NONE,
    )


def rows(mean: float | None, most: int) -> str:
    """Requests under way: mean and most."""
    return fmt.NONE if mean is None else f"{mean:.1f}, at most {most}"
