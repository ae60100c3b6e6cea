"""The contract of an engine, and the pool of requests it drains."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Protocol

from evaluation.benchmarks.base import AnyRequest
from evaluation.engines.counters import Counters
from evaluation.records import Ceiling, Record, Response, Session


class PooledRequest(Record):
    """One request of the pool; `group` names the dataset and slice it belongs to."""

    key: str
    group: str
    request: AnyRequest


Pool = deque[PooledRequest]


class Engine(Protocol):
    """A loaded model.

    `run` drains the pool and yields each response as it finishes. The caller may append follow-up
    requests to the pool while it iterates; the engine takes them up before it stops. Every request
    that was in the pool gets exactly one response: a failing one carries its error. `counters` are
    sums over all runs. `ceiling` measures what the device reaches at best; None where that says
    nothing about the engine or cannot be measured.
    """

    session: Session
    counters: Counters

    def run(self, pool: Pool) -> Iterator[Response]:
        """Answer everything in the pool."""
        ...

    def ceiling(self) -> Ceiling | None:
        """What the device reaches now; to be called when no run is under way."""
        ...
