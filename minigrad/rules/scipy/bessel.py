"""Derivatives of the scaled Bessel functions i0e and i1e, without cancellation. NumPy's i0: `rules/bessel`."""

from __future__ import annotations

from math import comb, gamma, pi, sqrt
from typing import Any

import numpy as np
from scipy import special

from ...engine.op import diagonal, dispatched
from ...engine.sampling import POSITIVE
from ..orders import ORDER, member, refusal

_FAR, _TERMS = 25.0, 30
# 1 - cos θ in the middles of 32 equal parts of [0, π]. The mean there is the integral to the last bits, as the
# integrand is periodic.
_POINTS = 2.0 * np.square(np.sin((np.arange(32) + 0.5) * pi / 64))


def _moment(n: int, x: Any) -> Any:
    """1/π ∫ (1 - cos θ)ⁿ exp(-x (1 - cos θ)) dθ, θ from 0 to π, for x ≥ 0; by a series for large x."""
    near, far = np.minimum(x, _FAR), np.maximum(x, _FAR)
    integral = sum(s**n * np.exp(-near * s) for s in _POINTS) / len(_POINTS)
    series = sum(comb(2 * k, k) / 8**k * gamma(n + k + 0.5) * far**-k for k in range(_TERMS))
    return np.where(x < _FAR, integral, series * far ** -(n + 0.5) / (pi * sqrt(2)))


@dispatched
def bessel_moment(n: Any, x: Any) -> Any:
    """(-1)ⁿ times the n-th derivative of i0e at x ≥ 0, which is positive."""
    return member(_moment, "bessel_moment")(n, x)


@dispatched
def bessel_i(v: Any, x: Any) -> Any:
    """The modified Bessel function: special.iv, which is 0 or nan for numbers close to 0. There, the first term."""
    tiny = np.abs(x) < 1e-9
    small = np.where(tiny, x, 0.0)
    order = 1.0 * np.where(np.equal(v, np.rint(v)), np.abs(v), v)  # for whole orders, v and -v are one function
    return np.where(tiny, (0.5 * small) ** order * special.rgamma(order + 1.0), special.iv(v, x))[()]


# fmt: off
diagonal(bessel_i, "iv", "y = Iv(x)", refusal("iv", "order v"),
    lambda g, y, v, x: g * (0.5 * (bessel_i(v - 1, x) + bessel_i(v + 1, x))),
    domain=(ORDER, POSITIVE))
diagonal(bessel_moment, "i0e⁽ⁿ⁾", "y = (-1)ⁿ times the n-th derivative of e^-x I0(x)",
    refusal("bessel_moment", "order n"), lambda g, y, n, x: -g * bessel_moment(n + 1, x),
    domain=(ORDER, POSITIVE))
