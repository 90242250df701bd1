"""Functions on samples along an axis: differences, slopes, areas, convolution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import bilinear, linear, op, refuse
from ..engine.sampling import REAL, Call, Draw
from .axes import dispatches, shared, widen
from .composed import composed
from .indexing import scatter


def _axis_and_array(draw: Draw, least: int = 1) -> tuple[Any, int]:
    """An array with at least that many entries along an axis, and the axis."""
    shape = list(draw.shape(min_dims=1))
    axis = draw.integer(-len(shape), len(shape) - 1)
    shape[axis] = draw.integer(least, least + 3)
    return draw.array(REAL, tuple(shape)), axis


# Differences.


def _diff_back(g: Any, y: Any, a: Any, n: int = 1, axis: int = -1) -> Any:
    if not g.size:
        return np.zeros(a.shape)
    wide = np.moveaxis(widen(np.moveaxis(g, axis, -1), n, n), -1, axis) if n else g
    return np.diff(wide, n, axis) if n % 2 == 0 else -np.diff(wide, n, axis)


def _diff_call(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Call:
    """`prepend` and `append` are joined to the array first, so they get gradients, too."""
    parts = [x for x in (prepend, a, append) if x is not None]
    if len(parts) > 1:
        side = [1 if i == axis % np.ndim(a) else n for i, n in enumerate(np.shape(a))]
        a = np.concatenate([x if np.ndim(x) else np.broadcast_to(x, side) for x in parts], axis=axis)
    return (a,), {"n": n, "axis": axis}


def _diff(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    return (x,), {"n": draw.integer(0, 3), "axis": draw.integer(-x.ndim, x.ndim - 1)}


def _stencil(n: int, spacing: Any, edge_order: Any) -> Any:
    """The weights by which np.gradient computes y[i] from x[i-2] … x[i+2], one row per distance.

    np.gradient itself gives them, for arrays with every fifth entry 1 and all others 0: no y[i] sees two ones.
    """
    weights, i = np.zeros((5, n)), np.arange(n)
    for k in range(5):
        slopes = np.gradient((i % 5 == k).astype(np.float64), spacing, edge_order=edge_order)
        weights[(k - i + 2) % 5, i] = slopes
    return weights


def _spacings(varargs: tuple[Any, ...], count: int) -> list[Any]:
    return [*varargs] if len(varargs) == count else [*varargs, *[1.0] * count][:1] * count


def _gradient_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim)) if axis is None else tuple(i % ndim for i in np.atleast_1d(axis))


def _gradient_back(
    g: Any, y: Any, f: Any, varargs: tuple[Any, ...] = (), axis: Any = None, edge_order: int = 1
) -> Any:
    total: Any = 0.0
    axes = _gradient_axes(axis, f.ndim)
    gs = g if isinstance(y, tuple) else (g,)
    for gk, k, spacing in zip(gs, axes, _spacings(varargs, len(axes)), strict=True):
        n, moved = f.shape[k], np.moveaxis(gk, k, -1)
        wide = (*moved.shape[:-1], n + 4)
        weights = enumerate(_stencil(n, spacing, edge_order))
        back: Any = sum(scatter(shared(moved, w), (Ellipsis, slice(d, d + n)), wide) for d, w in weights)
        total = total + np.moveaxis(back[..., 2 : n + 2], -1, k)
    return total


def _gradient_along(
    t: Any, y: Any, f: Any, varargs: tuple[Any, ...] = (), axis: Any = None, edge_order: int = 1
) -> Any:
    axes, found = _gradient_axes(axis, f.ndim), []
    for k, spacing in zip(axes, _spacings(varargs, len(axes)), strict=True):
        n, wide = f.shape[k], widen(np.moveaxis(t, k, -1), 2, 2)
        weights = enumerate(_stencil(n, spacing, edge_order))
        moved: Any = sum(shared(wide[..., d : d + n], w) for d, w in weights)
        found.append(np.moveaxis(moved, -1, k))
    return tuple(found) if isinstance(y, tuple) else found[0]


def _gradient_call(f: Any, varargs: tuple[Any, ...] = (), axis: Any = None, edge_order: int = 1) -> Call:
    if any(map(dispatches, varargs)):
        if len(varargs) > 1 or np.ndim(varargs[0]):
            refuse("gradient has a rule for one spacing with a gradient, a number")  # others are composed
        f, varargs = f / varargs[0], ()  # one spacing divides all slopes
    return (f,), {"varargs": varargs, "axis": axis, "edge_order": edge_order}


def _has_coordinates(given: dict[str, Any]) -> bool:
    return any(map(dispatches, given.get("varargs", ())))


def _at_coordinates(draw: Draw) -> Call:
    x, axis = _axis_and_array(draw, 3)
    grid = np.cumsum([0.5 + 0.25 * draw.integer(0, 3) for _ in range(x.shape[axis])])
    return (x, grid), {"axis": axis, "edge_order": draw.choice([1, 2])}


def _slopes_between(f: Any, x: Any, edge_order: int) -> Any:
    """Slopes along the last axis, of samples at x: those of the parabolas through three neighbours."""
    h = np.diff(x)
    before, after = h[:-1], h[1:]
    left, middle, right = f[..., :-2], f[..., 1:-1], f[..., 2:]
    whole = before + after
    inner = (
        -after / (before * whole) * left
        + (after - before) / (before * after) * middle
        + before / (after * whole) * right
    )
    ends = [(f[..., 1:2] - f[..., :1]) / h[:1], (f[..., -1:] - f[..., -2:-1]) / h[-1:]]
    if edge_order == 2:  # on the same parabola as the neighbour
        bent = (np.diff(f[..., 1:], axis=-1) / after - np.diff(f[..., :-1], axis=-1) / before) / whole
        ends = [ends[0] - h[:1] * bent[..., :1], ends[1] + h[-1:] * bent[..., -1:]]
    return np.concatenate([ends[0], inner, ends[1]], axis=-1)


@composed(np.gradient, "y[i] = the slope at x[i]", _at_coordinates, _has_coordinates, "(coordinates)")
def _gradient_at(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    axes = _gradient_axes(axis, np.ndim(f))
    found = []
    for k, spacing in zip(axes, _spacings(varargs, len(axes)), strict=True):
        if dispatches(spacing) and np.ndim(spacing):
            slopes = np.moveaxis(_slopes_between(np.moveaxis(f, k, -1), spacing, edge_order), -1, k)
        elif dispatches(spacing):
            slopes = _slopes(f, (), k, edge_order) / spacing
        else:
            slopes = _slopes(f, (spacing,), k, edge_order)
        found.append(slopes)
    return found[0] if len(found) == 1 else tuple(found)


def _slopes(f: Any, varargs: tuple[Any, ...] = (), axis: Any = None, edge_order: Any = 1) -> Any:
    return np.gradient(f, *varargs, axis=axis, edge_order=edge_order)


def _gradient(draw: Draw) -> Call:
    x, axis = _axis_and_array(draw, 3)
    grid = np.cumsum([0.5 + 0.25 * draw.integer(0, 3) for _ in range(x.shape[axis])])
    spacing = draw.choice([(), (0.5,), (grid,)])
    return (x,), {"varargs": spacing, "axis": axis, "edge_order": draw.choice([1, 2])}


# Areas.


def _widths(x: Any, dx: Any, n: int) -> Any:
    """The width of each piece between samples, along the last axis."""
    return np.full(max(n - 1, 0), dx) if x is None else np.diff(x, axis=-1)


def _last(x: Any, axis: int) -> Any:
    """x with that axis at the end; x of one axis as it is."""
    return np.moveaxis(x, axis, -1) if np.ndim(x) > 1 else x


def _ends(pieces: Any, before: float, after: float) -> Any:
    """before · pieces at their left ends + after · pieces at their right ends, along the last axis."""
    return before * widen(pieces, 0, 1) + after * widen(pieces, 1, 0)


def _trapezoid_back(g: Any, y: Any, f: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    widths = _widths(None if x is None else _last(x, axis), dx, f.shape[axis])
    return np.moveaxis(np.expand_dims(g, -1) * _ends(widths, 0.5, 0.5), -1, axis)


def _trapezoid_x_back(g: Any, y: Any, f: Any, x: Any, dx: Any = 1.0, axis: int = -1) -> Any:
    f = _last(f, axis)
    heights = (f[..., 1:] + f[..., :-1]) / 2
    back = _ends(np.expand_dims(g, -1) * heights, -1.0, 1.0)
    return back if np.ndim(x) == 1 else np.moveaxis(back, -1, axis)


def _trapezoid_call(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Call:
    return ((y,) if x is None else (y, x)), {"dx": dx, "axis": axis}


def _by_panels(f: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    rows = np.moveaxis(f, axis, -1)
    widths = dx if x is None else np.diff(x if np.ndim(x) == 1 else np.moveaxis(x, axis, -1))
    return np.sum((rows[..., 1:] + rows[..., :-1]) * (widths / 2), axis=-1)


def _trapezoid(draw: Draw) -> Call:
    f, axis = _axis_and_array(draw)
    params = {"dx": draw.choice([1.0, 0.5]), "axis": axis}
    shape = draw.choice([None, f.shape[axis : axis + 1 or None], f.shape])
    return ((f,) if shape is None else (f, draw.array(REAL, shape))), params


# Convolution: every mode is a part of the full one.


def _full(g: Any, n: int, m: int, start: int) -> Any:
    """The cotangent of the full convolution, where g is that of the part that begins at `start`."""
    rest = n + m - 1 - start - g.shape[0]
    return scatter(g, slice(start, start + g.shape[0]), (n + m - 1,)) if start or rest else g


def _start(n: int, m: int, mode: str, correlating: bool) -> int:
    """Where a mode's part of the full result begins. np.correlate reverses it if the second input is longer."""
    short = min(n, m)
    if mode == "same":
        return short // 2 if correlating and m > n else (short - 1) // 2
    return short - 1 if mode == "valid" else 0


