"""The inverse of a triangle by halves: against LAPACK's inverse, in every size, stack and type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.rules.triangular import inverse_lower


def triangle(*shape: int) -> Any:
    """Matrices with a large diagonal, and rubbish above it."""
    return np.random.default_rng(0).normal(size=shape) + 2 * shape[-1] * np.eye(shape[-1])


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 3), (48, 48), (49, 49), (2, 3, 101, 101), (200, 200)])
def test_it_is_the_inverse_of_the_lower_triangle(shape: tuple[int, ...]) -> None:
    a = triangle(*shape)
    y = inverse_lower(a)
    np.testing.assert_allclose(y, np.linalg.inv(np.tril(a)), rtol=1e-12, atol=1e-16)
    assert np.array_equal(y, np.tril(y))
    assert inverse_lower(a.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("n", [3, 49, 101])
def test_its_derivatives_are_those_of_the_inverse_of_the_triangle(n: int) -> None:
    a, t = triangle(n, n), np.cos(np.arange(n * n)).reshape(n, n)
    lower = np.tri(n)

    def loss(a: Any) -> Any:
        return np.sum(np.sin(inverse_lower(a) * n) * t)

    def by_inv(a: Any) -> Any:
        return np.sum(np.sin(np.linalg.inv(a * lower) * n) * t)

    for derivative in (minigrad.grad, lambda f: lambda a: minigrad.hvp(f, a, t)):
        np.testing.assert_allclose(derivative(loss)(a), derivative(by_inv)(a), rtol=1e-11, atol=1e-16)
    tangents = [minigrad.jvp(f, a, t)[1] for f in (loss, by_inv)]
    np.testing.assert_allclose(*tangents, rtol=1e-11)


def test_a_zero_on_the_diagonal_has_no_inverse() -> None:
    for n in (3, 60):
        a = triangle(n, n)
        a[n - 1, n - 1] = 0.0
        with pytest.raises(np.linalg.LinAlgError):
            inverse_lower(a)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("shape", [(4, 4), (2, 70, 70)])
def test_cholesky_moves_as_the_factor_of_a_moved_matrix(shape: tuple[int, ...], upper: bool) -> None:
    """Sizes that are cut in halves, against a difference; the gradient is the transpose of the tangent."""
    n = shape[-1]
    b = np.random.default_rng(1).normal(size=shape) / np.sqrt(n)
    a = b @ np.swapaxes(b, -1, -2) + np.eye(n)
    t = np.random.default_rng(2).normal(size=shape) / n
    t = t + np.swapaxes(t, -1, -2)

    def f(a: Any) -> Any:
        return np.linalg.cholesky(a, upper=upper)

    y, moved = minigrad.jvp(f, a, t)
    h = 1e-5
    np.testing.assert_allclose(moved, (f(a + h * t) - f(a - h * t)) / (2 * h), atol=1e-8)
    g = np.cos(np.arange(y.size)).reshape(y.shape)
    assert np.isclose(np.sum(minigrad.vjp(f, a)[1](g) * t), np.sum(g * moved), rtol=1e-12)
    twice = minigrad.jvp(lambda a: minigrad.jvp(f, a, t)[1], a, t)[1]
    second = (f(a + 1e-3 * t) - 2 * f(a) + f(a - 1e-3 * t)) / 1e-6
    np.testing.assert_allclose(twice, second, atol=1e-5)
