"""Norms of matrices: against what they are by definition, over any two axes, and at ties by policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from identities import assert_same_derivatives, matrix

import minigrad
from minigrad import Value, errors, grad

linalg = np.linalg
BY_DEFINITION = {
    1: lambda a: np.max(np.sum(np.abs(a), axis=-2), axis=-1),
    -1: lambda a: np.min(np.sum(np.abs(a), axis=-2), axis=-1),
    np.inf: lambda a: np.max(np.sum(np.abs(a), axis=-1), axis=-1),
    -np.inf: lambda a: np.min(np.sum(np.abs(a), axis=-1), axis=-1),
    2: lambda a: np.max(linalg.svd(a, compute_uv=False), axis=-1),
    -2: lambda a: np.min(linalg.svd(a, compute_uv=False), axis=-1),
    "nuc": lambda a: np.sum(linalg.svd(a, compute_uv=False), axis=-1),
    "fro": lambda a: np.sqrt(np.sum(a * a, axis=(-2, -1))),
}


@pytest.mark.parametrize("order", BY_DEFINITION)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3, 4)], ids=str)
def test_norms_of_matrices_are_what_their_definitions_say(order: Any, shape: Any) -> None:
    a, meant = matrix(*shape), BY_DEFINITION[order]
    assert_same_derivatives(lambda a: linalg.norm(a, order, axis=(-2, -1)), meant, a, rtol=1e-9)
    assert_same_derivatives(lambda a: linalg.matrix_norm(a, ord=order), meant, a, rtol=1e-9)
    if len(shape) == 2:
        assert_same_derivatives(lambda a: linalg.norm(a, order), meant, a, rtol=1e-9)


@pytest.mark.parametrize("order", BY_DEFINITION)
@pytest.mark.parametrize("axis", [(0, 1), (1, 0), (2, 0), (-1, 1), (0, -2)], ids=str)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_of_matrices_over_any_two_axes(order: Any, axis: Any, keepdims: bool) -> None:
    def meant(a: Any) -> Any:
        y = BY_DEFINITION[order](np.moveaxis(a, axis, (-2, -1)))
        return np.expand_dims(y, axis) if keepdims else y

    a = matrix(2, 3, 4)
    assert_same_derivatives(lambda a: linalg.norm(a, order, axis, keepdims), meant, a, rtol=1e-9)


@pytest.mark.parametrize("order", [1, 2, 3, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [None, 1, (2, 0), (0, 1, 2)], ids=str)
def test_vector_norms_join_their_axes(order: Any, axis: Any) -> None:
    a = matrix(2, 3, 4)
    axes = tuple(range(3)) if axis is None else axis

    def meant(a: Any) -> Any:
        sizes = np.abs(a)
        if np.isinf(order):
            return (np.max if order > 0 else np.min)(sizes, axis=axes)
        return np.sum(sizes**order, axis=axes) ** (1 / order)

    assert_same_derivatives(lambda a: linalg.vector_norm(a, axis=axis, ord=order), meant, a, rtol=1e-9)


def gradient(order: Any, a: Any) -> Any:
    return minigrad.grad(lambda a: linalg.norm(a, order))(np.array(a))


def test_equal_sums_share_evenly() -> None:
    a = [[1.0, -2.0], [3.0, 2.0]]  # columns: 4, 4; rows: 3, 5
    for order in (1, -1):
        np.testing.assert_array_equal(gradient(order, a), [[0.5, -0.5], [0.5, 0.5]])
    a = [[1.0, -3.0], [2.0, 2.0]]
    for order in (np.inf, -np.inf):
        np.testing.assert_array_equal(gradient(order, a), [[0.5, -0.5], [0.5, 0.5]])


@pytest.mark.parametrize("order", [2, -2])
def test_equal_singular_values_share_evenly(order: int) -> None:
    """Also those that are equal but for rounding: an orthogonal matrix has the gradient Q / n."""
    np.testing.assert_allclose(gradient(order, np.eye(3)), np.eye(3) / 3, atol=1e-15)
    q = linalg.qr(matrix(5, 5))[0]
    np.testing.assert_allclose(gradient(order, q), q / 5, atol=1e-14)


def test_singular_values_of_zero_have_no_share() -> None:
    """Of all slopes at a minimum the least; also where they are 0 but for rounding."""
    a = np.outer([1.0, 2.0, 2.0], [0.6, 0.8])
    np.testing.assert_allclose(gradient("nuc", a), a / 3, atol=1e-15)
    np.testing.assert_allclose(gradient(2, a), a / 3, atol=1e-15)
    np.testing.assert_array_equal(gradient(-2, a), np.zeros((3, 2)))
    u, v = linalg.qr(matrix(5, 5))[0][:, :3], linalg.qr(matrix(5, 5))[0][:, :3]
    np.testing.assert_allclose(gradient("nuc", (u * [1.0, 2, 3]) @ v.T), u @ v.T, atol=1e-13)


@pytest.mark.parametrize("order", BY_DEFINITION)
def test_the_norm_of_a_matrix_of_zeros_is_a_place_to_rest(order: Any) -> None:
    np.testing.assert_array_equal(gradient(order, np.zeros((3, 2))), np.zeros((3, 2)))


@pytest.mark.parametrize(
    "call",
    [
        lambda v: linalg.norm(v, 3),
        lambda v: linalg.norm(v, 0, axis=1),
        lambda v: linalg.norm(v, "nuc", axis=1),
        lambda v: linalg.norm(v[None], 1),
        lambda v: linalg.vector_norm(v, ord=0),
    ],
)
def test_what_is_no_norm_is_refused(call: Any) -> None:
    with pytest.raises(errors.ArgumentError, match=r"norm of a Value has no rule for ord=(0|1|3|'nuc')"):
        call(Value(np.eye(2)))


@pytest.mark.parametrize("order", [0.5, -1, -2, -0.5])
def test_a_zero_entry_makes_no_nan_of_an_order_below_one(order: float) -> None:
    def f(x: Any) -> Any:
        return np.linalg.norm(x, order)

    with np.errstate(divide="ignore"):
        slope = grad(f)(np.array([1.0, 0.0]))
        np.testing.assert_array_equal(slope, [1.0 if order > 0 else 0.0, 0.0])
        np.testing.assert_array_equal(grad(f)(np.zeros(2)), [0.0, 0.0])
        shielded = grad(lambda x: np.where(x[0] > 2, f(x), 0.0).sum())(np.array([1.0, 0.0]))
    np.testing.assert_array_equal(shielded, [0.0, 0.0])
