"""Views, themes, keys; names."""

import re

import pytest
from viewing import Page

from minigrad.drawing.theme import DARK, LIGHT, PRINT

pytestmark = pytest.mark.xdist_group("browser")


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_help_lists_the_keys(page: Page, how: str) -> None:
    page.key("?") if how == "keys" else page.click("#keys")
    assert page.js("document.querySelector('#help').open")
    listed = set(page.texts("#help kbd"))
    letters = {key for key in page.js("Object.keys(KEYS)") if len(key) == 1}
    assert letters <= listed
    page.key("Escape") if how == "keys" else page.click("#help button")
    assert not page.js("document.querySelector('#help').open")


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_views_switch(page: Page, how: str) -> None:
    assert page.texts("#views button") == ["ops", "values"]
    page.pick("w1")
    page.key("2") if how == "keys" else page.click("#views button:nth-child(2)")
    assert page.js("view().name") == "values"
    assert page.texts("#views [aria-pressed=true]") == ["values"]
    assert not page.shown("panel")
    page.key("1") if how == "keys" else page.click("#views button")
    assert page.js("view().name") == "ops"
    page.key("7")
    assert page.js("view().name") == "ops"


def colours(page: Page) -> tuple[str, str]:
    """The colours of the page's ground and of a node's text, as #RRGGBB."""
    found = page.js(
        "[[document.body, 'backgroundColor'], [document.querySelector('#stage text'), 'fill']]"
        "  .map(([one, name]) => getComputedStyle(one)[name])"
    )
    return tuple("#" + "".join(f"{int(c):02X}" for c in re.findall(r"\d+", text)) for text in found)  # type: ignore


@pytest.mark.parametrize("how", ["keys", "select"])
def test_themes_switch(page: Page, how: str) -> None:
    for theme, expected in [("auto", LIGHT), ("light", LIGHT), ("dark", DARK), ("print", PRINT), ("auto", LIGHT)]:
        if how == "select":
            page.js(f"themes.value = '{theme}'; themes.dispatchEvent(new Event('change'))")
        assert page.js("themes.value") == theme
        assert colours(page) == (expected.paper, expected.ink)
        if how == "keys":
            page.key("d")


def test_the_automatic_theme_is_the_readers(page: Page) -> None:
    page.browser.prefer(color_scheme="dark")
    assert colours(page) == (DARK.paper, DARK.ink)
    page.browser.prefer(color_scheme="light")
    assert colours(page) == (LIGHT.paper, LIGHT.ink)


def test_every_control_has_a_name_and_can_be_reached_by_tab(training: Page) -> None:
    controls = "[...document.querySelectorAll('button, input, select, summary')]"
    nameless = f"{controls}.filter((one) => !(one.ariaLabel || one.innerText || one.textContent).trim()).length"
    assert training.js(nameless) == 0
    unreachable = f"{controls}.filter((one) => one.tabIndex < 0).map((one) => one.id)"
    assert training.js(unreachable) == []
