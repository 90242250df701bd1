"""Reductions that weigh or rank entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import op
from ..engine.sampling import DISTINCT, POSITIVE, Call, Draw
from . import vmap_rules
from .axes import expand, merge_axes, split_axes
from .discrete import ascending, ranks
from .draws import draw_axis
from .reductions import over_axes, reduction

# Weights.


def weights_like(a: Any, w: Any, axis: Any) -> Any:
    """The weights in the layout of a; one row of weights may serve every row of a."""
    if np.shape(w) == a.shape:
        return w
    axes = np.atleast_1d(axis) % a.ndim
    w = np.transpose(w, tuple(np.argsort(axes)))
    return np.reshape(w, [a.shape[i] if i in axes else 1 for i in range(a.ndim)])


def _sum_to_weights(c: Any, w: Any, axis: Any) -> Any:
    """The transpose of `weights_like`: a cotangent in the layout of a, summed into that of w."""
    if np.shape(w) == c.shape:
        return c
    axes = np.atleast_1d(axis) % c.ndim
    summed = np.sum(c, axis=tuple(i for i in range(c.ndim) if i not in axes))
    return np.transpose(summed, tuple(np.argsort(np.argsort(axes))))


def _average_a(g: Any, y: Any, a: Any, w: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    g = expand(g, a, axis, keepdims)
    if w is None:
        return np.broadcast_to(g * (np.size(y) / max(a.size, 1)), a.shape)
    w = weights_like(a, w, axis)
    return g * w / np.sum(np.broadcast_to(w, a.shape), axis=axis, keepdims=True)


def _average_w(g: Any, y: Any, a: Any, w: Any, axis: Any = None, keepdims: bool = False) -> Any:
    full = np.broadcast_to(weights_like(a, w, axis), a.shape)
    deviation = (a - expand(y, a, axis, keepdims)) / np.sum(full, axis=axis, keepdims=True)
    return _sum_to_weights(expand(g, a, axis, keepdims) * deviation, w, axis)


def _average_a_along(t: Any, y: Any, a: Any, w: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    return np.average(t, axis=axis, weights=w, keepdims=keepdims)


def _average_w_along(t: Any, y: Any, a: Any, w: Any, axis: Any = None, keepdims: Any = False) -> Any:
    total = np.sum(np.broadcast_to(weights_like(a, w, axis), a.shape), axis=axis, keepdims=True)
    shares = (a - expand(y, a, axis, keepdims)) * weights_like(a, t, axis) / total
    return np.sum(shares, axis=axis, keepdims=keepdims)


def _average_call(a: Any, axis: Any = None, weights: Any = None, keepdims: Any = False) -> Call:
    inputs = (a,) if weights is None else (a, weights)
    return inputs, {"axis": axis, "keepdims": keepdims is not np._NoValue and bool(keepdims)}


def _average(draw: Draw) -> Call:
    # One entry is its own average for any weight: the derivative is 0, where a difference sees roundings.
    a = draw.array(DISTINCT, tuple(2 if n == 1 else n for n in draw.shape(min_dims=1)))
    axis = draw_axis(draw, a.ndim)
    axes = range(a.ndim) if axis is None else [i % a.ndim for i in np.atleast_1d(axis)]
    shape = draw.choice([a.shape, tuple(a.shape[i] for i in axes), None])
    params = {"axis": axis, "keepdims": draw.choice([False, True])}
    return ((a,) if shape is None else (a, draw.array(POSITIVE, shape))), params


def _weighted_mean(a: Any, w: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if w is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    w = np.broadcast_to(weights_like(a, w, axis), a.shape)
    return np.sum(w * a, axis=axis, keepdims=keepdims) / np.sum(w, axis=axis, keepdims=keepdims)


# Ranks. A quantile is a weighted sum of two neighbours in ascending order.


def _mixture(q: Any, rows: Any, method: Any) -> Any:
    """The share of each entry of a sorted row in the quantiles q, of shape (q.size, 1, …, 1, n).

    NumPy's own quantile of 0, 1, 2, … gives the place of each between its neighbours.
    """
    n = rows.shape[-1]
    at = np.reshape(np.quantile(np.arange(float(n)), q, method=method), (-1, *(1,) * rows.ndim))
    return np.maximum(0.0, 1.0 - np.abs(at - np.arange(n)))


def _quantile_back(g: Any, y: Any, a: Any, q: Any = 0.5, axis: Any = None, method: Any = "linear") -> Any:
    """Move each row's cotangents to its sorted entries, and from there to where those came from."""
    if not a.size:
        return np.zeros(a.shape)
    rows = merge_axes(a, axis)
    mixture = _mixture(q, rows, method)
    g = np.reshape(g, (mixture.shape[0], *rows.shape[:-1], 1))
    sorted_g = np.sum(g * mixture, axis=0)
    return split_axes(np.take_along_axis(sorted_g, ranks(rows), -1), a, axis)


