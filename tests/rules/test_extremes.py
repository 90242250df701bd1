"""Slopes where numbers are very large, very small or infinite: known by scaling, or not known, and then nan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import grad, jvp
from minigrad.rules.limits import bounded
from minigrad.rules.recurrences import recurrence

INF = np.inf
KINDS = {np.float64: (1e200, 1e-200, 1e-300), np.float32: (1e30, 1e-30, 1e-37)}


def both_modes(f: Callable[[Any], Any], x: Any) -> tuple[Any, Any]:
    """The derivative at a number, by a sweep back and by a sweep forward."""
    with np.errstate(all="ignore"):
        return grad(f)(x), jvp(f, (x,), (np.ones_like(x)[()],))[1]


SLOWER: dict[str, Callable[[Any], Any]] = {
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "arcsinh": np.arcsinh,
    "arccosh": np.arccosh,
    "x ** 0.3": lambda x: x**0.3,
    "x ** p": lambda x: x ** np.full_like(x, 0.3),
    "hypot": lambda x: np.hypot(x, x),
}


# The slope of f(e^x) for large x.
LIMITS = {"log": 1.0, "log2": 1 / np.log(2), "log10": 1 / np.log(10), "log1p": 1.0, "arcsinh": 1.0, "arccosh": 1.0}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SLOWER)
def test_a_function_that_grows_slower_than_its_argument_has_no_slope_at_infinity(name: str, kind: type) -> None:
    """As a number and in an array, whose other entries keep theirs; and behind an overflow.

    The sweep may find the limit instead, where there is one that is not 0.
    """
    f, at_infinity, behind = SLOWER[name], np.sqrt(2) if name == "hypot" else np.nan, LIMITS.get(name, np.nan)
    for slope in both_modes(f, kind(INF)):
        assert np.isnan(slope) or np.isclose(slope, at_infinity)
    for slopes in both_modes(lambda x: np.sum(f(x)), np.array([2.0, INF], kind)):
        last = np.atleast_1d(slopes)[-1]  # the sweep forward adds them up
        assert np.isnan(last) or name == "hypot"
    for slope in both_modes(lambda x: f(np.exp(x)), kind(800.0)):
        assert np.isnan(slope) or np.isclose(slope, behind)


@pytest.mark.parametrize("name", ["cbrt", "arcsinh"])
def test_minus_infinity_is_one_too(name: str) -> None:
    for slope in both_modes(SLOWER[name], -INF):
        assert np.isnan(slope)


def test_the_largest_numbers_have_slopes() -> None:
    """The argument is asked, not the slope, which may be smaller than any ordinary number."""
    x = 1e308
    for f, slope in ((np.log, 1 / x), (np.log10, 1 / x / np.log(10)), (np.log1p, 1 / x), (np.arcsinh, 1 / x)):
        for found in both_modes(f, x):
            assert found > 0 and np.isclose(found, slope, rtol=1e-6, atol=0)


def test_what_extended_arithmetic_gives_stays() -> None:
    for f in (lambda x: 1 / x, np.reciprocal, np.tanh, np.arctan, lambda x: np.exp(-x), lambda x: x**-2.0):
        for slope in both_modes(f, INF):
            assert slope == 0
    for slope in both_modes(lambda x: x**1.0, INF):
        assert slope == 1


def test_bounded_changes_infinities_alone() -> None:
    x = np.array([-INF, -0.0, 1.5, np.nan, INF], np.float32)
    y = bounded(x)
    assert y.dtype == np.float32 and np.isnan(y).tolist() == [True, False, False, True, True]
    assert y[2] == 1.5 and not np.signbit(y[1])
    assert np.isnan(bounded(INF)) and bounded(2.0) == 2.0 and np.isnan(bounded(np.float32(INF)))
    compiled = minigrad.compile(lambda x: bounded(x * 1.0) * 1.0)
    assert np.array_equal(compiled(x), y, equal_nan=True)


# ---------------------------------------------------------------------------------- known by scaling

SCALE_FREE: dict[str, Callable[[Any], Any]] = {
    "norm": np.linalg.norm,
    "norm of rows": lambda x: np.linalg.norm(np.reshape(x, (1, -1)), axis=1)[0],
    "vector_norm": np.linalg.vector_norm,
    **{f"norm of order {p}": lambda x, p=p: np.linalg.norm(x, p) for p in (0.5, 1, 2, 2.5, 3, -2, INF, -INF)},
    "std": np.std,
    "std, ddof": lambda x: np.std(x, ddof=1),
    "nanstd": np.nanstd,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SCALE_FREE)
def test_slopes_that_do_not_depend_on_the_scale(name: str, kind: type) -> None:
    """Where squares and powers overflow, or vanish, the same as at numbers close to 1."""
    f, x = SCALE_FREE[name], np.array([1.0, -2.0, 4.0, 0.5], kind)
    with np.errstate(all="ignore"):
        want = grad(f)(x)
        for scale in KINDS[kind]:
            np.testing.assert_allclose(grad(f)(x * kind(scale)), want, rtol=30 * np.finfo(kind).eps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_norm_of_a_large_and_a_small_entry(kind: type) -> None:
    large = KINDS[kind][0]
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(grad(np.linalg.norm)(np.array([large, 1.0], kind)), [1, 1 / large], rtol=1e-6)


def test_second_derivatives_of_norms_scale() -> None:
    x = np.array([3.0, 4.0, -1.0])
    for f in (np.linalg.norm, np.std):
        want = minigrad.hessian(f)(x)
        with np.errstate(all="ignore"):
            for scale in (1e200, 1e-200):
                np.testing.assert_allclose(minigrad.hessian(f)(x * scale) * scale, want, rtol=1e-13)


def test_correlations_do_not_depend_on_the_scale() -> None:
    x = np.array([[1.0, 2.0, 4.0], [1.0, 3.0, 2.0]])
    want = grad(lambda x: np.corrcoef(x)[0, 1])(x)
    scales = np.array([[1e200], [1e-200]])
    with np.errstate(all="ignore"):
        found = grad(lambda x: np.corrcoef(x)[0, 1])(x * scales) * scales
    np.testing.assert_allclose(found, want, rtol=1e-13)


def test_an_overflow_inside_of_layer_norm_is_seen() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(grad(lambda x: minigrad.layer_norm(x)[0])(np.array([1e200, 2e200, 3.0]))).all()


def test_a_running_product_of_large_numbers_keeps_small_terms() -> None:
    """A term divided by the product so far may vanish, though the sum of all is an ordinary number."""
    f, t = np.array([1e150, 1.0]), np.array([0.0, 1e-200])
    assert recurrence(f, t).tolist() == [0.0, 1e-200]


# ------------------------------------------------------------------ a probability that rounds to 1


@pytest.mark.parametrize("tail", [-20.0, -36.5, -40.0, -80.0, -300.0])
def test_slopes_beside_a_probability_of_one(tail: float) -> None:
    """1 - p is the sum of the others: softmax, log_softmax and cross_entropy, in both modes and to second order."""
    x, p = np.array([0.0, tail]), np.exp(tail) / (1 + np.exp(tail))
    down, up = [-p, p], [p, -p]
    near = {"rtol": 1e-14, "atol": 0}
    classes, shares = np.array([0]), np.array([[1.0, 0.0]])
    for f, want in (
        (lambda x: minigrad.log_softmax(x)[0], up),
        (lambda x: minigrad.cross_entropy(x[None], classes), down),
        (lambda x: minigrad.cross_entropy(x[None], shares), down),
        (lambda x: minigrad.softmax(x)[0], [p * (1 - p), -p * (1 - p)]),
    ):
        np.testing.assert_allclose(grad(f)(x), want, **near)
        np.testing.assert_allclose(minigrad.compile(grad(f))(x), want, **near)
        np.testing.assert_allclose([jvp(f, (x,), (e,))[1] for e in np.eye(2)], want, **near)
        rows = np.abs(minigrad.hessian(f)(x))
        np.testing.assert_allclose(rows, np.full((2, 2), rows[1, 1]), rtol=1e-12)
        assert np.isclose(rows[1, 1], p, rtol=1e-7, atol=0)


def test_an_error_that_logaddexp_would_round_away() -> None:
    """The difference of its operands is rounded at their size."""
    a, b = np.float32(-5.6266665), np.float32(76.65217)
    want = np.exp(np.float64(a) - np.float64(b))
    assert np.isclose(grad(np.logaddexp)(a, b), want, rtol=4e-7, atol=0)
    assert grad(np.logaddexp, (0, 1))(1.0, 1e300) == (0, 1)
