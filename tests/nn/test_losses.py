"""Losses on arrays, Values and lists of Values, and the shapes that do not match."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
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


def test_a_missing_axis_says_what_to_write() -> None:
    a, y = np.ones((3, 1)), np.ones(3)
    with pytest.raises(errors.ShapeError, match=r"write  y\[:, None\]   for the target"):
        nn.squared_error(a, y)
    assert nn.squared_error(a, y[:, None]) == 0.0
    with pytest.raises(errors.ShapeError, match=r"write  y\[\.\.\., 0\]   for the target"):
        nn.squared_error(y, a)
    assert nn.squared_error(y, a[..., 0]) == 0.0
    with pytest.raises(errors.ShapeError) as caught:
        nn.squared_error(np.ones((3, 2)), y)
    assert "write" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero)")
@pytest.mark.parametrize("bad", [1.5, -0.5, 1.0, 0.0])
@pytest.mark.parametrize("wrap", [np.asarray, Value, lambda a: [[Value(x) for x in row] for row in a]])
def test_cross_entropy_of_what_is_no_probability_names_the_remedy(bad: float, wrap: Any) -> None:
    y = np.array([[1.0], [1.0 if bad != 1.0 else 0.0]])
    targets = y.tolist() if wrap not in (np.asarray, Value) else y
    with pytest.raises(errors.DomainError, match=r'outside of \(0, 1\)(.|\n)*output="sigmoid"') as caught:
        nn.binary_cross_entropy(wrap(np.array([[0.5], [bad]])), targets)
    assert isinstance(caught.value, ValueError)


def test_the_loss_from_logits_that_the_error_names_is_the_same_number() -> None:
    z, y = np.array([0.3, -2.0, 4.0]), np.array([1.0, 0.0, 1.0])
    from_logits = np.sum(minigrad.softplus(z) - y * z)
    np.testing.assert_allclose(nn.binary_cross_entropy(minigrad.sigmoid(z), y), from_logits)


def test_nan_in_a_prediction_stays_nan() -> None:
    assert np.isnan(nn.binary_cross_entropy(np.array([0.5, np.nan]), np.ones(2)))
