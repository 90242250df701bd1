"""Searching."""

from pathlib import Path

import pytest
from browser import Browser
from viewing import Page, opened

from minigrad import Value, draw

pytestmark = pytest.mark.xdist_group("browser")


def test_search_by_keyboard_lists_hits_and_jumps(page: Page) -> None:
    page.key("/", "a", "3")
    assert page.texts("#hits b")[0] == "a3"
    assert len(page.texts("#hits li")) > 1
    page.key("ArrowDown")
    assert page.text("#hits [aria-selected=true] b") != "a3"
    page.key("ArrowUp", "Enter")
    assert page.focused() == "a3"
    assert not page.shown("hits")


def test_search_by_mouse(page: Page) -> None:
    page.click("#search")
    page.key("w", "4")
    page.click("#hits li")
    assert page.focused() == "w4"
    page.click("#search")
    page.key(*"nowhere")
    assert page.texts("#hits li") == ["no node matches"]
    page.key("Escape")
    assert not page.shown("hits")


def test_exact_names_come_first_then_names_then_facts(browser: Browser, folder: Path) -> None:
    values = [Value(1.0, name) for name in ("awkward", "ward", "war")]
    total = values[0] * values[1] * values[2]
    with opened(browser, draw(total).save(folder / "search.html")) as page:
        page.key("/", *"war")
        assert page.texts("#hits b")[:3] == ["war", "ward", "awkward"]
