from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from minigrad import Value, debug, draw
from minigrad.drawing.outputs.links import link

HERE = Path(__file__)


def test_under_debug_each_box_links_to_the_line_that_made_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE.parent)
    with debug():
        a = Value(2.0, "a")
        y = a * a * 3
    drawing = draw(y)
    sources = [node.source for node in drawing.diagram.nodes]
    assert sources[0] == "" and all("y = a * a * 3" in source for source in sources[1:])
    root = ET.fromstring(drawing._repr_svg_() or "")
    links = [x.get("{http://www.w3.org/1999/xlink}href", "") for x in root.iter("{http://www.w3.org/2000/svg}a")]
    assert len(links) == 2 and len(set(links)) == 1
    file, _, line = links[0].partition("#L")
    assert file == HERE.name and HERE.read_text().splitlines()[int(line) - 1].strip() == "y = a * a * 3"
    tokens = [t for g in root.iter("{http://www.w3.org/2000/svg}g") for t in g.get("class", "").split()]
    assert tokens.count("node") == 3 and tokens.count("edge") == 3


def test_without_debug_there_is_no_link() -> None:
    assert "URL" not in draw(Value(2.0) * 3).dot


@pytest.mark.parametrize("source", ["", "<stdin>:1: y = a", "no/such/file.py:3: y", "javascript:alert(1)", "x"])
def test_what_is_no_file_is_no_link(source: str) -> None:
    assert link(source) == ""


def test_a_path_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / 'a "b" <c>#d.py'
    odd.write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    assert link(f"{odd}:1: x = 1") == "a%20%22b%22%20%3Cc%3E%23d.py#L1"
    monkeypatch.chdir(HERE.parent)
    assert link(f"{odd}:1: x = 1").startswith("file:///")
