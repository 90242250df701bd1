import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from drawing import layout
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nasty import NASTY

from minigrad.drawing import draw
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.format import CUT, escape_direction_marks
from minigrad.drawing.graph_data import survey
from minigrad.drawing.outputs.svg import ILLEGAL, to_svg
from minigrad.drawing.views.operations import ops_view
from minigrad.engine.value import Value, graph

Find = Callable[[str, str], list[ET.Element]]
SVG = "{http://www.w3.org/2000/svg}"


def diagram(y: Value) -> Diagram:
    """One node for each value."""
    return ops_view(survey(y), fold=False)


def svg_of(name: str) -> str:
    a = Value(2.0, name)
    y = a * 3 + a
    y.name = name
    return to_svg(diagram(y))


@pytest.mark.parametrize("network", ["different", "tied"])
def test_class_tokens_count_values_and_uses_and_nothing_else(
    network: str, request: pytest.FixtureRequest, groups_with_class: Find
) -> None:
    y = request.getfixturevalue(network)
    svg = to_svg(diagram(y))
    assert len(groups_with_class(svg, "node")) == len(graph(y))
    assert len(groups_with_class(svg, "edge")) == sum(len(v.inputs) for v in graph(y))
    found = groups_with_class(svg, "node") + groups_with_class(svg, "edge")
    assert {element.tag for element in found} == {SVG + "g"}


def test_a_value_used_twice_has_two_arrows(groups_with_class: Find) -> None:
    a = Value(3.0, "a")
    svg = to_svg(diagram(a * a))
    arrows = groups_with_class(svg, "edge")
    assert len(arrows) == 2
    paths = [arrow.find(SVG + "path").get("d") for arrow in arrows]  # type: ignore[union-attr]
    assert paths[0] != paths[1]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=CUT))
def test_any_name_parses_is_counted_and_appears_as_typed(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", NASTY)
def test_nasty_name_breaks_nothing(name: str) -> None:
    check_name(name)


def check_name(name: str) -> None:
    root = ET.fromstring(svg_of(name))
    nodes = [element for element in root.iter() if "node" in element.get("class", "").split()]
    assert [node.get("id") for node in nodes] == ["n0", "n1", "n2"]
    assert sum("edge" in element.get("class", "").split() for element in root.iter()) == 3
    typed = escape_direction_marks(ILLEGAL.sub("\ufffd", name))
    for node in (nodes[0], nodes[2]):
        assert node.findtext(SVG + "title", "").startswith(typed)
    printable = typed == name and name.isprintable() and name == " ".join(name.split()) and len(name) <= CUT
    if name and printable:
        assert name in [text.text for text in nodes[0].iter(SVG + "text")]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 10), min_size=2, max_size=40))
@example([0] * 30)
def test_random_graphs_keep_every_arrow(choices: list[int]) -> None:
    values = [Value(1.5), Value(-0.5)]
    for choice in choices:
        values.append(values[choice % len(values)] * values[-1] - values[-2])
    y = values[-1]
    root = ET.fromstring(to_svg(diagram(y)))
    tokens = [token for element in root.iter() for token in element.get("class", "").split()]
    assert tokens.count("node") == len(graph(y))
    assert tokens.count("edge") == sum(len(v.inputs) for v in graph(y))


@pytest.mark.parametrize(
    ("rankdir", "axis", "sign"), [("LR", "x", 1), ("RL", "x", -1), ("TB", "y", 1), ("BT", "y", -1)]
)
def test_the_result_stands_after_what_it_was_computed_from(
    tied: Value, groups_with_class: Find, rankdir: str, axis: str, sign: int
) -> None:
    d = replace(diagram(tied), attributes=(("rankdir", rankdir),))

    def start(node: ET.Element) -> float:
        return min(sign * float(text.get(axis, "nan")) for text in node.iter(SVG + "text"))

    place = {node.get("id"): start(node) for node in groups_with_class(to_svg(d), "node")}
    assert all(place[edge.tail] < place[edge.head] for edge in d.edges)


