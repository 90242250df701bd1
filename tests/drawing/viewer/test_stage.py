"""The picture on its stage: panning, zooming, fitting."""

import pytest
from viewing import Page

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


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


def test_two_fingers_zoom_and_move(page: Page) -> None:
    """Two fingers that part from 200 to 400 pixels make the picture twice as large, about their middle."""
    x, y, zoom = page.camera()
    left, top = page.js("(({ left, top }) => [left, top])(stage.getBoundingClientRect())")

    def touch(kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"x": a, "y": b, "id": number} for number, (a, b) in enumerate(points)]
        page.browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)

    touch("touchStart", (500, 400))
    touch("touchStart", (500, 400), (700, 400))
    for k in range(1, 11):
        touch("touchMove", (500 - 10 * k, 400), (700 + 10 * k, 400))
    touch("touchEnd")
    found = page.camera()
    assert found[2] == pytest.approx(2 * zoom, rel=0.02)
    middle = 600 - left, 400 - top
    assert (middle[0] - found[0]) / found[2] == pytest.approx((middle[0] - x) / zoom, abs=3)
    assert (middle[1] - found[1]) / found[2] == pytest.approx((middle[1] - y) / zoom, abs=3)
    assert not page.shown("panel")


def test_a_pinch_on_a_touchpad_zooms_in_small_steps(page: Page) -> None:
    zoom = page.camera()[2]
    page.browser.mouse("Wheel", 600, 400, deltaX=0, deltaY=-10, modifiers=2)
    pinched = page.camera()[2]
    page.browser.mouse("Wheel", 600, 400, deltaX=0, deltaY=-10)
    assert pinched / zoom == pytest.approx(1.105, abs=0.001)
    assert page.camera()[2] / pinched == pytest.approx(1.02, abs=0.001)


def test_the_map_shows_where_the_stage_looks_and_moves_it(page: Page) -> None:
    assert not page.js("map.checkVisibility()")
    page.key("+", "+", "+", "+", "+", "+")
    assert page.js("map.checkVisibility()")
    assert page.js("map.querySelector('path').getAttribute('d').match(/M/g).length") == len(page.ids)
    last = "J"
    x, y = page.js(
        f"(() => {{ const {{ x, y, width, height }} = boxes.get('{page.ids[last]}');"
        "  const there = map.querySelector('path').getScreenCTM();"
        "  const at = new DOMPoint(x + width / 2, y + height / 2).matrixTransform(there); return [at.x, at.y] })()"
    )
    page.browser.mouse("Pressed", x, y, button="left", clickCount=1)
    page.browser.mouse("Released", x, y, button="left", clickCount=1)
    middle = page.browser.middle("#stage")
    assert page.browser.middle(page.node(last)) == pytest.approx(middle, abs=3)
    page.key("f")
    assert not page.js("map.checkVisibility()")
