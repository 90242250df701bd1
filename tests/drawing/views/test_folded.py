"""A part that repeats is one box ×n; what the box says holds for every repetition, and no parameter is hidden."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from minigrad import Value, draw, nn, scope
from minigrad.drawing.diagram import Diagram, DiagramNode, Edge
from minigrad.drawing.graph_data import survey
from minigrad.drawing.outputs.json_output import from_json, to_json
from minigrad.drawing.outputs.mermaid import to_mermaid
from minigrad.drawing.outputs.text import to_text

from ..test_repeats import blocks, nested, recurrent, windows


def network(width: int) -> Value:
    model = nn.MLP([2, width, width, 1], activation="relu", per_neuron=True, seed=1)
    (out,) = model([0.3, -0.2])
    return out**2


GRAPHS = {
    "5 steps": lambda: recurrent(5),
    "30 steps": lambda: recurrent(30),
    "200 steps": lambda: recurrent(200),
    "blocks": lambda: blocks(12),
    "windows": lambda: windows(8),
    "nested": lambda: nested(6, 7),
    "network": lambda: network(16),
}


def node(diagram: Diagram, text: str) -> DiagramNode:
    return next(node for node in diagram.nodes if text in (node.name, node.operation))


def arrows(diagram: Diagram, tail: str, head: str) -> list[Edge]:
    ends = node(diagram, tail).id, node(diagram, head).id
    return [edge for edge in diagram.edges if (edge.tail, edge.head) == ends]


@pytest.mark.parametrize("name", GRAPHS)
def test_every_value_is_in_one_box_and_every_leaf_is_named(name: str) -> None:
    y = GRAPHS[name]()
    found, diagram = survey(y), draw(y).diagram
    assert len(diagram.nodes) <= 20
    assert sum(node.count for node in diagram.nodes) == len(found.values)
    leaves = [node for node in diagram.nodes if not node.operation]
    assert sum(leaf.count for leaf in leaves) == sum(v.op is None for v in found.values)
    assert all(leaf.name and leaf.gradient for leaf in leaves)
    assert f"{len(found.values):,} values are shown in {len(diagram.nodes)} boxes" in diagram.hidden[0]
    assert len(draw(y, repeats=False, seconds=1e9).diagram.nodes) > len(diagram.nodes)


@pytest.mark.parametrize("steps", [5, 30, 200])
def test_a_recurrent_network_is_four_operations_with_an_arrow_back(steps: int) -> None:
    diagram = draw(recurrent(steps)).diagram
    assert [(box.kind, box.times) for box in diagram.clusters] == [("repeat", steps)]
    assert [node.operation for node in diagram.nodes if node.cluster == 0] == ["@", "array(2,) @", "+", "tanh"]
    assert [edge.turn for edge in arrows(diagram, "tanh", "@")] == ["next"]
    assert [(edge.turn, edge.count) for edge in arrows(diagram, "tanh", "** 2")] == [("last", 1)]
    assert [edge.count for edge in arrows(diagram, "W", "@")] == [steps - 1 + 1]
    assert node(diagram, "W").cluster is None and node(diagram, "U").cluster is None


def test_a_shared_parameter_shows_its_gradient_summed_and_what_each_step_adds() -> None:
    """The numbers of a loop written out: the gradient of a copy of U for each step."""
    rng = np.random.default_rng(0)
    w, u = Value(rng.normal(size=(3, 3)) / 2, "W"), Value(rng.normal(size=(2, 3)), "U")
    copies = [Value(u.data, f"U{k}") for k in range(30)]
    data = rng.normal(size=(30, 2)) / 4
    losses: list[Value] = []
    for used in ([u] * 30, copies):
        h: Any = np.zeros(3)
        for x, weights in zip(data, used, strict=True):
            h = np.tanh(h @ w + x @ weights)
        losses.append(np.sum(h**2))
    losses[1].backward()
    norms = [float(np.linalg.norm(copy.grad)) for copy in copies]
    shown = node(draw(losses[0]).diagram, "U")
    assert shown.gradient is not None and shown.gradient.norm == pytest.approx(
        np.linalg.norm(sum(np.asarray(copy.grad) for copy in copies))
    )
    assert shown.hides == f"∂ of 30 uses: norm {min(norms):.3g} .. {max(norms):.3g}"
    assert len(shown.strip) == 24 and shown.strip[-1] == 1.0 == max(shown.strip)


def test_own_weights_are_one_box_with_the_range_of_all() -> None:
    y = blocks(12)
    diagram, found = draw(y).diagram, survey(y)
    box = node(diagram, "blocks.0..11.W")
    norms = [np.linalg.norm(found.gradients[k]) for k, name in enumerate(found.names) if name.endswith("W")]
    assert box.count == 12 and box.cluster == 0 and diagram.clusters[0].times == 12
    assert box.gradient is not None
    assert box.gradient.lines == (f"norm {min(norms):.3g} .. {max(norms):.3g}",)
    assert "24 leaf gradients" in diagram.title


def test_ranges_hold_for_all_repetitions() -> None:
    y = recurrent(30)
    found, diagram = survey(y), draw(y).diagram
    tanhs = [v.data for v in found.values if v.op is not None and v.op.label == "tanh"]
    value = node(diagram, "tanh").value
    assert value is not None and (value.low, value.high) == (np.min(tanhs), np.max(tanhs))


def test_a_mark_of_one_repetition_is_not_lost() -> None:
    w, h = Value(0.9, "w"), Value(0.5, "h")
    for k in range(20):
        h = np.sin(h * w) + (np.inf if k == 19 else 0.1)
    diagram = draw(h * 2.0).diagram
    assert any("inf in 1 of 20" in badge for node in diagram.nodes for badge in node.badges)


def test_a_letter_is_shown_only_if_all_repetitions_have_it() -> None:
    shared = draw(windows(8)).diagram  # the gradient of every term of a sum is 1
    assert node(shared, "tanh").group == "A" == shared.groups[0].letter
    differing = draw(recurrent(30)).diagram
    assert all(node.group is None for node in differing.nodes if node.cluster == 0)
    assert not any("No two gradients" in note for note in differing.notes)


def test_an_index_that_moves_is_not_told_as_if_it_stood() -> None:
    assert node(draw(windows(8)).diagram, "[…:…, …:…]").count == 64


def test_the_state_of_a_loop_comes_from_where_it_starts() -> None:
    diagram = draw(nested(6, 7)).diagram
    assert [edge.turn for edge in arrows(diagram, "h0", "@")] == ["first"]
    assert [(box.times, box.parent) for box in diagram.clusters] == [(6, None), (7, 0)]
    assert [edge.count for edge in arrows(diagram, "W", "@")] == [42]
    inner, outer = (node.cluster for node in (node(diagram, "tanh"), node(diagram, "sin")))
    assert (inner, outer) == (1, 0)


def test_a_state_of_two_steps_before_is_told_as_such() -> None:
    w, a, b = Value(0.9, "w"), Value(0.5, "a"), Value(0.4, "b")
    for _ in range(40):
        a, b = np.sin(b * w), a
    turns = {edge.turn for edge in draw((a + b) * 2.0).diagram.edges}
    assert "2 later" in turns or "next" not in turns


def test_blocks_of_a_scope_or_a_neuron_keep_its_name() -> None:
    h = Value(np.ones(3), "h")
    for k in range(12):
        with scope(f"block {k}"):
            h = np.tanh(h * Value(np.ones(3), f"w{k}"))
    diagram = draw(np.sum(h)).diagram
    assert [(box.name, box.kind, box.times) for box in diagram.clusters] == [("block 0..11", "scope", 12)]
    names = [(box.name, box.times) for box in draw(network(16)).diagram.clusters]
    assert names.count(("neuron 0..15", 16)) == 2


def test_outputs_tell_how_many_there_are() -> None:
    drawing = draw(recurrent(30))
    assert "tanh  (3,) float64  ×30" in to_text(drawing.diagram)
    assert 'subgraph c0["×30"]' in to_mermaid(drawing.diagram).replace("#215;", "×")
    assert "next" in to_mermaid(drawing.diagram)
    assert "×30" in drawing.dot and "dir=back" in drawing.dot
    assert json.loads(to_json(drawing.diagram))["clusters"][0]["times"] == 30
    assert from_json(to_json(drawing.diagram)) == drawing.diagram
    assert "124 values in 8 boxes" in drawing._svg().replace("\n", " ")


def test_all_repetitions_are_another_view() -> None:
    y = recurrent(30)
    drawing = draw(y)
    assert [box.opens for box in drawing.diagram.clusters] == ["unrolled"]
    (opened,) = [made for made in drawing.others if made.view == "unrolled"]
    made = [node for node in opened.nodes if node.id.startswith("n")]  # others are arrays, no Values
    assert len(made) == len(survey(y).values)
    assert draw(y, view="unrolled").diagram == opened
    assert "unrolled" not in {made.view for made in draw(Value(1.0) * 2).others}


def test_a_closed_box_names_its_few_leaves() -> None:
    w, x = Value(0.5, "w"), Value(0.5, "x")
    ops = np.random.default_rng(0).integers(4, size=200)
    h = x * 1.0
    with scope("encoder"):
        for k in ops:
            h = (np.sin, np.tanh, np.exp, np.cos)[k](h * w)
    diagram = draw(np.sin(np.exp(h)) + h + np.cos(h), seconds=0.0).diagram
    (box,) = [node for node in diagram.nodes if node.kind == "cluster"]
    assert box.name == "encoder" and (box.hides.startswith("w, ∂ norm") or "w" in {n.name for n in diagram.nodes})


def test_an_arrow_of_an_almost_vanished_gradient_is_drawn() -> None:
    """Its share of the largest is too small for a float."""
    w, h = Value(1e-150, "w"), Value(1.0, "h")
    y = (h * w) * w + h * 1e200
    assert min(edge.width for edge in draw(y).diagram.edges) == 1.0


def test_the_gradients_are_compared_once_for_all_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof takes most of the time of a picture."""
    from minigrad.drawing import equal_groups

    calls: list[object] = []
    prove = equal_groups._proof
    monkeypatch.setattr(equal_groups, "_proof", lambda *args: (calls.append(args), prove(*args))[1])
    assert len(draw(recurrent(30)).others) >= 2
    assert len(calls) == 1
