"""Searching."""

import pytest
from viewing import Page

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
