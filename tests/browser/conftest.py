"""A headless Chromium, pages that watch for faults, and the sites that they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.chromium import NAMES, PATIENCE_MS, browser_path, started
from tests.browser.hostile import hostile_results, renamed
from tests.browser.site import Site, render
from tests.synthetic_tier import config_of, dataset_names, model_names, tier

DESKTOP, PHONE = (1280, 900), (375, 800)
SMALL = ("gsm8k", "arc_challenge", "mt_bench", "math", "toolllama")
LOCAL = ("file:", "data:", "about:", "blob:")


@dataclass
class Faults:
    """What no page may do: said in the order in which it happened."""

    found: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Note errors (the policy's refusals are such), dialogs, and whatever leaves the folder."""
        context.on("console", lambda m: self.add(m.type in ("error", "warning"), "console", m.text))
        context.on("weberror", lambda error: self.add(True, "error", str(error.error)))
        context.on("request", lambda r: self.add(not r.url.startswith(LOCAL), "request", r.url))
        context.on("requestfailed", lambda r: self.add(True, "request failed", r.url))

    def dialogs(self, page: Page) -> None:
        """Note dialogs of a page, and close them, or it would wait for ever."""

        def close(dialog: object) -> None:
            self.add(True, "dialog", getattr(dialog, "message", ""))
            dialog.dismiss()  # type: ignore[attr-defined]

        page.on("dialog", close)

    def add(self, fault: bool, what: str, text: str) -> None:
        """Keep a fault, cut to what a person reads."""
        if fault:
            self.found.append(f"{what}: {text[:300]}")


Open = Callable[..., Page]


# Of the package, not of the session: while playwright runs, its event loop is this thread's, and
# tests of other folders that run in the same process may want one of their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = browser_path()
    if path is None:
        pytest.skip(f"there is no browser: none of {', '.join(NAMES)} is on the PATH")
    with started(path) as browser:
        yield browser


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def open_page(browser: Browser, faults: Faults) -> Iterator[Open]:
    """Opens pages of a fresh profile: `open_page(site, "index.html", size=PHONE, dark=True)`.

    Pages of one test share the profile. A fault of any of them fails the test at its end.
    """
    contexts: list[BrowserContext] = []

    def open_page(
        site: Site, path: str, *, size: tuple[int, int] = DESKTOP, dark: bool = False
    ) -> Page:
        if not contexts:
            contexts.append(browser.new_context(reduced_motion="reduce"))
            contexts[0].set_default_timeout(PATIENCE_MS)
            faults.watch(contexts[0])
        page = contexts[0].new_page()
        faults.dialogs(page)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.goto(site.url(path))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults.found == []


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A small tier with something of everything: rows of other sources, a self-judged cell."""
    models, datasets = model_names(3), dataset_names(SMALL)
    results = tier(3, SMALL, 14, name="quick", sources={"gsm8k": "bundled"})
    folder, config = tmp_path_factory.mktemp("site"), config_of(3, SMALL)
    return render(folder, results, models, datasets, tier="quick", config=config)


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A tier in which every text is an attack."""
    models, datasets = renamed(model_names(2)), renamed(dataset_names(SMALL))
    results = hostile_results(tier(2, SMALL, 12))
    (name,) = renamed(["full"])
    return render(tmp_path_factory.mktemp("hostile"), results, models, datasets, tier=name)
