"""Products that are linear in each factor, and the trace: the sums of products other than `@` and `dot`.

The cotangent of a factor is the product of g with the other factors, over the axes that the factor lacks.
einsum, the general case, has its own page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial, reduce
from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.op import bilinear, linear, op
from ..engine.sampling import REAL, Call, Draw, Shape
from . import vmap_rules
from .linalg import swap


def side(draw: Draw) -> int:
    """The length of one axis."""
    return draw.shape(1, 1)[0]


def _two_of_any_shape(draw: Draw) -> Call:
    return (draw.array(REAL, draw.shape(max_dims=2)), draw.array(REAL, draw.shape(max_dims=2))), {}


def _vdot(draw: Draw) -> Call:
    shape = draw.shape()
    return (draw.array(REAL, shape), draw.array(REAL, shape)), {}


def last_alike(a: Shape, b: Shape) -> str:
    """The shapes that a product along the last axes needs."""
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


def _pair_axes(axes: Any, ndim: int, other: int) -> tuple[list[int], list[int]]:
    """The summed axes of both factors, counted from the front, in pairs."""
    if isinstance(axes, (int, np.integer)):
        return [*range(ndim - int(axes), ndim)], [*range(int(axes))]
    left, right = (np.atleast_1d(which) for which in axes)
    return [int(i) % ndim for i in left], [int(i) % other for i in right]


def _free(summed: Sequence[int], ndim: int) -> list[int]:
    return [i for i in range(ndim) if i not in summed]


def _order_axes(c: Any, free: Sequence[int], mine: Sequence[int], its: Sequence[int]) -> Any:
    """The product of g with the other factor, with its axes in the order of this factor.

    c first has the free axes of this factor, then the summed ones in the order of the other factor.
    """
    order = [*free, *(mine[its.index(i)] for i in sorted(its))]
    return np.transpose(c, [order.index(i) for i in range(len(order))])


def _tensordot_left(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    mine, its = _pair_axes(axes, np.ndim(a), np.ndim(b))
    free, rest = _free(mine, np.ndim(a)), _free(its, np.ndim(b))
    c = np.tensordot(g, b, axes=([len(free) + i for i in range(len(rest))], rest))
    return _order_axes(c, free, mine, its)


def _tensordot_right(g: Any, y: Any, a: Any, b: Any, axes: Any = 2) -> Any:
    its, mine = _pair_axes(axes, np.ndim(a), np.ndim(b))
    free, rest = _free(mine, np.ndim(b)), _free(its, np.ndim(a))
    return _order_axes(np.tensordot(g, a, axes=([*range(len(rest))], rest)), free, mine, its)


def _by_matrices(a: Any, b: Any, axes: Any = 2) -> Any:
    """np.tensordot as one product of matrices."""
    mine, its = _pair_axes(axes, np.ndim(a), np.ndim(b))
    free, rest = _free(mine, np.ndim(a)), _free(its, np.ndim(b))
    n, rows, columns = (math.prod(x.shape[i] for i in which) for x, which in ((a, mine), (a, free), (b, rest)))
    left = np.reshape(np.transpose(a, (*free, *mine)), (rows, n))
    right = np.reshape(np.transpose(b, (*its, *rest)), (n, columns))
    return np.reshape(left @ right, (*(a.shape[i] for i in free), *(b.shape[i] for i in rest)))


def _tensordot(draw: Draw) -> Call:
    i, j, k, n = (side(draw) for _ in range(4))
    one = [((n, i, j), (i, j, k), 2), ((n, i), (i,), 1), ((i,), (j, k), 0), ((n, i), (k, i), (1, -1))]
    two = [((i, n, j), (k, j, i), ([0, 2], [2, 1])), ((j, i), (i, k, j), ((-1, 0), (0, 2)))]
    a, b, axes = draw.choice([*one, *two, ((i, j), (i, j), ([1, 0], [1, 0]))])
    return (draw.array(REAL, a), draw.array(REAL, b)), {"axes": axes}


def _blocks(g: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """g with the axes of a, then those of b; and both factors with the same number of axes."""
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


def _trace_back(g: Any, y: Any, x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """g on that diagonal of each matrix, 0 elsewhere."""
    i, j = axis1 % x.ndim, axis2 % x.ndim
    on = np.eye(x.shape[i], x.shape[j], offset, dtype=x.dtype)
    on = np.expand_dims(on if i < j else on.T, tuple(k for k in range(x.ndim) if k not in (i, j)))
    return np.expand_dims(g, (i, j)) * on


def _trace(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=2))
    axis1 = draw.integer(-x.ndim, x.ndim - 1)
    axis2 = draw.choice([i for i in range(-x.ndim, x.ndim) if (i - axis1) % x.ndim])
    return (x,), {"offset": draw.integer(-1, 1), "axis1": axis1, "axis2": axis2}


# fmt: off
bilinear(np.outer, "outer", "y[i,j] = a[i] b[j]", lambda g, y, a, b: np.reshape(g @ np.ravel(b), np.shape(a)),
    lambda g, y, a, b: np.reshape(np.ravel(a) @ g, np.shape(b)), aliases=(np.linalg.outer,),
    calls=_two_of_any_shape, vmap=vmap_rules.outer_batch,
    meaning=lambda a, b: np.expand_dims(np.ravel(a), -1) * np.ravel(b))
bilinear(np.vdot, "vdot", "y = Σ a b", lambda g, y, a, b: np.reshape(g * b, np.shape(a)),
    lambda g, y, a, b: np.reshape(g * a, np.shape(b)), calls=_vdot,
    meaning=lambda a, b: np.sum(np.ravel(a) * np.ravel(b)),
    expects=lambda a, b: f"expected as many entries on both sides, got shapes {a} and {b}")
bilinear(np.inner, "inner", "y[i,j] = Σ a[i,k] b[j,k]", _inner_left, _inner_right, calls=_inner, expects=last_alike,
    meaning=lambda a, b: a * b if not (np.ndim(a) and np.ndim(b)) else np.tensordot(a, b, axes=(-1, -1)))
bilinear(np.tensordot, "tensordot", "y[i,j] = Σ a[i,k,l] b[k,l,j]", _tensordot_left, _tensordot_right,
    aliases=(np.linalg.tensordot,), calls=_tensordot, meaning=_by_matrices,
    expects=lambda a, b: f"expected summed axes of one length, got shapes {a} and {b}")
bilinear(np.kron, "kron", "y = the blocks a[i,j] b", _kron_left, _kron_right, calls=_two_of_any_shape)
op(np.linalg.multi_dot, "multi_dot", "y = A B C …", domain=(REAL,), forward=lambda *xs: np.linalg.multi_dot(xs),
    vjp=_multi_dot_back, jvp=_multi_dot_along, calls=_multi_dot,
    expects=lambda *shapes: f"expected matrices that can be multiplied in a row, got {', '.join(map(str, shapes))}",
    bilinear=True, sums=True, gives_new=True, meaning=lambda *xs: reduce(np.matmul, xs))
# np.linalg.trace is written in terms of this one.
linear(np.trace, "trace", "y = Σ x[i,i]", _trace_back, calls=_trace, casts=True, sums=True, selects=True)
