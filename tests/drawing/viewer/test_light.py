"""The node under the pointer or in focus lights up, with all that belongs to it."""

from pathlib import Path

import pytest
from browser import Browser
from seeds import TIED, two_neurons
from viewing import Page, opened

from minigrad import draw

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def test_tab_takes_the_nodes_in_order_and_escape_leaves(page: Page) -> None:
    page.js("stage.focus()")
    order = list(page.ids)
    for name in order[:4]:
        page.key("Tab")
        assert page.focused() == name
    page.key("Tab", shift=True)
    assert page.focused() == order[2]
    page.key("Escape")
    assert page.js("document.activeElement.id") == "stage"


def test_tab_is_no_trap(page: Page) -> None:
    page.js("stage.focus()")
    seen = []
    for _ in range(len(page.ids) + 2):
        page.key("Tab")
        seen.append(page.js("document.activeElement.id"))
    assert seen[-2:] == ["zoom-in", "zoom-out"]


def test_arrows_walk_along_the_edges(page: Page) -> None:
    page.js("go(Object.keys(shot().items).find((id) => item(id).name === 'a3'))")
    page.key("ArrowRight")
    assert page.focused() == "log(a3)"
    page.key("ArrowLeft", "ArrowLeft")
    assert page.focused() == "((w5*a1)+(w6*a2))"
    page.key("ArrowLeft")
    assert page.focused() == "(w5*a1)"
    page.key("ArrowDown")
    assert page.focused() == "(w6*a2)"
    page.key("ArrowUp")
    assert page.focused() == "(w5*a1)"
    page.key("ArrowLeft")
    assert page.focused() == "w5"
    page.key("ArrowLeft")
    assert page.focused() == "w5"  # it has no inputs


@pytest.mark.parametrize("how", ["mouse", "keys"])
def test_ancestors_descendants_and_group_light_up(page: Page, how: str) -> None:
    if how == "mouse":
        page.browser.hover(page.node("z1"))
    else:
        page.key("/", "z", "1", "Enter")
    ancestors = {"w1", "w2", "x1", "x2", "(w1*x1)", "(w2*x2)"}
    descendants = {"a1", "(w5*a1)", "((w5*a1)+(w6*a2))", "a3", "log(a3)", "J"}
    assert page.names(".lit") == {"z1"} | ancestors | descendants  # w1 and both products are of its group
    assert (
        page.js("getComputedStyle(parts.get(shot().diagram.nodes.find((n) => n.name === 'w6').id)).opacity") != "1"
    )
    assert len(page.js("[...overlay.querySelectorAll('.twin')].map((one) => 1)")) == 4


def test_the_legend_lights_a_group(page: Page) -> None:
    page.browser.hover("#letters button")
    assert "w1" in page.names(".lit")
    page.js("document.querySelectorAll('#letters button')[1].focus()")
    assert "w3" in page.names(".lit")


def test_the_note_tells_all_digits(page: Page) -> None:
    page.browser.hover(page.node("w1"))
    note = page.text("#note")
    assert "-0.0374061853796989" in note
    assert "() float64" in note
    page.browser.mouse("Moved", 5, 5)
    assert not page.shown("note")


def test_the_note_of_an_edge_tells_what_it_hands_back(page: Page) -> None:
    edge = page.js("shot().edges.find((edge) => edge.name === 'a3, input 1 of log(a3)').id")
    x, y = page.js(
        f"(() => {{ const path = document.querySelector('#stage [id=\"{edge}\"] path');"
        "  const at = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());"
        "  return [at.x, at.y] })()"
    )
    page.browser.mouse("Moved", x, y)
    page.browser.settle()
    assert "-1.467018" in page.text("#note")


def test_up_and_down_visit_the_rows_of_a_card_and_then_the_card_beside_it(browser: Browser, folder: Path) -> None:
    with opened(browser, draw(*two_neurons(TIED), view="neurons").save(folder / "rows.html")) as page:
        page.js("go('l1n0')")
        rows = []
        for _ in range(4):
            page.key("ArrowDown")
            rows.append(page.js("keyed()"))
            assert page.js("overlay.querySelectorAll('.ring.focus').length") == 1
        assert rows == ["l1n0:w0", "l1n0:w1", "l1n0:z", "l1n0:a"]
        assert page.text("#status").startswith("a1[0], ")
        page.key("Enter")
        assert page.texts("#panel h2")[0].endswith("a1[0]")
        page.key("ArrowDown")
        assert page.js("keyed()") == "l1n1"
        page.key("ArrowUp")
        assert page.js("keyed()") == "l1n0"
        page.key("ArrowDown", "Tab")
        assert page.js("keyed()") == "l1n1"


def test_the_frame_of_a_row_is_around_its_words(browser: Browser, folder: Path) -> None:
    with opened(browser, draw(*two_neurons(TIED), view="neurons").save(folder / "frame.html")) as page:
        page.js("pick('l1n1:w1')")
        (top, bottom), (above, below) = page.js(
            "[overlay.querySelector('.picked'), wordOf('l1n1:w1')].map((one) => {"
            "  const { top, bottom } = one.getBoundingClientRect(); return [top, bottom] })"
        )
        assert top <= above and below <= bottom
        assert bottom - top < 2 * (below - above) + 12


def test_everything_that_a_mouse_reaches_has_a_key_or_a_place_in_the_tab_order(page: Page) -> None:
    page.pick("w1")
    page.pick("w3")
    page.js("stage.focus()")
    seen = set()
    for _ in range(len(page.ids) + 60):
        page.key("Tab")
        seen.add(
            page.js(
                "document.activeElement.id || document.activeElement.ariaLabel || document.activeElement.innerText"
            )
        )
    assert {"zoom-in", "fit", "play", "step", "search", "theme", "keys", "close w1", "close w3", "tables"} <= seen
    assert "∂J/∂(w1*x1) · ∂(w1*x1)/∂w1" in seen


def test_the_focus_can_be_seen(page: Page) -> None:
    page.js("stage.focus()")
    seen = 0
    for _ in range(12):
        page.key("Tab", shift=True)
        style = page.js(
            "document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle"
        )
        assert style in (False, "solid")
        seen += bool(style)
    assert seen > 8
    page.js("go('n0')")
    page.key("Tab")
    assert page.js("overlay.querySelectorAll('.ring.focus').length") == 1
