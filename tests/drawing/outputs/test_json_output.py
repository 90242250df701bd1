"""JSON gives back the diagram, for any text and any number, and is safe in a page."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty import NASTY

from minigrad import Value, draw, errors
from minigrad.drawing.diagram import ArraySummary, CardRow, Cluster, Diagram, DiagramNode, Edge, Group
from minigrad.drawing.outputs.json_output import from_json, to_json

TEXTS = st.text(st.characters(), max_size=20)  # lone surrogates too
FLOATS = st.floats(allow_nan=False)
LETTERS = st.tuples(TEXTS, TEXTS)
numbers = st.builds(
    ArraySummary,
    lines=st.lists(TEXTS, max_size=2).map(tuple),
    exact=TEXTS,
    low=st.none() | FLOATS,
    cells=st.just(()) | st.tuples(LETTERS, LETTERS),
    thumbnail=st.just(()) | st.tuples(st.tuples(FLOATS, FLOATS)),
)
rows = st.builds(CardRow, TEXTS, TEXTS, numbers, st.none() | numbers, st.none() | TEXTS, LETTERS)
nodes = st.builds(
    DiagramNode,
    *(TEXTS,) * 5,
    shape=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    dtype=TEXTS,
    value=st.none() | numbers,
    gradient=st.none() | numbers,
    group=st.none() | TEXTS,
    badges=LETTERS,
    cell_groups=st.tuples(LETTERS),
    cluster=st.none() | st.integers(0, 3),
    rows=st.lists(rows, max_size=2).map(tuple),
    at=st.none() | st.tuples(FLOATS, FLOATS, FLOATS, FLOATS),
    step=st.none() | st.integers(0, 9),
)
edges = st.builds(Edge, TEXTS, TEXTS, TEXTS, st.integers(0, 9), flow=st.none() | FLOATS, width=FLOATS)
diagrams = st.builds(
    Diagram,
    view=TEXTS,
    nodes=st.lists(nodes, max_size=2).map(tuple),
    edges=st.lists(edges, max_size=2).map(tuple),
    groups=st.lists(st.builds(Group, TEXTS, LETTERS, LETTERS, TEXTS, st.booleans(), LETTERS)).map(tuple),
    clusters=st.lists(st.builds(Cluster, TEXTS, TEXTS, st.none() | st.integers(0, 3)), max_size=2).map(tuple),
    title=TEXTS,
    notes=LETTERS,
    hidden=LETTERS,
    attributes=st.tuples(LETTERS),
    engine=TEXTS,
    extras=st.dictionaries(
        TEXTS, st.lists(st.integers() | TEXTS | st.booleans() | st.none(), max_size=2), max_size=2
    ),
)


@settings(deadline=None, max_examples=60)
@given(diagrams)
def test_any_diagram_is_given_back_without_a_loss(diagram: Diagram) -> None:
    text = to_json(diagram)
    assert from_json(text) == diagram
    assert to_json(from_json(text)) == text
    assert text.isascii() and not set(text) & set("<>&")


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_is_given_back_and_breaks_no_page(name: str) -> None:
    a = Value(2.0, name)
    diagram = draw(a * 3 + a).diagram
    text = to_json(diagram)
    assert from_json(text) == diagram and from_json(text).nodes[0].name == name
    assert text.isascii() and not set(text) & set("<>&")


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 0.1])
def test_numbers_that_json_has_no_words_for_and_extreme_ones_come_back(x: float) -> None:
    edge = Edge("e0", "n0", "n1", 0, flow=x)
    diagram = replace(draw(Value(1.0) * 2).diagram, edges=(edge,))
    text = to_json(diagram)
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    flow = from_json(text).edges[0].flow
    assert isinstance(flow, float) and repr(flow) == repr(x)


def test_every_field_of_the_schema_is_written_under_its_name() -> None:
    text: dict[str, Any] = json.loads(to_json(draw(Value(1.0, "a") * Value(2.0, "b")).diagram))
    assert list(text) == [field.name for field in fields(Diagram)]
    assert list(text["nodes"][0]) == [field.name for field in fields(DiagramNode)]
    assert list(text["edges"][0]) == [field.name for field in fields(Edge)]
    assert list(text["nodes"][0]["value"]) == [field.name for field in fields(ArraySummary)]


def test_one_node_stands_on_one_line() -> None:
    lines = to_json(draw(Value(1.0, "a") * Value(2.0, "b")).diagram).splitlines()
    assert sum(line.startswith('  {"id": "n') for line in lines) == 3


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"view": "ops"}', "null", '{"view": 3', "<svg/>"])
def test_what_is_no_diagram_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(errors.ArgumentError, match=r"this is not a diagram(.|\n)*save\('y.json'\)"):
        from_json(text)


def test_a_field_of_another_type_is_refused() -> None:
    text = to_json(draw(Value(1.0, "a") * 2).diagram)
    for right, wrong in (
        ('"id": "n0"', '"id": 5'),
        ('"count": 1', '"count": "1"'),
        ('"place": 0', '"place": null'),
    ):
        assert right in text
        with pytest.raises(errors.ArgumentError):
            from_json(text.replace(right, wrong))


def test_the_file_is_the_text(tmp_path: Any) -> None:
    drawing = draw((Value(np.ones((2, 3)), "w") ** 2).sum())
    assert drawing.save(tmp_path / "y.json").read_text() == to_json(drawing.diagram)