def _convolve_rule(k: int) -> Callable[..., Any]:
    def rule(g: Any, y: Any, a: Any, v: Any, mode: str = "full") -> Any:
        sizes = max(a.size, 1), max(v.size, 1)
        full = _full(g, *sizes, _start(*sizes, mode, False))
        return np.reshape(np.correlate(full, np.ravel((v, a)[k]), "valid"), (a, v)[k].shape)

    return rule


def _correlate_rule(k: int) -> Callable[..., Any]:
    def rule(g: Any, y: Any, a: Any, v: Any, mode: str = "valid") -> Any:
        full = _full(g, a.size, v.size, _start(a.size, v.size, mode, True))
        back = np.convolve(full, v, "valid") if k == 0 else np.flip(np.correlate(full, a, "valid"))
        return np.reshape(back, (a, v)[k].shape)

    return rule


def _two_rows(draw: Draw) -> Call:
    a, v = (draw.array(REAL, (draw.integer(1, 4),)) for _ in "av")
    return (a, v), {"mode": draw.choice(["full", "same", "valid"])}


# fmt: off
linear(np.diff, "diff", "y[i] = x[i+1] - x[i]", _diff_back, bind=_diff_call, options=("prepend", "append"),
    calls=_diff, sums=True, selects=True, is_view=True)
op(np.gradient, "gradient", "y[i] = (x[i+1] - x[i-1]) / 2h", forward=_slopes, vjp=(_gradient_back,),
    jvp=(_gradient_along,), selects=True, bind=_gradient_call, calls=_gradient, linear=True,
    gives_new=True, spelling=lambda f, varargs=(), **params: np.gradient(f, *varargs, **params))
op(np.trapezoid, "trapezoid", "y = Σ (f[i] + f[i+1]) (x[i+1] - x[i]) / 2", vjp=(_trapezoid_back, _trapezoid_x_back),
    jvp=(lambda t, y, f, x=None, **params: np.trapezoid(t, x, **params), lambda t, y, f, x, **params:
    np.trapezoid(f, t, **params)), bind=_trapezoid_call, calls=_trapezoid, gives_new=True,
    meaning=_by_panels)
bilinear(np.convolve, "convolve", "y[k] = Σ a[i] v[k-i]", _convolve_rule(0), _convolve_rule(1), calls=_two_rows)
# the second factor is conjugated
bilinear(np.correlate, "correlate", "y[k] = Σ a[k+i] v[i]", _correlate_rule(0), _correlate_rule(1), calls=_two_rows)