def _quantile_along(t: Any, y: Any, a: Any, q: Any = 0.5, axis: Any = None, method: Any = "linear") -> Any:
    if not a.size:
        return np.zeros(y.shape)
    rows = merge_axes(a, axis)
    mixture = _mixture(q, rows, method)
    moved = np.take_along_axis(merge_axes(t, axis), ascending(rows, -1), -1)
    return np.reshape(np.sum(moved * mixture, axis=-1), y.shape)


def _state_quantile(function: Any, formula: str, scale: float) -> None:
    """State np.quantile or np.percentile; q counts in units of `scale`."""

    def back(
        g: Any, y: Any, a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False
    ) -> Any:
        return _quantile_back(g, y, a, np.divide(q, scale), axis, method)

    def along(
        t: Any, y: Any, a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False
    ) -> Any:
        return _quantile_along(t, y, a, np.divide(q, scale), axis, method)

    def bind(a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False) -> Call:
        return (a,), {"q": q, "axis": axis, "method": method, "keepdims": keepdims}

    def calls(draw: Draw) -> Call:
        x = draw.array(DISTINCT, draw.shape())
        q: Any = draw.choice([0.0, 0.25, 0.6, 1.0, (0.1, 0.9), [[0.5], [0.3]]])
        method = draw.choice(["linear", "linear", "lower", "midpoint", "hazen"])
        params = {"q": np.multiply(q, scale), "method": method, "keepdims": draw.choice([False, True])}
        return (x,), {"axis": draw_axis(draw, x.ndim), **params}

    op(function, function.__name__, formula, domain=(DISTINCT,), vjp=(back,), jvp=(along,), bind=bind, calls=calls,
        options=("q",), kink="at a tie: each entry keeps its place", gives_new=True, symmetric=True,
        selects=True)  # fmt: skip


def _ends(y: Any, x: Any, axis: Any) -> Any:
    """1 at the largest, -1 at the smallest; ties share evenly."""
    slopes: Any = 0.0
    for sign, function in ((1.0, np.max), (-1.0, np.min)):
        ties = np.equal(x, function(x, axis=axis, keepdims=True))
        slopes = slopes + sign * ties / np.sum(ties, axis=axis, keepdims=True)
    return slopes


# Entries of x and of y with equal ranks belong together, however NumPy partitions.


def _partition_back(g: Any, y: Any, a: Any, kth: Any = 0, axis: int | None = -1) -> Any:
    if axis is None:
        return np.reshape(_partition_back(g, y, np.ravel(a), kth, 0), a.shape)
    in_order = np.take_along_axis(g, ascending(y, axis), axis)
    return np.take_along_axis(in_order, ranks(a, axis), axis)


def _partition_along(t: Any, y: Any, a: Any, kth: Any = 0, axis: int | None = -1) -> Any:
    if axis is None:
        return _partition_along(np.ravel(t), y, np.ravel(a), kth, 0)
    in_order = np.take_along_axis(t, ascending(a, axis), axis)
    return np.take_along_axis(in_order, ranks(y, axis), axis)


def _partition(draw: Draw) -> Call:
    x = draw.array(DISTINCT, draw.shape(min_dims=1))
    axis = draw.choice([None, *range(-x.ndim, x.ndim)])
    return (x,), {"kth": draw.integer(0, (x.size if axis is None else x.shape[axis]) - 1), "axis": axis}


# fmt: off
op(np.average, "average", "y = Σ w x / Σ w", domain=(DISTINCT, POSITIVE),
    forward=lambda a, w=None, axis=None, keepdims=False: np.average(a, axis, w, keepdims=keepdims),
    vjp=(_average_a, _average_w), jvp=(_average_a_along, _average_w_along), bind=_average_call,
    options=("weights",), calls=_average, gives_new=True, meaning=_weighted_mean,
    spelling=lambda a, w=None, **params: np.average(a, weights=w, **params))
_state_quantile(np.quantile, "y = the q-quantile of x", 1.0)
_state_quantile(np.percentile, "y = the q-th percentile of x", 100.0)
op(np.median, "median", "y = the middle of x in ascending order", domain=(DISTINCT,),
    vjp=(lambda g, y, x, axis=None, keepdims=False: _quantile_back(g, y, x, 0.5, axis),),
    jvp=(lambda t, y, x, axis=None, keepdims=False: _quantile_along(t, y, x, 0.5, axis),),
    calls=over_axes(DISTINCT), kink="at a tie: each entry keeps its place", gives_new=True,
    symmetric=True, selects=True, vmap=vmap_rules.reduce_batch)
reduction(np.ptp, "ptp", "y = max x - min x", _ends, domain=DISTINCT, selects=True,
    kink="a tie is shared evenly", parity="even")
op(np.partition, "partition", "y = x with the k-th in its place", domain=(DISTINCT,), vjp=(_partition_back,),
    jvp=(_partition_along,), calls=_partition, selects=True, rows="in order",
    kink="at a tie: each entry keeps its place", gives_new=True)
