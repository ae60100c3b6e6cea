"""The ways from page to page that a reader takes: to a model, to a pair, to the samples behind."""

from __future__ import annotations

from playwright.sync_api import expect

from evaluation.reports import links
from tests.browser.conftest import PHONE, Open
from tests.browser.site import Site

SIDES = "#sample > article.side"


def test_from_a_disagreement_to_both_answers(site: Site, open_page: Open) -> None:
    pair = next(p for p in site.report.pairs() if any(d.only_a or d.only_b for d in p.datasets))
    page = open_page(site, links.pair_page(pair.a, pair.b))
    link = page.locator(f"main a[href*='{links.SAMPLES}#'][href*='beside=']").first
    link.click()
    expect(page.locator(SIDES)).to_have_count(2)
    expect(page.locator(SIDES).nth(0)).to_contain_text(pair.a)
    expect(page.locator(SIDES).nth(1)).to_contain_text(pair.b)


def test_from_an_example_of_an_error_to_the_sample(site: Site, open_page: Open) -> None:
    model = site.report.aggregate.models[0]
    page = open_page(site, links.model_page(model))
    link = page.locator(f"main a[href*='{links.SAMPLES}#'][href*='sample=']").first
    name = link.inner_text()
    link.click()
    expect(page.locator("#sample-heading")).to_contain_text(name)
    expect(page.locator(SIDES)).to_contain_text(model)


def test_from_the_overview_to_a_pair_and_to_the_other_model(site: Site, open_page: Open) -> None:
    a, b, _ = site.report.aggregate.models
    page = open_page(site, links.OVERVIEW)
    page.locator(f"main a[href='{links.pair_page(a, b)}']").first.click()
    expect(page.locator("h1")).to_contain_text(a)
    expect(page.locator("h1")).to_contain_text(b)
    page.locator(f"main a[href$='{links.model_page(b)}'], header a[href$='{b}.html']").first.click()
    expect(page.locator("h1")).to_contain_text(b)
    page.get_by_role("link", name="Overview").first.press("Enter")
    expect(page.locator("#heat")).to_be_visible()


def test_charts_have_names_and_tables_and_scroll_in_their_own_box(
    site: Site, open_page: Open
) -> None:
    page = open_page(site, links.OVERVIEW, size=PHONE)
    charts = 0
    for path in site.pages:
        page.goto(site.url(path))
        for figure in page.locator("figure.chart").all():
            if not figure.is_visible():
                continue
            charts += 1
            drawing = figure.locator("svg[role=img]")
            named = drawing.evaluate("e => e.querySelector('title')?.textContent")
            assert len(named) > 5, path
            assert drawing.evaluate("e => e.querySelector('desc')?.textContent.length") > 20, path
            box = figure.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= 375, path
            assert page.locator("main table").count() > 0, path
    assert charts >= 6
