"""The picture as a file."""

import base64
import struct
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from viewing import Page

from minigrad.drawing import draw
from minigrad.drawing.outputs.json_output import from_json
from minigrad.drawing.theme import DARK, LIGHT
from minigrad.engine.value import Value

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser")]


def saved(page: Page, folder: Path, kind: str, how: str) -> bytes:
    path = folder / f"ops.{kind}"
    path.unlink(missing_ok=True)
    page.browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    if how == "keys":
        page.key("s", *["Tab"] * ["svg", "png", "dot", "json"].index(kind), "Enter")
    else:
        page.click("#saves summary")
        page.click(f"#save-{kind}")
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        page.browser.js("1")
        time.sleep(0.02)
    assert page.text("#status") == f"ops.{kind} is saved."
    return path.read_bytes()


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_saves_svg_in_the_colours_of_the_theme(page: Page, folder: Path, how: str) -> None:
    page.js("themes.value = 'dark'; setTheme()")
    text = saved(page, folder, "svg", how).decode()
    root = ET.fromstring(text)
    assert sum("node" in element.get("class", "").split() for element in root.iter()) == len(page.ids)
    assert DARK.paper.lower() in text.lower()
    assert f'fill="{LIGHT.ink}"' not in text.upper().replace("FILL", "fill")
    assert "lit" not in {token for element in root.iter() for token in element.get("class", "").split()}


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_saves_png(page: Page, folder: Path, how: str) -> None:
    data = saved(page, folder, "png", how)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width > 1000
    assert height > 300
    colours = page.js(
        "(async () => { const image = new Image();"
        f"  image.src = 'data:image/png;base64,{base64.b64encode(data).decode()}'; await image.decode();"
        "  const canvas = make('canvas', { width: image.width, height: image.height });"
        "  const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);"
        "  const { data } = context.getImageData(0, 0, image.width, image.height);"
        "  return new Set(new Uint32Array(data.buffer)).size })()"
    )
    assert colours > 10  # not blank


@pytest.mark.parametrize("how", ["keys", "buttons"])
def test_saves_dot_and_json(page: Page, folder: Path, how: str, two_neurons: Callable[[Any], Value]) -> None:
    made = draw(two_neurons([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    assert saved(page, folder, "dot", how).decode() == made.dot
    assert from_json(saved(page, folder, "json", how).decode()) == made.diagram
