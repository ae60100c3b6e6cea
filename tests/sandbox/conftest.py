"""The sandboxes of this machine."""

from __future__ import annotations

import pytest

from evaluation.sandbox import probe
from evaluation.sandbox.backends import Backend, SandboxUnavailable


@pytest.fixture(params=["bubblewrap", "landlock"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend that works here; the others are skipped with their reason."""
    try:
        return probe.choose(request.param)
    except SandboxUnavailable as error:
        pytest.skip(error.what)
