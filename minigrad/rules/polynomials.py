"""Polynomials by their coefficients, the highest power first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import dispatched, op
from ..engine.sampling import REAL, Call, Draw


def _falling(n: int, ndim: int) -> Any:
    """n - 1, …, 1, along an axis before ndim others."""
    return np.reshape(np.arange(n - 1, 0, -1), (n - 1, *(1,) * ndim))


def _slope(p: Any, x: Any) -> Any:
    """p'(x); for a constant, 0 in the shape of its value."""
    if len(p) < 2:
        return np.polyval(0.0 * p, x)
    return np.polyval(p[:-1] * _falling(len(p), p.ndim - 1), x)


@dispatched
def moments(g: Any, x: Any, shape: tuple[int, ...]) -> Any:
    """Σ g x^(n-1), …, Σ g x, Σ g: np.polyval transposed, from its values to coefficients of that shape.

    The sums run over the axes along which the coefficients were broadcast.
    """
    sides = (1,) * (g.ndim + 1 - len(shape)) + shape[1:]
    axes = tuple(i for i, side in enumerate(sides) if side == 1)
    power = np.ones(g.shape, dtype=g.dtype)
    y = np.empty((shape[0], math.prod(shape[1:])), dtype=g.dtype)
    total: Any = np.vdot if len(axes) == g.ndim else lambda g, power: np.ravel(np.sum(g * power, axis=axes))
    for k in range(shape[0] - 1, -1, -1):
        y[k] = total(g, power)
        power = power * x
    return np.reshape(y, shape)


def _by_powers(p: Any, x: Any) -> Any:
    """np.polyval, step by step as Horner did."""
    y = p[0] + 0.0 * x if p.shape[0] else 0.0 * x
    for k in range(1, p.shape[0]):
        y = y * x + p[k]
    return y


def _sums_of_powers(g: Any, x: Any, shape: tuple[int, ...]) -> Any:
    sides = (1,) * (g.ndim + 1 - len(shape)) + shape[1:]
    axes, power, rows = tuple(i for i, side in enumerate(sides) if side == 1), 1.0 + 0.0 * x, []
    for _ in range(shape[0]):
        rows.append(np.reshape(np.sum(g * power, axis=axes), shape[1:]))
        power = power * x
    return np.stack(rows[::-1]) if rows else np.zeros(shape)


def _moments_along(t: Any, y: Any, g: Any, x: Any, shape: tuple[int, ...] = ()) -> Any:
    n, *each = shape
    lower = moments(g * t, x, (n - 1, *each)) * _falling(n, len(each)) if n > 1 else np.zeros((0, *each))
    return np.concatenate([lower, np.zeros((1, *each))]) if n else y


def _polyval(draw: Draw) -> Call:
    (n,), (each, x) = draw.shape(1, 1), draw.shapes(2)
    return (draw.array(REAL, draw.choice([(n,), (n, *each)])), draw.array(REAL, x)), {}


def _moments(draw: Draw) -> Call:
    (p, x), _ = _polyval(draw)
    return (draw.array(REAL, np.shape(np.polyval(p, x))), x), {"shape": p.shape}


# fmt: off
op(np.polyval, "polyval", "y = Σ p[i] x^(n-1-i)",
    vjp=(lambda g, y, p, x: moments(g, x, p.shape), lambda g, y, p, x: g * _slope(p, x)),
    jvp=(lambda t, y, p, x: np.polyval(t, x), lambda t, y, p, x: t * _slope(p, x)), calls=_polyval, gives_new=True,
    meaning=_by_powers)
op(moments, "moments", "y[i] = Σ g x^(n-1-i)",
    vjp=(lambda h, y, g, x, shape=(): np.polyval(h, x), lambda h, y, g, x, shape=(): g * _slope(h, x)),
    jvp=(lambda t, y, g, x, shape=(): moments(t, x, shape), _moments_along), calls=_moments, gives_new=True,
    meaning=_sums_of_powers)
