"""An op of a user's own: one statement, and it behaves like any other."""

import numpy as np
import pytest

from minigrad import Value, check_graph, check_op, custom, draw, forget, grad, jvp, ops
from minigrad.errors import ArgumentError, MissingRule, NameTaken


@pytest.fixture
def cube():
    function = custom(
        lambda x: x**3,
        name="cube",
        formula="y = x³",
        vjp=lambda g, y, x: 3 * g * x * x,
        jvp=lambda t, y, x: 3 * t * x * x,
    )
    yield function
    forget(function)


def test_it_is_recorded_labelled_and_differentiated_to_any_order(cube):
    y = cube(Value(2.0))
    assert (y.item(), y.op.label, y.op.formula) == (8.0, "cube", "y = x³")
    assert grad(cube)(2.0) == 12.0
    assert grad(grad(cube))(2.0) == 12.0
    assert grad(grad(grad(cube)))(2.0) == 6.0
    assert jvp(cube, (2.0,), (1.0,)) == (8.0, 12.0)
    assert cube(2.0) == 8.0 and type(cube(2.0)) is float


def test_it_broadcasts_and_sums_out_like_any_other():
    weighted = custom(lambda a, b: a * b, name="weighted", vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a))
    try:
        b = np.array([[1.0, 2.0], [3.0, 4.0]])
        np.testing.assert_array_equal(grad(lambda a: weighted(a, b).sum())(np.ones(2)), [4.0, 6.0])
    finally:
        forget(weighted)


def test_it_stands_in_the_table_and_in_pictures_while_it_is_registered(cube):
    assert "cube" in [row.label for row in ops()]
    assert "cube" in draw(cube(Value(2.0))).dot


def test_forgotten_it_is_what_it_is_made_of_and_its_name_is_free():
    first = custom(np.square, name="mine", vjp=lambda g, y, x: 2 * g * x)
    forget(first)
    assert "mine" not in [row.label for row in ops()]
    assert grad(first)(3.0) == 6.0  # by the rules of what it is made of
    forget(custom(np.square, name="mine", vjp=lambda g, y, x: 2 * g * x))


@pytest.mark.parametrize("name", ["cube", "tanh", "+"])
def test_a_name_is_given_once(cube, name):
    with pytest.raises(NameTaken, match="stands in the table already"):
        custom(np.square, name=name, vjp=lambda g, y, x: 2 * g * x)


def test_without_a_jvp_forward_mode_says_so_and_is_not_zero():
    half = custom(lambda x: x / 2, name="half", vjp=lambda g, y, x: g / 2)
    try:
        assert grad(half)(1.0) == 0.5
        assert [row.forward for row in ops() if row.label == "half"] == ["none"]
        with pytest.raises(MissingRule, match="half states no jvp"):
            jvp(half, (1.0,), (1.0,))
    finally:
        forget(half)


def test_a_parameter_the_rule_does_not_take_is_refused_by_name():
    scaled = custom(lambda x, by=1.0: x * by, name="scaled", vjp=lambda g, y, x, by=1.0: g * by)
    try:
        assert grad(lambda x: scaled(x, by=3.0))(2.0) == 3.0
        with pytest.raises((ArgumentError, TypeError), match="twice"):
            scaled(Value(1.0), twice=True)
    finally:
        forget(scaled)


def test_it_is_checked_as_the_ops_of_the_table_are(cube):
    assert check_op(cube, examples=2).ok
    assert check_graph(cube(Value([0.5, -2.0])).sum()).ok
    wrong = custom(lambda x: x**3, name="wrong", vjp=lambda g, y, x: 3 * g * x)
    try:
        assert check_op(wrong, examples=2).verdict == "disagree"
        assert check_graph(np.exp(wrong(cube(Value(0.5))))).op.label == "wrong"
    finally:
        forget(wrong)
