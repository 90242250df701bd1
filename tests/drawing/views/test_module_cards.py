"""Cards of any module: each part with parameters is a card, and the arrows follow the graph."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from minigrad import Value, draw, nn, relu
from minigrad.drawing.diagram import Diagram, DiagramNode
from minigrad.drawing.views.modules import module_parts
from minigrad.engine.value import graph, sweep
from minigrad.errors import ArgumentError

RNG = np.random.default_rng(0)


class Block(nn.Module):
    def __init__(self, n: int, skip: bool = True) -> None:
        self.W, self.b, self.skip = Value(RNG.normal(size=(n, n)) / 4), Value(np.zeros(n)), skip

    def __call__(self, h: Any) -> Any:
        out = relu(h @ self.W + self.b)
        return h + out if self.skip else out


class Net(nn.Module):
    def __init__(self, skip: bool = True) -> None:
        self.embed = Value(RNG.normal(size=(5, 8)))
        self.blocks = [Block(8, skip), Block(8, skip)]
        self.head = nn.MLP((8, 3), seed=0)

    def __call__(self, x: Any) -> Any:
        h = x @ self.embed
        for block in self.blocks:
            h = block(h)
        return self.head(h)


def ends(d: Diagram) -> set[tuple[str, str]]:
    names = {node.id: node.name for node in d.nodes}
    return {(names[e.tail] or "x", names[e.head]) for e in d.edges}


def card(d: Diagram, name: str) -> DiagramNode:
    return next(node for node in d.nodes if node.name == name)


def test_each_module_with_parameters_is_a_card_in_the_order_of_its_attributes() -> None:
    assert [part.path for part in module_parts(Net())] == ["", "blocks.0", "blocks.1", "head.layers.0"]
    d = draw(Net(), np.ones((4, 5)), np.ones((4, 3))).diagram
    assert [node.name for node in d.nodes] == ["", "Net", "blocks.0", "blocks.1", "layer 1", "squared error"]
    assert [row.name for row in card(d, "blocks.0").rows] == ["W (8, 8)", "b (8,)", "relu (4, 8)"]


def test_arrows_follow_the_values_also_past_a_part() -> None:
    d = draw(Net(skip=False), np.ones((4, 5)), np.ones((4, 3))).diagram
    chain = ["x", "Net", "blocks.0", "blocks.1", "layer 1", "squared error"]
    assert ends(d) == set(pairwise(chain))
    assert d.engine == "neato", "in one line, placed by us"
    d = draw(Net(), np.ones((4, 5)), np.ones((4, 3))).diagram
    assert {("Net", "blocks.1"), ("Net", "layer 1"), ("blocks.0", "layer 1")} < ends(d) and d.engine == "dot"


def test_an_arrow_carries_the_gradient_that_flows_back_over_it() -> None:
    net, x, y = Net(skip=False), RNG.normal(size=(4, 5)), np.ones((4, 3))
    loss = nn.squared_error(net(x), y)
    d = draw(net, x, y).diagram
    last = next(e for e in d.edges if d.nodes[4].id == e.head)
    relus = [v for v in graph(loss) if v.op is not None and v.op.label == "relu"]
    g = next(g for v, g in sweep(loss, np.float64(1)) if v is relus[-1])
    assert last.flow == pytest.approx(np.linalg.norm(g), rel=1e-12)
    assert next(e for e in d.edges if e.tail == "x").flow is None


def test_a_module_used_twice_is_one_card() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.inner = Block(2, skip=False)

        def __call__(self, x: Any) -> Any:
            return self.inner(self.inner(x))

    d = draw(Twice(), np.ones((3, 2))).diagram
    assert [node.name for node in d.nodes] == ["", "inner", "sum of outputs"]
    assert ends(d) == {("x", "inner"), ("inner", "sum of outputs")}


def test_shared_and_nested_parameters_are_found_once_and_counted() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = Block(2, skip=False), Block(2, skip=False)
            self.b.W = self.a.W
            self.more = {"scales": [Value(1.0, "s"), Value(2.0, "t")]}

        def __call__(self, x: Any) -> Any:
            s, t = self.more["scales"]
            return self.b(self.a(x)) * s * t

    d = draw(Tied(), np.ones((3, 2))).diagram
    held = {node.name: [row.name for row in node.rows if row.kind == "parameter"] for node in d.nodes}
    assert [name.split(" ")[0] for name in held["a"]] == ["W", "b"]
    assert [name.split(" ")[0] for name in held["b"]] == ["b"] and held["Tied"] == ["more (2,)"]


def test_a_penalty_in_the_loss_is_an_arrow_from_the_part_it_looks_at() -> None:
    net = Net(skip=False)

    def loss(p: Any, y: Any) -> Any:
        return nn.squared_error(p, y) + np.sum(net.embed**2)

    d = draw(net, np.ones((4, 5)), np.ones((4, 3)), loss=loss).diagram
    assert ("Net", "loss") in ends(d)


def test_wide_networks_are_a_card_for_each_layer_and_say_how_to_get_the_neurons() -> None:
    net = nn.MLP((2, 16, 16, 2), "tanh", init=0.5)
    d = draw(net, RNG.normal(size=(10, 2)), np.ones((10, 2)), view="layers").diagram
    assert [(node.name, node.operation, node.badges) for node in d.nodes[1:4]] == [
        ("layer 1", "tanh · 48 parameters", ("16 act as 1",)),
        ("layer 2", "tanh · 272 parameters", ("16 act as 1",)),
        ("layer 3", "34 parameters", ()),
    ]
    assert [row.name for row in d.nodes[1].rows] == ["W1 (2, 16) as 2", "b1 (16,) as 1", "a1 (10, 16)"]
    assert d.title == "354 parameters move as 7 · hidden layers of 16 and 16 act as 1 and 1"
    assert d.hidden == ("To show the neurons one by one, write neurons=16.",)


def test_both_forms_of_a_wide_network_have_the_same_cards() -> None:
    x, y = RNG.normal(size=(3, 2)), np.ones((3, 1))
    whole, single = (draw(nn.MLP((2, 13, 1), seed=0, per_neuron=p), x, y).diagram for p in (False, True))
    for a, b in zip(whole.nodes[1:3], single.nodes[1:3], strict=True):
        for one, other in zip(a.rows[:2], b.rows[:2], strict=True):
            assert one.name == other.name and one.value == other.value
            assert one.gradient.norm == pytest.approx(other.gradient.norm)  # type: ignore[union-attr]


def test_a_model_without_parameters_and_a_constant_prediction_say_so() -> None:
    class Nothing(nn.Module):
        def __call__(self, x: Any) -> Any:
            return np.sum(x)

    with pytest.raises(ArgumentError, match="the loss must be a Value that depends on the model, got float64"):
        draw(Nothing(), np.ones(3))


def test_two_draws_are_equal_and_no_gradient_is_written() -> None:
    net = Net()
    x, y = RNG.normal(size=(4, 5)), np.ones((4, 3))
    assert draw(net, x, y).diagram == draw(net, x, y).diagram
    assert all(p.grad is None for p in net.parameters())


def test_nan_is_told() -> None:
    net = Net()
    net.embed.data[0, 0] = np.nan
    d = draw(net, np.ones((4, 5)), np.ones((4, 3))).diagram
    assert "nan" in card(d, "Net").badges and any("Ties are unknown" in note for note in d.notes)


def test_ties_are_not_looked_for_where_that_takes_longer_than_the_picture_may() -> None:
    net, x = nn.MLP((20, 30, 20), init=0.5), np.ones((2, 20))
    quick, patient = (draw(net, x, seconds=seconds).diagram for seconds in (0.001, 5.0))
    assert quick.title == "1,250 parameters" and patient.title.startswith("1,250 parameters move as ")
    assert (
        "Ties were not computed (1,250 parameters in a graph of" in quick.notes[-1]
        and "seconds=0.012" in quick.notes[-1]
    )


def test_a_part_that_never_moves_has_a_0_in_a_solid_frame_and_one_that_is_dead_now_a_dashed_one() -> None:
    still = draw(nn.MLP((2, 3, 1), "tanh", init=0), [[1.0, 2.0]], [[1.0]], view="layers").diagram
    now = draw(nn.MLP((2, 3, 1), "relu", init=0.5), [[-1.0, -2.0]], [[1.0]], view="layers").diagram
    for diagram, tie in ((still, "1"), (now, "")):
        (group,) = [group for group in diagram.groups if group.letter == "0"]
        assert {"W1", "b1", "W2"} <= set(group.names) and set(group.ties) == {tie}
