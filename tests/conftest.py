"""What every test runs under: no verdict depends on chance, or on how fast the machine is."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

# The same examples each time and no limits in seconds. `--hypothesis-profile=default` searches on.
settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fixed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no core waits for it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare the collector what lives to the end: millions of objects of modules and of tests.

    The engine collects whenever memory runs out, which its tests have it do hundreds of times.
    """
    gc.collect()
    gc.freeze()
