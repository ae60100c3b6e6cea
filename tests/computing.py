"""A limit on computing time: unlike one by the clock, a busy machine does not reach it sooner."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SECONDS = 10.0
"""Ten times what the slowest linear algorithm needs of a million characters, so that a slow machine
stays below as well; a quadratic one needs minutes to hours."""


@contextmanager
def limited_computing(seconds: float = SECONDS) -> Iterator[None]:
    """Fail, at once, when the body computes for longer than so many seconds."""

    def stop(*_: Any) -> None:
        pytest.fail(f"more than {seconds:g} s of computing")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
