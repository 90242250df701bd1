"""A solid frame is a promise: its gradients stay equal at all points that training may reach."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from minigrad import Value, cross_entropy, custom, draw, forget, grad, no_grad
from minigrad.drawing import equal_groups as module
from minigrad.drawing.diagram import Diagram, DiagramNode
from minigrad.drawing.equal_groups import letters
from minigrad.drawing.graph_data import survey
from minigrad.engine.value import graph


def node(d: Diagram, name: str) -> DiagramNode:
    return next(node for node in d.nodes if node.name == name)


def test_tied_neurons_are_proved_inner_values_too(tied: Value) -> None:
    d = draw(tied).diagram
    for one, other in (("w1", "w3"), ("w2", "w4"), ("w5", "w6"), ("z1", "z2"), ("a1", "a2")):
        assert node(d, one).tie == node(d, other).tie != ""
    assert node(d, "w1").group == node(d, "z1").group, "for x1 = 1 they are equal now,"
    assert node(d, "w1").tie != node(d, "z1").tie, "but would not be for another x1"
    assert "gradients that stay equal: " in d.title


def test_what_is_equal_by_chance_is_seen_and_not_proved() -> None:
    a, b, c = Value(2.0, "a"), Value(4.0, "b"), Value(3.0, "c")
    d = draw(a * a + b * c + c).diagram  # da = 4, dc = 5, db = 3
    assert all(not x.tie for x in d.nodes if x.name)
    y = a * a + b * 4  # da = db = 4 at a = 2 alone
    d = draw(y).diagram
    assert node(d, "a").group == node(d, "b").group is not None
    assert node(d, "a").tie == node(d, "b").tie == "" and "stay" not in d.title
    assert 'STYLE="rounded,dashed"' in draw(y).dot


def test_changing_any_weight_of_the_tied_network_takes_the_promise_back(
    two_neurons: Callable[[list[float]], Value],
) -> None:
    weights = [0.2, 0.4, 0.2, 0.4, 0.6, 0.6]
    for i in range(4):
        changed = [w + 0.1 * (i == j) for j, w in enumerate(weights)]
        d = draw(two_neurons(changed)).diagram
        assert node(d, "w5").tie == "" and node(d, "w1").group != node(d, "w3").group


def test_ties_hold_over_steps_of_descent(two_neurons: Callable[[list[float]], Value]) -> None:
    weights = [0.2, 0.4, 0.2, 0.4, 0.6, 0.6]
    promised = {(x.group, x.tie): x.name for x in draw(two_neurons(weights)).diagram.nodes if x.tie and x.name}
    assert promised
    for _ in range(20):
        J = two_neurons(weights)
        J.backward()
        grad = {v.name: v.grad for v in graph(J) if v.name}
        for one in draw(J).diagram.nodes:
            if one.tie and one.name and (one.group, one.tie) in promised:
                assert np.isclose(grad[one.name], grad[promised[one.group, one.tie]], rtol=1e-13)
        weights = [w - 0.5 * float(grad[f"w{k}"]) for k, w in enumerate(weights, start=1)]


def test_a_gradient_that_stays_zero_is_told_from_one_that_is_zero_now() -> None:
    a, b, c = Value(0.0, "a"), Value(0.0, "b"), Value(0.0, "c")
    d = draw(a * b + c * c).diagram  # a and b are frozen together; c too: at 0 its gradient is 2c
    assert all(node(d, name).tie == "1" and node(d, name).badges == ("frozen",) for name in "abc")
    a, b = Value(0.0, "a"), Value(1.0, "b")
    d = draw((a - 0.0) * 0.0 + (b - 1.0) ** 2).diagram
    assert node(d, "b").group == "0" and node(d, "b").tie == "", "0 at b = 1 alone"
    assert node(d, "b").badges == ()


@pytest.mark.parametrize(
    ("bound", "reason"), [("PROVABLE", "more than 3 values"), ("ENTRIES", "more than 3 entries")]
)
def test_beyond_the_bound_nothing_is_promised_and_the_picture_says_why(
    bound: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, bound, 3)
    a, b = Value(2.0, "a"), Value(2.0, "b")
    d = draw(a * a + b * b).diagram
    assert node(d, "a").group == node(d, "b").group and node(d, "a").tie == ""
    assert any(f"no proof ({reason})" in note for note in d.notes)


def test_a_rule_that_cannot_be_read_as_a_formula_costs_the_proof_and_not_the_picture() -> None:
    made = custom(lambda x: x**3, name="opaque", vjp=lambda g, y, x: g * 3 * np.asarray(x, dtype=float) ** 2)
    try:
        a, b = Value(2.0, "a"), Value(2.0, "b")
        y = made(a) + made(b)
        d = draw(y).diagram
        assert node(d, "a").group == node(d, "b").group
        assert any("no proof (" in note for note in d.notes)
    finally:
        forget(made)


def test_leaves_that_are_nan_are_drawn_without_a_proof() -> None:
    a, b = Value(np.nan, "a"), Value(2.0, "b")
    found = letters(survey(a * b))
    assert found.unproved == "nan or inf among the leaves" and found.frozen == frozenset()


def test_a_graph_without_leaves_that_could_move_is_drawn() -> None:
    """A graph of a plain result, and a graph drawn inside a differentiated function."""
    with no_grad():
        plain = np.sin(Value(0.5, "a"))
    assert draw(plain).diagram.groups == ()
    titles: list[str] = []

    def drawn(x: Value) -> Value:
        y = np.exp(x + 1)
        titles.append(draw(y).diagram.title)
        return y

    assert grad(drawn)(0.0) == np.exp(1.0) and titles[0].startswith("y = 2.718")


def test_what_stays_equal_only_because_other_weights_stay_opposite_is_promised() -> None:
    """Under an even function, opposite weights below keep those above equal. Minus signs do not share a letter."""
    p, q, v, w = Value(0.3, "p"), Value(-0.3, "q"), Value(2.0, "v"), Value(2.0, "w")
    d = draw((v * np.cos(p) + w * np.cos(q) - 1) ** 2).diagram
    assert node(d, "v").group == node(d, "w").group and node(d, "v").tie == node(d, "w").tie != ""
    assert node(d, "p").group is None or node(d, "p").group != node(d, "q").group
    v, w = Value(2.0, "v"), Value(2.0, "w")
    d = draw((v * np.sin(p) ** 2 + w * np.cos(q) ** 2 * np.tan(p) ** 2 - 1) ** 2).diagram
    assert node(d, "v").tie == "" or node(d, "v").tie != node(d, "w").tie, "equal now at most"


def test_gradients_that_are_opposite_share_a_letter_with_a_sign() -> None:
    w = Value(np.zeros((2, 2)), "w")
    loss = cross_entropy(np.ones((3, 2)) @ w, np.array([0, 1, 1]))
    cells = draw(loss).diagram.nodes[0].cell_groups
    assert [[x.removeprefix("-") for x in row] for row in cells] == [[cells[0][0]] * 2] * 2
    assert cells[0][1] == cells[1][1] == f"-{cells[0][0]}"
    parts = Value(2.0, "a"), Value(2.0, "b"), Value(2.0, "c"), Value(2.0, "d")
    d = draw(parts[0] + parts[1] - parts[2] - parts[3]).diagram
    assert [node(d, name).group for name in "abcd"] == ["A", "A", "-A", "-A"]


@pytest.mark.parametrize("tied", [True, False])
def test_opposite_gradients_are_tied_if_they_stay_opposite(tied: bool) -> None:
    """d(p²)/dp is 2p, d(q² - 2q)/dq is 2q - 2: -2 at q = 0, too, but not after a step."""
    p, q = Value(1.0, "p"), Value(-1.0 if tied else 0.0, "q")
    d = draw(p**2 + (q**2 if tied else q**2 - 2 * q)).diagram
    assert (node(d, "p").group, node(d, "q").group) == ("A", "-A")
    assert (node(d, "p").tie == node(d, "q").tie != "") is tied


def test_an_op_that_hands_a_gradient_on_with_a_minus_makes_no_letter() -> None:
    a = Value(2.0, "a")
    assert draw(np.exp(-(a**2))).diagram.groups == ()
