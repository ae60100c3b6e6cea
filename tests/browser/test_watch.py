"""The watch over pages sees what it is for: a page with each fault is caught."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Faults
from tests.browser.test_pages import WIDTHS, violations

CASES = {
    "console": "<script>console.error('said')</script>",
    "error": "<script>throw new Error('thrown')</script>",
    "dialog": "<script>alert('told')</script>",
    "request": "<img src='http://192.0.2.1/picture.png' alt=''>",
    "request failed": "<script src='nowhere.js'></script>",
}


@pytest.mark.parametrize("what", CASES)
def test_a_fault_is_seen(browser: Browser, tmp_path: Path, what: str) -> None:
    faults = Faults()
    context = browser.new_context(offline=True)
    faults.watch(context)
    page = context.new_page()
    faults.dialogs(page)
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html><title>x</title>{CASES[what]}")
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_load_state("networkidle")
    context.close()
    assert any(found.startswith(f"{what}:") for found in faults.found), faults.found


def test_what_the_policy_refuses_is_seen(browser: Browser, tmp_path: Path) -> None:
    faults = Faults()
    context = browser.new_context()
    faults.watch(context)
    page = context.new_page()
    policy = "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'\">"
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html>{policy}<script>window.hit = 1</script>")
    page.goto((tmp_path / "page.html").as_uri())
    context.close()
    assert "Content Security Policy" in "".join(faults.found)


def test_a_wide_page_and_a_field_without_a_name_are_seen(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 600})
    text = "<!DOCTYPE html><html lang=en><title>x</title><pre>" + "W" * 500 + "</pre><input>"
    (tmp_path / "page.html").write_text(text)
    page.goto((tmp_path / "page.html").as_uri())
    content, window = page.evaluate(WIDTHS)
    found = violations(page)
    page.close()
    assert content > window
    assert [one for one in found if one.startswith("label:")] != []
