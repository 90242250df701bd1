"""Products of matrices and vectors, by the inner loop of np.matmul, which calls the same BLAS routines."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .instructions import Operand

Core = tuple[tuple[int, ...], tuple[int, ...]]  # dimensions and strides of a call


def core_of(a: Operand, b: Operand, y: Operand, samples: list[Any], is_dot: bool) -> Core | None:
    """The dimensions and strides of a @ b, or of np.dot(a, b); None where NumPy would compute otherwise."""
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
    count, steps = outer
    row = a.strides[-2:] if len(a.shape) > 1 else (item, a.strides[0])
    column = b.strides[-2:] if len(b.shape) > 1 else (b.strides[0], item)
    rest = list(y.strides[len(y.shape) - (len(a.shape) > 1) - (len(b.shape) > 1) :])
    out = (rest.pop(0) if len(a.shape) > 1 else item, rest.pop(0) if len(b.shape) > 1 else item)
    return (count, m, n, p), (*steps, *row, *column, *out)


def _outer(a: Operand, b: Operand, y: Operand) -> tuple[int, tuple[int, int, int]] | None:
    """The number of products, and the steps from one to the next; None if one loop does not reach them all."""
    shapes = [x.shape[:-2] for x in (a, b)]
    if not any(shapes):
        return 1, (0, 0, 0)
    if len(a.shape) < 2 or len(b.shape) < 2:
        return None
    whole = np.broadcast_shapes(*shapes)
    spread = [Operand(x.place, x.type, x.shape[:-2], x.strides[:-2]).spread(whole) for x in (a, b, y)]
    axes = [d for d, side in enumerate(whole) if side != 1]
    for far, near in itertools.pairwise(axes):
        if any(x[far] != x[near] * whole[near] for x in spread):
            return None
    count = int(np.prod(whole))
    last = axes[-1] if axes else None
    first, second, third = ((x[last] if last is not None else 0) for x in spread)
    return count, (first, second, third)


def _as_matmul(a: Operand, b: Operand, samples: list[Any]) -> bool:
    """Whether np.dot calls BLAS with the same arguments as np.matmul."""
    if len(a.shape) > 2 or len(b.shape) > 2 or min(*a.shape, *b.shape) < 2:
        return False
    return all(x.flags.c_contiguous or x.flags.f_contiguous for x in samples)
