"""Products of matrices and vectors, by the inner loop of np.matmul, which calls the same BLAS routines."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

from .instructions import Operand

Bytes = tuple[int, int, int]  # in the left operand, the right one and the result
CALLS = 64  # for one product of stacks


class Core(NamedTuple):
    """Calls of the loop: their dimensions and strides, and where each starts."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offsets: list[Bytes]


def is_product(function: Any) -> bool:
    """Whether a function multiplies two matrices, or vectors."""
    return function in (np.dot, np.matmul, operator.matmul)


def core_of(a: Operand, b: Operand, y: Operand, samples: list[Any], is_dot: bool) -> Core | None:
    """The calls for a @ b, or for np.dot(a, b); None where NumPy would compute otherwise."""
    if not (a.type == b.type == y.type and a.type in "fd" and a.shape and b.shape):
        return None
    if is_dot and not _as_matmul(a, b, samples):
        return None
    item = np.dtype(a.type).itemsize
    m, n = (1, *a.shape)[-2:]
    n, p = b.shape[-2:] if len(b.shape) > 1 else (n, 1)
    outer = _outer(a, b, y)
    if outer is None or not n:
        return None
    count, steps, offsets = outer
    row = a.strides[-2:] if len(a.shape) > 1 else (item, a.strides[0])
    column = b.strides[-2:] if len(b.shape) > 1 else (b.strides[0], item)
    rest = list(y.strides[len(y.shape) - (len(a.shape) > 1) - (len(b.shape) > 1) :])
    out = (rest.pop(0) if len(a.shape) > 1 else item, rest.pop(0) if len(b.shape) > 1 else item)
    return Core((count, m, n, p), (*steps, *row, *column, *out), offsets)


def _outer(a: Operand, b: Operand, y: Operand) -> tuple[int, Bytes, list[Bytes]] | None:
    """The products in one call, the steps from one to the next, and where each call starts; None for many calls."""
    shapes = [x.shape[:-2] for x in (a, b)]
    if not any(shapes):
        return 1, (0, 0, 0), [(0, 0, 0)]
    if len(a.shape) < 2 or len(b.shape) < 2:
        return None
    whole = np.broadcast_shapes(*shapes)
    first, second, third = (Operand(x.place, x.type, x.shape[:-2], x.strides[:-2]).spread(whole) for x in (a, b, y))
    strides = [*zip(first, second, third, strict=True)]
    axes = [d for d, side in enumerate(whole) if side != 1]
    count, steps = 1, (0, 0, 0)
    while axes and (count == 1 or strides[axes[-1]] == tuple(count * step for step in steps)):
        d = axes.pop()
        steps = strides[d] if count == 1 else steps
        count *= whole[d]
    if math.prod(whole[d] for d in axes) > CALLS:
        return None
    offsets = [(0, 0, 0)]
    for d in axes:
        x, z, w = strides[d]
        offsets = [(i + k * x, j + k * z, o + k * w) for i, j, o in offsets for k in range(whole[d])]
    return count, steps, offsets


def _as_matmul(a: Operand, b: Operand, samples: list[Any]) -> bool:
    """Whether np.dot calls BLAS with the same arguments as np.matmul."""
    if len(a.shape) > 2 or len(b.shape) > 2 or min(*a.shape, *b.shape) < 2:
        return False
    return all(x.flags.c_contiguous or x.flags.f_contiguous for x in samples)
