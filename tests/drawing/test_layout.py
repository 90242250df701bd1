"""The quality of layouts in numbers, for the networks of the discussions: measured in the SVG of the picture."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from drawing import layout
from drawing.networks import SEEDS
from seeds import all_ones, two_neurons

from minigrad import draw, nn, relu
from minigrad.drawing import Drawing
from minigrad.drawing.diagram import Diagram
from minigrad.engine.value import Value


def svg(*network: Any, **given: Any) -> tuple[str, Diagram]:
    drawing = draw(*network, theme="light", **given)
    return drawing._svg(), drawing.diagram


@pytest.mark.parametrize("view", ["ops", "cards", "neurons", "quotient", "layers"])
@pytest.mark.parametrize("name", SEEDS)
def test_no_two_nodes_overlap_and_no_edge_goes_through_a_text(name: str, view: str) -> None:
    text, diagram = svg(*SEEDS[name], view=view)
    assert len(layout.nodes(text)) == len(diagram.nodes) and len(layout.edges(text)) == len(diagram.edges)
    assert layout.overlapping(text) == []
    assert layout.struck_through(text) == []


@pytest.mark.parametrize("name", ["two-neurons-tied", "all-ones", "classic-3-4-2-equal"])
def test_neurons_that_are_one_look_alike(name: str) -> None:
    net = SEEDS[name][0]
    text, _ = svg(*SEEDS[name], view="neurons")
    forms = {node.id: layout.looks(node) for node in layout.nodes(text)}
    for k, size in enumerate(net.sizes[1:-1], start=1):
        assert len({forms[f"l{k}n{j}"] for j in range(size)}) == 1
    assert len(set(forms.values())) > 1, "cards of other layers have another form"


@pytest.mark.parametrize("name", [name for name in SEEDS if name != "two-neurons"])
def test_edges_between_two_layers_cross_no_more_than_they_must(name: str) -> None:
    net = SEEDS[name][0]
    text, diagram = svg(*SEEDS[name], view="neurons")
    drawn = layout.edges(text)
    for k in range(1, len(net.sizes)):
        layer = [e for e in diagram.edges if e.head.startswith(f"l{k}n")]
        assert len(layer) == net.sizes[k - 1] * net.sizes[k]
        pairs = [(a, b) for a, b in combinations(layer, 2)]
        found = sum(layout.crossings(drawn[a.id], drawn[b.id]) for a, b in pairs)
        assert found <= layout.bipartite_minimum(net.sizes[k - 1], net.sizes[k])


def test_an_edge_ends_at_the_letter_of_its_row() -> None:
    """The port is where the view computed it: beside the row's texts, at their height."""
    text, diagram = svg(*all_ones())
    drawn, cards = layout.edges(text), {node.id: node for node in layout.nodes(text)}
    names = {f"{n.id}:{row.port}": row.name for n in diagram.nodes for row in n.rows}
    for e in diagram.edges:
        ends = (e.tail, e.tail_port, drawn[e.id][0], 2), (e.head, e.head_port, drawn[e.id][-1], 0)
        for card, port, (x, y), side in ends:
            node = cards[card]
            box = next(box for words, box in node.texts if words == names[f"{card}:{port}"])
            assert box[1] - 3 < y < box[3] + 3, "on the height of the row"
            assert abs(x - node.box[side]) < 8, "at the side of the card"


def test_cards_of_a_column_stand_apart() -> None:
    text, _ = svg(*all_ones(), view="neurons")
    column = sorted(node.box for node in layout.nodes(text) if node.id.startswith("l2n"))
    tops = sorted(box[1] for box in column)
    heights = {round(box[3] - box[1]) for box in column}
    assert all(below - above - max(heights) > 10 for above, below in pairwise(tops))


def test_cards_have_the_size_that_the_diagram_says() -> None:
    text, diagram = svg(*two_neurons())
    drawn = {node.id: node.box for node in layout.nodes(text)}
    for node in diagram.nodes:
        left, top, right, bottom = drawn[node.id]
        assert node.at is not None
        assert (right - left, bottom - top) == pytest.approx(node.at[2:], abs=2.1), "but for the line's own width"


def test_parts_that_skip_a_part_are_led_around_it() -> None:
    rng = np.random.default_rng(0)

    class Block(nn.Module):
        def __init__(self) -> None:
            self.W, self.b = Value(rng.normal(size=(4, 4))), Value(np.zeros(4))

        def __call__(self, h: Any) -> Any:
            return h + relu(h @ self.W + self.b)

    class Net(nn.Module):
        def __init__(self) -> None:
            self.embed, self.blocks = Value(rng.normal(size=(3, 4))), [Block(), Block(), Block()]

        def __call__(self, x: Any) -> Any:
            h = x @ self.embed
            for block in self.blocks:
                h = block(h)
            return h

    text, diagram = svg(Net(), np.ones((2, 3)))
    assert len(diagram.edges) > len(diagram.nodes)
    assert layout.overlapping(text) == [] and layout.struck_through(text) == []


def test_the_measures_see_what_is_wrong() -> None:
    """Plants a node on another, an edge through a text and a crossing: each measure finds its fault."""
    diagram = draw(*two_neurons()).diagram

    def moved(card: str, x: float, y: float) -> str:
        nodes = [replace(n, at=(x, y, *n.at[2:])) if n.at and n.id == card else n for n in diagram.nodes]
        return Drawing(replace(diagram, nodes=tuple(nodes)), theme="light")._svg()

    x, y, *_ = next(n.at for n in diagram.nodes if n.id == "l1n0" and n.at)
    assert ("l1n0", "l1n1") in [tuple(sorted(pair)) for pair in layout.overlapping(moved("l1n1", x + 20, y - 20))]
    assert layout.struck_through(moved("loss", x - 900, y))
    up, down = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    assert layout.crossings(up, down) == 1 and layout.crossings(up, up + 1) == 0
