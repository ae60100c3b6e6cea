"""The samples browser: lists, filters, search, links, keys, and two models side by side."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from evaluation.records import Result
from evaluation.reports import links
from evaluation.reports.digest import digests
from evaluation.reports.samples import views
from tests.browser.conftest import PHONE, Faults, Open
from tests.browser.site import Site
from tests.browser.test_pages import violations
from tests.synthetic_tier import tier

LIST = "#rows > li > a[data-key]"
CELL = ("alder_8b", "gsm8k")


def opened(open_page: Open, site: Site, path: str = "", **how: object) -> Page:
    """The samples page with its list."""
    page = open_page(site, path or links.cell_samples(*CELL), **how)
    expect(page.locator(LIST).first).to_be_visible()
    return page


def keys(page: Page) -> list[str]:
    """The ids that are listed."""
    found: list[str] = page.locator(LIST).evaluate_all("all => all.map((a) => a.dataset.key)")
    return found


@cache
def result(model: str = CELL[0], dataset: str = CELL[1]) -> Result:
    """What the site was made from."""
    found = tier(3, [dataset], 14, name="quick")
    return next(one for one in found if one.model == model)


def ids(verdict: str) -> list[str]:
    """The samples with a verdict, in their order."""
    return [one.id for one in digests(views(result())) if one.verdict == verdict]


def test_all_samples_of_a_cell_are_listed_in_order(site: Site, open_page: Open) -> None:
    page = opened(open_page, site)
    assert keys(page) == [one.id for one in result().samples]
    assert "14" in page.locator("#status").inner_text()


def test_a_filter_shows_one_verdict(site: Site, open_page: Open) -> None:
    page = opened(open_page, site)
    for kind in ("right", "wrong"):
        page.locator(f"input[name=kind][value={kind}]").check(force=True)
        expect(page.locator(LIST)).to_have_count(len(ids(kind)))
        assert keys(page) == ids(kind)
        assert ids(kind)


def test_a_category_shows_its_samples(site: Site, open_page: Open) -> None:
    page = opened(open_page, site, links.cell_samples("alder_8b", "math"))
    page.locator("#category").select_option("Algebra/level 2")
    expect(page.locator(LIST)).to_have_count(1)


def test_a_search_in_the_list(site: Site, open_page: Open) -> None:
    page = opened(open_page, site)
    page.get_by_role("searchbox").press_sequentially("GSM8K/1")
    expect(page.locator(LIST)).to_have_count(5)
    assert all(key.startswith("gsm8k/1") for key in keys(page))
    page.get_by_role("searchbox").fill("no such thing")
    expect(page.locator(LIST)).to_have_count(0)
    assert page.locator("#status").inner_text().startswith("0 of")


def test_a_search_in_full_texts_finds_what_only_a_response_says(
    site: Site, open_page: Open
) -> None:
    page = opened(open_page, site)
    page.locator("#scope").select_option("text")
    page.get_by_role("searchbox").fill(result().samples[4].turns[0].response[10:50].upper())
    expect(page.locator(LIST)).to_have_count(1)
    assert keys(page) == [result().samples[4].id]
    page.locator("#scope").select_option("list")
    expect(page.locator(LIST)).to_have_count(0)


def test_a_search_in_all_cells_leads_to_them(site: Site, open_page: Open) -> None:
    page = opened(open_page, site)
    page.locator("#scope").select_option("all")
    page.get_by_role("searchbox").fill("test/algebra/")
    expect(page.locator("#status")).to_contain_text("in all cells")
    assert page.locator(LIST).count() >= 3
    page.locator(LIST).first.click()
    expect(page.locator("#sample-heading")).to_contain_text("test/algebra/")
    assert "dataset=math" in page.url


def test_a_link_opens_a_sample_with_all_that_is_known_of_it(site: Site, open_page: Open) -> None:
    page = opened(open_page, site, links.sample(*CELL, "gsm8k/3"))
    expect(page.locator("#sample-heading")).to_contain_text("gsm8k/3")
    side = page.locator("#sample > article.side")
    expect(side).to_have_count(1)
    text = side.inner_text().lower()
    for part in ("prompt as sent", "response", "gold", "extracted", "token", "finish"):
        assert part in text, part
    sample = result().samples[3]
    assert sample.turns[0].response.splitlines()[-1].lower() in text
    assert sample.gold in text
    assert ("right" if sample.id in ids("right") else "wrong") in text
    assert page.locator(f"{LIST}[aria-current=true]").get_attribute("data-key") == "gsm8k/3"


def test_thinking_is_folded_until_it_is_asked_for(site: Site, open_page: Open) -> None:
    page = opened(open_page, site, links.sample("cedar_9b", "gsm8k", "gsm8k/3"))
    thinking = page.locator("#sample details", has=page.locator("summary", has_text="Thinking"))
    expect(thinking.locator("pre")).to_be_hidden()
    thinking.locator("summary").press("Enter")
    expect(thinking.locator("pre")).to_be_visible()


def test_two_models_side_by_side(site: Site, open_page: Open) -> None:
    page = opened(open_page, site, links.sample(*CELL, "gsm8k/3", beside="cedar_9b"))
    sides = page.locator("#sample > article.side")
    expect(sides).to_have_count(2)
    expect(sides.nth(0)).to_contain_text("alder_8b")
    expect(sides.nth(1)).to_contain_text("cedar_9b")


def test_keys_go_through_the_list_and_back_leads_back(site: Site, open_page: Open) -> None:
    page = opened(open_page, site, links.sample(*CELL, "gsm8k/3"))
    heading = page.locator("#sample-heading")
    expect(heading).to_contain_text("gsm8k/3")
    listed = keys(page)
    place = listed.index("gsm8k/3")
    page.keyboard.press("ArrowRight")
    expect(heading).to_have_text(listed[place + 1])
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text(listed[place])
    page.keyboard.press("ArrowLeft")
    expect(heading).to_have_text(listed[place - 1])
    page.go_back()
    expect(heading).to_have_text(listed[place])


def test_the_list_is_used_by_keyboard_alone(site: Site, open_page: Open) -> None:
    page = opened(open_page, site)
    page.locator("#query").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#rows a')"):
            break
    key = page.evaluate("document.activeElement.dataset.key")
    page.keyboard.press("Enter")
    expect(page.locator("#sample-heading")).to_contain_text(key)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ("model=nobody&dataset=gsm8k", "nobody"),
        ("model=alder_8b&dataset=nothing", "nothing"),
        ("model=alder_8b&dataset=gsm8k&sample=gsm8k/999", "gsm8k/999"),
        ("model=alder_8b&dataset=gsm8k&sample=gsm8k/3&beside=nobody", "nobody"),
        ("model=__proto__&dataset=constructor", "constructor"),
        ("model=__proto__&dataset=gsm8k", "__proto__"),
        ("%", None),
    ],
)
def test_a_wrong_address_is_said_in_words(
    site: Site, open_page: Open, fields: str, word: str | None
) -> None:
    page = open_page(site, f"{links.SAMPLES}#{fields}")
    if word is None:
        expect(page.locator(LIST).first).to_be_visible()
    else:
        expect(page.locator("#problem")).to_contain_text(word)


def test_on_a_phone_a_sample_takes_the_whole_width(site: Site, open_page: Open) -> None:
    page = opened(open_page, site, size=PHONE)
    page.locator(LIST).nth(2).click()
    expect(page.locator("#sample > article.side").first).to_be_visible()
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= window
    page.locator("#back").click()
    expect(page.locator(LIST).first).to_be_visible()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_an_open_sample_is_accessible(site: Site, open_page: Open, dark: bool) -> None:
    page = opened(open_page, site, links.sample(*CELL, "gsm8k/3", beside="cedar_9b"), dark=dark)
    expect(page.locator("#sample > article.side")).to_have_count(2)
    assert violations(page) == []
    page.goto(site.url(links.sample("alder_8b", "arc_challenge", "Mercury_7000037")))
    expect(page.locator("#sample table.choices")).to_be_visible()
    assert violations(page) == []


def test_missing_files_are_said_in_words(
    site: Site, open_page: Open, tmp_path: Path, faults: Faults
) -> None:
    """The page alone, as an attachment of a mail."""
    shutil.copy(site.folder / links.SAMPLES, tmp_path)
    page = open_page(Site(tmp_path, site.report), links.SAMPLES)
    expect(page.locator("#problem")).to_contain_text("needs the folder")
    # Chromium itself complains of the missing file.
    missing = ("request failed", "console: Failed to load resource: net::ERR_FILE_NOT_FOUND")
    faults.found = [one for one in faults.found if not one.startswith(missing)]


def test_prints_the_open_sample(site: Site, open_page: Open) -> None:
    page = opened(open_page, site, links.sample(*CELL, "gsm8k/3"))
    expect(page.locator("#sample > article.side")).to_be_visible()
    page.emulate_media(media="print")
    assert page.locator("#sample > article.side").is_visible()
    assert not page.locator("#rows").is_visible()
