"""What the slopes of SciPy's error functions and normal distributions are made of.

Each keeps its digits where the textbook's formula would cancel, over- or underflow.
"""

from __future__ import annotations

from math import factorial, pi, sqrt
from typing import Any

import numpy as np
from scipy import special

from ...engine.op import diagonal, dispatched, elementwise
from ...engine.sampling import REAL, UNIT, Domain
from ..bell import bell
from ..orders import ORDER, member, refusal

PROBABILITY = Domain("0 < x < 1", 0.1, 0.9)
DENSITY = 1 / sqrt(2 * pi)
# Points and weights for integrals from 0 to ∞ (Takahasi and Mori): s = exp(u - exp(-u)), at equal steps in u.
_U = np.arange(-3.2, 3.8, 0.1)
_POINTS = np.exp(_U - np.exp(-_U))
_WEIGHTS = 0.1 * _POINTS * (1 + np.exp(-_U))


def _moment(n: int, x: Any) -> Any:
    """2/√π ∫ tⁿ/n! exp(-t² - 2 x t) dt, t from 0 to ∞; for n = 0, erfcx(x)."""
    if n == 0:
        return special.erfcx(x)
    q = 1.0 / (1.0 + np.maximum(x, 0.0))  # t = q s: the integrand is as wide for every x
    total = sum(
        w * s**n * np.exp(-np.square(s * q) - 2.0 * (1.0 - q) * s) for s, w in zip(_POINTS, _WEIGHTS, strict=True)
    )
    above = 2 / sqrt(pi) / factorial(n) * q ** (n + 1) * total
    before, below = np.full_like(x, 2 / sqrt(pi)), special.erfcx(np.minimum(x, 0.0))
    for k in range(1, n + 1):  # for x < 0, both terms are positive
        before, below = below, (before - 2.0 * np.minimum(x, 0.0) * below) / (2.0 * k)
    return np.where(x < 0, below, above)


@dispatched
def erfcx_moment(n: Any, x: Any) -> Any:
    """(-1)ⁿ / (2ⁿ n!) times the n-th derivative of erfcx, without cancellation."""
    return member(_moment, "erfcx_moment")(n, x)


@dispatched
def inverse_mills(x: Any) -> Any:
    """The normal density at x over the share below x: the slope of log_ndtr."""
    low, high = np.minimum(x, 0.0), np.maximum(x, 0.0)
    below = sqrt(2 / pi) / special.erfcx(-sqrt(0.5) * low)
    return np.where(np.greater(x, 0), DENSITY * bell(high) / special.ndtr(high), below)[()]


@dispatched
def mills_excess(x: Any) -> Any:
    """inverse_mills(x) + x, which is positive, without cancellation."""
    z = -sqrt(0.5) * np.minimum(x, 0.0)
    return np.where(np.greater(x, 0), inverse_mills(x) + x, sqrt(2.0) * (erfcx_moment(1, z) / special.erfcx(z)))[()]


def _slope_of_excess(x: Any) -> Any:
    z = -sqrt(0.5) * np.minimum(x, 0.0)
    first, second = (erfcx_moment(n, z) / special.erfcx(z) for n in (1, 2))
    above = 1.0 - inverse_mills(x) * mills_excess(x)
    return np.where(np.greater(x, 0), above, 4.0 * second - 2.0 * first * first)


@dispatched
def quantile_density(p: Any) -> Any:
    """The normal density at ndtri(p); 0 for p = 0 and 1."""
    q = np.minimum(p, 1.0 - p)
    inner = np.where(np.equal(q, 0), 0.5, q)
    return np.where(np.equal(q, 0), 0.0, inner * inverse_mills(special.ndtri(inner)))[()]


@dispatched
def quantile_slope(x: Any) -> Any:
    """The slope of erf at erfinv(x), 2/√π exp(-erfinv(x)²); 0 for x = -1 and 1."""
    size = np.abs(x)
    y = special.erfinv(np.where(np.equal(size, 1), 0.0, size))
    return 2 / sqrt(pi) * np.where(size < 0.5, np.exp(-y * y), (1.0 - size) / special.erfcx(y))[()]


# fmt: off
diagonal(erfcx_moment, "erfcx⁽ⁿ⁾", "y = 2/√π ∫ tⁿ/n! e^(-t²-2xt) dt", refusal("erfcx_moment", "order n"),
    lambda g, y, n, x: g * (-2.0 * (n + 1) * erfcx_moment(n + 1, x)), domain=(ORDER, REAL))
elementwise(inverse_mills, "φ/Φ", "y = φ(x) / Φ(x)", lambda y, x: -y * mills_excess(x))
elementwise(mills_excess, "x+φ/Φ", "y = x + φ(x) / Φ(x)", lambda y, x: _slope_of_excess(x))
elementwise(quantile_density, "φ(Φ⁻¹)", "y = φ(x), where Φ(x) = p", lambda y, p: -special.ndtri(p),
    domain=PROBABILITY, kink="at 0: inf, at 1: -inf")
elementwise(quantile_slope, "erf′(erf⁻¹)", "y = erf′(s), where erf s = x", lambda y, x: -2.0 * special.erfinv(x),
    domain=UNIT, kink="at -1: inf, at 1: -inf", parity="even")
