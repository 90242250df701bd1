"""A model in the viewer: cards with rows, beside its operations and its quotient."""

import json
from pathlib import Path

import numpy as np
import pytest
from browser import Browser
from viewing import opened

from minigrad import nn
from minigrad.drawing import draw

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def cards(folder: Path) -> Path:
    model = nn.MLP([2, 3, 3, 2], activation="sigmoid", init="ones")
    data = np.array([[0.8, 0.4], [0.3, 0.3]]), np.array([[0.2, 0.4], [1.0, 0.0]])
    return draw(model, *data, view="neurons").save(folder / "cards.html")


def test_a_click_picks_the_row_it_is_on(browser: Browser, cards: Path) -> None:
    with opened(browser, cards) as page:
        for name in ("W1[1,2]", "b2[0]", "a1[1]"):
            x, y = page.js(
                f"(() => {{ const word = [...document.querySelectorAll('#stage text')]"
                f"  .find((one) => one.textContent === {json.dumps(name)});"
                "  const box = word.getBoundingClientRect(); return [box.x + 2, box.y + 4] })()"
            )
            page.browser.mouse("Moved", x, y)
            page.browser.settle()
            assert page.text("#note b") == name
            for kind in ("Pressed", "Released"):
                page.browser.mouse(kind, x, y, button="left", clickCount=1)
            page.browser.settle()
            assert page.texts("#panel h2")[-1].split("\n")[-1].endswith(name)
            page.click("#panel section:last-of-type header button")


def test_a_card_lists_its_rows_and_each_opens(browser: Browser, cards: Path) -> None:
    with opened(browser, cards) as page:
        page.key("/", *"layer 2 · neuron 1", "Enter", "Enter")
        rows = page.texts("#panel li button")
        assert rows == ["W2[0,1]", "W2[1,1]", "W2[2,1]", "b2[1]", "z2[1]", "a2[1]"]
        page.click("#panel li button")
        assert page.texts("#panel h2")[1].endswith("W2[0,1]")


def test_the_sweep_takes_the_cards_of_a_model(browser: Browser, cards: Path) -> None:
    with opened(browser, cards) as page:
        steps = page.js("shot().steps.length")
        page.key(*"." * steps)
        assert steps == 9
        assert page.names(".reached") == {name for name in page.ids if "·" in name or "squared" in name}


def test_a_letter_of_cells_lights_their_tensor(browser: Browser, cards: Path) -> None:
    with opened(browser, cards) as page:
        page.js("setView(page.views.findIndex(({ name }) => name === 'ops'))")
        page.ids = page.js("Object.fromEntries(Object.entries(shot().items).map(([id, one]) => [one.name, id]))")
        numbers = page.js("item(Object.keys(shot().items).find((key) => item(key).name === 'W2')).groups")
        assert len(numbers) == 1
        page.browser.hover(f"#letters li:nth-child({numbers[0] + 1}) button")
        assert page.names(".lit") == {"W2"}


def test_every_view_of_a_model_opens(browser: Browser, cards: Path) -> None:
    with opened(browser, cards) as page:
        assert page.texts("#views button") == ["neurons", "cards", "ops", "quotient"]
        titles = ["29 parameters move as 9"] * 2 + ["29 parameters", "Your 2-3-3-2 network is this"]
        for place, title in enumerate(titles):
            page.key(str(place + 1), "t")
            assert title in page.text("#title")
            assert page.js("document.querySelectorAll('#rows tbody tr').length") > 5
            page.key("t")
