"""x ln y and what is made of it, with 0 ln 0 = 0: logarithms of probabilities that may be 0.

The functions have the names that scipy.special gives them, and the same values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched, elementwise
from ..engine.sampling import OVER_MINUS_ONE, POSITIVE, REAL


def _where(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition, a, b)[()]


@dispatched
def xlogy(x: Any, y: Any) -> Any:
    """x ln y, elementwise; 0 where x is 0, also for y ≤ 0."""
    zero = np.equal(x, 0) & ~np.isnan(y)
    return _where(zero, 0.0, x * np.log(np.where(zero, 1.0, y)))


@dispatched
def xlog1py(x: Any, y: Any) -> Any:
    """x ln(1 + y), elementwise; 0 where x is 0, also for y ≤ -1."""
    zero = np.equal(x, 0) & ~np.isnan(y)
    return _where(zero, 0.0, x * np.log1p(np.where(zero, 0.0, y)))


@dispatched
def entr(x: Any) -> Any:
    """-x ln x, elementwise; 0 at 0, -inf below. The entropy of probabilities p is ``np.sum(entr(p))``."""
    return _where(np.less(x, 0), -np.inf, -xlogy(x, np.abs(x)))


@dispatched
def rel_entr(x: Any, y: Any) -> Any:
    """x ln(x / y), elementwise; 0 where x is 0 and y ≥ 0; inf where x < 0, y < 0, or y alone is 0."""
    known = (np.greater(x, 0) & np.greater(y, 0)) | np.isnan(x) | np.isnan(y)
    inside = x * log_ratio(np.where(known, x, 1.0), np.where(known, y, 1.0))
    return _where(np.equal(x, 0) & np.greater_equal(y, 0), 0.0, np.where(known, inside, np.inf))


@dispatched
def kl_div(x: Any, y: Any) -> Any:
    """x ln(x / y) - x + y, elementwise; y where x is 0 and y ≥ 0; inf where x < 0, y < 0, or y alone is 0."""
    far = rel_entr(x, y)
    near = np.less(np.abs(np.subtract(y, x)), 0.3 * x)  # where the three terms would cancel
    inner = np.where(near, x, 1.0)
    close = -inner * log1p_rest(np.where(near, np.subtract(y, x), 0.0) / inner)
    rest = np.where(np.isinf(far), 0.0, np.subtract(x, y))
    return _where(near, close, np.where(np.isinf(far), np.inf, far - rest))


def log1p_rest(u: Any) -> Any:
    """ln(1 + u) - u, without cancellation close to 0."""
    close = np.abs(u) < 0.3
    near, far = np.where(close, u, 0.0), np.where(close, 1.0, u)
    # ln(1 + u) = 2 artanh r and u - 2 r = u r
    r = near / (2.0 + near)
    series = sum(np.square(r) ** k / (2 * k + 3) for k in range(12))
    return np.where(close, r * (2.0 * np.square(r) * series - near), np.log1p(far) - far)


# Parts of their slopes.


@dispatched
def log_ratio(x: Any, y: Any) -> Any:
    """ln(x / y) to the last digits, close to x = y and where x / y over- or underflows."""
    with np.errstate(all="ignore"):
        ratio = np.divide(x, y)
        inside = np.greater_equal(x, 0) & np.greater_equal(y, 0)
        small, large = np.finfo(np.result_type(ratio)).tiny, np.finfo(np.result_type(ratio)).max
        usual = np.where(np.abs(ratio - 0.75) < 0.5, np.log1p(np.subtract(x, y) / y), np.log(ratio))
        fits = (ratio >= small) & (ratio <= large)
        return _where(fits & inside, usual, np.where(inside, np.subtract(np.log(x), np.log(y)), np.nan))


@dispatched
def share(x: Any, y: Any) -> Any:
    """x / y, the slope of x ln y: 0 where x is 0, and nan for an infinite y, as ln has no slope there."""
    zero = np.equal(x, 0) & ~np.isnan(y)
    with np.errstate(all="ignore"):
        return _where(zero, 0.0, np.where(np.isinf(y), np.nan, np.divide(x, y)))


@dispatched
def missing_share(x: Any, y: Any) -> Any:
    """1 - x / y, to the last digits close to x = y; 1 where x is 0."""
    with np.errstate(all="ignore"):
        return _where(np.equal(x, 0) & ~np.isnan(y), 1.0, np.subtract(y, x) / y)


def _of_both(x: Any, y: Any) -> Any:
    """x, and nan where x or y is negative: there the divergences are inf."""
    return np.where(np.less(x, 0) | np.less(y, 0), np.nan, x)


# fmt: off
diagonal(xlogy, "xlogy", "y = a ln b, with 0 ln 0 = 0", lambda g, y, a, b: g * np.log(b),
    lambda g, y, a, b: g * share(a, b), domain=(REAL, POSITIVE),
    kink="b = 0: -inf in a, ±inf in b; in b, a = 0: 0", meaning=lambda a, b: a * np.log(b))
diagonal(xlog1py, "xlog1py", "y = a ln(1 + b), with 0 ln 0 = 0", lambda g, y, a, b: g * np.log1p(b),
    lambda g, y, a, b: g * share(a, 1.0 + b), domain=(REAL, OVER_MINUS_ONE),
    kink="b = -1: -inf in a, ±inf in b; in b, a = 0: 0", meaning=lambda a, b: a * np.log1p(b))
elementwise(entr, "entr", "y = -x ln x", lambda y, x: -1.0 - np.log(x), domain=POSITIVE,
    kink="at 0: inf", meaning=lambda x: -x * np.log(x))
elementwise(rel_entr, "rel_entr", "y = a ln(a / b)", lambda y, a, b: 1.0 + log_ratio(a, b),
    lambda y, a, b: -share(_of_both(a, b), b), domain=(POSITIVE, POSITIVE),
    kink="a = 0: -inf in a (nan at b = 0), 0 in b", meaning=lambda a, b: a * np.log(a / b))
elementwise(kl_div, "kl_div", "y = a ln(a / b) - a + b", lambda y, a, b: log_ratio(a, b),
    lambda y, a, b: missing_share(_of_both(a, b), b), domain=(POSITIVE, POSITIVE),
    kink="a = 0: -inf in a (nan at b = 0), 1 in b", meaning=lambda a, b: a * np.log(a / b) - a + b)
elementwise(log_ratio, "ln a/b", "y = ln(a / b)", lambda y, a, b: 1.0 / a, lambda y, a, b: -1.0 / b,
    domain=(POSITIVE, POSITIVE), kink="at 0: inf in a, -inf in b",
    meaning=lambda a, b: np.log(a / b))
elementwise(share, "a/b", "y = a / b, 0 where a is 0", lambda y, a, b: 1.0 / b, lambda y, a, b: -share(y, b),
    domain=(REAL, POSITIVE), kink="b = 0: inf, but 0 in b where a is 0",
    meaning=lambda a, b: a / b)
elementwise(missing_share, "1-a/b", "y = 1 - a / b, 1 where a is 0", lambda y, a, b: -1.0 / b,
    lambda y, a, b: share(share(a, b), b), domain=(POSITIVE, POSITIVE),
    kink="b = 0: -inf in a, inf in b, 0 where a is 0", meaning=lambda a, b: 1 - a / b)
