"""How fast the samples page of a report opens, is filtered and searched, in a headless browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from playwright.sync_api import Page

from evaluation.reports import links
from tests.browser.chromium import browser_path, started

LISTED = "#rows > li > a[data-key]"
# Long prompts: 25 worked examples before each question.
DATASET = "arc_challenge"
TRIES = 3
# Seconds from a change to the list that follows from it, drawn.
CHANGED = """([selector, value]) => new Promise((done) => {
    const field = document.querySelector(selector), rows = document.querySelector("#rows");
    const start = performance.now();
    new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => done((performance.now() - start) / 1000)));
    }).observe(rows, { childList: true });
    if (field.type === "radio") field.click();
    else { field.value = value; field.dispatchEvent(new Event("input", { bubbles: true })); }
})"""


@dataclass(frozen=True)
class Opened:
    """Seconds: to the list of a cell, to an open sample, for a filter, a letter, all texts."""

    list_seconds: float
    sample_seconds: float
    filter_seconds: float
    letter_seconds: float
    texts_seconds: float


def open_samples(site: Path, model: str) -> Opened | None:
    """Open the samples of a cell with long prompts, each time in a fresh profile; medians.

    None without a browser.
    """
    path = browser_path()
    if path is None:
        return None
    with started(path) as browser:
        tries = []
        for _ in range(TRIES):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            tries.append(_try(context.new_page(), site, model))
            context.close()
    return Opened(*(median(values) for values in zip(*tries, strict=True)))


def _try(page: Page, site: Path, model: str) -> tuple[float, float, float, float, float]:
    start = perf_counter()
    page.goto(f"{site.as_uri()}/{links.cell_samples(model, DATASET)}")
    page.locator(LISTED).first.wait_for()
    listed = perf_counter() - start
    start = perf_counter()
    name = page.locator(LISTED).nth(-1).locator(".id").inner_text()
    page.locator(LISTED).nth(-1).click()
    page.locator("#sample-heading", has_text=name).wait_for()
    opened = perf_counter() - start
    wrong = page.evaluate(CHANGED, ["input[name=kind][value=wrong]", ""])
    page.evaluate(CHANGED, ["input[name=kind]", ""])
    letter = page.evaluate(CHANGED, ["#query", "w"])
    page.evaluate(CHANGED, ["#query", ""])
    page.locator("#scope").select_option("text")
    start = perf_counter()
    page.locator("#query").fill("no such text")
    page.locator("#status", has_text=re.compile("^0 of")).wait_for()
    return listed, opened, wrong, letter, perf_counter() - start
