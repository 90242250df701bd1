"""All words are inside their boxes and beside each other, in the fonts of the reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser
from nasty import NASTY
from seeds import NETWORKS, TIED, two_neurons

from minigrad import Value, draw, nn
from minigrad.drawing import Drawing
from minigrad.drawing.outputs.svg import to_svg

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]
# What is wrong with the words of a picture: that leave their box, or lie on others of the same line.
WRONG = """
(() => [...document.querySelectorAll('svg .node')].flatMap((node) => {
  const outline = [...node.querySelectorAll('polygon, path')].map((one) => one.getBBox());
  const left = Math.min(...outline.map(({ x }) => x));
  const right = Math.max(...outline.map(({ x, width }) => x + width));
  const words = [...node.querySelectorAll('text')].filter((one) => one.textContent.trim());
  const places = words.map((one) => one.getBBox());
  const out = words.filter((one, k) => places[k].x < left - 0.5 || places[k].x + places[k].width > right + 0.5);
  const over = words.filter((one, k) => places.slice(k + 1).some((b) => {
    const a = places[k];
    const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    return across > 0.5 && down > a.height * 0.6;
  }));
  return [...out, ...over].map((one) => one.textContent);
}))()
"""


def named() -> Drawing:
    values = [Value(0.1 * (k + 1), name) for k, name in enumerate([*NASTY, "OQGD" * 9, "<=>~" * 9, "WM@%" * 9])]
    total = values[0]
    for value in values[1:]:
        total = total + value * value
    return draw(total)


def tensor() -> Drawing:
    return draw(np.sum(np.tanh(Value(np.ones((20, 30)), "WEIGHT") @ np.ones(30))))


def cards() -> Drawing:
    model = nn.MLP((2, 3, 1), per_neuron=True, seed=0)
    for k, value in enumerate(model.parameters()):
        value.name = NASTY[k % len(NASTY)]
    return draw(model, [1e-300, 2e300], [-1.2345e-300])


DRAWN: dict[str, Any] = {
    "names": named,
    "tensor": tensor,
    "cards": cards,
    **{
        f"{name}-{view}": (lambda network=network, view=view: draw(*network, view=view))
        for name, (network, _) in NETWORKS.items()
        for view in ("cards", "ops", "quotient", "layers")
        if name in ("two-neurons-tied", "all-ones", "random-search")
    },
}


@pytest.mark.parametrize("name", DRAWN)
def test_words_fit_where_the_font_has_the_widths_of_helvetica(browser: Browser, folder: Path, name: str) -> None:
    path = folder / "words.html"
    svg = to_svg(DRAWN[name]().diagram, "light")
    path.write_text(f'<meta charset="utf-8">{svg[svg.index("<svg") :]}', encoding="utf-8")
    browser.open(path)
    if (
        browser.js(
            "(() => { const c = document.createElement('canvas').getContext('2d'); c.font = '100px Helvetica';"
            " return c.measureText('neuron 0123').width })()"
        )
        > 567
    ):
        pytest.skip("no font with the widths of Helvetica is installed")
    assert browser.js(WRONG) == []


@pytest.mark.parametrize("font", ["DejaVu Sans", "DejaVu Sans Mono"])
@pytest.mark.parametrize("name", DRAWN)
def test_the_page_squeezes_words_of_a_wider_font(browser: Browser, folder: Path, name: str, font: str) -> None:
    path = DRAWN[name]().save(folder / "wide.html")
    wide = f'<style>#stage text {{ font-family: "{font}" !important }}</style></head>'
    path.write_text(path.read_text(encoding="utf-8").replace("</head>", wide), encoding="utf-8")
    browser.open(path)
    browser.settle()
    assert browser.js(WRONG) == []


def test_words_of_the_font_that_was_measured_stay_as_they_are(browser: Browser, folder: Path) -> None:
    path = draw(*two_neurons(TIED)).save(folder / "same.html")
    browser.open(path)
    browser.settle()
    probe = "{ 'font-family': 'Helvetica', 'font-size': 100 }, KNOWN.words).getComputedTextLength()"
    if browser.js(f"drawn(overlay, 'text', {probe}") < 567:
        assert browser.js("stage.querySelectorAll('[textLength]').length") == 0
