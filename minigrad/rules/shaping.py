"""Functions that move entries and compute nothing: all of them are linear."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ..engine.op import moves, op
from ..engine.sampling import REAL, Call, Draw
from . import vmap_rules
from .axes import dispatches, shared
from .draws import draw_axis


def _any(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape()),), {}


def _copy(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape()),), draw.choice([{}, {"order": "C"}, {"order": "F"}])


def _reshape(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape())
    order = draw.choice("CF")
    return (x,), {"shape": draw.choice([x.shape[::-1], -1, (1, -1), (*x.shape, 1)]), "order": order}


def _transpose(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape())
    turned = [*range(1, x.ndim), 0][: x.ndim]
    return (x,), {"axes": draw.choice([None, tuple(range(x.ndim)), turned, [i - x.ndim for i in turned]])}


def _two_axes(first: str, second: str) -> Any:
    def calls(draw: Draw) -> Call:
        x = draw.array(REAL, draw.shape(min_dims=1))
        return (x,), {name: draw.integer(-x.ndim, x.ndim - 1) for name in (first, second)}

    return calls


def _flip(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape())
    return (x,), {"axis": draw_axis(draw, x.ndim)}


def _roll(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    return (x,), {"shift": draw.integer(-4, 4), "axis": draw.choice([None, *range(-x.ndim, x.ndim)])}


def _squeeze(draw: Draw) -> Call:
    x = draw.array(REAL, (1, *draw.shape(max_dims=2)))
    return (x,), {"axis": draw.choice([None, 0, -x.ndim, (0,)])}


def _expand(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape())
    return (x,), {"axis": draw.choice([0, -1, x.ndim, (0, -1)])}


def _broadcast(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(max_dims=2))
    return (x,), {"shape": (2, *(3 if side == 1 else side for side in x.shape))}


def _inverse(axes: Any) -> Any:
    return None if axes is None else tuple(np.argsort([axis % len(axes) for axis in axes]))


def _in_order(order: Any) -> Any:
    """Refuse the orders A and K: they read the layout in memory, which a gradient need not share."""
    if order not in ("C", "F"):
        raise ValueError(f"expected order 'C' or 'F', got {order!r}: the others depend on the layout in memory")
    return order


_function: Any


def _full_like(x: Any, v: Any) -> Any:
    """NumPy dispatches on the first argument alone, so it is made to dispatch as v does."""
    return np.full_like(v * 0 + x if dispatches(v) > dispatches(x) else x, v)


def _roll_back(g: Any, y: Any, x: Any, shift: Any = 0, axis: Any = None) -> Any:
    return np.roll(g, np.negative(shift), axis)


def _astype(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape()),), {"dtype": draw.choice([np.float64, np.longdouble])}


def _same_if_float(x: Any, dtype: Any) -> Any:
    """x for a float type, which holds any number up to rounding; types of integers and booleans do not."""
    return x if np.dtype(dtype).kind == "f" else NotImplemented


def _pieces(g: Any, y: Any, *xs: Any, axis: int | None = 0) -> list[Any]:
    """The part of g for each x."""
    if axis is None:
        ends = accumulate((np.size(x) for x in xs), initial=0)
        return [np.reshape(g[i:j], np.shape(x)) for x, (i, j) in zip(xs, pairwise(ends), strict=True)]
    before = (slice(None),) * (axis % g.ndim)
    ends = accumulate((np.shape(x)[axis] for x in xs), initial=0)
    return [g[(*before, slice(i, j))] for i, j in pairwise(ends)]


def _slices(g: Any, y: Any, *xs: Any, axis: int = 0) -> list[Any]:
    """The slices of g along the new axis."""
    before = (slice(None),) * (axis % g.ndim)
    return [g[(*before, i)] for i in range(len(xs))]


def _concatenate(draw: Draw) -> Call:
    shape = list(draw.shape(min_dims=1))
    axis = draw.choice([None, *range(-len(shape), len(shape))])

    def piece() -> Any:
        shape[axis or 0] = draw.integer(1, 3)
        return draw.array(REAL, tuple(shape))

    return tuple(piece() for _ in range(draw.integer(1, 3))), {"axis": axis}


def _stack(draw: Draw) -> Call:
    shape = draw.shape()
    xs = tuple(draw.array(REAL, shape) for _ in range(draw.integer(1, 3)))
    return xs, {"axis": draw.integer(-len(shape) - 1, len(shape))}


def _alike(*shapes: tuple[int, ...]) -> str:
    return f"expected shapes alike but for the axis that is joined, got {', '.join(map(str, shapes))}"


def _split(draw: Draw) -> Call:
    shape = list(draw.shape(min_dims=1))
    axis = draw.integer(-len(shape), len(shape) - 1)
    shape[axis] = 4
    return (draw.array(REAL, tuple(shape)),), {
        "indices_or_sections": draw.choice([1, 2, 4, (1,), [1, 3], (0, 2)]),
        "axis": axis,
    }


def _meshgrid_back(g: Any, y: Any, *xs: Any, sparse: bool = False, indexing: Any = "xy") -> list[Any]:
    """Each input runs along one axis of its output; "xy" swaps the first two."""
    axes = [*range(len(xs))]
    if indexing == "xy" and len(xs) > 1:
        axes[:2] = [1, 0]

    def share(k: int) -> Any:
        return np.reshape(np.sum(g[k], axis=tuple(j for j in range(len(xs)) if j != axes[k])), np.shape(xs[k]))

    return [partial(share, k) for k in range(len(xs))]


def _meshgrid(draw: Draw) -> Call:
    xs = tuple(draw.array(REAL, draw.shape(max_dims=1)) for _ in range(draw.integer(1, 3)))
    return xs, {"sparse": draw.choice([False, True]), "indexing": draw.choice(["xy", "ij"])}


def _linspace_shares(k: int, num: int, endpoint: bool) -> Any:
    """The share of the start (k = 0) or of the end (k = 1) in each number."""
    shares = np.linspace(0.0, 1.0, num, endpoint)
    return shares if k else 1.0 - shares


def _linspace_back(k: int) -> Any:
    def rule(g: Any, y: Any, a: Any, b: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
        shares = _linspace_shares(k, num, endpoint)
        taken = np.flatnonzero(shares)  # all but one end, and inf · 0 would be nan
        return np.tensordot(shares[taken], np.take(g, taken, axis), axes=(0, axis))

    return rule


def _linspace_along(k: int) -> Any:
    def rule(t: Any, y: Any, a: Any, b: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
        shares = np.reshape(_linspace_shares(k, num, endpoint), (num, *(1,) * (y.ndim - 1)))
        return np.moveaxis(shared(np.broadcast_to(t, np.broadcast_shapes(a.shape, b.shape)), shares), 0, axis)

    return rule


def _linspace(draw: Draw) -> Call:
    a, b = (draw.array(REAL, shape) for shape in draw.shapes(2))
    axis = draw.choice([0, -1])
    return (a, b), {"num": draw.integer(0, 4), "endpoint": draw.choice([True, False]), "axis": axis}


def _between(a: Any, b: Any, num: int = 50, endpoint: bool = True, axis: int = 0) -> Any:
    shares = _linspace_shares(1, num, endpoint)
    ends = (np.expand_dims(x, -1) for x in (a, b))
    return np.moveaxis(sum(x * share for x, share in zip(ends, (1.0 - shares, shares), strict=True)), -1, axis)


def stack(values: Sequence[Any] | Any, axis: int = 0) -> Any:
    """Make one Value from a list of them, nested to any depth, as ``np.array`` does for numbers.

    values: Values, arrays and numbers of one shape, or lists of such lists.
    axis: the place of the new axis, that of the outermost list.
    """
    parts = [stack(v) if isinstance(v, (list, tuple)) else v for v in values]
    return np.stack(parts, axis=axis)


# fmt: off
moves(np.reshape, "reshape", "y = x in another shape",
    lambda g, y, x, shape=None, order="C": np.reshape(g, x.shape, order=order),
    forward=lambda x, shape, order="C": np.reshape(x, shape, order=_in_order(order)), calls=_reshape, is_view=True,
    vmap=vmap_rules.reshape, identity=True)
moves(np.ravel, "ravel", "y = x in one row", lambda g, y, x, order="C": np.reshape(g, x.shape, order=order),
    forward=lambda x, order="C": np.ravel(x, order=_in_order(order)), calls=_any, is_view=True,
    vmap=vmap_rules.reshape, identity=True)
moves(np.transpose, "transpose", "y[j,i] = x[i,j]", lambda g, y, x, axes=None: np.transpose(g, _inverse(axes)),
    calls=_transpose, is_view=True, vmap=vmap_rules.transpose, involution=True)
moves(np.swapaxes, "swapaxes", "y = x with two axes swapped",
    lambda g, y, x, axis1=0, axis2=0: np.swapaxes(g, axis1, axis2), calls=_two_axes("axis1", "axis2"), is_view=True,
    vmap=vmap_rules.move_axes)
moves(np.moveaxis, "moveaxis", "y = x with axes moved",
    lambda g, y, x, source=0, destination=0: np.moveaxis(g, destination, source),
    calls=_two_axes("source", "destination"), is_view=True, vmap=vmap_rules.move_axes)
moves(np.expand_dims, "expand_dims", "y = x with axes of length 1 put in",
    lambda g, y, x, axis=0: np.reshape(g, x.shape), calls=_expand, is_view=True, vmap=vmap_rules.reshape,
    identity=True)
moves(np.squeeze, "squeeze", "y = x without axes of length 1", lambda g, y, x, axis=None: np.reshape(g, x.shape),
    calls=_squeeze, is_view=True, vmap=vmap_rules.reshape, identity=True)
for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    moves(_function, _function.__name__, f"y = x with {_function.__name__[-2]} axes or more",
        lambda g, y, x: np.reshape(g, x.shape), bind=lambda arys: (arys, {}), calls=_any, is_view=True,
        vmap=vmap_rules.reshape, each=True, identity=True)
# The sweep sums broadcasting out: the cotangent is dense, though forward gives a view.
moves(np.broadcast_to, "broadcast_to", "y = x, repeated along new axes", lambda g, y, x, shape=None: g,
    calls=_broadcast, is_view=True, vmap=vmap_rules.broadcast, identity=True)
op(np.full_like, "full_like", "y = v everywhere, in the shape of x", vjp=(None, lambda g, y, x, v: g),
    jvp=(None, lambda t, y, x, v: t),
    calls=lambda draw: ((draw.array(REAL, draw.shape()), draw.array(REAL, ())), {}),
    elementwise=True, moves=True, gives_new=True, meaning=lambda x, v: np.broadcast_to(v, np.shape(x)),
    spelling=_full_like, vmap=vmap_rules.fill)
moves(np.flip, "flip", "y[i] = x[-1-i]", lambda g, y, x, axis=None: np.flip(g, axis), calls=_flip, is_view=True,
    vmap=vmap_rules.along_axis, involution=True)
moves(np.roll, "roll", "y[i+k] = x[i]", _roll_back, calls=_roll, vmap=vmap_rules.along_axis)
moves(np.copy, "copy", "y = x", lambda g, y, x, order="K": g, calls=_copy, meaning=lambda x, order="K": x,
    elementwise=True, identity=True)
# The sweep casts the cotangent back.
op(np.astype, "astype", "y = x", forward=lambda x, dtype: np.astype(x, dtype), vjp=(lambda g, y, x, dtype=None: g,),
    jvp=(lambda t, y, x, dtype=None: np.astype(t, dtype),), calls=_astype, elementwise=True,
    gives_new=True, meaning=_same_if_float, spelling=lambda x, dtype: np.astype(x, dtype), vmap=vmap_rules.cast,
    identity=True)
for _function, _formula, _rule, _calls in (
    (np.concatenate, "y = the inputs, end to end", _pieces, _concatenate),
    (np.stack, "y[i] = input i", _slices, _stack),
):
    op(_function, _function.__name__, _formula, domain=(REAL,), vjp=_rule,
        jvp=lambda ts, y, *xs, join=_function, **params: join(ts, **params),
        forward=lambda *xs, join=_function, **params: join(xs, **params), calls=_calls, expects=_alike, moves=True,
        gives_new=True, vmap=vmap_rules.join)
for _function in (np.split, np.array_split):
    moves(_function, _function.__name__, "y, z, … = x, cut along the axis",
        lambda g, y, x, indices_or_sections=1, axis=0: np.concatenate(g, axis=axis), calls=_split, is_view=True)
# the sweep sums broadcasting out
op(np.broadcast_arrays, "broadcast_arrays", "y, z, … = the inputs in their common shape", vjp=lambda g, y, *xs: g,
    jvp=lambda ts, y, *xs: np.broadcast_arrays(*ts),
    calls=lambda draw: (tuple(draw.array(REAL, s) for s in draw.shapes(draw.integer(1, 3))), {}), moves=True,
    is_view=True, spelling=np.broadcast_arrays)
op(np.meshgrid, "meshgrid", "y, z, … = the coordinates of a grid", domain=(REAL,), vjp=_meshgrid_back,
    jvp=lambda ts, y, *xs, **params: np.meshgrid(*ts, **params), options=("sparse", "indexing"), calls=_meshgrid,
    moves=True, gives_new=True, spelling=np.meshgrid)
op(np.linspace, "linspace", "y[i] = a + (b - a) i / (n - 1)", vjp=(_linspace_back(0), _linspace_back(1)),
    jvp=(_linspace_along(0), _linspace_along(1)), calls=_linspace, linear=True, selects=True, gives_new=True,
    meaning=_between)
