"""Derivatives at ordinary points where most engines are wrong; each value is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import grad, hessian, hvp, jvp


def test_logsumexp_keeps_its_digits_at_any_size() -> None:
    for big in (1e4, 1e10, 1e16, 1e50, 1e300):
        assert grad(np.logaddexp, (0, 1))(big, big) == (0.5, 0.5)
        assert grad(np.logaddexp2, (0, 1))(big, big) == (0.5, 0.5)
        assert grad(mg.logsumexp)(np.array([big, big, -big])).tolist() == [0.5, 0.5, 0.0]
    x = np.array([1e5, 1e5 + 0.0625, 1e5 - 1.5], np.float32)
    exact = np.exp(np.float64(x) - 1e5)
    np.testing.assert_allclose(grad(mg.logsumexp)(x), exact / exact.sum(), rtol=3e-7)


@pytest.mark.parametrize("big", [np.inf, -np.inf])
def test_the_weights_of_logsumexp_add_up_to_1_at_infinity(big: float) -> None:
    assert grad(np.logaddexp, (0, 1))(big, big) == (0.5, 0.5)
    assert grad(np.logaddexp2, (0, 1))(big, big) == (0.5, 0.5)
    assert grad(np.logaddexp, (0, 1))(big, 1.0) == ((1.0, 0.0) if big > 0 else (0.0, 1.0))
    with np.errstate(divide="ignore"):  # ln 0
        assert grad(mg.logsumexp)(np.array([big, big])).tolist() == [0.5, 0.5]
    assert grad(mg.logsumexp)(np.array([1.0, big])).tolist() == ([0, 1] if big > 0 else [1, 0])
    assert jvp(mg.logsumexp, (np.array([1.0, big]),), (np.array([1.0, 0.0]),))[1] == (big < 0)


def test_the_second_derivative_of_logsumexp_at_a_tie() -> None:
    expected = [[0.25, -0.25], [-0.25, 0.25]]
    np.testing.assert_allclose(hessian(mg.logsumexp)(np.full(2, 3.0)), expected, rtol=1e-15)
    np.testing.assert_allclose(hessian(lambda v: np.logaddexp(v[0], v[1]))(np.full(2, 3.0)), expected, rtol=1e-15)


W = np.array([[1.0, 2.0], [3.0, 4.0]])


def polar(a: Any) -> Any:
    """<W, the orthogonal factor of a>."""
    u, _, vh = np.linalg.svd(a)
    return np.sum(W * (u @ vh))


def test_the_polar_factor_is_smooth_where_singular_values_are_equal() -> None:
    a = np.array([[0.0, 2.0], [-2.0, 0.0]])
    np.testing.assert_allclose(grad(polar)(a), 1.25 * np.eye(2), atol=1e-14)
    for direction in (np.eye(2), np.array([[0.0, 1.0], [0.0, 0.0]]), W):
        expected = 1.25 * np.trace(direction)
        np.testing.assert_allclose(jvp(polar, (a,), (direction,))[1], expected, atol=1e-14)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])  # a rotation: both of its singular values are 1
    skew = (W @ turn.T - turn @ W.T) / 2  # at a rotation R, the factor changes by the skew part of dR Rᵀ, times R
    np.testing.assert_allclose(grad(polar)(turn), skew @ turn, atol=1e-14)


def test_det_has_a_second_derivative_at_a_singular_matrix() -> None:
    expected = np.zeros((2, 2, 2, 2))
    expected[0, 0, 1, 1] = expected[1, 1, 0, 0] = 1
    expected[0, 1, 1, 0] = expected[1, 0, 0, 1] = -1  # det = ad - bc
    rng = np.random.default_rng(0)
    for a in (np.diag([1.0, 0.0]), np.zeros((2, 2)), rng.normal(size=(2, 1)) @ rng.normal(size=(1, 2)), W):
        np.testing.assert_allclose(hessian(np.linalg.det)(a), expected, atol=1e-14)
    a = rng.normal(size=(4, 2)) @ rng.normal(size=(2, 4))  # of rank 2: det is 0 in a second order
    t = rng.normal(size=(4, 4))
    step = 1e-3
    second = (np.linalg.det(a + step * t) + np.linalg.det(a - step * t)) / step**2
    np.testing.assert_allclose(np.sum(t * hvp(np.linalg.det, a, t)), second, rtol=1e-4)


def test_a_mean_of_more_numbers_than_float16_can_count() -> None:
    x = np.ones(70000, np.float16)
    assert np.unique(grad(np.mean)(x)) == np.float16(1 / 70000)


def test_calls_that_numpy_takes() -> None:
    assert grad(lambda x: np.sum(np.repeat(np.sum(x), 2, axis=0)))(np.ones(3)).tolist() == [2, 2, 2]
    assert jvp(np.sin, 1.0, 1.0) == (np.sin(1.0), np.cos(1.0))
