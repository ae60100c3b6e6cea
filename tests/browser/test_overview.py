"""The overview's heat table: sorted by a model, filtered by words and by what must be known."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from evaluation.reports import links
from tests.browser.conftest import PHONE, Open
from tests.browser.site import Site

ROWS = "#heat tbody.datasets tr[data-name]"


def shown(page: Page) -> list[str]:
    """The datasets that are shown, in their order."""
    return [
        row.locator("th .name").inner_text() for row in page.locator(ROWS).all() if row.is_visible()
    ]


def scores(page: Page, column: int) -> list[float]:
    """What the rows of a column are sorted by, without those that have nothing."""
    cells = page.locator(f"{ROWS} > :nth-child({column + 1})").all()
    found = [cell.get_attribute("data-sort") for cell in cells]
    return [float(value) for value in found if value]


def heading(page: Page, column: int) -> Locator:
    """A heading of the heat table."""
    return page.locator("#heat thead th").nth(column)


def test_a_model_sorts_the_datasets_both_ways(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    datasets = shown(page)
    heading(page, 2).locator("button.sort").press("Enter")
    assert heading(page, 2).get_attribute("aria-sort") == "descending"
    down = scores(page, 2)
    assert down == sorted(down, reverse=True)
    assert len(set(down)) > 2
    heading(page, 2).locator("button.sort").press("Space")
    assert heading(page, 2).get_attribute("aria-sort") == "ascending"
    assert scores(page, 2) == sorted(down)
    assert sorted(shown(page)) == sorted(datasets)


def test_averages_stay_above_the_sorted_datasets(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    heading(page, 1).locator("button.sort").click()
    assert page.locator("#heat tbody").first.get_attribute("class") == "averages"


def test_words_choose_datasets_and_models(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    everything = shown(page)
    field = page.get_by_label("Show", exact=True)
    field.press_sequentially("gsm")
    assert shown(page) == ["GSM8K"]
    assert "1 of 5 datasets" in page.locator("#filter-status").inner_text()
    field.fill("cedar")
    assert shown(page) == everything
    assert [h.is_visible() for h in page.locator("#heat thead th").all()] == [
        *(True, False, False, True)
    ]
    field.fill("nothing of the kind")
    assert shown(page) == []
    field.fill("")
    assert shown(page) == everything


def test_only_what_has_warnings(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    before = len(shown(page))
    page.get_by_label("only with warnings").press("Space")
    kept = shown(page)
    assert 0 < len(kept) < before or page.locator(f"{ROWS}:not(:has(.warned))").count() == 0
    for row in page.locator(ROWS).all():
        assert row.is_visible() == (row.locator(".warned").count() > 0)


def test_a_score_leads_to_its_samples(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    page.locator(f"{ROWS} a.score").first.click()
    expect(page.locator("#rows > li").first).to_be_visible()
    assert page.locator("#model").evaluate("e => e.selectedOptions[0].label").startswith("alder_8b")


def test_on_a_phone_names_of_datasets_stay_beside_their_scores(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW, size=PHONE)
    region = page.locator(".scroll:has(#heat)")
    first = page.locator(f"{ROWS} th").first
    before = first.bounding_box()
    region.evaluate("e => { e.scrollLeft = 150; }")
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert region.evaluate("e => e.scrollLeft") > 50
    assert abs(after["x"] - before["x"]) <= 20
