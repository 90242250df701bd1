"""Names, titles, scopes, labels of ops and lines of code are text in every output, whatever they contain."""

from __future__ import annotations

import html.parser
import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
from everyday import thinned
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty import DIRECTIONS, NASTY

from minigrad import Value, draw, nn, scope
from minigrad.drawing import Drawing
from minigrad.drawing.diagram import DiagramNode
from minigrad.drawing.outputs import OUTPUTS, encode
from minigrad.drawing.outputs.json_output import from_json

HARM = 'x"><script>alert(1)</script><img src=x onerror=alert(2)>\u202e"];n9[label="evil"]\\N}--></style>'
TEXTS = [suffix for suffix in OUTPUTS if suffix not in (".png", ".pdf")]
SVG = "{http://www.w3.org/2000/svg}"


def drawing_of(name: str) -> Drawing:
    """A picture with the text at every place where a user's text may appear."""
    a, t = Value(2.0, name), Value(np.ones((2, 2)), name)
    with scope(name):
        h = a * 3.0 + a
    y = h * t.sum()
    return draw(y, names={name: h}, title=name)


def written(drawing: Drawing, suffix: str) -> str:
    return (encode(suffix, drawing._picture) or b"").decode()


class Page(html.parser.HTMLParser):
    """The tags of a page, and attributes that run code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        leads = ("href", "xlink:href", "src", "action", "formaction", "data")
        self.handlers += [
            name for name, x in attrs if name.startswith("on") or (name in leads and "javascript:" in (x or ""))
        ]


def structure(text: str, suffix: str) -> Any:
    """The part of an output that must not depend on any name."""
    if suffix == ".html":
        page = Page(text)
        assert not page.handlers
        return sorted(tag for tag in page.tags if tag not in ("text", "tspan"))
    if suffix == ".svg":
        root = ET.fromstring(text)
        assert not [e for e in root.iter() for name in e.attrib if name.startswith("on")]
        return sorted(element.tag for element in root.iter() if element.tag != SVG + "text")
    if suffix == ".json":
        return [sorted(json.loads(text)), len(json.loads(text)["nodes"])]
    return None


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_a_harmful_text_adds_no_element(suffix: str) -> None:
    plain, harmful = (written(drawing_of(name), suffix) for name in ("plain", HARM))
    assert structure(harmful, suffix) == structure(plain, suffix)


@pytest.mark.parametrize("name", thinned(NASTY, 4))
def test_every_output_is_what_it_is_with_any_name(name: str) -> None:
    drawing = drawing_of(name)
    for suffix in TEXTS:
        text = written(drawing, suffix)
        structure(text, suffix)
        assert not set(text) & set(DIRECTIONS), suffix
    assert from_json(written(drawing, ".json")) == drawing.diagram


@settings(deadline=None, max_examples=25)
@given(st.text())
def test_any_text_leaves_the_outputs_in_text_as_they_are(name: str) -> None:
    drawing = drawing_of(name)
    for suffix in (".dot", ".mmd", ".json", ".txt"):
        text = written(drawing, suffix)
        structure(text, suffix)
        assert not set(text) & set(DIRECTIONS), suffix


def test_what_a_line_of_code_and_a_formula_say_is_text_too() -> None:
    """They come from a user's file, and from ops that a user adds."""
    drawing = drawing_of("plain")
    node: DiagramNode = drawing.diagram.nodes[0]
    from dataclasses import replace

    changed = replace(node, source=f"evil.py:3: {HARM}", formula=HARM, operation=HARM, badges=(HARM,), hides=HARM)
    other = Drawing(
        replace(drawing.diagram, nodes=(changed, *drawing.diagram.nodes[1:]), notes=(HARM,), hidden=(HARM,))
    )
    for suffix in TEXTS:
        text = written(other, suffix)
        if suffix in (".svg", ".html"):
            assert "<script>alert(1)" not in text and "<img src=x" not in text
            assert Page(text).handlers == []
        assert not set(text) & set(DIRECTIONS), suffix


def test_ids_come_from_the_graph_and_never_from_a_name() -> None:
    text = written(drawing_of("n0"), ".dot")
    assert set(re.findall(r"\bid=(\w+)", text)) == {f"n{k}" for k in range(6)} | {f"e{k}" for k in range(6)}


def test_parameters_of_a_model_may_have_any_name() -> None:
    model = nn.MLP((2, 2, 1), init=0.5, per_neuron=True)
    for value in model.parameters():
        value.name = HARM
    drawing = draw(model, [1.0, 2.0], [1.0])
    for suffix in TEXTS:
        text = written(drawing, suffix)
        structure(text, suffix)
        assert not set(text) & set(DIRECTIONS), suffix
        assert suffix not in (".svg", ".html") or "<script>alert" not in text
