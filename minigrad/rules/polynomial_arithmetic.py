"""NumPy's functions of the coefficients of polynomials, the highest power first: sums, products, slopes, fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import refuse
from ..engine.sampling import POSITIVE, REAL, Call, Draw
from .composed import composed, one_row


def _two_rows(draw: Draw) -> Call:
    return tuple(draw.array(REAL, draw.shape(1, 1)) for _ in "pq"), {}


def _coefficients(p: Any) -> Any:
    """An array of one axis."""
    return np.atleast_1d(p.coeffs if isinstance(p, np.poly1d) else p)


def _same_length(p: Any, q: Any) -> tuple[Any, Any]:
    p, q = _coefficients(p), _coefficients(q)
    n = max(len(p), len(q))
    return np.pad(p, (n - len(p), 0)), np.pad(q, (n - len(q), 0))


@composed(np.polyadd, "the coefficients of p + q", _two_rows)
def _polyadd(a1: Any, a2: Any) -> Any:
    return np.add(*_same_length(a1, a2))


@composed(np.polysub, "the coefficients of p - q", _two_rows)
def _polysub(a1: Any, a2: Any) -> Any:
    return np.subtract(*_same_length(a1, a2))


@composed(np.polymul, "the coefficients of p q", _two_rows)
def _polymul(a1: Any, a2: Any) -> Any:
    p, q = (np.trim_zeros(_coefficients(p), "f") for p in (a1, a2))
    return np.convolve(p if len(p) else np.zeros(1), q if len(q) else np.zeros(1))


@composed(np.polydiv, "the coefficients of p / q, and of the rest", _two_rows)
def _polydiv(u: Any, v: Any) -> Any:
    rest, v = _coefficients(u), _coefficients(v)
    steps, scale = len(rest) - len(v) + 1, 1.0 / v[0]
    quotient: list[Any] = []
    for k in range(steps):
        quotient.append(scale * rest[k])
        rest = rest - quotient[k] * np.pad(v, (k, steps - 1 - k))
    while len(rest) > 1 and np.allclose(rest[0], 0, rtol=1e-14):  # as NumPy leaves it out
        rest = rest[1:]
    return (np.stack(quotient) if quotient else np.zeros_like(v[:1])), rest


@composed(np.poly, "the coefficients of Π (x - r)", one_row)
def _poly(seq_of_zeros: Any) -> Any:
    if np.ndim(seq_of_zeros) > 1:
        refuse(
            "poly of a Value takes a row of roots\n  write  np.poly(np.linalg.eigvalsh(a))   of a symmetric matrix"
        )
    roots = np.atleast_1d(seq_of_zeros)
    p: Any = np.ones(1, dtype=roots.dtype)
    for root in roots:
        p = np.pad(p, (0, 1)) - root * np.pad(p, (1, 0))
    return p


@composed(np.vander, "y[i,j] = x[i]^(n-1-j)", lambda draw: (one_row(draw)[0], {"N": draw.choice([None, 0, 1, 4])}))
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    n = len(x) if N is None else N
    column = np.astype(np.expand_dims(x, -1), np.promote_types(x.dtype, int))  # as in NumPy: float64 for float32
    if n < 1:
        return np.zeros((len(x), 0)) * column
    y = np.cumprod(np.concatenate([column**0, *[column] * (n - 1)], axis=-1), axis=-1)
    return y if increasing else np.flip(y, -1)


@composed(np.polyder, "the coefficients of p'", lambda draw: (one_row(draw)[0], {"m": draw.integer(0, 2)}))
def _polyder(p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composed(np.polyint, "the coefficients of ∫p", lambda draw: (one_row(draw)[0], {"m": draw.integer(0, 2)}))
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    constants = np.zeros(m) if k is None else np.broadcast_to(k, (m,))
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


def _polyfit_call(draw: Draw) -> Call:
    x = np.arange(4.0) + 0.1 * draw.array(REAL, (4,))
    more: dict[str, Any] = draw.choice([{}, {"w": draw.array(POSITIVE, (4,))}])
    return (x, draw.array(REAL, draw.choice([(4,), (4, 2)])), draw.integer(0, 2)), more


@composed(np.polyfit, "the coefficients of the polynomial nearest to the points", _polyfit_call)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    x, y = (z if hasattr(z, "dtype") else np.asarray(z, dtype=np.float64) for z in (x, y))
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    powers = np.vander(x, deg + 1)
    if w is not None:
        w = w if hasattr(w, "dtype") else np.asarray(w, dtype=np.float64)
        powers, y = powers * np.expand_dims(w, 1), np.transpose(np.transpose(y) * w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    c, residuals, rank, s = np.linalg.lstsq(powers / scale, y, rcond)
    c = np.transpose(np.transpose(c) / scale)
    if full:
        return c, residuals, rank, s, rcond
    if not cov:
        return c
    scaled = powers / scale
    spread = np.linalg.inv(np.transpose(scaled) @ scaled) / np.outer(scale, scale)
    spread = spread if y.ndim == 1 else np.expand_dims(spread, 2)
    if cov == "unscaled":
        return c, spread
    if len(x) <= deg + 1:
        raise ValueError("the number of data points must exceed order to scale the covariance matrix")
    return c, spread * (residuals / (len(x) - (deg + 1)))
