"""Flat parts of saturating functions: slopes of 1e-300 still have all their digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, grad

FAR = [19.0, 20.0, 30.0, 37.0, 40.0, 100.0, 300.0]


def assert_digits(got: Any, want: float, rtol: float = 2e-15) -> None:
    assert math.isclose(float(got), want, rel_tol=rtol), f"{got!r}, expected {want!r}"


def both_ways(f: Callable[[Any], Any], x: float) -> tuple[Any, Any]:
    """As a scalar, and as the second entry of an array whose first is not saturated."""
    return grad(f)(x), grad(lambda x: f(x).sum())(np.array([0.25, x]))[1]


def tanh_slope(x: float) -> float:
    """sech² x = 4 / (eˣ + e⁻ˣ)²: sums of positive terms alone."""
    e = math.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def sigmoid_slope(x: float) -> float:
    e = math.exp(-abs(x))
    return e / (1 + e) ** 2


@pytest.mark.parametrize("x", [s * x for x in FAR for s in (1, -1)])
def test_slope_of_saturated_tanh(x: float) -> None:
    """1 - tanh² is 0 from 19.1 on."""
    for slope in both_ways(np.tanh, x):
        assert_digits(slope, tanh_slope(x))
        assert slope > 0


@pytest.mark.parametrize("x", [0.0, 0.3, 1.0, 2.0, 3.0, 4.0, 4.2, 5.0, 8.0, 15.0, 18.9])
def test_slope_of_tanh_on_the_way_there(x: float) -> None:
    """Where the slope is above 1e-3 it is 1 - y²: a rounding of 1 in 1e-3 is 2e-13 of it."""
    for slope in (*both_ways(np.tanh, x), *both_ways(np.tanh, -x)):
        assert_digits(slope, tanh_slope(x), 5e-13)


@pytest.mark.parametrize("x", FAR)
def test_second_derivative_of_saturated_tanh(x: float) -> None:
    """-2 tanh sech²."""
    assert_digits(grad(grad(np.tanh))(x), -2 * tanh_slope(x), 4e-15)


@pytest.mark.parametrize("x", [355.0, 372.0, 400.0, 1e4, 1e300])
def test_tanh_where_even_the_slope_ends(x: float) -> None:
    """e⁻²ˣ is among the smallest numbers, or under them."""
    slope = grad(np.tanh)(x)
    assert 0 <= slope <= 1e-300
    assert slope == pytest.approx(4 * math.exp(-2 * x), rel=1e-9, abs=4e-323)


@pytest.mark.parametrize("x", [30.0, 36.5, 40.0, 300.0, 700.0])
def test_slope_of_saturated_sigmoid(x: float) -> None:
    """y (1 - y) is 0 from 37 on."""
    for slope in (*both_ways(minigrad.sigmoid, x), *both_ways(minigrad.sigmoid, -x)):
        assert_digits(slope, sigmoid_slope(x))
        assert slope > 0


@pytest.mark.parametrize("x", [0.0, 0.5, 2.0, 10.0, 20.0])
def test_slope_of_sigmoid_on_the_way_there(x: float) -> None:
    for slope in (*both_ways(minigrad.sigmoid, x), *both_ways(minigrad.sigmoid, -x)):
        assert_digits(slope, sigmoid_slope(x))


@pytest.mark.parametrize("x", [30.0, 40.0, 300.0])
def test_second_derivative_of_saturated_sigmoid(x: float) -> None:
    """σ' (1 - 2σ): minus σ' on the right, σ' on the left, to what rounds away at 1."""
    assert_digits(grad(grad(minigrad.sigmoid))(x), -sigmoid_slope(x), 1e-12)
    assert_digits(grad(grad(minigrad.sigmoid))(-x), sigmoid_slope(x), 1e-12)


@pytest.mark.parametrize("x", [-700.0, -300.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0])
def test_softplus(x: float) -> None:
    """Its slope is the sigmoid; its value on the left is eˣ, not 0."""
    assert_digits(Value(x).softplus().data, math.log1p(math.exp(-abs(x))) + max(x, 0.0))
    e = math.exp(-abs(x))
    for slope in both_ways(minigrad.softplus, x):
        assert_digits(slope, (1 if x >= 0 else e) / (1 + e))


@pytest.mark.parametrize("x", [-700.0, -300.0, -40.0, 40.0, 300.0])
def test_second_derivative_of_softplus(x: float) -> None:
    assert_digits(grad(grad(minigrad.softplus))(x), sigmoid_slope(x))


@pytest.mark.parametrize("x", [-700.0, -40.0, 0.0, 40.0, 700.0])
def test_logaddexp(x: float) -> None:
    e = math.exp(-abs(x))
    for_a, for_b = grad(np.logaddexp, (0, 1))(x, 0.0)
    assert_digits(for_a, (1 if x >= 0 else e) / (1 + e))
    assert_digits(for_b, (1 if x <= 0 else e) / (1 + e))


@pytest.mark.parametrize("gap", [40.0, 300.0, 700.0])
def test_log_softmax_and_softmax_of_the_unlikely(gap: float) -> None:
    """ln p = -gap and ∂p/∂x = p: exactly what rounds away if p is computed as 1 minus the rest."""
    x, e = np.array([0.0, -gap]), math.exp(-gap)
    y = minigrad.log_softmax(Value(x))
    assert_digits(y.data[1], -gap - math.log1p(e))
    rows = grad(minigrad.log_softmax)(x, cotangent=np.array([1.0, 0.0]))
    assert_digits(rows[1], -e)
    np.testing.assert_allclose(grad(minigrad.log_softmax)(x, cotangent=np.array([0.0, 1.0])), [-1, 1], rtol=1e-15)
    np.testing.assert_allclose(grad(minigrad.softmax)(x, cotangent=np.array([0.0, 1.0])), [-e, e], rtol=2e-15)


