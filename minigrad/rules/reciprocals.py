"""The reciprocal trigonometric and hyperbolic functions and their inverses, which NumPy does not have.

Each is computed by a form that keeps its digits, so not always by the one in its formula.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched, elementwise
from ..engine.sampling import NONZERO, OVER_ONE, UNIT, Domain
from .elementwise import one_less_square, over_one_and_square, root_above_one

_BELOW_ONE = Domain("0 < x < 1", 0.1, 0.9)


@dispatched
def sec(x: Any) -> Any:
    """1 / cos x, elementwise."""
    return 1.0 / np.cos(x)


@dispatched
def csc(x: Any) -> Any:
    """1 / sin x, elementwise; infinite at 0."""
    return 1.0 / np.sin(x)


@dispatched
def cot(x: Any) -> Any:
    """1 / tan x, elementwise; infinite at 0."""
    return 1.0 / np.tan(x)


@dispatched
def sech(x: Any) -> Any:
    """1 / cosh x, elementwise, with no overflow."""
    e = np.exp(-np.abs(x))
    return 2.0 * e / (1.0 + e * e)


@dispatched
def csch(x: Any) -> Any:
    """1 / sinh x, elementwise, with no overflow; infinite at 0."""
    size = np.abs(x)
    return np.copysign(2.0 * np.exp(-size) / -np.expm1(-2.0 * size), x)


@dispatched
def coth(x: Any) -> Any:
    """1 / tanh x, elementwise; infinite at 0."""
    return 1.0 / np.tanh(x)


@dispatched
def arcsec(x: Any) -> Any:
    """arccos(1 / x), elementwise, from 0 to π; nan for |x| < 1."""
    return np.arctan2(root_above_one(np.abs(x)), np.sign(x))


@dispatched
def arccsc(x: Any) -> Any:
    """arcsin(1 / x), elementwise, from -π/2 to π/2; nan for |x| < 1."""
    return np.arctan2(np.sign(x), root_above_one(np.abs(x)))


@dispatched
def arccot(x: Any) -> Any:
    """arctan(1 / x), elementwise, from -π/2 to π/2; it jumps at 0, where it is π/2."""
    return np.arctan2(np.copysign(1.0, x + 0.0), np.abs(x))  # -0 + 0 = 0


@dispatched
def arcsech(x: Any) -> Any:
    """arcosh(1 / x), elementwise; infinite at 0, nan outside 0 to 1."""
    return np.log1p(np.sqrt(one_less_square(x))) - np.log(x)


@dispatched
def arccsch(x: Any) -> Any:
    """arsinh(1 / x), elementwise; infinite at 0."""
    return np.arcsinh(1.0 / x)


@dispatched
def arccoth(x: Any) -> Any:
    """artanh(1 / x), elementwise; infinite at -1 and 1, nan for |x| < 1."""
    return np.copysign(0.5 * np.log1p(2.0 / (np.abs(x) - 1.0)), x)


def _arcsec_rule(g: Any, x: Any) -> Any:
    size = np.abs(x)
    return g / size / root_above_one(size)


# fmt: off
diagonal(sec, "sec", "y = 1 / cos x", lambda g, y, x: g * y * np.tan(x), domain=UNIT,
    parity="even", meaning=lambda x: 1 / np.cos(x))
diagonal(csc, "csc", "y = 1 / sin x", lambda g, y, x: -g * y * cot(x), domain=NONZERO,
    kink="at 0: -inf", parity="odd", meaning=lambda x: 1 / np.sin(x))
# 1 + y² may overflow
diagonal(cot, "cot", "y = 1 / tan x", lambda g, y, x: -(g * csc(x)) * csc(x), domain=NONZERO,
    kink="at 0: -inf", parity="odd", meaning=lambda x: np.cos(x) / np.sin(x))
elementwise(sech, "sech", "y = 1 / cosh x", lambda y, x: -y * np.tanh(x), domain=UNIT,
    parity="even", meaning=lambda x: 1 / np.cosh(x))
diagonal(csch, "csch", "y = 1 / sinh x", lambda g, y, x: -g * y * coth(x), domain=NONZERO,
    kink="at 0: -inf", parity="odd", meaning=lambda x: 1 / np.sinh(x))
# 1 - y² loses its digits where y is close to 1
diagonal(coth, "coth", "y = 1 / tanh x", lambda g, y, x: -(g * csch(x)) * csch(x), domain=NONZERO,
    kink="at 0: -inf", parity="odd", meaning=lambda x: np.cosh(x) / np.sinh(x))
diagonal(arcsec, "arcsec", "y = arccos(1 / x)", lambda g, y, x: _arcsec_rule(g, x), domain=OVER_ONE,
    kink="at -1, 1: inf")
diagonal(arccsc, "arccsc", "y = arcsin(1 / x)", lambda g, y, x: -_arcsec_rule(g, x), domain=OVER_ONE,
    kink="at -1, 1: -inf", parity="odd")
diagonal(arccot, "arccot", "y = arctan(1 / x)", lambda g, y, x: -over_one_and_square(g, x), domain=NONZERO,
    kink="at 0, where it jumps: -1")
diagonal(arcsech, "arcsech", "y = arcosh(1 / x)", lambda g, y, x: -g / np.abs(x) / np.sqrt(one_less_square(x)),
    domain=_BELOW_ONE, kink="at 0, 1: -inf")
diagonal(arccsch, "arccsch", "y = arsinh(1 / x)", lambda g, y, x: -g / np.abs(x) / np.hypot(1.0, x),
    domain=NONZERO, kink="at 0: -inf", parity="odd")
diagonal(arccoth, "arccoth", "y = artanh(1 / x)", lambda g, y, x: -g / (np.abs(x) - 1.0) / (np.abs(x) + 1.0),
    domain=OVER_ONE, kink="at -1, 1: -inf", parity="odd")
