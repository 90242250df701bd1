"""Arrays that are no Values are nodes: with their names, once each, in the place of their operand."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Value, draw, nn
from minigrad.drawing.diagram import Diagram

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 2)), RNG.normal(size=(4, 1))


def data(diagram: Diagram) -> list[tuple[str, tuple[int, ...], str]]:
    return [(node.name, node.shape, node.dtype) for node in diagram.nodes if node.id.startswith("d")]


def uses(diagram: Diagram, node: str) -> list[tuple[str, int]]:
    return [(edge.head, edge.place) for edge in diagram.edges if edge.tail == node]


def test_a_model_is_drawn_with_its_data_by_name() -> None:
    model = nn.MLP([2, 3, 1], seed=0)
    assert data(draw(model, X, Y, view="ops").diagram) == [("x", (4, 2), "float64"), ("y", (4, 1), "float64")]


def test_names_are_for_arrays_too_and_a_shared_array_is_one_node() -> None:
    w, v = Value(np.ones((2, 1)), "w"), Value(np.ones((2, 1)), "v")
    diagram = draw(((X @ w) * (X @ v) - Y).sum(), names={"x": X, "pair": [Y, X]}).diagram
    assert data(diagram) == [("x", (4, 2), "float64"), ("pair[0]", (4, 1), "float64")]
    assert len(uses(diagram, "d0")) == 2 and {place for _, place in uses(diagram, "d0")} == {0}


def test_data_have_no_gradient_and_no_letter_and_their_arrows_are_dashed() -> None:
    drawing = draw((X @ Value(np.ones((2, 1)), "w")).sum())
    (node,) = [node for node in drawing.diagram.nodes if node.id == "d0"]
    assert node.gradient is None and node.group is None and node.step is None and node.cell_groups == ()
    (edge,) = [edge for edge in drawing.diagram.edges if edge.tail == "d0"]
    assert edge.flow is None and f"[id={edge.id}, penwidth=1, style=dashed]" in drawing.dot
    assert drawing.diagram.title == draw((X @ Value(np.ones((2, 1)), "w")).sum()).diagram.title


def test_places_count_every_operand_that_is_a_node() -> None:
    mask, a, b = np.array([True, False]), Value([1.0, 2.0], "a"), Value([3.0, 4.0], "b")
    diagram = draw(np.where(mask, a, b).sum()).diagram
    (head,) = {edge.head for edge in diagram.edges if edge.tail == "d0"}
    assert sorted((edge.place, edge.tail) for edge in diagram.edges if edge.head == head) == [
        *((0, "d0"), (1, "n0"), (2, "n1"))
    ]


def test_arrays_in_a_long_sum_come_after_its_values() -> None:
    a, b = Value([1.0, 2.0], "a"), Value([3.0, 4.0], "b")
    diagram = draw((a + np.array([5.0, 6.0]) + b + 1.0).sum()).diagram
    (node,) = [node for node in diagram.nodes if node.kind == "sum"]
    assert node.operation == "Σ + 1"
    assert uses(diagram, "d0") == [(node.id, 2)]


def test_windows_of_one_array_share_its_node() -> None:
    image, k = RNG.normal(size=(4, 4)), Value(np.ones((2, 2)), "k")
    y: Any = sum(((image[i : i + 2, j : j + 2] * k).sum() for i in range(3) for j in range(3)), start=0.0)
    diagram = draw(y, names={"image": image}).diagram
    assert data(diagram) == [("image", (4, 4), "float64")] and len(uses(diagram, "d0")) == 9
    assert any("array(2, 2) *" in node.operation for node in diagram.nodes), "the op tells of the part"
    halves = draw((image[:, :2] @ k * (image[:, 2:] @ k)).sum()).diagram
    assert len(data(halves)) == 2


def test_single_numbers_stay_in_the_op_and_integers_tell_their_type() -> None:
    w = Value([1.0, 2.0], "w")
    assert data(draw((w * np.array([3.0])).sum()).diagram) == []
    assert data(draw((w * np.array([3, 4])).sum()).diagram) == [("", (2,), np.array([3, 4]).dtype.name)]


def test_ties_are_the_same_with_data() -> None:
    model = nn.MLP([2, 3, 1], seed=0, init=0.5)
    d = draw(((model(X) - Y) ** 2).mean()).diagram
    (first,) = [node for node in d.nodes if node.name == "W1"]
    assert len(set(first.cell_groups[0])) == 1 and d.title.endswith("13 parameters move as 5")
