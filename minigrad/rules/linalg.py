"""Products of vectors, matrices and stacks of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import bilinear
from ..engine.sampling import REAL, Call, Draw, Shape
from . import vmap_rules


def swap(m: Any) -> Any:
    """The transpose of each matrix in a stack."""
    return m.T if m.ndim == 2 else np.swapaxes(m, -1, -2)


def _row(a: Any) -> Any:
    """A vector on the left of `@`, as a matrix of one row."""
    return a if a.ndim > 1 else np.expand_dims(a, 0)


def _column(b: Any) -> Any:
    """A vector on the right of `@`, as a matrix of one column."""
    return b if b.ndim > 1 else np.expand_dims(b, 1)


def _full(g: Any, a: Any, b: Any) -> Any:
    """The cotangent of a product of matrices, with the axes that vectors lack put back."""
    if b.ndim == 1:
        g = np.expand_dims(g, -1)
    return np.expand_dims(g, -2) if a.ndim == 1 else g


# For two matrices, the usual case, np.dot computes the same as `@` with fewer checks.
def _matmul_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == b.ndim == 2:
        return np.dot(g, b.T)
    if b.ndim == 1:
        return np.reshape(g, (*np.shape(g), 1)) * b
    return _full(g, a, b) @ swap(_column(b))


def _matmul_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == b.ndim == 2:
        return np.dot(a.T, g)
    if a.ndim == 1:
        return g * a if b.ndim == 1 else np.reshape(a, (-1, 1)) * np.expand_dims(g, -2)
    product = swap(_row(a)) @ _full(g, a, b)
    return np.squeeze(product, -1) if b.ndim == 1 else product


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _inner_sizes(a: Shape, b: Shape) -> str:
    """Why sizes do not fit `@`, and the transpose that would."""
    if not a or not b:
        return "expected two arrays of at least one dimension; write a * b for a product with a number"
    axis = -1 if len(b) == 1 else -2
    columns, rows = "column" if len(a) > 1 else "element", "row" if len(b) > 1 else "element"
    do = "does" if a[-1] == 1 else "do"
    text = f"the {_count(a[-1], columns)} of a {do} not match the {_count(b[axis], rows)} of b"
    if len(b) > 1 and a[-1] == b[-1]:
        return f"{text}\nDid you mean a @ b.T?"
    if len(a) > 1 and a[-2] == b[axis]:
        return f"{text}\nDid you mean a.T @ b?"
    return text


def _matmul(draw: Draw) -> Call:
    n, k, m = (draw.integer(1, 3) for _ in range(3))
    lead = draw.shapes(2)
    a = draw.choice([(k,), (n, k), (*lead[0], n, k)])
    b = draw.choice([(k,), (k, m), (*lead[1], k, m)])
    return (draw.array(REAL, a), draw.array(REAL, b)), {}


def _as_matrices(g: Any, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """np.dot as one product of two matrices: all but the summed axis in one row, and g likewise."""
    k = a.shape[-1]
    rows = np.reshape(a, (math.prod(a.shape[:-1]), k))  # not -1, which fails for an array of size 0
    n = 1 if b.ndim == 1 else math.prod((*b.shape[:-2], b.shape[-1]))
    columns = np.reshape(b if b.ndim == 1 else np.moveaxis(b, -2, 0), (k, n))
    return np.reshape(g, (rows.shape[0], columns.shape[1])), rows, columns


def _dot_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * b
    g, _, columns = _as_matrices(g, a, b)
    return np.reshape(g @ swap(columns), a.shape)


def _dot_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return g * a
    g, rows, _ = _as_matrices(g, a, b)
    product = swap(rows) @ g
    if b.ndim == 1:
        return np.reshape(product, b.shape)
    return np.moveaxis(np.reshape(product, (b.shape[-2], *b.shape[:-2], b.shape[-1])), 0, -2)


def _dot(draw: Draw) -> Call:
    k = draw.integer(1, 3)
    lead, more = draw.shape(max_dims=2), draw.shape(max_dims=2)
    a = draw.choice([(), (*lead, k)])
    b = draw.choice([(k,), (*more, k, draw.integer(1, 3)), ()])
    return (draw.array(REAL, a), draw.array(REAL, b)), {}


# fmt: off
bilinear(np.matmul, "@", "y[i,j] = Σ a[i,k] b[k,j]", _matmul_left, _matmul_right, aliases=(np.linalg.matmul,),
    calls=_matmul, expects=_inner_sizes, vmap=vmap_rules.matmul)
bilinear(np.dot, "dot", "y = Σ a[…,k] b[…,k,j]", _dot_left, _dot_right, calls=_dot, expects=_inner_sizes,
    vmap=vmap_rules.dot)