@pytest.mark.parametrize("shift", [-1e4, -800.0, 800.0, 1e4])
def test_softmax_family_does_not_overflow(shift: float) -> None:
    """A shift of all logits changes nothing; sums of a few roundings of the shift aside."""
    x, targets, v = np.array([[1.0, -2.0, 0.5], [0.0, 0.25, 3.0]]), np.array([2, 0]), np.array([[2.0, -1, 0.5]])
    rounding = 8 * np.finfo(float).eps * abs(shift)
    for f in (
        lambda x: np.sum(v * minigrad.softmax(x)),
        lambda x: np.sum(v * minigrad.log_softmax(x)),
        lambda x: np.sum(minigrad.logsumexp(x, axis=1) ** 2) - 2 * shift * np.sum(minigrad.logsumexp(x, axis=1)),
        lambda x: minigrad.cross_entropy(x, targets),
    ):
        want = grad(lambda x, f=f: f(x + shift))(x)
        np.testing.assert_allclose(grad(f)(x + shift), want, atol=rounding)
        assert np.isfinite(want).all()
    plain = grad(lambda x: minigrad.cross_entropy(x, targets))
    np.testing.assert_allclose(plain(x + shift), plain(x), atol=rounding)
    np.testing.assert_allclose(
        grad(lambda x: minigrad.logsumexp(x))(x + shift), grad(lambda x: minigrad.logsumexp(x))(x), atol=rounding
    )


def test_cross_entropy_of_a_certain_and_wrong_answer() -> None:
    loss, g = minigrad.value_and_grad(lambda x: minigrad.cross_entropy(x, np.array([1])))(np.array([[800.0, 0.0]]))
    assert loss == 800
    np.testing.assert_array_equal(g, [[1, -1]])


def test_cross_entropy_of_a_certain_and_right_answer() -> None:
    """The gradient of the wrong class is its probability; that of the right one has rounded to 0."""
    g = grad(lambda x: minigrad.cross_entropy(x, np.array([0])))(np.array([[40.0, 0.0]]))
    assert_digits(g[0, 1], math.exp(-40))
    assert abs(g[0, 0]) <= 1e-15


@pytest.mark.parametrize("x", [1e-200, 1e-9, 0.1])
def test_small_arguments_keep_their_digits(x: float) -> None:
    for f, slope in (
        (np.expm1, math.exp(x)),
        (np.log1p, 1 / (1 + x)),
        (np.arctan, 1 / (1 + x * x)),
        (np.arcsinh, 1 / math.sqrt(1 + x * x)),
        (lambda x: np.linalg.norm(np.stack([x, x])) if x.data > 1e-100 else np.hypot(x, x), math.sqrt(2)),
    ):
        assert_digits(grad(f)(x), slope)


@pytest.mark.parametrize("gap", [1e-3, 1e-8, 1e-15])
def test_slopes_next_to_an_infinite_one(gap: float) -> None:
    """1 - x² loses the digits that 1 - x has."""
    x = 1 - gap
    gap = 1 - x
    root = math.sqrt(gap * (2 - gap))
    assert_digits(grad(np.arcsin)(x), 1 / root)
    assert_digits(grad(np.arccos)(x), -1 / root)
    assert_digits(grad(np.arctanh)(x), 1 / (gap * (2 - gap)))
    assert_digits(grad(np.arccosh)(1 + gap), 1 / math.sqrt((1 + gap - 1) * (2 + gap)))


@pytest.mark.parametrize("x", [1e160, 1e300])
def test_huge_arguments(x: float) -> None:
    """Squares would overflow."""
    assert_digits(grad(np.arccosh)(x), 1 / x)
    assert_digits(grad(np.arcsinh)(-x), 1 / x)
    assert_digits(grad(lambda a: np.hypot(a, x))(x), math.sqrt(0.5))
    assert_digits(grad(lambda a: np.arctan2(a, x))(x), 0.5 / x)


@pytest.mark.parametrize("x", [2.0, 2.6, 2.7, 3.0, 3.85, 4.1, 6.0])
def test_the_slope_of_tanh_keeps_its_digits_on_the_way_to_being_flat(x: float) -> None:
    e = np.exp(-2 * x)
    assert grad(np.tanh)(x) == pytest.approx(4 * e / (1 + e) ** 2, rel=1e-14, abs=0)
    assert grad(lambda v: np.tanh(v).sum())(np.array([x, 0.0]))[0] == grad(np.tanh)(x)


def test_the_hessian_of_logsumexp_keeps_its_digits_where_a_share_rounds_to_1() -> None:
    for x, share in ((np.array([40.0, 0.0]), math.exp(-40)), (np.array([20, 0], np.float32), math.exp(-20))):
        right = share * np.array([[1, -1], [-1, 1]])
        np.testing.assert_allclose(minigrad.hessian(minigrad.logsumexp)(x), right, rtol=1e-6)
        np.testing.assert_allclose(minigrad.hessian(lambda x: minigrad.logsumexp(x, 0))(x), right, rtol=1e-6)
        along = minigrad.hvp(minigrad.logsumexp, x, np.array([1, 0], x.dtype))
        np.testing.assert_allclose(along, right[0], rtol=1e-6)
