"""Derivatives of ln Γ: the digamma function ψ, its derivatives, and their differences, which keep their digits.

All come from one sum, Σ (x + k)^-s - (x + w + k)^-s over k ≥ 0: its first terms as they are, the rest by the
formula of Euler and Maclaurin. For w = ∞ it is the zeta function of Hurwitz. No two of its terms cancel.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched
from ..engine.sampling import POSITIVE
from .orders import ORDER, member, refusal

_FAR = 10  # so many terms are added up one by one
# B2k / (2k)!
_BERNOULLI = tuple(
    b / factorial(2 * k) for k, b in enumerate((1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6), 1)
)
# ψ is 0 at their sum.
_ROOT, _REST = 1.4616321449683622, 9.549995429965697e-17


def _drop(x: Any, w: Any, s: float) -> Any:
    """x^-s - (x + w)^-s without cancellation, for x > 0, s > 0."""
    return x**-s * -np.expm1(-s * np.log1p(w / x))


def _terms(x: Any, w: Any, s: float) -> Any:
    """Σ (x + k)^-s - (x + w + k)^-s over k ≥ 0, for x > 0, w > -x and s ≥ 1."""
    total = sum(_drop(x + k, w, s) for k in range(_FAR))
    x = x + float(_FAR)
    integral = np.log1p(w / x) if s == 1 else _drop(x, w, s - 1.0) / (s - 1.0)
    total = total + integral + _drop(x, w, s) / 2
    rising = s
    for k, b in enumerate(_BERNOULLI, 1):
        total = total + b * rising * _drop(x, w, s + (2.0 * k - 1))
        rising = rising * (s + (2.0 * k - 1)) * (s + 2.0 * k)
    return total


def _positive(n: int, x: Any) -> Any:
    """ψ⁽ⁿ⁾ for x > 0."""
    if n:
        found = (-1.0) ** (n + 1) * factorial(n) * _terms(np.where(np.isinf(x), 1.0, x), np.inf, n + 1.0)
        return np.where(np.isinf(x), 0.0, found)
    far = np.where(x < 1.0, x + 1.0, x)  # from its root on, so that it keeps its digits there
    return _terms(_ROOT, (far - _ROOT) - _REST, 1.0) - np.where(x < 1.0, 1.0 / x, 0.0)


def _cotangent(n: int, x: Any) -> Any:
    """The n-th derivative of π cot πx, by its polynomial in cot πx."""
    r = x - np.rint(x)
    p = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        p = p.deriv() * np.polynomial.Polynomial([-1.0, 0.0, -1.0])
    return np.pi ** (n + 1) * p(np.sin(np.pi * (0.5 - np.abs(r))) / np.sin(np.pi * r))


def _polygamma(n: int, x: Any) -> Any:
    below = x <= 0
    y = _positive(n, np.where(below, 1.0 - x, x))
    if not below.any():
        return y
    y = np.where(below, (-1.0) ** n * y - _cotangent(n, np.where(below, x, 0.5)), y)
    pole = below & (x == np.rint(x))
    at_pole = np.inf if n % 2 else np.where(x == 0, -np.copysign(np.inf, x), np.nan)  # the sides differ
    return np.where(pole, np.where(np.isinf(x), np.nan, at_pole), y)


def _step(n: int, x: Any, w: Any) -> Any:
    kept = (x > 0) & (x + w > 0) & np.isfinite(x)
    y = (-1.0) ** n * factorial(n) * _terms(np.where(kept, x, 1.0), np.where(kept, w, 0.0), n + 1.0)
    return y if kept.all() else np.where(kept, y, _polygamma(n, x + w) - _polygamma(n, x))


@dispatched
def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of the digamma function ψ, elementwise; n = 0 is ψ itself, n = 1 the trigamma function.

    n: whole numbers from 0 on, held constant. Right to 5 units in the last place for x > 0.
    """
    return member(_polygamma, "polygamma")(n, x)


@dispatched
def polygamma_step(n: Any, x: Any, w: Any) -> Any:
    """polygamma(n, x + w) - polygamma(n, x), without cancellation where both are positive."""
    return member(_step, "polygamma_step")(n, x, w)


def _slope(n: Any, x: Any) -> Any:
    """The slope of polygamma. At an infinite x, ψ has none, as ln has none."""
    return polygamma(n + 1, np.where(np.isinf(x) & np.equal(n, 0), np.nan, x))


# fmt: off
diagonal(polygamma, "polygamma", "y = ψ⁽ⁿ⁾(x)", refusal("polygamma", "order n"),
    lambda g, y, n, x: g * _slope(n, x), domain=(ORDER, POSITIVE),
    kink="at 0: inf, or -inf for odd n; at -1, -2, ...: inf for even n, nan for odd n")
diagonal(polygamma_step, "Δpolygamma", "y = ψ⁽ⁿ⁾(x + w) - ψ⁽ⁿ⁾(x)", refusal("polygamma_step", "order n"),
    lambda g, y, n, x, w: g * polygamma_step(n + 1, x, w),
    lambda g, y, n, x, w: g * polygamma(n + 1, x + w), domain=(ORDER, POSITIVE, POSITIVE))
