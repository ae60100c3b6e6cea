"""Tiers with something missing: every page still opens, and says what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.records import Result
from evaluation.reports import links
from tests.browser.conftest import PHONE, Open
from tests.browser.site import Site, render
from tests.browser.test_pages import WIDTHS, sticking_out
from tests.synthetic_tier import tier

DATASETS = ("gsm8k", "arc_challenge", "mt_bench")
RATES = ("tokens_per_second", "prefill_tokens_per_second", "decode_tokens_per_second")
ODD = ["mödel/7 b", "a&b=c#d?e%20", "..", "名前", "-rf *"]


def one_model() -> list[Result]:
    return list(tier(1, DATASETS, 6))


def missing_cells() -> list[Result]:
    return list(tier(2, DATASETS, 6, missing={("alder_8b", "gsm8k"), ("birch_14b", "mt_bench")}))


def no_samples() -> list[Result]:
    return list(tier(2, DATASETS, 6, sizes={("alder_8b", "gsm8k"): 0}, judge=None))


def odd_names() -> list[Result]:
    return list(tier(ODD, DATASETS, 4))


def nothing() -> list[Result]:
    return []


def unmeasured() -> list[Result]:
    """Without usage, sessions or figures, as after a kill or of a server."""
    found = []
    for one in tier(2, DATASETS, 5):
        sessions = [s.model_copy(update={"usage": None}) for s in one.provenance.sessions]
        figures = dict.fromkeys((*RATES, "mean_rows", "joules"))
        performance = one.performance.model_copy(update={**figures, "session_seconds": {}})
        origin = one.provenance.model_copy(update={"sessions": sessions})
        found.append(one.model_copy(update={"performance": performance, "provenance": origin}))
    return found


CASES = {
    "one model": (one_model, ["alder_8b"]),
    "missing cells": (missing_cells, ["alder_8b", "birch_14b"]),
    "no samples": (no_samples, ["alder_8b", "birch_14b"]),
    "odd names": (odd_names, ODD),
    "nothing at all": (nothing, ["alder_8b", "birch_14b"]),
    "nothing measured": (unmeasured, ["alder_8b", "birch_14b"]),
}


@pytest.mark.parametrize("case", CASES)
def test_pages_open_and_fit(case: str, open_page: Open, tmp_path: Path) -> None:
    make, models = CASES[case]
    site = render(tmp_path, make(), models, DATASETS, compared=len(models) > 1)
    page = open_page(site, links.OVERVIEW, size=PHONE)
    wide = {}
    for path in site.pages:
        page.goto(site.url(path))
        assert page.locator("h1").is_visible(), path
        assert "nan" not in page.locator("main").inner_text().lower().split(), path
        content, window = page.evaluate(WIDTHS)
        if content > window:
            wide[path] = sticking_out(page)
    assert wide == {}


def test_what_is_missing_is_said(open_page: Open, tmp_path: Path) -> None:
    site = render(tmp_path, missing_cells(), ["alder_8b", "birch_14b"], DATASETS)
    page = open_page(site, links.OVERVIEW)
    assert page.locator("#heat td.absent .word").all_inner_texts() == ["missing", "missing"]
    page.goto(site.url(links.cell_samples("alder_8b", "gsm8k")))
    assert page.locator("#problem").inner_text() == "alder_8b has no result on GSM8K."


def test_odd_names_lead_to_their_pages_and_samples(open_page: Open, tmp_path: Path) -> None:
    site = render(tmp_path, odd_names(), ODD, DATASETS)
    page = open_page(site, links.OVERVIEW)
    for name in ODD:
        page.goto(site.url(links.OVERVIEW))
        page.locator("#heat thead a").filter(has_text=name).first.click()
        assert name in page.locator("h1").inner_text()
        page.goto(site.url(links.cell_samples(name, "gsm8k")))
        page.locator("#rows > li > a[data-key]").first.click()
        page.locator("#sample > article.side", has_text=name).wait_for()


def test_a_site_without_scripts_has_its_numbers(site: Site, browser: object) -> None:
    """Scripts sort, filter and search; they bring no content, but for the samples."""
    context = browser.new_context(java_script_enabled=False)  # type: ignore[attr-defined]
    page = context.new_page()
    for path in site.pages:
        page.goto(site.url(path))
        if path == links.SAMPLES:
            assert "needs JavaScript" in page.locator("main").inner_text()
        else:
            assert page.locator("main table").count() > 0, path
            assert not page.locator("button").first.is_visible(), path
    context.close()
