"""Products that are linear in each factor, and the trace: all the sums of products that `@` and `dot` are not.

The cotangent of a factor is the product of g with the other factors, over the axes that the factor lacks.
einsum, the general case, has a page of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from ..domain import REAL, Call, Draw, Shape
from ..op import bilinear, linear, op, refuse
from .linalg import swap


def side(draw: Draw) -> int:
    """The length of one axis."""
    return draw.shape(1, 1)[0]


def _two_of_any_shape(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape(max_dims=2)), draw.array(REAL, draw.shape(max_dims=2))), {}


bilinear(
    np.outer,
    "outer",
    "y[i,j] = a[i] b[j]",
    lambda g, y, a, b: np.reshape(g @ np.ravel(b), np.shape(a)),
    lambda g, y, a, b: np.reshape(np.ravel(a) @ g, np.shape(b)),
    domain=(REAL, REAL),
    aliases=(np.linalg.outer,),
    calls=_two_of_any_shape,
)


def _vdot(draw: Draw) -> Call:
    shape = draw.shape()
    return (draw.array(REAL, shape), draw.array(REAL, shape)), {}


bilinear(
    np.vdot,
    "vdot",
    "y = Σ a b",
    lambda g, y, a, b: np.reshape(g * b, np.shape(a)),
    lambda g, y, a, b: np.reshape(g * a, np.shape(b)),
    domain=(REAL, REAL),
    calls=_vdot,
    expects=lambda a, b: f"expected as many entries on both sides, got shapes {a} and {b}",
    analytic=False,
)


def _last_alike(a: Shape, b: Shape) -> str:
    return f"expected last axes of one length, got shapes {a} and {b}"


def _inner_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * b
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    lead, free = a.ndim - 1, [*range(b.ndim - 1)]
    return np.tensordot(g, b, axes=([lead + i for i in free], free))


def _inner_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * a
    if a.ndim == 1:
        return np.expand_dims(g, -1) * a
    free = [*range(a.ndim - 1)]
    return np.tensordot(g, a, axes=(free, free))


def _inner(draw: Draw) -> Call:
    k = side(draw)
    a = draw.choice([(k,), (*draw.shape(max_dims=2), k), ()])
    b = draw.choice([(k,), (*draw.shape(max_dims=2), k), ()])
    return (draw.array(REAL, a), draw.array(REAL, b)), {}


bilinear(
    np.inner,
    "inner",
    "y[i,j] = Σ a[i,k] b[j,k]",
    _inner_left,
    _inner_right,
    domain=(REAL, REAL),
    calls=_inner,
    expects=_last_alike,
)


# ------------------------------------------------------------------------------------------------ tensordot


def _paired(axes: Any, ndim: int, other: int) -> tuple[list[int], list[int]]:
    """The summed axes of both factors, counted from the front; the i-th of the one meets the i-th of the other."""
    if isinstance(axes, (int, np.integer)):
        return [*range(ndim - int(axes), ndim)], [*range(int(axes))]
    left, right = (np.atleast_1d(which) for which in axes)
    return [int(i) % ndim for i in left], [int(i) % other for i in right]


def _free(summed: Sequence[int], ndim: int) -> list[int]:
    return [i for i in range(ndim) if i not in summed]


def _placed(c: Any, free: Sequence[int], mine: Sequence[int], its: Sequence[int]) -> Any:
    """A product of g with the other factor, its axes where this factor has them.

    It comes with the free axes of this factor, then the summed ones in the order of the other factor.
    """
    order = [*free, *(mine[its.index(i)] for i in sorted(its))]
    return np.transpose(c, [order.index(i) for i in range(len(order))])


def _tensordot_left(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    mine, its = _paired(axes, np.ndim(a), np.ndim(b))
    free, rest = _free(mine, np.ndim(a)), _free(its, np.ndim(b))
    c = np.tensordot(g, b, axes=([len(free) + i for i in range(len(rest))], rest))
    return _placed(c, free, mine, its)


def _tensordot_right(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    its, mine = _paired(axes, np.ndim(a), np.ndim(b))
    free, rest = _free(mine, np.ndim(b)), _free(its, np.ndim(a))
    return _placed(np.tensordot(g, a, axes=([*range(len(rest))], rest)), free, mine, its)


def _tensordot(draw: Draw) -> Call:
    i, j, k, n = (side(draw) for _ in range(4))
    a, b, axes = draw.choice(
        [
            ((n, i, j), (i, j, k), 2),
            ((n, i), (i,), 1),
            ((i,), (j, k), 0),
            ((n, i), (k, i), (1, -1)),
            ((i, n, j), (k, j, i), ([0, 2], [2, 1])),
            ((j, i), (i, k, j), ((-1, 0), (0, 2))),
            ((i, j), (i, j), ([1, 0], [1, 0])),
        ]
    )
    return (draw.array(REAL, a), draw.array(REAL, b)), {"axes": axes}


bilinear(
    np.tensordot,
    "tensordot",
    "y[i,j] = Σ a[i,k,l] b[k,l,j]",
    _tensordot_left,
    _tensordot_right,
    domain=(REAL, REAL),
    aliases=(np.linalg.tensordot,),
    calls=_tensordot,
    expects=lambda a, b: f"expected summed axes of one length, got shapes {a} and {b}",
)


# ------------------------------------------------------------------------------------ kron, multi_dot, trace


def _blocks(g: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """g with the axes of a, then those of b; and both factors with axes in equal number."""
    n = max(np.ndim(a), np.ndim(b))
    outer, inner = ((1,) * (n - np.ndim(x)) + np.shape(x) for x in (a, b))
    g = np.reshape(g, [length for pair in zip(outer, inner, strict=True) for length in pair])
    g = np.transpose(g, [*range(0, 2 * n, 2), *range(1, 2 * n, 2)])
    return g, np.reshape(a, outer), np.reshape(b, inner)


def _kron_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    g, _, b = _blocks(g, a, b)
    return np.reshape(np.tensordot(g, b, axes=np.ndim(b)), np.shape(a))


def _kron_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    g, a, _ = _blocks(g, a, b)
    return np.reshape(np.tensordot(a, g, axes=np.ndim(a)), np.shape(b))


bilinear(
    np.kron,
    "kron",
    "y = the blocks a[i,j] b",
    _kron_left,
    _kron_right,
    domain=(REAL, REAL),
    calls=_two_of_any_shape,
)


def _multi_dot_back(g: Any, y: Any, *xs: Any) -> list[Any]:
    """For y = A B C: the cotangent of B is Aᵀ g Cᵀ; the ends may be vectors."""
    first, *rest = xs
    *rest, last = rest
    row = np.reshape(first, (1, -1)) if first.ndim == 1 else first
    column = np.reshape(last, (-1, 1)) if last.ndim == 1 else last
    g = np.reshape(g, (row.shape[0], column.shape[1]))
    turned = [swap(x) for x in (row, *rest, column)]

    def share(k: int) -> Any:
        """The factors before k, from the inner to the outer; g; those after k, from the outer to the inner."""
        product = np.linalg.multi_dot([*turned[:k][::-1], g, *turned[k + 1 :][::-1]])
        return np.reshape(product, xs[k].shape)

    return [partial(share, k) for k in range(len(xs))]


def _multi_dot_along(ts: Any, y: Any, *xs: Any) -> Any:
    terms = [np.linalg.multi_dot([*xs[:k], t, *xs[k + 1 :]]) for k, t in enumerate(ts)]
    return sum(terms[1:], start=terms[0])


def _multi_dot(draw: Draw) -> Call:
    sides = [draw.integer(1, 3) for _ in range(draw.integer(3, 5))]
    sides[1] = side(draw)
    shapes: list[Shape] = [*pairwise(sides)]
    shapes[0] = draw.choice([shapes[0], shapes[0][1:]])
    shapes[-1] = draw.choice([shapes[-1], shapes[-1][:1]])
    return tuple(draw.array(REAL, shape) for shape in shapes), {}


op(
    np.linalg.multi_dot,
    "multi_dot",
    "y = A B C …",
    domain=(REAL,),
    forward=lambda *xs: np.linalg.multi_dot(xs),
    vjp=_multi_dot_back,
    jvp=_multi_dot_along,
    calls=_multi_dot,
    expects=lambda *shapes: f"expected matrices that can be multiplied in a row, got {', '.join(map(str, shapes))}",
)


def _trace_back(g: Any, y: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """g on that diagonal of each matrix, 0 elsewhere."""
    i, j = axis1 % x.ndim, axis2 % x.ndim
    on = np.eye(x.shape[i], x.shape[j], offset, dtype=x.dtype)
    on = np.expand_dims(on if i < j else on.T, [k for k in range(x.ndim) if k not in (i, j)])
    return np.expand_dims(g, (i, j)) * on


def _trace(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=2))
    axis1 = draw.integer(-x.ndim, x.ndim - 1)
    axis2 = draw.choice([i for i in range(-x.ndim, x.ndim) if (i - axis1) % x.ndim])
    return (x,), {"offset": draw.integer(-1, 1), "axis1": axis1, "axis2": axis2}


# np.linalg.trace is written in terms of this one.
linear(np.trace, "trace", "y = Σ x[i,i]", _trace_back, domain=REAL, calls=_trace)


# ----------------------------------------------------------------------- products of vectors along one axis


def _last(x: Any, axis: int) -> Any:
    """x with the axis that holds its vectors at the end."""
    return x if axis == -1 else np.moveaxis(x, axis, -1)


def _back(c: Any, x: Any, axis: int) -> Any:
    """A cotangent that has its vectors at the end, as x has them: counted from the end, for x may be broadcast."""
    return c if axis == -1 else np.moveaxis(c, -1, axis % x.ndim - x.ndim)


def _vectors(draw: Draw, length: int) -> tuple[Any, Any, int]:
    """Two stacks of vectors, with an axis that is one of both."""
    lead = draw.shapes(2)
    axis = draw.integer(-1 - min(map(len, lead)), -1)
    a, b = (draw.array(REAL, (*shape, length)) for shape in lead)
    return np.moveaxis(a, -1, axis), np.moveaxis(b, -1, axis), axis


def _vecdot(draw: Draw) -> Call:
    a, b, axis = _vectors(draw, side(draw))
    return (a, b), {"axis": axis}


bilinear(
    np.vecdot,
    "vecdot",
    "y = Σ a[…,k] b[…,k]",
    lambda g, y, a, b, axis=-1: _back(np.expand_dims(g, -1) * _last(b, axis), a, axis),
    lambda g, y, a, b, axis=-1: _back(np.expand_dims(g, -1) * _last(a, axis), b, axis),
    domain=(REAL, REAL),
    aliases=(np.linalg.vecdot,),
    calls=_vecdot,
    expects=_last_alike,
    analytic=False,
)


# np.matvec and np.vecmat: from NumPy 2.2 on.
if hasattr(np, "matvec"):

    def _matvec(draw: Draw) -> Call:
        n, k, lead = side(draw), side(draw), draw.shapes(2)
        return (draw.array(REAL, (*lead[0], n, k)), draw.array(REAL, (*lead[1], k))), {}

    def _vecmat(draw: Draw) -> Call:
        n, k, lead = side(draw), side(draw), draw.shapes(2)
        return (draw.array(REAL, (*lead[0], k)), draw.array(REAL, (*lead[1], k, n))), {}

    bilinear(
        np.matvec,
        "matvec",
        "y[…,i] = Σ a[…,i,k] b[…,k]",
        lambda g, y, a, b: np.expand_dims(g, -1) * np.expand_dims(b, -2),
        lambda g, y, a, b: np.vecmat(g, a),
        domain=(REAL, REAL),
        calls=_matvec,
        expects=lambda a, b: f"expected a.shape[-1] == b.shape[-1], got shapes {a} and {b}",
    )
    bilinear(
        np.vecmat,
        "vecmat",
        "y[…,j] = Σ a[…,k] b[…,k,j]",
        lambda g, y, a, b: np.matvec(b, g),
        lambda g, y, a, b: np.expand_dims(a, -1) * np.expand_dims(g, -2),
        domain=(REAL, REAL),
        calls=_vecmat,
        expects=lambda a, b: f"expected a.shape[-1] == b.shape[-2], got shapes {a} and {b}",
        analytic=False,
    )


# Of two vectors in a plane the product is what stands out of it: `plane` takes the third entry alone.
_OUT = np.array([0.0, 0.0, 1.0])


def _crossed(a: Any, b: Any, *, plane: bool = False, axisc: int = -1, **axes: Any) -> Any:
    return np.cross(a, b, **axes)[..., 2] if plane else np.cross(a, b, axisc=axisc, **axes)


def _product(g: Any, axisc: int, plane: bool) -> Any:
    """The cotangent of the whole product, its vectors at the end."""
    return np.expand_dims(g, -1) * _OUT if plane else _last(g, axisc)


def _cross_left(
    g: Any, y: Any, a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, plane: Any = 0
) -> Any:
    return _back(np.cross(_last(b, axisb), _product(g, axisc, plane)), a, axisa)


def _cross_right(
    g: Any, y: Any, a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, plane: Any = 0
) -> Any:
    return _back(np.cross(_product(g, axisc, plane), _last(a, axisa)), b, axisb)


def _in_space(x: Any, axis: int) -> Any:
    """Vectors of two entries with a third that is 0: NumPy itself is about to give those up."""
    if np.shape(x)[axis] == 3:
        return x
    if np.shape(x)[axis] != 2:
        refuse(f"cross takes vectors of 2 or 3 entries; there is a shape {np.shape(x)}, its vectors on axis {axis}")
    beside = [1 if i == axis % np.ndim(x) else side for i, side in enumerate(np.shape(x))]
    return np.concatenate([x, np.zeros(beside, dtype=getattr(x, "dtype", None))], axis=axis)


def _cross_call(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Call:
    """One axis argument for each array."""
    if axis is not None:
        axisa = axisb = axisc = axis
    plane = np.shape(a)[axisa] == np.shape(b)[axisb] == 2
    return (_in_space(a, axisa), _in_space(b, axisb)), {
        "axisa": axisa,
        "axisb": axisb,
        "axisc": axisc,
        **({"plane": True} if plane else {}),
    }


def _cross(draw: Draw) -> Call:
    a, b, axis = _vectors(draw, 3)
    return (a, b), {} if axis == -1 else {"axis": axis}


op(
    np.cross,
    "×",
    "y = a × b",
    domain=(REAL, REAL),
    forward=_crossed,
    vjp=(_cross_left, _cross_right),
    jvp=(
        lambda t, y, a, b, **params: _crossed(t, b, **params),
        lambda t, y, a, b, **params: _crossed(a, t, **params),
    ),
    aliases=(np.linalg.cross,),
    bind=_cross_call,
    calls=_cross,
)
