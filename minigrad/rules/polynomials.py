"""Polynomials by their coefficients, the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import REAL, Call, Draw
from ..op import op
from .limits import times


def _powers(n: int, ndim: int) -> Any:
    """n - 1, …, 1, 0, along an axis before ndim others."""
    return np.reshape(np.arange(n - 1, -1, -1), (n, *(1,) * ndim))


def _slope(p: Any, x: Any) -> Any:
    """p'(x); of a constant, 0 in the shape that its value has."""
    return np.polyval((p * _powers(len(p), p.ndim - 1))[: max(len(p) - 1, 1)], x)


def _for_coefficients(g: Any, y: Any, p: Any, x: Any) -> Any:
    """g xᵏ for each power k, where a zero g has no share in a power that overflows, in the shape of p."""
    shares = times(g, x ** _powers(len(p), y.ndim))
    sides = (1,) * (y.ndim + 1 - p.ndim) + p.shape[1:]
    axes = tuple(i + 1 for i, side in enumerate(sides) if side == 1)
    return np.reshape(np.sum(shares, axis=axes), p.shape)


def _polyval(draw: Draw) -> Call:
    (n,), (each, x) = draw.shape(1, 1), draw.shapes(2)
    return (draw.array(REAL, draw.choice([(n,), (n, *each)])), draw.array(REAL, x)), {}


op(
    np.polyval,
    "polyval",
    "y = Σ p[i] x^(n-1-i)",
    domain=(REAL, REAL),
    vjp=(_for_coefficients, lambda g, y, p, x: g * _slope(p, x)),
    jvp=(lambda t, y, p, x: np.polyval(t, x), lambda t, y, p, x: t * _slope(p, x)),
    calls=_polyval,
)
