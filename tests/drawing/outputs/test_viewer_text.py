from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import nn
from minigrad.drawing import draw
from minigrad.drawing.outputs.derivation import uses
from minigrad.drawing.outputs.viewer_text import LONG, item_names, items
from minigrad.engine.value import Value

Network = Callable[[Any], Value]


def names_of(y: Value) -> set[str]:
    return set(item_names(draw(y).diagram).values())


@pytest.fixture
def a() -> Value:
    return Value(2.0, "a")


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (lambda a: a * a, "(a*a)"),
        (lambda a: a * 2, "(a * 2)"),
        (lambda a: 1 / a, "(1 / a)"),
        (lambda a: np.log(a), "log(a)"),
        (lambda a: np.maximum(a, 0), "maximum(a, 0)"),
        (lambda a: -a, "neg(a)"),
        (lambda a: a - a, "(a-a)"),
        (lambda a: -1 * a, "(-1 * a)"),
        (lambda a: a - (-1), "(a - -1)"),
    ],
)
def test_an_unnamed_value_is_called_by_its_expression(a: Value, made: Any, name: str) -> None:
    assert names_of(made(a)) == {"a", name}


def test_a_long_expression_is_no_name(a: Value) -> None:
    y = a
    for _ in range(50):
        y = np.sin(y) * a
    assert max(map(len, names_of(y))) <= LONG


def test_without_named_inputs_the_op_is_the_name() -> None:
    assert names_of(Value(2.0) * Value(3.0)) == {"parameter #1", "parameter #2", "multiply"}


def test_long_expressions_are_called_by_their_op_and_numbered() -> None:
    """∂sum/∂W of a loop would mean any of its steps, and ∂-/∂w none."""
    W, h = Value(np.eye(2), "W"), np.ones(2)
    for _ in range(4):
        h = np.tanh(h @ W)
    names = names_of(np.sum(h * h) - np.sum(h))
    assert {"tanh #1", "tanh #2", "matmul #1", "matmul #2", "subtract"} <= names
    assert not any("…" in name for name in names)


def test_two_values_of_one_name_are_numbered() -> None:
    assert names_of(Value(1.0, "w") * Value(2.0, "w")) == {"w #1", "w #2", "(w*w)"}


def test_a_folded_sum_reads_as_a_sum() -> None:
    a, b, c = (Value(1.0, name) for name in "abc")
    assert "(a + b + c)" in names_of(a + b + c)


def test_names_are_made_visible() -> None:
    assert "a\\x1bb" in names_of(Value(2.0, "a\x1bb") * 2)


def test_facts_have_all_digits_and_lines_multiply_out(two_neurons: Network) -> None:
    diagram = draw(two_neurons([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])).diagram
    names = item_names(diagram)
    told, edges = items(diagram, names), uses(diagram, names)
    sums: dict[str, float] = {}
    for edge in edges:
        if edge["needed"]:
            assert float(edge["gradient"]) * float(edge["derivative"]) == pytest.approx(float(edge["product"]))
            sums[edge["tail"]] = sums.get(edge["tail"], 0.0) + float(edge["product"])
    assert len(sums) == len(diagram.nodes) - 1  # all but the loss
    for key, total in sums.items():
        assert float(told[key]["facts"]["gradient"]) == pytest.approx(total, rel=1e-14)
        numbers = told[key]["uses"]
        assert [edges[k]["tail"] for k in numbers] == [key] * len(numbers)
        strongest = edges[told[key]["strongest"]]
        assert abs(float(strongest["product"])) == max(abs(float(edges[k]["product"])) for k in numbers)


def test_a_tensor_is_in_the_groups_of_its_cells() -> None:
    model = nn.MLP([2, 3, 1], activation="tanh", init="ones")
    made = draw(model, np.array([[0.5, -1.0], [2.0, 1.0]]), np.array([[1.0], [0.0]]), view="ops").diagram
    told = items(made, item_names(made))
    (weights,) = (one for one in told.values() if one["name"] == "W1")
    assert weights["group"] is None
    assert {made.groups[k].letter for k in weights["groups"]} == {
        letter for node in made.nodes if node.name == "W1" for row in node.cell_groups for letter in row
    }


def test_facts_of_an_array_tell_its_norm_and_zeros() -> None:
    made = draw((Value(np.array([[0.0, 3.0], [4.0, 0.0]]), "w") * 2).sum()).diagram
    assert items(made, item_names(made))["n0"]["facts"]["value"] == "[[0, 3], [4, 0]], norm 5, 50% zeros"
