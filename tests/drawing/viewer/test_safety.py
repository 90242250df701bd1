"""Names are text, whatever they contain, and the page loads nothing."""

from pathlib import Path

import pytest
from browser import Browser
from nasty import NASTY
from viewing import Page, assert_quiet

from minigrad.drawing import draw
from minigrad.engine.value import Value

pytestmark = pytest.mark.xdist_group("browser")


def test_a_page_that_loads_or_complains_would_be_noticed(browser: Browser, folder: Path) -> None:
    path = folder / "loud.html"
    path.write_text('<script>console.log("x")</script><img src="http://127.0.0.1:9/x.png">')
    browser.open(path)
    browser.settle()
    with pytest.raises(AssertionError):
        assert_quiet(browser)


ATTACKS = [
    "</script><script>hacked = 1</script>",
    "<img src=x onerror='hacked = 1'>",
    "<svg onload=hacked=1>",
    '"><script>hacked = 1</script>',
    "'); hacked = 1; ('",
    "{{data}} {{script}}",
    "</template><script>hacked = 1</script>",
    "</style><script>hacked = 1</script>",
    "__proto__",
]


def test_names_are_text_whatever_they_hold(browser: Browser, folder: Path) -> None:
    values = [Value(0.1 * (k + 1), name) for k, name in enumerate([*ATTACKS, *NASTY])]
    total = values[0] * values[1]
    for value in values[2:]:
        total = total + value * value
    total.name = ATTACKS[0]
    page = Page(browser, draw(total, repeats=False).save(folder / "nasty.html"))
    assert page.js("document.querySelectorAll('#stage .node').length") == page.js("shot().diagram.nodes.length")
    first = page.js("shot().diagram.nodes[0].id")
    page.click(f'#stage [id="{first}"]')
    page.browser.hover(f'#stage [id="{page.js("shot().diagram.nodes[1].id")}"]')
    page.key("t", "/", "<")
    assert len(page.texts("#hits li")) > 3
    page.key("Escape", ".", "d")
    assert page.js("typeof hacked") == "undefined"
    assert page.js("document.scripts.length") == 2
    assert f"{ATTACKS[0]} #1" in page.js("Object.values(shot().items).map(({ name }) => name)")
    assert_quiet(browser)


def test_a_script_in_the_page_does_not_run(browser: Browser, plain: Path, folder: Path) -> None:
    """The page allows only its own script, so that even an unescaped name could not run."""
    path = folder / "planted.html"
    text = plain.read_text(encoding="utf-8")
    path.write_text(
        text.replace("<main>", "<script>hacked = 1</script><img src=x onerror='hacked = 1'><main>"), "utf-8"
    )
    Page(browser, path)
    assert browser.js("typeof hacked") == "undefined"
