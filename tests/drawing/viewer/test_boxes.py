"""Boxes that open: the picture inside, the trail back, by mouse and by keys."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from viewing import Page, opened

from minigrad import Value, draw, scope
from minigrad.drawing import Drawing
from minigrad.drawing.diagram import Diagram

pytestmark = pytest.mark.xdist_group("browser")
HARM = "<img src=x onerror='hacked = 1'>"


def opening(diagram: Diagram, name: str, inside: Diagram, *, called: str) -> Diagram:
    """The diagram with its first node as a box that opens."""
    first, *rest = diagram.nodes
    return replace(diagram, nodes=(replace(first, opens=name, name=called), *rest), inside=((name, inside),))


@pytest.fixture(scope="module")
def nested(folder: Path) -> Path:
    """A box in a box: outside, step, inner."""
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(5.0, "c")
    inner = draw(c * 2, title="inside the step").diagram
    step = opening(draw(b * 3, title="one step of 200").diagram, "inner", inner, called="part")
    outside = opening(draw(a * 4, title="the loop").diagram, "step ×200", step, called=HARM)
    other = replace(draw(a * 5, title="another view").diagram, view="values")
    return Drawing(outside, others=[other]).save(folder / "nested.html")


@pytest.fixture
def page(browser: Browser, nested: Path) -> Iterator[Page]:
    with opened(browser, nested) as found:
        yield found


def test_enter_opens_a_box_and_escape_closes_it(page: Page) -> None:
    assert page.texts("#views button") == ["ops", "values"]
    page.js("go('n0')")
    page.key("Enter")
    assert page.text("#title") == "one step of 200"
    assert page.texts("#trail li") == ["ops", HARM]
    page.js("go('n0')")
    page.key("Enter")
    assert page.text("#title") == "inside the step"
    assert page.texts("#trail li") == ["ops", HARM, "part"]
    assert page.texts("#views [aria-pressed=true]") == ["ops"]
    page.key("Escape")
    assert page.text("#title") == "one step of 200"
    assert page.js("document.activeElement.id") == "n0"
    page.key("Escape")
    assert page.text("#title") == "the loop"
    assert not page.shown("trail")
    assert page.js("typeof hacked") == "undefined"


def test_a_double_click_opens_and_the_trail_leads_back(page: Page) -> None:
    for title in ("one step of 200", "inside the step"):
        x, y = page.browser.middle('#stage [id="n0"]')
        for count in (1, 2):
            for kind in ("Pressed", "Released"):
                page.browser.mouse(kind, x, y, button="left", clickCount=count)
        page.browser.settle()
        assert page.text("#title") == title
    page.click("#trail li:first-child button")
    assert page.text("#title") == "the loop"


def test_backspace_closes_and_space_shows_the_chain_rule(page: Page) -> None:
    page.js("go('n0')")
    page.key(" ")
    assert page.text("#title") == "the loop"
    assert page.shown("panel")
    page.key("Enter", "Backspace")
    assert page.text("#title") == "the loop"


def test_a_box_that_opens_says_so_and_has_a_plus(page: Page) -> None:
    assert page.js("document.querySelectorAll('#stage .plus').length") == 1
    assert page.js("parts.get('n0').getAttribute('aria-label')").endswith("; Enter opens it")
    assert "Enter opens it" not in page.js("parts.get('n1').getAttribute('aria-label')")
    page.js("go('n1')")
    page.key("Enter")  # no box: its chain rule
    assert page.text("#title") == "the loop"
    assert page.shown("panel")


def test_number_keys_reach_the_views_alone(page: Page) -> None:
    page.key("3")
    assert page.text("#title") == "the loop"
    page.js("go('n0')")
    page.key("Enter", "2")
    assert page.text("#title") == "another view"
    assert not page.shown("trail")


def test_a_box_may_open_another_view(browser: Browser, folder: Path) -> None:
    a = Value(2.0, "a")
    made = draw(a * 4, title="small").diagram
    small = replace(made, nodes=(replace(made.nodes[0], opens="values"), *made.nodes[1:]))
    path = Drawing(small, others=[replace(draw(a * 5, title="large").diagram, view="values")]).save(
        folder / "to.html"
    )
    with opened(browser, path) as page:
        page.js("go('n0')")
        page.key("Enter")
        assert page.text("#title") == "large"
        assert page.js("document.activeElement.id") == "n0"  # the same node there
        page.key("Escape")
        assert page.text("#title") == "small"


def test_a_box_inside_a_box_may_open_a_picture_of_the_outer_one(browser: Browser, folder: Path) -> None:
    """Two boxes share one picture, wherever they are."""
    shared = draw(Value(3.0, "c") * 2, title="shared").diagram
    step = draw(Value(2.0, "b") * 2, title="step").diagram
    step = replace(step, nodes=(replace(step.nodes[0], opens="shared"), *step.nodes[1:]))
    made = opening(draw(Value(1.0, "a") * 2, title="outer").diagram, "step", step, called="a")
    made = replace(made, inside=(*made.inside, ("shared", shared)))
    with opened(browser, Drawing(made).save(folder / "shared.html")) as page:
        page.js("go('n0')")
        page.key("Enter")
        page.js("go('n0')")
        page.key("Enter")
        assert page.text("#title") == "shared"
        assert page.js("page.views.length") == 3


@pytest.mark.parametrize("how", ["keys", "plus", "double click"])
def test_a_box_around_nodes_opens(browser: Browser, folder: Path, how: str) -> None:
    a = Value(2.0, "a")
    with scope("step"):
        y = np.tanh(a) * 3
    made = draw(y + 1, title="folded").diagram
    (cluster,) = made.clusters
    made = replace(made, clusters=(replace(cluster, kind="repeat", times=200, opens="values"),))
    path = Drawing(made, others=[replace(draw(a * 5, title="all steps").diagram, view="values")]).save(
        folder / "c.html"
    )
    with opened(browser, path) as page:
        box = '#stage [id="cluster_0"]'
        assert page.js(f"document.querySelector({box!r}).getAttribute('aria-label')") == "step ×200; Enter opens it"
        assert page.js("map.querySelector('path').getAttribute('d').match(/M/g).length") == len(made.nodes)
        if how == "keys":
            page.key("/", *"step", "Enter")
            assert page.js("document.activeElement.id") == "cluster_0"
            assert page.js("overlay.querySelectorAll('.focus').length") == 1
            page.key("Enter")
        elif how == "plus":
            page.click("#stage .plus")
        else:
            x, y_ = page.js(
                "(({ left, bottom }) => [left + 30, bottom - 4])"
                f"(document.querySelector({box!r}).getBoundingClientRect())"
            )
            for count in (1, 2):
                for kind in ("Pressed", "Released"):
                    page.browser.mouse(kind, x, y_, button="left", clickCount=count)
            page.browser.settle()
        assert page.text("#title") == "all steps"
        page.key("Escape")
        assert page.text("#title") == "folded"


def test_boxes_open_at_each_step_of_training(browser: Browser, folder: Path) -> None:
    def at(w: float) -> Drawing:
        inside = draw(Value(w, "w") * 2).diagram
        return Drawing(opening(draw(Value(w, "w") * 3).diagram, "in", inside, called="w"))

    path = Drawing(at(3.0).diagram, history=[at(1.0), at(2.0)]).save(folder / "steps.html")
    with opened(browser, path) as page:
        page.js("go('n0')")
        page.key("Enter")
        assert page.text("#title").startswith("y = 6 ")
        page.key("[")
        assert page.text("#title").startswith("y = 4 ")
