"""Every page: it loads from a file and alone, can be read, and is used by keyboard and by ear."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from evaluation.reports import links
from tests.browser.conftest import DESKTOP, PHONE, Open
from tests.browser.site import Site

SERIOUS = ("serious", "critical")
# Options of axe: all rules, only colours, all but colours.
Rules = dict[str, Any] | None
CONTRAST = {"runOnly": ["color-contrast"]}
STRUCTURE = {"rules": {"color-contrast": {"enabled": False}}}
FOCUSED = """() => {
    const e = document.activeElement, s = getComputedStyle(e);
    return [e.outerHTML.slice(0, 90), parseFloat(s.outlineWidth), s.outlineStyle];
}"""
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


def kinds(site: Site) -> list[str]:
    """One page of each kind: the first model's and the first pair's stand for the others'."""
    found: dict[str, str] = {}
    for page in site.pages:
        found.setdefault(page.rpartition("/")[0] or page, page)
    return list(found.values())


def test_there_is_every_kind_of_page(site: Site) -> None:
    models = site.report.aggregate.models
    wanted = {
        *(links.OVERVIEW, links.SAMPLES, links.PERFORMANCE, links.PRESETS, links.PROVENANCE),
        *map(links.model_page, models),
        *(links.pair_page(one.a, one.b) for one in site.report.pairs()),
    }
    assert set(site.pages) == wanted
    assert len(wanted) == 5 + 3 + 3


def test_pages_load_with_a_heading_a_title_and_links_to_each_other(
    site: Site, open_page: Open
) -> None:
    page = open_page(site, links.OVERVIEW)
    for path in site.pages:
        page.goto(site.url(path))
        assert page.locator("h1").count() == 1, path
        assert page.locator("h1").is_visible(), path
        assert page.title(), path
        assert page.locator("nav[aria-label=Pages] a").count() == 5, path
        current = page.locator("nav a[aria-current=page]")
        assert current.count() == (path.count("/") == 0), path


def test_links_lead_to_files_and_to_places_in_them(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    targets: dict[str, set[str]] = {}
    for path in site.pages:
        page.goto(site.url(path))
        for href in page.eval_on_selector_all("a[href]", "all => all.map((a) => a.href)"):
            address, _, place = href.partition("#")
            targets.setdefault(address, set()).add(place)
    for address, places in targets.items():
        page.goto(address)
        if address == site.url(links.SAMPLES):
            continue  # Its places are samples, which test_samples.py opens.
        for place in places - {""}:
            assert page.locator(f"[id='{place}']").count() == 1, f"{address}#{place}"


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_no_page_scrolls_sideways(site: Site, open_page: Open, size: tuple[int, int]) -> None:
    page = open_page(site, links.OVERVIEW, size=size)
    wide = {}
    for path in site.pages:
        page.goto(site.url(path))
        content, window = page.evaluate(WIDTHS)
        if content > window:
            wide[path] = (content, window, sticking_out(page))
    assert wide == {}


def sticking_out(page: Page) -> list[str]:
    """What reaches beyond the right edge, for the one who reads of a failure."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll("main *")]
        .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll"))
        .map((e) => `${e.localName}.${e.className} ${e.textContent.trim().slice(0, 40)}`)
        .slice(0, 5)""")
    return found


def faulty(site: Site, page: Page, rules: Rules = None) -> dict[str, list[str]]:
    """Pages of each kind that have serious faults, with these."""
    found = {}
    for path in kinds(site):
        page.goto(site.url(path))
        page.wait_for_load_state("networkidle")
        found[path] = violations(page, rules)
    return {path: faults for path, faults in found.items() if faults}


def test_no_serious_fault_of_accessibility(site: Site, open_page: Open) -> None:
    assert faulty(site, open_page(site, links.OVERVIEW)) == {}


def test_dark_pages_have_contrast_too(site: Site, open_page: Open) -> None:
    """All else is the same in the dark."""
    page = open_page(site, links.OVERVIEW, dark=True)
    assert faulty(site, page, CONTRAST) == {}


def violations(page: Page, rules: Rules = None) -> list[str]:
    """Serious and critical faults with the first elements that have them."""
    response: dict[str, Any] = Axe().run(page, options=rules).response
    return [
        f"{one['id']}: {'; '.join(str(node['target'][0]) for node in one['nodes'][:3])}"
        for one in response["violations"]
        if one["impact"] in SERIOUS
    ]


def test_the_theme_is_chosen_by_keyboard_and_kept(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW, dark=False)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    button = page.get_by_role("button", name="Theme")
    button.focus()
    page.keyboard.press("Enter")
    assert (button.inner_text(), page.evaluate(background)) == ("Theme: light", light)
    page.keyboard.press("Space")
    assert button.inner_text() == "Theme: dark"
    dark = page.evaluate(background)
    assert dark != light
    page.goto(site.url(links.PERFORMANCE))
    assert page.get_by_role("button", name="Theme").inner_text() == "Theme: dark"
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="Theme").press("Enter")
    assert page.get_by_role("button", name="Theme").inner_text() == "Theme: as the system"
    assert page.evaluate(background) == light


def test_every_page_prints_its_text_in_dark_on_white(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW, dark=True)
    for path in kinds(site):
        page.goto(site.url(path))
        page.emulate_media(media="print")
        colours = page.evaluate(
            "[getComputedStyle(document.body).color, "
            "getComputedStyle(document.documentElement).colorScheme]"
        )
        red = int(colours[0].removeprefix("rgb(").split(",")[0])
        assert (red < 100, colours[1]) == (True, "light"), path
        assert page.locator("h1").is_visible(), path
        assert page.locator("main table, main p").first.is_visible(), path


def test_the_first_tab_skips_to_the_content(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    for path in kinds(site):
        page.goto(site.url(path))
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.inner_text() == "Skip to content", path
        assert focused.bounding_box()["x"] >= 0, path  # type: ignore[index]


def test_whatever_is_reached_by_tab_shows_that_it_is(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    for path in kinds(site):
        page.goto(site.url(path))
        for _ in range(12):
            page.keyboard.press("Tab")
            width = page.evaluate(
                "parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
            )
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            what = page.evaluate("document.activeElement.outerHTML.slice(0, 90)")
            if what.startswith("<body"):
                break
            assert (width >= 1, style != "none") == (True, True), f"{path}: {what}"


def test_tables_are_sorted_by_keyboard(site: Site, open_page: Open) -> None:
    page = open_page(site, links.OVERVIEW)
    tried = 0
    for path in kinds(site):
        page.goto(site.url(path))
        for table in page.locator("table.sortable").all():
            if table.locator("tbody tr").count() < 2 or not table.is_visible():
                continue
            tried += 1
            heading = table.locator("thead th").first
            heading.locator("button.sort").focus()
            page.keyboard.press("Enter")
            first = column(table)
            page.keyboard.press("Space")
            assert heading.get_attribute("aria-sort") == "ascending", path
            assert sorted(column(table)) == sorted(first), path
            assert table.locator("[aria-sort]").count() == 1, path
            if len({*first}) > 1 and table.locator("tbody").count() == 1:
                assert column(table) != first, path
    assert tried >= 2


def column(table: Any) -> list[str]:
    """The texts of the first column."""
    found: list[str] = table.locator("tbody tr > :first-child").all_inner_texts()
    return found
