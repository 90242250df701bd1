"""Reciprocal functions and their inverses: poles and ends, digits where formulas lose them, types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import gradients

from minigrad import Value, grad, rules

NAMES = [
    *("sec", "csc", "cot", "sech", "csch", "coth"),
    *("arcsec", "arccsc", "arccot", "arcsech", "arccsch", "arccoth"),
]
INF = float("inf")


def slope(name: str, x: float) -> Any:
    f = getattr(rules.reciprocals, name)
    with np.errstate(all="ignore"):
        (one,) = gradients([Value(x)], f, np.float64(1.0))
        (other,) = gradients([Value(np.array([x, 0.5]))], f, np.array([1.0, 0.0]))
        np.testing.assert_array_equal(one, other[0])
    return one


@pytest.mark.parametrize(
    ("name", "x", "want"),
    [
        *((name, x, -INF) for name in ("csc", "cot", "csch", "coth", "arccsch") for x in (0.0, -0.0)),
        *(("arcsech", x, -INF) for x in (0.0, 1.0)),
        *(("arccoth", x, -INF) for x in (-1.0, 1.0)),
        *(("arcsec", x, INF) for x in (-1.0, 1.0)),
        *(("arccsc", x, -INF) for x in (-1.0, 1.0)),
        *(("arccot", x, -1.0) for x in (0.0, -0.0)),
    ],
)
def test_the_slope_at_a_pole_or_an_end_is_the_limit(name: str, x: float, want: float) -> None:
    assert slope(name, x) == want


@pytest.mark.parametrize("name", NAMES)
def test_a_branch_not_taken_gives_no_nan(name: str) -> None:
    """Also where the function itself is infinite or nan."""
    x = np.array([-1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 1e300, 5e-324])
    f = getattr(rules.reciprocals, name)
    with np.errstate(all="ignore"):
        got = grad(lambda x: np.sum(np.where(x > 5e300, f(x), x)))(x)
    np.testing.assert_array_equal(got, np.ones(8))


@pytest.mark.parametrize(
    ("name", "x", "want", "derivative"),
    [  # computed with 40 digits
        ("sech", 700.0, 1.971935308751954e-304, -1.971935308751954e-304),
        ("sech", 30.0, 1.871524593768035e-13, -1.871524593768035e-13),
        ("csch", -30.0, -1.871524593768035e-13, -1.871524593768035e-13),
        ("coth", 30.0, 1.0, -3.502604305078608e-26),
    ],
)
def test_digits_are_kept_where_the_function_is_flat(name: str, x: float, want: float, derivative: float) -> None:
    np.testing.assert_allclose(getattr(rules.reciprocals, name)(x), want, rtol=1e-14)
    np.testing.assert_allclose(slope(name, x), derivative, rtol=1e-14)


@pytest.mark.parametrize("d", [1e-3, 1e-7, 1e-12])
def test_digits_are_kept_close_to_one(d: float) -> None:
    """By the functions whose inverses they are: exact where 1 / x would round the small distance away."""
    d = (1 + d) - 1  # as a float can hold it
    page = rules.reciprocals
    half = np.sqrt(d * (2 + d))
    np.testing.assert_allclose(page.arcsec(1 + d), np.arctan(half), rtol=1e-15)
    np.testing.assert_allclose(page.arcsec(-1 - d), np.pi - np.arctan(half), rtol=1e-15)
    np.testing.assert_allclose(page.arccoth(-1 - d), -np.log((2 + d) / d) / 2, rtol=1e-15)
    np.testing.assert_allclose(page.arcsech(1 - d), np.arctanh(np.sqrt(d * (2 - d))), rtol=4e-15)


@pytest.mark.parametrize("name", ["arcsec", "arccsc", "arccoth", "arcsech"])
def test_outside_its_domain_a_function_is_nan(name: str) -> None:
    x = -0.5 if name == "arcsech" else 0.5
    with np.errstate(invalid="ignore"):
        assert np.isnan(getattr(rules.reciprocals, name)(x))


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name: str) -> None:
    x = np.float32(0.7 if name == "arcsech" else 1.3)
    f = getattr(rules.reciprocals, name)
    assert f(x).dtype == np.float32
    assert grad(f)(x).dtype == np.float32


def test_the_inverse_of_the_cotangent_jumps_at_zero() -> None:
    got = rules.reciprocals.arccot(np.array([-1e-300, -0.0, 0.0, 1e-300]))
    np.testing.assert_allclose(got, np.array([-1, 1, 1, 1]) * np.pi / 2, rtol=1e-15)
