"""The form of an attack, and the limits most of them run under."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from textwrap import dedent

from evaluation.sandbox.limits import Limits

PATIENT = Limits(wall_seconds=60, cpu_seconds=61, memory_mb=256, output_kb=256)
SHORT = PATIENT.model_copy(update={"wall_seconds": 0.5})


@dataclass(frozen=True)
class Attack:
    """`ends`: how the run may end; `only`: the backend or machine; `signals`: what may kill it."""

    name: str
    source: str
    ends: frozenset[str]
    limits: Limits
    only: str
    machine: str
    signals: frozenset[int]


@dataclass(frozen=True)
class Attacks:
    """Those of one module."""

    found: list[Attack] = field(default_factory=list)

    def add(
        self,
        name: str,
        source: str,
        ends: str = "finished",
        *,
        limits: Limits = PATIENT,
        only: str = "",
        machine: str = "",
        signals: frozenset[int] = frozenset(),
    ) -> None:
        self.found.append(
            Attack(name, dedent(source), frozenset(ends.split()), limits, only, machine, signals)
        )

    def runnable(self) -> list[Attack]:
        """Those that mean something on this architecture."""
        return [a for a in self.found if a.machine in ("", platform.machine())]
