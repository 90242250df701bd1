"""Losses on arrays, Values and lists of Values, and the shapes that do not match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Value, errors, nn

A = np.array([[0.1, 0.7], [0.4, 0.9], [0.5, 0.25]])
Y = np.array([[0.0, 1.0], [1.0, 0.0], [0.25, 0.5]])
LOSSES: list[tuple[Callable[[Any, Any], Any], Any, Any]] = [
    (nn.squared_error, np.sum((A - Y) ** 2), 2 * (A - Y)),
    (
        nn.binary_cross_entropy,
        np.sum(-Y * np.log(A) - (1 - Y) * np.log(1 - A)),
        (A - Y) / (A * (1 - A)),
    ),
]


@pytest.mark.parametrize(("loss", "expected", "slope"), LOSSES)
def test_value_and_gradient_of_a_tensor(loss: Any, expected: float, slope: Any) -> None:
    a = Value(A)
    J = loss(a, Y)
    J.backward()
    assert J.item() == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(a.grad, slope, rtol=1e-13)


@pytest.mark.parametrize(("loss", "expected", "slope"), LOSSES)
@pytest.mark.parametrize("target", [Y, Y.tolist(), Value(Y)])
def test_a_list_of_scalars_gives_the_same(loss: Any, expected: float, slope: Any, target: Any) -> None:
    scalars = [[Value(x) for x in row] for row in A]
    J = loss(scalars, target)
    J.backward()
    assert J.item() == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose([[v.grad for v in row] for row in scalars], slope, rtol=1e-13)


@pytest.mark.parametrize(("loss", "expected", "slope"), LOSSES)
def test_plain_arrays_give_a_plain_number(loss: Any, expected: float, slope: Any) -> None:
    assert loss(A, Y) == pytest.approx(expected, rel=1e-14)
    assert not isinstance(loss(A, Y), Value)


def test_a_single_prediction_is_its_own_sum() -> None:
    a = Value(0.75, name="a")
    assert nn.squared_error(a, 1.0).item() == 0.0625
    assert nn.squared_error([a], [1.0]).item() == 0.0625


def test_targets_may_be_values_with_a_gradient() -> None:
    y = Value(Y)
    nn.squared_error(A, y).backward()
    np.testing.assert_allclose(y.grad, 2 * (Y - A), rtol=1e-14)


@pytest.mark.parametrize("loss", [nn.squared_error, nn.binary_cross_entropy])
def test_a_column_against_a_row_is_refused_where_broadcasting_would_compare_every_pair(loss: Any) -> None:
    message = r"prediction  \(3, 1\)\n  target      \(3,\)\n  expected the same shape twice"
    with pytest.raises(errors.ShapeError, match=message):
        loss(Value(A[:, :1]), Y[:, 0])
    with pytest.raises(errors.ShapeError, match=message):
        loss([[Value(0.1)], [Value(0.2)], [Value(0.3)]], Y[:, 0])
