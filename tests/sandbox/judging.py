"""What tests of code tasks share: a sandbox, and a short way to judge a solution."""

from __future__ import annotations

import functools

import pytest

from evaluation.config import SandboxSettings
from evaluation.sandbox import Program, Sandbox, SandboxUnavailable, Verdict, open_sandbox
from evaluation.sandbox.backends import Backend
from evaluation.sandbox.harness import judge
from evaluation.sandbox.limits import Limits


def judged(
    backend: Backend,
    solution: str,
    tests: str,
    *names: str,
    shared: str = "",
    setup: str = "",
    limits: Limits | None = None,
) -> Verdict:
    """The verdict on a solution whose `names` (by default `f`) the tests use."""
    program = Program(
        shared=shared, setup=setup, tests=tests, names=names or ("f",), solution=solution
    )
    return judge(program, backend, limits or Limits(wall_seconds=60, cpu_seconds=61, memory_mb=512))


@functools.cache
def any_sandbox() -> Sandbox:
    """The sandbox that a workflow would choose here; skips the test, saying why, without one."""
    try:
        return open_sandbox(SandboxSettings())
    except SandboxUnavailable as error:
        pytest.skip(error.what)