def tips(d: Diagram, axis: int) -> dict[str, list[tuple[float, ...]]]:
    """For each node the tips of its arrows, in operand order; axis: along which arrows run."""
    arrows = {edge.get("id"): edge for edge in ET.fromstring(to_svg(d)).iter(SVG + "g")}
    found: dict[str, list[tuple[float, ...]]] = {}
    for edge in sorted(d.edges, key=lambda edge: edge.place):
        heads = arrows[edge.id].find(SVG + "polygon").get("points").split()  # type: ignore[union-attr]
        points = [tuple(map(float, point.split(","))) for point in heads]
        found.setdefault(edge.head, []).append(max(points, key=lambda point: point[axis]))
    return found


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 10), min_size=2, max_size=30), st.booleans())
def test_inputs_enter_in_operand_order_at_the_side_where_arrows_come_from(choices: list[int], down: bool) -> None:
    """From left to right at the top edge, or from top to bottom at the left edge: no arrow ends elsewhere."""
    values = [Value(float(i + 1)) for i in range(4)]
    for choice in choices:
        values.append(values[-choice % len(values)] - values[choice * 7 % len(values)] / values[choice % 4])
    d = replace(diagram(values[-1]), attributes=(("rankdir", "TB" if down else "LR"),))
    along, across = (1, 0) if down else (0, 1)
    boxes = {node.id: node.box for node in layout.nodes(to_svg(d))}
    for head, points in tips(d, along).items():
        assert [point[across] for point in points] == sorted(point[across] for point in points)
        assert all(abs(point[along] - boxes[head][along]) < 9 for point in points)


def test_title_and_description_say_what_is_found(tied: Value) -> None:
    root = ET.fromstring(to_svg(diagram(tied)))
    assert root.findtext(SVG + "title") == "J = 0.3478 · gradients that stay equal: w1 = w3, w2 = w4, w5 = w6"
    described = root.findtext(SVG + "desc", "")
    assert f"{len(graph(tied))} values" in described
    assert "w2, w4." in described
    shown = "".join(text.text or "" for text in root.iter(SVG + "text"))
    assert "relative tolerance 1e-12" in shown
    assert "J = 0.3478 · gradients that stay equal" in shown


def test_same_graph_gives_the_same_bytes() -> None:
    assert svg_of("w") == svg_of("w")


def test_tensors_are_drawn_with_their_shapes_and_types() -> None:
    x, w = np.ones((5, 3)), Value(np.ones((3, 4)), "w")
    root = ET.fromstring(draw(np.tanh(x @ w).sum())._repr_svg_() or "")
    shown = [text.text for text in root.iter(SVG + "text")]
    assert "(3, 4)" in shown and "(5, 3)" in shown and "@" in shown
    single = draw(Value(np.ones((3, 4), np.float32)).sum())._repr_svg_() or ""
    assert "(3, 4) float32" in single


def test_a_screen_reader_meets_a_document_with_a_label_for_each_node_and_edge(
    tied: Value, groups_with_class: Find
) -> None:
    svg = to_svg(diagram(tied))
    root = ET.fromstring(svg)
    assert root.get("role") == "graphics-document"
    boxes, arrows = groups_with_class(svg, "node"), groups_with_class(svg, "edge")
    assert all(g.get("role") == "graphics-symbol" and g.get("aria-label") for g in boxes + arrows)
    labels = [g.get("aria-label", "") for g in boxes]
    assert any(label.startswith("w1 value 0.2 gradient -0.03465 (A₁, proved to stay equal)") for label in labels)
    assert any("input 2 of z1" in g.get("aria-label", "") for g in arrows)
    described = root.findtext(SVG + "desc", "")
    assert "8 leaves have 5 different gradients." in described
    assert "The largest gradient of a leaf is that of w5: -0.2147." in described


def test_an_arrow_tells_its_derivative_and_what_it_hands_back_to_the_last_digit() -> None:
    a, b = Value(3.0, "a"), Value(0.1, "b")
    svg = to_svg(diagram(a * b * 7.0))
    titles = [g.findtext(SVG + "title", "") for g in ET.fromstring(svg).iter(SVG + "g")]
    assert "a, input 1 of *\nlocal derivative 0.1\npasses back 0.7000000000000001" in titles


def test_width_dots_and_dashes_say_how_much_flows_back(groups_with_class: Find) -> None:
    a, b, c, e = (Value(1.0, name) for name in "abce")
    d = diagram(a * 1e-2 + b * 1.0 + c * 0.0 + np.floor(e) * 1e-9)
    width = {(edge.tail, edge.head): edge.width for edge in d.edges}
    name = {node.name: node.id for node in d.nodes}
    (one,) = [w for (tail, _), w in width.items() if tail == name["a"]]
    (two,) = [w for (tail, _), w in width.items() if tail == name["b"]]
    assert (one, two) == (2.0, 4.0)
    arrows = {g.get("id"): g.find(SVG + "path") for g in groups_with_class(to_svg(d), "edge")}
    for edge in d.edges:
        path = arrows[edge.id]
        assert path is not None
        dashes = path.get("stroke-dasharray")
        assert (dashes is None) == bool(edge.flow)
        assert float(path.get("stroke-width", "1")) == edge.width
