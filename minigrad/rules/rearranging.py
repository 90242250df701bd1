"""Functions that pick, repeat, turn and join entries by position: all of them are linear.

`shaping` only changes shapes, and `indexing` reads an index in brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ..engine.op import moves, op
from ..engine.sampling import REAL, Call, Draw
from . import vmap_rules
from .axes import dispatches
from .computed_indices import take_along_computed
from .draws import integers
from .indexing import scatter


def _any(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape()),), {}


def _matrices(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape(min_dims=2)),), {}


def _one_axis(draw: Draw) -> tuple[Any, int]:
    x = draw.array(REAL, draw.shape(min_dims=1))
    return x, draw.integer(-x.ndim, x.ndim - 1)


def at(axis: int, ndim: int, index: Any) -> tuple[Any, ...]:
    """The index that reads `index` on one axis and everything on those before it."""
    return (*(slice(None),) * (axis % ndim), index)


def scatter_along(g: Any, index: Any, axis: int | None, x: Any) -> Any:
    """The transpose of picking `index` along the axis of x (of all its entries in one row, for None)."""
    if axis is None:
        return np.reshape(scatter(g, index, (x.size,)), x.shape)
    return scatter(g, at(axis, x.ndim, index), x.shape)


# Picking. These rules make the same call on the numbers of the entries, to find where each came from.


def _take_back(g: Any, y: Any, x: Any, indices: Any = None, axis: Any = None, mode: Any = "raise") -> Any:
    side = x.size if axis is None else x.shape[axis]
    if not g.size:  # nothing was taken, perhaps from nothing
        return np.zeros(x.shape)
    places = indices if dispatches(indices) else np.asarray(indices)[()]
    if mode != "raise":
        places = np.remainder(places, side) if mode == "wrap" else np.clip(places, 0, side - 1)
    return scatter_along(g, places, axis, x)


def _take_computed(x: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    if not dispatches(indices):
        return NotImplemented
    side = x.size if axis is None else x.shape[axis]
    if mode != "raise":
        indices = np.remainder(indices, side) if mode == "wrap" else np.clip(indices, 0, side - 1)
    return np.ravel(x)[indices] if axis is None else x[at(axis, x.ndim, indices)]


def _take(draw: Draw) -> Call:
    x, one = _one_axis(draw)
    axis, shape = draw.choice([None, one]), draw.shape(max_dims=2)
    side = x.size if axis is None else x.shape[axis]
    mode = draw.choice(["raise", "wrap", "clip"])
    low, high = (-side, side - 1) if mode == "raise" else (-5, 5)
    return (x,), {"indices": integers(draw, low, high, shape)[()], "axis": axis, "mode": mode}


def _take_along_back(g: Any, y: Any, x: Any, indices: Any = None, axis: int | None = -1) -> Any:
    if axis is None:
        return scatter_along(g, indices, None, x)
    grid = np.ogrid[tuple(map(slice, x.shape))]
    return scatter(g, (*grid[: axis % x.ndim], indices, *grid[axis % x.ndim + 1 :]), x.shape)


def _take_along(draw: Draw) -> Call:
    x, axis = _one_axis(draw)
    if draw.choice([False, True]):
        return (x,), {"indices": integers(draw, -x.size, x.size - 1, (draw.integer(1, 3),)), "axis": None}
    shape = (*x.shape[: axis % x.ndim], draw.integer(1, 3), *x.shape[axis % x.ndim + 1 :])
    return (x,), {"indices": integers(draw, -x.shape[axis], x.shape[axis] - 1, shape), "axis": axis}


def _delete_back(g: Any, y: Any, x: Any, obj: Any = None, axis: int | None = None) -> Any:
    side = x.size if axis is None else x.shape[axis]
    kept = np.zeros(side, dtype=bool)
    kept[np.delete(np.arange(side), obj)] = True
    return scatter_along(g, kept, axis, x)


def _delete(draw: Draw) -> Call:
    x, axis = _one_axis(draw)
    side = x.shape[axis]
    obj = draw.choice([0, -1, slice(0, None, 2), [side - 1, 0], integers(draw, 0, 1, (side,)).astype(bool)])
    return (x,), {"obj": obj, "axis": axis}


# Repeating.


def _repeat_back(g: Any, y: Any, x: Any, repeats: Any = None, axis: int | None = None) -> Any:
    if not x.shape:
        return np.sum(g)
    if np.size(repeats) == 1:
        repeats = int(np.reshape(repeats, ()))
    else:
        side = x.size if axis is None else x.shape[axis]
        return scatter_along(g, np.repeat(np.arange(side), repeats), axis, x)
    before = x.shape if axis is None else x.shape[: axis % x.ndim + 1]
    if len(before) == x.ndim:  # short rows: BLAS sums them ten times as fast
        return np.reshape(g, (*before, repeats)) @ np.ones(repeats, dtype=g.dtype)
    return np.sum(np.reshape(g, (*before, repeats, *x.shape[len(before) :])), axis=len(before))


def _repeat(draw: Draw) -> Call:
    x, axis = _one_axis(draw)
    each = integers(draw, 0, 2, (x.shape[axis],))
    every = {"repeats": draw.integer(0, 3), "axis": draw.choice([None, axis])}
    return (x,), draw.choice([every, {"repeats": each, "axis": axis}, {"repeats": [2], "axis": axis}])


def _tile_back(g: Any, y: Any, A: Any, reps: Any = 1) -> Any:
    times = tuple(np.atleast_1d(reps).tolist())
    ndim = max(len(times), A.ndim)
    times, sides = (1,) * (ndim - len(times)) + times, (1,) * (ndim - A.ndim) + A.shape
    blocks = np.reshape(g, [n for pair in zip(times, sides, strict=True) for n in pair])
    return np.reshape(np.sum(blocks, axis=tuple(range(0, 2 * ndim, 2))), A.shape)


# Joining several inputs: each is first raised to a common number of axes.


def _raised_shape(function: Callable[..., Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that a function like np.atleast_1d gives an array of that shape."""
    return np.shape(function(np.broadcast_to(0.0, shape)))


