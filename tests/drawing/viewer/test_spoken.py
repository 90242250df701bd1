"""The page as a screen reader gets it: the browser's own tree of accessibility."""

from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from seeds import TIED, two_neurons
from viewing import opened

from minigrad import draw
from minigrad.drawing.outputs.svg import to_svg

pytestmark = pytest.mark.xdist_group("browser")


def heard(browser: Browser) -> list[dict[str, Any]]:
    """Role, name, description and whether it can be focused, of each element that is told."""
    browser.call("Accessibility.enable")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    browser.call("Accessibility.disable")
    return [
        {
            **{key: node.get(key, {}).get("value", "") for key in ("role", "name", "description")},
            "focusable": any(p["name"] == "focusable" and p["value"]["value"] for p in node.get("properties", ())),
        }
        for node in nodes
        if not node["ignored"]
    ]


def test_every_element_that_takes_the_focus_has_a_name(browser: Browser, folder: Path) -> None:
    with opened(browser, draw(*two_neurons(TIED), view="neurons").save(folder / "spoken.html")) as page:
        page.js("pick('l1n0'); pick('l1n1')")
        told = [one for one in heard(browser) if one["focusable"] and one["role"] != "RootWebArea"]
        assert len(told) > 30
        assert [one for one in told if not one["name"]] == []
        words = [one["name"] for one in told]
        card = next(word for word in words if word.startswith("layer 1 · neuron 0, sigmoid."))
        assert "w1[0,0] 0.2, gradient -0.03465" in card


def test_the_graph_is_described_by_the_answer(browser: Browser, folder: Path) -> None:
    with opened(browser, draw(*two_neurons(TIED)).save(folder / "spoken.html")):
        (graph,) = (one for one in heard(browser) if one["role"] == "application")
        assert graph["name"].startswith("the graph: move with Tab and arrow keys")
        assert graph["description"].startswith("Neurons 0 and 1 of layer 1 are one: every factor on their paths")


def test_an_svg_has_its_title_and_its_answer(browser: Browser, folder: Path) -> None:
    drawing = draw(*two_neurons(TIED))
    path = folder / "spoken-svg.html"
    path.write_text(to_svg(drawing.diagram, "light").partition("?>")[2], encoding="utf-8")
    browser.open(path)
    told = heard(browser)
    picture = next(
        one for one in told if "document" in one["role"].lower() and one["name"] == drawing.diagram.title
    )
    assert "Neurons 0 and 1 of layer 1 are one" in picture["description"]
    assert sum(one["name"].startswith("layer ") for one in told) >= 3
