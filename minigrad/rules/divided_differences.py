"""Divided differences: f[x0] = f(x0), and f[x0, …, xn] = (f[x1, …, xn] - f[x0, …, x(n-1)]) / (xn - x0).

Where points are close or equal that quotient loses its digits. The same number is an average of a derivative,
f[x0, …, xn] = ∫ u^(n-1) f'[y1, …, yn] du over 0 to 1, with y[i] = x0 + u (x[i] - x0) (Hermite and Genocchi). It is
taken, by a quadrature, where the quotient loses digits and agrees with it as far as the quotient can be trusted; so
a function that bends between two points, such as a step, has the quotient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# (x, order) -> the derivative of that order at each entry of x.
Derivatives = Callable[[Any, int], Any]


def _rule(count: int) -> tuple[Any, Any]:
    """The nodes and weights of the Gauss quadrature over 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


# For points that differ by less than 1e-4 of their size, and for others: both are exact to rounding for functions
# that are smooth on the scale of their argument, such as powers and logarithms.
_CLOSE, _APART = _rule(3), _rule(12)


def divided_difference(f: Derivatives, *points: Any) -> Any:
    """f[x0, …, xn], for arrays that broadcast together; of the points' type. Right to some 10 units of rounding,
    relative to the largest |f^(n)| between the points over n!, if f is smooth on their scale.
    """
    x = np.sort(np.stack(np.broadcast_arrays(*points)), axis=0)
    return _with_error(f, x, 0)[0]


def _with_error(f: Derivatives, x: Any, order: int) -> tuple[Any, Any]:
    """The divided difference of f^(order) at points sorted along the first axis, and a bound on its error."""
    eps = np.finfo(x.dtype).eps
    if len(x) == 1:
        y = f(x[0], order)
        return y, 4 * eps * np.abs(y)
    (low, error_low), (high, error_high) = _with_error(f, x[:-1], order), _with_error(f, x[1:], order)
    gap = x[-1] - x[0]
    with np.errstate(all="ignore"):
        y = (high - low) / gap
        error = (error_low + error_high) / gap
    # nan where values are equal: `not <=` counts it as lost
    lost = ~(error <= 64 * eps * np.abs(y))
    if np.any(lost):
        mean = np.empty(np.count_nonzero(lost), x.dtype)
        close = gap[lost] <= 1e-4 * np.max(np.abs(x[:, lost]), axis=0)
        for some, rule in ((close, _CLOSE), (~close, _APART)):
            mean[some] = _by_average(f, x[:, lost][:, some], order, rule) if np.any(some) else 0.0
        agrees = ~(np.abs(mean - y[lost]) > error[lost]) & np.isfinite(mean) | (gap[lost] == 0)
        y[lost] = np.where(agrees, mean, y[lost])
        moved = np.max(np.abs(x[:, lost]), axis=0) * np.abs(f(x[0][lost], order + len(x)))  # by rounding its points
        error[lost] = np.where(agrees, eps * (8 * np.abs(mean) + 2 * moved), error[lost])
    return y, error


def _by_average(f: Derivatives, x: Any, order: int, rule: tuple[Any, Any]) -> Any:
    """∫ u^(n-1) f'[y1, …, yn] du, for points of shape (n + 1, k)."""
    nodes, weights = rule
    u, shares = (part.astype(x.dtype)[:, None] for part in (nodes, weights * nodes ** (len(x) - 2)))
    inner = x[0] + u * (x[1:] - x[0])[:, None]
    return np.sum(shares * _with_error(f, inner, order + 1)[0], axis=0)
