"""Activations and rarer elementwise functions: known values, identities through other ops, flat ends, kinks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors, grad, sigmoid
from minigrad.rules.activations import (
    elu,
    erf,
    erfc,
    gelu,
    glu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    relu6,
    selu,
    silu,
    softsign,
)

X = np.array([-2.5, -0.7, -0.1, 0.3, 1.1, 2.9])


def second(f: Any, x: Any) -> Any:
    return grad(lambda x: np.sum(grad(lambda x: np.sum(f(x)))(x)))(x)


def assert_same_function(f: Any, g: Any, x: Any = X, order: int = 2) -> None:
    np.testing.assert_allclose(f(x), g(x), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(f(x)))(x), grad(lambda x: np.sum(g(x)))(x), rtol=1e-12, atol=1e-14
    )
    if order > 1:
        np.testing.assert_allclose(second(f, x), second(g, x), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("ours", "known", "ulps"), [(erf, math.erf, 2), (erfc, math.erfc, 6)])
def test_error_function_to_a_few_units_in_the_last_place(ours: Any, known: Any, ulps: int) -> None:
    x = np.concatenate([np.linspace(-6.5, 26, 20001), np.logspace(-300, 0, 500), [0.0, np.inf, -np.inf]])
    want = np.array([known(v) for v in x])
    assert np.all(np.abs(ours(x) - want) <= ulps * np.spacing(np.abs(want)))


def test_error_function_keeps_types_signs_and_nan() -> None:
    assert np.signbit(erf(-0.0))
    assert np.isnan(erf(np.nan)) and np.isnan(erfc(np.nan))
    assert erf(np.float32(0.5)).dtype == np.float32
    assert type(erf(0.5)) is np.float64
    assert erf(np.ones((0, 2))).shape == (0, 2)


def test_complements_have_opposite_slopes() -> None:
    assert_same_function(erf, lambda x: 1 - erfc(x))
    assert_same_function(erfc, lambda x: 2 - erfc(-x))


def test_gelu_in_both_forms() -> None:
    def tanh_form(x: Any) -> Any:
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    assert_same_function(gelu, lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2))))
    assert_same_function(lambda x: gelu(x, approximate=True), tanh_form)
    # Φ(1) and Φ(-2), as tables of the normal distribution give them
    np.testing.assert_allclose(gelu(np.array([1.0, -2.0])), [0.8413447460685429, -2 * 0.022750131948179195])
    assert np.max(np.abs(gelu(X) - gelu(X, True))) < 1e-3


def test_gelu_keeps_its_digits_where_it_is_flat() -> None:
    """x (1 + erf(x/√2)) / 2 is 0 from -8.3 down. The rounding of x/√2 counts x² times in Φ(x)."""
    x = -12.0
    np.testing.assert_allclose(gelu(x), 0.5 * x * math.erfc(12 / math.sqrt(2)), rtol=1e-13)
    slope = 0.5 * math.erfc(12 / math.sqrt(2)) + x * math.exp(-72) / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(grad(gelu)(x), slope, rtol=1e-13)
    z = 2 * math.sqrt(2 / math.pi) * (-5 - 0.044715 * 125)
    np.testing.assert_allclose(gelu(-5.0, True), -5 * math.exp(z) / (1 + math.exp(z)), rtol=1e-14)


def test_identities_through_other_ops() -> None:
    assert_same_function(silu, lambda x: x * sigmoid(x))
    assert_same_function(elu, lambda x: np.where(x > 0, x, np.exp(x) - 1))
    assert_same_function(lambda x: elu(x, 0.3), lambda x: np.where(x > 0, x, 0.3 * np.expm1(x)))
    assert_same_function(selu, lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772))
    assert_same_function(lambda x: leaky_relu(x, 0.2), lambda x: np.maximum(x, 0.2 * x), order=1)
    assert_same_function(hard_tanh, lambda x: np.minimum(np.maximum(x, -1), 1), order=1)
    assert_same_function(relu6, lambda x: np.minimum(np.maximum(x, 0), 6), np.append(X, 7.0), order=1)
    assert_same_function(softsign, lambda x: x / (1 + np.sqrt(x * x)))
    assert_same_function(log_sigmoid, lambda x: np.log(sigmoid(x)))


def test_kinks_of_activations() -> None:
    assert grad(relu6)(0.0) == grad(relu6)(6.0) == 0
    assert grad(hard_tanh)(1.0) == grad(hard_tanh)(-1.0) == 1
    assert grad(leaky_relu)(0.0) == 0.01
    assert grad(lambda x: elu(x, 0.5))(0.0) == 0.5
    np.testing.assert_allclose(grad(selu)(0.0), 1.0507009873554805 * 1.6732632423543772)


ALL = [erf, erfc, gelu, silu, elu, selu, leaky_relu, hard_tanh, relu6, softsign, log_sigmoid]


@pytest.mark.parametrize("f", [*ALL, lambda x: gelu(x, True), np.sinc])
def test_no_nan_and_no_warning_at_the_far_ends(f: Any) -> None:
    for x in (1e5, 1e155, 1e200, 1e300, 40.0, 800.0):
        for sign in (1, -1):
            assert np.isfinite(grad(f)(sign * x))
            assert np.isfinite(second(f, sign * x))


@pytest.mark.parametrize("f", ALL)
def test_float32_stays_and_labels_are_names(f: Any) -> None:
    v = Value(X.astype(np.float32))
    y = f(v)
    assert y.dtype == np.float32
    assert y.op.label == f.__name__
    y.sum().backward()
    assert v.grad.dtype == np.float32


def test_a_slope_that_is_a_value_is_refused() -> None:
    with pytest.raises(errors.GradientLost, match="a parameter has no derivative here"):
        leaky_relu(Value(X), Value(0.1))


def test_sinc_keeps_its_digits_near_zero() -> None:
    """(cos πx - sinc x) / x loses half of them at 1e-8."""
    for x in (0.0, 1e-300, 1e-8, 1e-3, 0.1, 0.3):
        u = math.pi * x
        series = sum((-1) ** k * u ** (2 * k + 1) * (2 * k + 2) / math.factorial(2 * k + 3) for k in range(12))
        np.testing.assert_allclose(grad(np.sinc)(x), -math.pi * series, rtol=4e-15)
    np.testing.assert_allclose(second(np.sinc, 0.0), -(math.pi**2) / 3)
    np.testing.assert_allclose(
        second(np.sinc, np.array([0.999 / math.pi])), second(np.sinc, np.array([1.001 / math.pi])), rtol=2e-3
    )


def test_remainder_of_the_sign_of_its_dividend() -> None:
    a, b = np.array([7.0, -7.0, 0.5]), np.array([3.0, 3.0, -2.0])
    ga, gb = grad(lambda a, b: np.sum(np.fmod(a, b)), (0, 1))(a, b)
    np.testing.assert_array_equal(ga, [1, 1, 1])
    np.testing.assert_array_equal(gb, [-2, 2, 0])


def test_signs_and_steps() -> None:
    ga, gb = grad(lambda a, b: np.sum(np.copysign(a, b)), (0, 1))(
        np.array([2.0, -2.0, 0.0]), np.array([-1.0, -0.0, 1.0])
    )
    np.testing.assert_array_equal(ga, [-1, 1, 0])
    np.testing.assert_array_equal(gb, [0, 0, 0])
    gx, gh = grad(lambda x, h: np.sum(np.heaviside(x, h)), (0, 1))(
        np.array([-1.0, 0.0, 2.0]), np.array([0.5, 0.5, 0.5])
    )
    np.testing.assert_array_equal(gx, [0, 0, 0])
    np.testing.assert_array_equal(gh, [0, 1, 0])


def test_real_parts_of_real_numbers() -> None:
    v = Value(X)
    (np.real(v) + np.conj(v) + np.imag(v)).sum().backward()
    np.testing.assert_array_equal(v.grad, np.full(6, 2))


def test_selection_gives_the_gradient_to_the_first_that_holds() -> None:
    x = Value([1.0, 2.0, 3.0, 4.0])
    y = np.select([x > 3, x > 1.5], [x * x, 10 * x], default=-x)
    np.testing.assert_array_equal(y.data, [-1, 20, 30, 16])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [-1, 10, 10, 8])
    narrow = Value(np.float32([1, 2]))
    assert np.select([[True, False]], [narrow]).dtype == np.float32
    safe = np.where(x.data > 2, x.data, -1.0)
    with np.errstate(invalid="ignore"):
        g = grad(lambda x: np.sum(np.select([x > 0], [np.log(x)], 0.0)))(safe)
    np.testing.assert_array_equal(g, [0, 0, 1 / 3, 0.25])


def test_grids_and_common_shapes() -> None:
    x, y = Value([1.0, 2.0, 3.0]), Value([4.0, 5.0])
    for indexing, sparse in (("xy", False), ("ij", False), ("xy", True)):
        a, b = np.meshgrid(x, y, indexing=indexing, sparse=sparse)
        x.grad = y.grad = None
        (a * b).sum().backward()
        np.testing.assert_array_equal(x.grad, [9, 9, 9])
        np.testing.assert_array_equal(y.grad, [6, 6])
    a, b = np.broadcast_arrays(x, np.expand_dims(y, 1))
    assert a.shape == b.shape == (2, 3)
    x.grad = None
    (a * b).sum().backward()
    np.testing.assert_array_equal(x.grad, [9, 9, 9])


def test_even_steps_between_two_values() -> None:
    ga, gb = grad(lambda a, b: np.sum(np.linspace(a, b, 5) ** 2), (0, 1))(1.0, 3.0)
    y, s = np.linspace(1, 3, 5), np.linspace(0, 1, 5)
    np.testing.assert_allclose([ga, gb], [2 * y @ (1 - s), 2 * y @ s])
    with pytest.raises(errors.ArgumentError, match="linspace of a Value does not take retstep="):
        np.linspace(Value(0.0), 1.0, 3, retstep=True)


def test_base_two_softplus() -> None:
    assert_same_function(lambda x: np.logaddexp2(x, 0.3), lambda x: np.log2(np.exp2(x) + 2**0.3))
    assert grad(lambda x: np.logaddexp2(x, 2000.0))(0.0) == 0
    assert minigrad.softplus(0.0) == pytest.approx(math.log(2))


def test_glu_refuses_an_odd_length() -> None:
    with pytest.raises(ValueError, match=r"glu: expected an even length along axis -1, got shape \(2, 3\)"):
        glu(np.ones((2, 3)))
