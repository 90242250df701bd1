from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import nn
from minigrad.drawing import draw
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.outputs.derivation import chain_rule_lines, steps, uses
from minigrad.drawing.outputs.viewer_text import item_names, items
from minigrad.engine.value import Value

Network = Callable[[Any], Value]


def test_steps_hold_each_node_once_after_all_its_uses(two_neurons: Network) -> None:
    diagram = draw(two_neurons([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])).diagram
    order = [step["id"] for step in steps(diagram, item_names(diagram))]
    assert sorted(order) == sorted(node.id for node in diagram.nodes)
    for edge in diagram.edges:
        assert order.index(edge.head) < order.index(edge.tail)


def test_partial_sums_grow_to_the_gradient() -> None:
    a = Value(3.0, "a")
    y = a * a * a
    y.name = "y"
    diagram = draw(y).diagram
    partial = [step["partial"]["n0"] for step in steps(diagram, item_names(diagram)) if "n0" in step["partial"]]
    assert partial == ["9 (1 of 3 uses)", "27 (3 of 3 uses)"]


def test_what_needs_no_gradient_is_handed_none() -> None:
    y = Value(2.0, "a") * Value(np.array(3), "k")  # an integer
    diagram = draw(y).diagram
    told = {edge["name"]: edge for edge in uses(diagram, item_names(diagram))}
    edge = told["k, input 2 of y"]
    if not edge["needed"]:
        assert edge["facts"]["passes back"] == "nothing: no gradient is needed"
    assert all("n1" not in step["partial"] for step in steps(diagram, item_names(diagram))) is not edge["needed"]


@pytest.fixture
def cards() -> Diagram:
    """Two hidden neurons and an output at one sample, so that every quantity of a card is one number."""
    model = nn.MLP([2, 2, 1], activation="sigmoid", seed=0)
    return draw(model, np.array([[1.0, 2.0]]), np.array([[1.0]])).diagram


def test_every_row_of_a_card_has_lines_that_add_up_to_its_gradient(cards: Diagram) -> None:
    names = item_names(cards)
    told, edges, inside = items(cards, names), uses(cards, names), chain_rule_lines(cards, names)
    checked = 0
    for key, one in told.items():
        if one["rows"] or "gradient" not in one["facts"]:
            continue
        found = inside.get(key) or [edges[k] for k in one["uses"] if edges[k]["needed"]]
        products = [float(line["gradient"]) * float(line["derivative"]) for line in found]
        assert products == pytest.approx([float(line["product"]) for line in found], rel=1e-12)
        assert sum(products) == pytest.approx(float(one["facts"]["gradient"]), rel=1e-12)
        checked += 1
    assert checked == sum(row.gradient is not None for node in cards.nodes for row in node.rows) == 14


def test_the_line_of_a_weight_says_what_it_multiplies(cards: Diagram) -> None:
    (line,) = chain_rule_lines(cards, item_names(cards))["l1n0:w1"]
    assert line["symbol"] == "∂loss/∂z1[0] · ∂z1[0]/∂W1[1,0]"
    assert line["derivative"] == "2.0"  # x[1]


def test_of_a_batch_the_line_is_of_a_sum() -> None:
    model = nn.MLP([2, 2, 1], activation="sigmoid", seed=0)
    made = draw(model, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [0.0]])).diagram
    (line,) = chain_rule_lines(made, item_names(made))["l1n0:w1"]
    assert line["symbol"].endswith(", summed over the samples")


def test_the_sweep_takes_cards_from_the_loss_back(cards: Diagram) -> None:
    found = steps(cards, item_names(cards))
    assert [step["id"] for step in found] == ["loss", "l2n0", "l1n1", "l1n0"]
    assert found[0]["words"] == "1 of 4: ∂loss/∂loss = 1 is the seed · z2[0] gets 1 × -1.654 = -1.654"


def test_from_up_to_up_a_row_reaches_the_loss_and_the_factors_multiply_to_its_gradient(cards: Diagram) -> None:
    names = item_names(cards)
    told, edges, inside = items(cards, names), uses(cards, names), chain_rule_lines(cards, names)
    key, product = "l1n0:w1", 1.0
    while key != "loss:loss":
        line = inside[key][0] if inside.get(key) else edges[told[key]["strongest"]]
        product *= float(line["derivative"])
        key = line["up"]
    assert product == pytest.approx(float(told["l1n0:w1"]["facts"]["gradient"]), rel=1e-12)


def test_norms_are_not_added() -> None:
    w = Value(np.ones((2, 2)), "w")
    diagram = draw((w @ w + w).sum()).diagram
    told = [text for step in steps(diagram, item_names(diagram)) for text in step["partial"].values()]
    assert "3 of 3 uses" in told
    assert not any("+" in text for text in told)
