"""A page of the viewer in a browser: what a test does to it and asks of it, by the names of nodes."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import Browser


class Page:
    """What a test does to the page and asks of it, by the names of nodes."""

    def __init__(self, browser: Browser, path: Path) -> None:
        self.browser = browser
        browser.prefer(color_scheme="light", reduced_motion="reduce")  # nothing that a test would have to wait for
        browser.open(path)
        browser.settle()
        self.js, self.key, self.click = browser.js, browser.key, browser.click
        self.ids = browser.js("Object.fromEntries(Object.entries(shot().items).map(([id, one]) => [one.name, id]))")

    def node(self, name: str) -> str:
        return f'#stage [id="{self.ids[name]}"]'

    def pick(self, name: str) -> None:
        self.click(self.node(name))

    def camera(self) -> tuple[float, float, float]:
        self.browser.settle()
        found = re.findall(r"-?[\d.]+(?:e-?\d+)?", self.js("svg.style.transform"))
        return float(found[0]), float(found[1]), float(found[2])

    def text(self, selector: str) -> str:
        return str(self.js(f"document.querySelector({json.dumps(selector)}).innerText"))

    def texts(self, selector: str) -> list[str]:
        """The texts of elements, with spaces of any kind as spaces."""
        found = self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.innerText)")
        return [text.replace("\xa0", " ") for text in found]

    def names(self, selector: str) -> set[str]:
        """The names of the nodes of the picture that a selector finds."""
        ids = self.js(
            f"[...document.querySelectorAll({json.dumps('#stage .node' + selector)})].map((one) => one.id)"
        )
        return {name for name, id in self.ids.items() if id in ids}

    def focused(self) -> str | None:
        id = self.js("document.activeElement.id")
        return next((name for name, other in self.ids.items() if other == id), None)

    def shown(self, id: str) -> bool:
        return not self.js(f"document.getElementById({json.dumps(id)}).hidden")


@contextmanager
def opened(browser: Browser, path: Path) -> Iterator[Page]:
    """The page, and in the end the proof that it kept quiet."""
    yield Page(browser, path)
    assert_quiet(browser)


def assert_quiet(browser: Browser) -> None:
    """Nothing was asked of the network, nothing said on the console, nothing blocked, no dialog opened."""
    asked = [e["params"]["request"]["url"] for e in browser.events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert sum(url.startswith("file:") for url in asked) == 1
    loud = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening")
    assert [event for event in browser.events if event["method"] in loud] == []
