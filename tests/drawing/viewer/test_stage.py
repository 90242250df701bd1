"""The picture on its stage: panning, zooming, fitting."""

import pytest
from viewing import Page

pytestmark = pytest.mark.xdist_group("browser")


def test_opens_from_the_disk_with_every_node_and_every_edge(page: Page) -> None:
    assert page.js("document.querySelectorAll('#stage .node').length") == page.js("shot().diagram.nodes.length")
    assert page.js("document.querySelectorAll('#stage .edge').length") == page.js("shot().diagram.edges.length")
    assert page.text("#title") == page.js("document.title") == "J = 0.3832 · all 8 leaf gradients differ"
    for name in page.ids:
        page.browser.middle(page.node(name))  # to be seen


@pytest.mark.parametrize(("key", "x", "y"), [("ArrowLeft", 60, 0), ("ArrowRight", -60, 0), ("ArrowUp", 0, 60)])
def test_arrows_pan(page: Page, key: str, x: float, y: float) -> None:
    before = page.camera()
    page.key(key)
    after = page.camera()
    assert after == pytest.approx((before[0] + x, before[1] + y, before[2]), rel=1e-4)


def test_dragging_pans_and_picks_nothing(page: Page) -> None:
    before, (x, y) = page.camera(), page.browser.middle(page.node("a1"))
    page.browser.drag((x, y), (x + 20, y + 10), (x + 50, y - 30))
    assert page.camera() == pytest.approx((before[0] + 50, before[1] - 30, before[2]), rel=1e-4)
    assert not page.shown("panel")


def test_the_wheel_zooms_about_the_pointer(page: Page) -> None:
    (x, y), before = page.browser.middle(page.node("w6")), page.camera()
    page.browser.mouse("Wheel", x, y, deltaX=0, deltaY=-240)
    assert page.camera()[2] > 1.3 * before[2]
    assert page.browser.middle(page.node("w6")) == pytest.approx((x, y), abs=1)


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_zoom_in_out_and_fit(page: Page, how: str) -> None:
    def do(key: str, button: str) -> tuple[float, float, float]:
        page.key(key) if how == "keys" else page.click(button)
        return page.camera()

    fitted = page.camera()
    assert do("+", "#zoom-in")[2] == pytest.approx(1.25 * fitted[2], rel=1e-4)
    assert do("-", "#zoom-out")[2] == pytest.approx(fitted[2], rel=1e-4)
    page.key("ArrowLeft", "+")
    assert do("f", "#fit") == pytest.approx(fitted, rel=1e-4)
    page.key("+", "0")
    assert page.camera() == pytest.approx(fitted, rel=1e-4)
