"""Pages of results in which every text is an attack: nothing runs, and nothing breaks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, get_origin

from playwright.sync_api import Page, expect
from pydantic import BaseModel

from evaluation.reports import links
from evaluation.reports.site import digest
from tests.browser.conftest import PHONE, SMALL, Open
from tests.browser.hostile import ATTACKS, BORN, CANARY, LINE, hostile_results
from tests.browser.site import Site
from tests.browser.test_pages import STRUCTURE, WIDTHS, faulty, kinds, sticking_out
from tests.synthetic_tier import tier

# What could load or run something, of which a report has nothing.
ACTIVE = "iframe, object, embed, base, link, img, audio, video, form[action], [formaction]"
HANDLERS = """() => [...document.querySelectorAll("*")].flatMap((e) => [...e.attributes]
    .filter((a) => a.name.startsWith("on") || a.name === "style"
        || /^\\s*javascript:/i.test(a.value))
    .map((a) => `${e.localName} ${a.name}=${a.value.slice(0, 60)}`))"""


def texts(value: Any) -> Iterator[str]:
    """All texts of a record that are not words of the schema."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            if get_origin(info.annotation) is not Literal:
                yield from texts(getattr(value, name))
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from texts(one)


def test_the_set_is_what_it_says() -> None:
    """Else the tests below would show nothing."""
    phases = {"prefill", "decode", "scoring", "mixed"}
    found = [text for one in hostile_results(tier(2, SMALL, 12)) for text in texts(one)]
    attacks = [text for text in found if text and text not in (*BORN, *phases)]
    assert [t[:80] for t in attacks if not t.endswith((*ATTACKS, "</b>"))] == []
    assert [one for one in ATTACKS if not any(t.endswith(one) for t in attacks)] == []
    assert set(BORN) <= set(found)
    assert max(map(len, found)) > LINE


# What hides or turns around the text beside it.
HIDDEN = "/[\\u0000-\\u0008\\u200b\\u200e\\u202a-\\u202e\\u2028]/.test(document.body.textContent)"


def harmless(page: Page, path: str) -> None:
    """Nothing has run, nothing foreign is there, and the page is still a page."""
    assert page.evaluate(f"window.{CANARY} ?? null") is None, path
    assert page.locator(ACTIVE).count() == 0, path
    assert page.evaluate(HANDLERS) == [], path
    assert page.evaluate(HIDDEN) is False, path
    for part in ("h1", "nav[aria-label=Pages]", "main"):
        assert page.locator(part).count() == 1, f"{path}: {part}"
        assert page.locator(part).is_visible(), f"{path}: {part}"
    assert page.evaluate("document.body.lastElementChild.localName") == "script", path


def test_nothing_runs_and_nothing_breaks(hostile_site: Site, open_page: Open) -> None:
    page = open_page(hostile_site, links.OVERVIEW, size=PHONE)
    wide = {}
    for path in hostile_site.pages:
        page.goto(hostile_site.url(path))
        page.wait_for_load_state("networkidle")
        harmless(page, path)
        content, window = page.evaluate(WIDTHS)
        if content > window:
            wide[path] = (content, window, sticking_out(page))
    assert wide == {}


def test_attacks_are_shown_as_text(hostile_site: Site, open_page: Open) -> None:
    page = open_page(hostile_site, links.OVERVIEW)
    for path in hostile_site.pages:
        page.goto(hostile_site.url(path))
        assert "window.__hit" in (page.locator("body").text_content() or ""), path


def test_the_only_scripts_and_styles_are_those_of_the_policy(
    site: Site, hostile_site: Site
) -> None:
    """In the files themselves: as many as in harmless pages of the kind, all with their hashes."""
    for clean, hostile in zip(kinds(site), kinds(hostile_site), strict=True):
        files = [
            (one.folder / path).read_text(encoding="utf-8")
            for one, path in ((site, clean), (hostile_site, hostile))
        ]
        for name in ("script", "style"):
            found = [
                re.findall(rf"<{name}\b[^>]*>(.*?)</{name}", text, re.S | re.I) for text in files
            ]
            assert found[0] == found[1], hostile
            for one in found[1]:
                assert digest(one) in files[1], hostile


def test_a_page_of_attacks_is_as_accessible(hostile_site: Site, open_page: Open) -> None:
    """Labels and names of controls stay; colours are no matter of texts, and slow to look at."""
    assert faulty(hostile_site, open_page(hostile_site, links.OVERVIEW), STRUCTURE) == {}


def test_samples_are_opened_searched_and_filtered(hostile_site: Site, open_page: Open) -> None:
    page = open_page(hostile_site, links.SAMPLES, size=PHONE)
    rows = page.locator("#rows > li > a[data-key]")
    for cell in hostile_site.report.aggregate.cells:
        # Anew: another place of the same page would leave the last cell's list for a moment.
        page.goto("about:blank")
        page.goto(hostile_site.url(links.cell_samples(cell.model, cell.dataset)))
        expect(rows).to_have_count(12)
        for key in rows.evaluate_all("all => all.map((a) => a.dataset.key)"):
            page.goto(hostile_site.url(links.sample(cell.model, cell.dataset, key)))
            expect(page.locator("#sample > article.side")).to_have_count(1)
            expect(page.locator("#problem")).to_be_hidden()
        harmless(page, cell.dataset)
        content, window = page.evaluate(WIDTHS)
        assert content <= window, sticking_out(page)


def test_a_search_for_an_attack_finds_it_and_runs_nothing(
    hostile_site: Site, open_page: Open
) -> None:
    page = open_page(hostile_site, links.SAMPLES)
    rows = page.locator("#rows > li > a[data-key]")
    expect(rows).to_have_count(12)
    for scope, most in (("list", 12), ("text", 12), ("all", 1000)):
        page.locator("#scope").select_option(scope)
        for text in ("<script>", "__proto__", "</style><style>", "{{ 7*7 }}"):
            page.locator("#query").fill(text)
            expect(page.locator("#status")).to_contain_text(re.compile(r"\d (of|samples? in)"))
            assert rows.count() <= most
            harmless(page, text)
    page.locator("#query").fill("__proto__")
    expect(rows.first).to_be_visible()


def test_a_remark_of_a_megabyte_takes_no_more_than_some_lines(
    hostile_site: Site, open_page: Open
) -> None:
    page = open_page(hostile_site, links.OVERVIEW)
    flag = page.locator("#heat .flags li", has_text="x" * 100)
    expect(flag.first).to_be_visible()
    box = flag.first.bounding_box()
    assert box is not None
    assert box["height"] < 300
    assert len(page.content()) < 500_000


def test_lines_of_a_megabyte_are_cut_until_they_are_asked_for(
    hostile_site: Site, open_page: Open
) -> None:
    cell = hostile_site.report.aggregate.cells[0]
    page = open_page(hostile_site, links.cell_samples(cell.model, cell.dataset), size=PHONE)
    page.locator("#rows > li > a[data-key]").first.click()
    more = page.get_by_role("button", name="Show all")
    expect(more.first).to_be_visible()
    before = more.count()
    more.last.press("Enter")
    expect(more).to_have_count(before - 1)
    harmless(page, "the long line")
    content, window = page.evaluate(WIDTHS)
    assert content <= window
