"""The Chromium of this machine, started without a window and with no wish for a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    *("--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--no-default-browser-check"),
    # Shared memory is small in containers.
    "--disable-dev-shm-usage",
)
# Nothing waits so long but on a machine that is busy with others.
PATIENCE_MS = 60_000


def browser_path() -> str | None:
    """The first one on the PATH."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def started(path: str) -> Iterator[Browser]:
    """The browser at `path`, until the end of the block."""
    # Chromium's own sandbox does not start for root.
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=[*OPTIONS, *root], timeout=PATIENCE_MS
        )
        yield browser
        browser.close()