def _as_column(x: Any) -> Any:
    return np.atleast_2d(x).T if x.ndim < 2 else x


def pieces(g: Any, shapes: Sequence[tuple[int, ...]], raised: Sequence[tuple[int, ...]], axis: int) -> list[Any]:
    """The part of g for each input, in the input's own shape."""
    ends = accumulate((shape[axis] for shape in raised), initial=0)
    parts = [g[at(axis, g.ndim, slice(i, j))] for i, j in pairwise(ends)]
    return [np.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def _join_rule(raise_to: Callable[..., Any], axis: int | None) -> Callable[..., Any]:
    def rule(g: Any, y: Any, *xs: Any) -> list[Any]:
        shapes = [np.shape(x) for x in xs]
        raised = [_raised_shape(raise_to, shape) for shape in shapes]
        joined = axis if axis is not None else min(len(raised[0]) - 1, 1)
        return pieces(g, shapes, raised, joined)

    return rule


def _alike(draw: Draw) -> Call:
    shape = draw.shape()
    return tuple(draw.array(REAL, shape) for _ in range(draw.integer(1, 3))), {}


def _columns(draw: Draw) -> Call:
    (n,) = draw.shape(min_dims=1, max_dims=1)
    return tuple(draw.array(REAL, draw.choice([(n,), (n, 1), (n, 2)])) for _ in range(draw.integer(1, 3))), {}


def _same_but(axis: str) -> Callable[..., str]:
    return lambda *shapes: f"expected shapes alike but for {axis}, got {', '.join(map(str, shapes))}"


_function: Any


def _append_rule(k: int) -> Callable[..., Any]:
    def rule(g: Any, y: Any, arr: Any, values: Any, axis: int | None = None) -> Any:
        shapes = [np.shape(arr), np.shape(values)]
        flat = [(int(np.prod(shape)),) for shape in shapes]
        return pieces(g, shapes, flat if axis is None else shapes, axis or 0)[k]

    return rule


def _append(draw: Draw) -> Call:
    shape = list(draw.shape(min_dims=1))
    x, axis = draw.array(REAL, tuple(shape)), draw.choice([None, *range(-len(shape), len(shape))])
    shape[axis or 0] = draw.integer(1, 3)
    return (x, draw.array(REAL, tuple(shape) if axis is not None else draw.shape())), {"axis": axis}


# Diagonals and triangles.


def _diagonal_back(g: Any, y: Any, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """g on the diagonal, 0 elsewhere. In a row of all entries of a matrix the diagonal is a slice."""
    axis1, axis2 = axis1 % a.ndim, axis2 % a.ndim
    rows, columns = a.shape[axis1], a.shape[axis2]
    others = tuple(side for i, side in enumerate(a.shape) if i not in (axis1, axis2))
    start, count = max(offset, 0) - min(offset, 0) * columns, y.shape[-1]
    on = slice(start, start + (count - 1) * (columns + 1) + 1, columns + 1) if count else slice(0, 0)
    flat = scatter(g, (Ellipsis, on), (*others, rows * columns))
    return np.moveaxis(np.reshape(flat, (*others, rows, columns)), (-2, -1), (axis1, axis2))


def _diagonal(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=2))
    axes = draw.choice([(0, 1), (1, 0), (-1, 0), (-2, -1)])
    return (x,), {"offset": draw.integer(-2, 2), "axis1": axes[0], "axis2": axes[1]}


def _rot90(draw: Draw) -> Call:
    return _matrices(draw)[0], {"k": draw.integer(-5, 5), "axes": draw.choice([(0, 1), (1, 0), (-1, -2), [0, -1]])}


def _rollaxis_back(g: Any, y: Any, a: Any, axis: int = 0, start: int = 0) -> Any:
    axis, start = axis % a.ndim, start + a.ndim * (start < 0)
    return np.moveaxis(g, start - (axis < start), axis)  # once the axis is out, those behind it move up


def _rollaxis(draw: Draw) -> Call:
    x, axis = _one_axis(draw)
    return (x,), {"axis": axis, "start": draw.integer(-x.ndim, x.ndim)}


# Cutting.


def _cut(min_dims: int, axis: int) -> Callable[[Draw], Call]:
    def calls(draw: Draw) -> Call:
        shape = list(draw.shape(min_dims=min_dims))
        shape[axis] = 4
        return (draw.array(REAL, tuple(shape)),), {"indices_or_sections": draw.choice([1, 2, (1,), [1, 3], (0, 2)])}

    return calls


def _unstack(draw: Draw) -> Call:
    shape, axis = list(draw.shape(max_dims=2)), draw.choice([0, -1])
    shape.insert(axis % (len(shape) + 1), draw.integer(1, 3))
    return (draw.array(REAL, tuple(shape)),), {"axis": axis}


# fmt: off
moves(np.take, "take", "y[i] = x[index[i]]", _take_back, calls=_take, meaning=_take_computed)
moves(np.take_along_axis, "take_along_axis", "y[i,j] = x[i,index[i,j]]", _take_along_back, calls=_take_along,
    meaning=take_along_computed)
moves(np.delete, "delete", "y = x without the entries named", _delete_back, calls=_delete)
moves(np.repeat, "repeat", "y = each entry of x, several times", _repeat_back, calls=_repeat)
moves(np.tile, "tile", "y = x, laid side by side", _tile_back,
    calls=lambda draw: (_any(draw)[0], {"reps": draw.choice([2, 0, (), (2, 1), (3,), (1, 2, 1, 2)])}))
for _function, _formula, _raise, _axis, _calls in (
    (np.vstack, "y = the inputs, below each other", np.atleast_2d, 0, _alike),
    (np.hstack, "y = the inputs, beside each other", np.atleast_1d, None, _alike),
    (np.dstack, "y = the inputs, behind each other", np.atleast_3d, 2, _alike),
    (np.column_stack, "y[:,i] = input i", _as_column, 1, _columns),
):
    op(_function, _function.__name__, _formula, domain=(REAL,), vjp=_join_rule(_raise, _axis),
        jvp=lambda ts, y, *xs, join=_function: join(ts), forward=lambda *xs, join=_function: join(xs), calls=_calls,
        expects=_same_but("the axis that is joined"), moves=True, gives_new=True)
op(np.append, "append", "y = x, then the values", vjp=(_append_rule(0), _append_rule(1)),
    jvp=(lambda t, y, x, v, axis=None: np.append(t, np.zeros(np.shape(v)), axis), lambda t, y, x, v, axis=None:
    np.append(np.zeros(np.shape(x)), t, axis)), calls=_append, expects=_same_but("the axis that is joined"),
    moves=True, gives_new=True)
moves(np.diagonal, "diagonal", "y[i] = x[i,i]", _diagonal_back, calls=_diagonal, is_view=True)
moves(np.diag, "diag", "y[i,i] = x[i], or y[i] = x[i,i]",
    lambda g, y, v, k=0: np.diagonal(g, k) if v.ndim == 1 else _diagonal_back(g, y, v, k),
    calls=lambda draw: ((draw.array(REAL, draw.shape(min_dims=1, max_dims=2)),), {"k": draw.integer(-2, 2)}),
    is_view=True)
moves(np.diagflat, "diagflat", "y[i,i] = x[i]", lambda g, y, v, k=0: np.reshape(np.diagonal(g, k), v.shape),
    calls=lambda draw: (_any(draw)[0], {"k": draw.integer(-2, 2)}))
for _function, _where in ((np.tril, "below"), (np.triu, "above")):
    moves(_function, _function.__name__, f"y = x on the diagonal and {_where}, else 0",
        lambda g, y, m, k=0, part=_function: part(g, k),
        calls=lambda draw: ((draw.array(REAL, draw.shape(min_dims=1)),), {"k": draw.integer(-2, 2)}))
# Turning.
moves(np.fliplr, "fliplr", "y[:,j] = x[:,-1-j]", lambda g, y, m: np.fliplr(g), calls=_matrices, is_view=True,
    involution=True)
moves(np.flipud, "flipud", "y[i] = x[-1-i]", lambda g, y, m: np.flipud(g),
    calls=lambda draw: ((_one_axis(draw)[0],), {}), is_view=True, involution=True)
moves(np.rot90, "rot90", "y = x, turned by quarters", lambda g, y, m, k=1, axes=(0, 1): np.rot90(g, -k, axes),
    calls=_rot90, is_view=True)
moves(np.matrix_transpose, "matrix_transpose", "y[…,j,i] = x[…,i,j]", lambda g, y, x: np.swapaxes(g, -1, -2),
    aliases=(np.linalg.matrix_transpose,), calls=_matrices, is_view=True, vmap=vmap_rules.stacks, involution=True)
moves(np.rollaxis, "rollaxis", "y = x with one axis moved", _rollaxis_back, calls=_rollaxis, is_view=True)
# The parts are views, but their cotangent is dense, as by hand: zeros where a part has no gradient.
for _function, _axis, _dims in ((np.vsplit, 0, 2), (np.hsplit, 1, 2), (np.dsplit, 2, 3)):
    moves(_function, _function.__name__, f"y, z, … = x, cut along axis {_axis}",
        lambda g, y, x, indices_or_sections=1, axis=_axis: np.concatenate(g, axis=min(axis, x.ndim - 1)),
        calls=_cut(_dims, _axis), is_view=True)
moves(np.unstack, "unstack", "y, z, … = the slices of x", lambda g, y, x, axis=0: np.stack(g, axis=axis),
    calls=_unstack, is_view=True)
