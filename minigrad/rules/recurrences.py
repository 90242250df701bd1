"""The recurrence behind running products, and products of all entries but one: right with zeros, to any order.

Where no product is zero, subnormal or infinite, division is faster and just as exact. An op makes that choice
inside, so arrays and Values are treated alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import dispatched, op
from ..engine.sampling import REAL, Call, Draw
from .axes import merge_axes, shift_in, split_axes, widen
from .draws import draw_axis


def _divides(products: Any) -> bool:
    """Whether it is exact to divide by the factors of these products: none is zero, and no digits were lost."""
    sizes = np.abs(products)
    return bool(((sizes >= np.finfo(products.dtype).tiny) & (sizes < np.inf)).all())


@dispatched
def recurrence(f: Any, t: Any) -> Any:
    """s[i] = f[i] s[i-1] + t[i] along the last axis, with s[-1] = 0.

    f, t: of one shape. By s = p Σ t/p with the running product p of f; where that would lose digits, by doubling.
    """
    p = np.cumprod(f, axis=-1)
    if _divides(p):
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            terms = t / p
            s = p * np.cumsum(terms, axis=-1)
        if np.isfinite(s).all() and _divides(np.where(np.equal(t, 0), 1.0, terms)):
            return s
    n, step = t.shape[-1], 1
    while step < n:
        t = t + f * widen(t[..., :-step], step, 0)
        f = f * widen(f[..., :-step], step, 0)
        step *= 2
    return t


def recur_back(f: Any, g: Any) -> Any:
    """The transpose of `recurrence` in t: s[i] = f[i+1] s[i+1] + g[i], the same from the other end."""
    return np.flip(recurrence(shift_in(np.flip(f, -1), 1.0), np.flip(g, -1)), -1)


def _step_by_step(f: Any, t: Any) -> Any:
    """The recurrence as it is stated; not for long rows, whose degrees no proof can follow."""
    n = t.shape[-1]
    if not 0 < n <= 256:
        return NotImplemented
    s = [t[..., 0]]
    for i in range(1, n):
        s.append(f[..., i] * s[-1] + t[..., i])
    return np.stack(s, axis=-1)


def _all_but_one(x: Any, axis: Any = None) -> Any:
    before, behind = _products(merge_axes(x, axis))
    return split_axes(before * behind, x, axis)


def _two_alike(draw: Draw) -> Call:
    shape = draw.shape(min_dims=1)
    return (draw.array(REAL, shape), draw.array(REAL, shape)), {}


def _products(rows: Any) -> tuple[Any, Any]:
    """For each entry of a row, the product of those before it and of those behind it."""
    return shift_in(np.cumprod(rows, axis=-1), 1.0), np.flip(
        shift_in(np.cumprod(np.flip(rows, -1), axis=-1), 1.0), -1
    )


@dispatched
def others(x: Any, axis: Any = None) -> Any:
    """For each entry of x, the product of all others along the axes; of the shape of x."""
    y = np.prod(x, axis=axis, keepdims=True)
    if _divides(y):
        return y / x
    return _all_but_one(x, axis)


def _others_slope(t: Any, y: Any, x: Any, axis: Any = None) -> Any:
    """Σ t[j] Π x[k], k neither i nor j: a Hessian, and symmetric, so the rule is vjp and jvp."""
    rows, moved = merge_axes(x, axis), merge_axes(t, axis)
    before, behind = _products(rows)
    from_left = shift_in(recurrence(rows, moved * before), 0.0)
    from_right = np.flip(shift_in(recurrence(np.flip(rows, -1), np.flip(moved * behind, -1)), 0.0), -1)
    return split_axes(from_left * behind + before * from_right, x, axis)


def _others(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape())
    return (x,), {"axis": draw_axis(draw, x.ndim)}


# fmt: off
op(recurrence, "recurrence", "y[i] = f[i] y[i-1] + t[i]",
    vjp=(lambda g, y, f, t: recur_back(f, g) * shift_in(y, 0.0), lambda g, y, f, t: recur_back(f, g)),
    jvp=(lambda t, y, f, x: recurrence(f, t * shift_in(y, 0.0)), lambda t, y, f, x: recurrence(f, t)),
    calls=_two_alike, expects=lambda f, t: f"expected two arrays of one shape, got {f} and {t}",
    is_view=True, rows="in order", meaning=_step_by_step)
op(others, "others", "y[i] = Π x[j], j ≠ i", vjp=(_others_slope,), jvp=(_others_slope,), calls=_others,
    gives_new=True, meaning=_all_but_one)
