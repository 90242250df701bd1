"""A finished diagram can be drawn with fewer boxes, and loses neither the result nor a count."""

from __future__ import annotations

import numpy as np
import pytest
from seeds import all_ones, classic

from minigrad import Value, draw, nn
from minigrad.drawing.condense import coarser, first_that_fits
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.outputs.dot import to_dot
from minigrad.drawing.outputs.json_output import to_json
from minigrad.drawing.outputs.mermaid import to_mermaid
from minigrad.drawing.outputs.text import to_text


def scalars() -> Diagram:
    net = nn.MLP([2, 16, 16, 1], activation="relu", per_neuron=True, seed=1)
    rng = np.random.default_rng(0)
    return draw(net, rng.normal(size=(1, 2)), rng.normal(size=(1, 1)), view="ops", repeats=False, width=1e9).diagram


def chain() -> Diagram:
    y = Value(0.3, name="x")
    for _ in range(100):
        y = np.sin(y)
    return draw(y).diagram


GRAPHS = {
    "cards": lambda: draw(*all_ones()).diagram,
    "neurons": lambda: draw(*all_ones(), view="neurons").diagram,
    "classic": lambda: draw(*classic()).diagram,
    "scopes": scalars,
    "chain": chain,
}


@pytest.mark.parametrize("name", GRAPHS)
def test_each_step_has_fewer_arrows_and_every_output_writes_it(name: str) -> None:
    whole = GRAPHS[name]()
    sizes = [len(whole.edges)]
    for made in coarser(whole):
        ids = {node.id for node in made.nodes}
        assert {end for e in made.edges for end in (e.tail, e.head)} <= ids
        assert {member.partition(":")[0] for group in made.groups for member in group.members} <= ids
        assert len(made.hidden) > len(whole.hidden) or len(made.nodes) == len(whole.nodes)
        assert [n.id for n in made.nodes if n.kind == "result"] == [n.id for n in whole.nodes if n.kind == "result"]
        sizes.append(len(made.edges))
        for write in (to_dot, to_mermaid, to_text, to_json):
            assert write(made)  # type: ignore[operator]
    assert all(size <= sizes[0] for size in sizes) and sizes[-1] <= 60


def test_the_cards_of_a_layer_are_one_box_with_their_number_and_a_count_of_arrows() -> None:
    *_, columns, _ = coarser(draw(*all_ones(), view="neurons").diagram)
    names = {node.name: node.hides for node in columns.nodes}
    assert names["layer 1 · neuron 0 to 2"] == "3 cards" and names["x[0] to x[1]"] == "2 cards"
    assert sorted(edge.count for edge in columns.edges) == [2, 6, 6, 9]


def test_a_scope_is_one_box_that_lists_what_it_holds() -> None:
    whole = scalars()
    closed = next(coarser(whole))
    box = next(node for node in closed.nodes if node.name == "neuron 0")
    assert "3 parameter" in box.hides and box.count > 3
    values = [sum(max(node.count, node.times) for node in d.nodes) for d in (whole, closed)]
    assert values[0] == values[1]


def test_a_few_parameters_keep_their_boxes_beside_a_long_chain() -> None:
    *_, bands = coarser(chain())
    assert "x" in {node.name for node in bands.nodes} and len(bands.nodes) <= 26


def test_the_finest_that_fits_is_taken_and_says_why() -> None:
    def few(d: Diagram) -> Diagram | None:
        return d if len(d.edges) <= 8 else None

    whole = draw(*all_ones(), view="neurons").diagram
    found = first_that_fits(whole, few, "Too many arrows.")
    assert found is not None and found.hidden[-1] == "Too many arrows." and len(found.edges) == 4
    assert first_that_fits(whole, lambda d: d, "unused") is whole
    assert first_that_fits(whole, lambda d: None, "unused") is None
