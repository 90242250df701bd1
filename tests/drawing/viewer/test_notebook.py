"""The page within a notebook of an editor: in a frame of its own, which may run scripts and nothing else."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from seeds import TIED, two_neurons
from viewing import assert_quiet

from minigrad import Value, draw
from minigrad.errors import ArgumentError

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def frame(browser: Browser, folder: Path) -> Iterator[Browser]:
    """The browser on a page that holds the viewer as the text of a sandboxed frame, 420 pixels high."""
    shown = draw(*two_neurons(TIED), view="neurons").viewer(height=420)._repr_html_()
    around = folder / "notebook.html"
    around.write_text(f'<!DOCTYPE html><meta charset="utf-8">{shown}', encoding="utf-8")
    browser.prefer(color_scheme="light", reduced_motion="reduce")
    browser.open(around)
    browser.settle()
    yield browser
    assert_quiet(browser)


def told(frame: Browser, expression: str) -> object:
    """What an expression is inside the frame."""
    ids = [
        event["params"]["context"]["id"]
        for event in frame.events
        if event["method"] == "Runtime.executionContextCreated"
        and event["params"]["context"]["origin"] in ("null", "://")
    ]
    found = frame.call("Runtime.evaluate", expression=expression, contextId=ids[-1], returnByValue=True)
    assert "exceptionDetails" not in found, found["exceptionDetails"]
    return found["result"].get("value")


def test_the_viewer_works_in_a_sandboxed_frame(frame: Browser) -> None:
    with pytest.raises(AssertionError):
        told(frame, "localStorage.length")  # the frame is as closed as we say
    assert told(frame, "$('answers').innerText").startswith("Neurons 0 and 1 of layer 1 are one")
    assert told(frame, "stage.clientHeight > 150")
    assert told(frame, "pick('l1n0'), pick('l1n1'), $('panel').innerText").endswith("is equal (proved).")
    assert told(frame, "setView(1), toggleTable(), rows.rows.length > 5")
    assert (
        told(frame, "copyTable(), themes.value = 'dark', themes.onchange(), document.documentElement.dataset.theme")
        == "dark"
    )
    frame.settle()
    assert "table" in str(told(frame, "$('status').innerText"))


def test_the_frame_of_hostile_names_is_one_element(folder: Path) -> None:
    shown = draw(Value(2.0, '"></iframe><script>hacked = 1</script>') * 3).viewer()
    text = shown._repr_html_()
    assert text.count("<") == 2 and text.endswith("</iframe>")
    assert html.unescape(re.search('srcdoc="([^"]*)"', text)[1]) == shown.page  # type: ignore[index]
    assert repr(shown).startswith("<page of ")


@pytest.mark.parametrize("height", [99, -1, "tall", 3.5])
def test_a_height_is_a_number_of_pixels(height: object) -> None:
    with pytest.raises(ArgumentError, match="the height of a page is a number of pixels from 100 on, got"):
        draw(Value(2.0) * 3).viewer(height)  # type: ignore[arg-type]


def test_the_script_uses_nothing_that_a_frame_lacks() -> None:
    from minigrad.drawing.outputs.html import viewer_script

    for word in (
        "localStorage",
        "sessionStorage",
        "location",
        "window.top",
        "alert(",
        "confirm(",
        "cookie",
    ):
        assert word not in viewer_script().replace('"aria-current": "location"', "")
