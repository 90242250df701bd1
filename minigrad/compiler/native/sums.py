"""Reductions by the inner loop of a ufunc, in the order in which NumPy adds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .instructions import Instruction, Operand, loop_over
from .storage import Storage


def reduce_by_loop(
    ufunc: np.ufunc, x: Operand, y: Operand, axis: Any, keepdims: bool, storage: Storage,
    find_loop: Callable[[Any, str], Any], name: str | None,
) -> list[Instruction] | None:  # fmt: skip
    """The instructions of ``ufunc.reduce(x, axis)``; None where the order of NumPy's additions is not known.

    The result starts as the identity, or as the first entries where there is none, and the loop adds what follows:
    with steps of 0 for the result, it adds in pairs, as np.sum does.
    """
    if ufunc.signature is not None or ufunc.nin != 2 or x.type not in "fd" or not x.shape:
        return None
    reduced = _axes(axis, len(x.shape))
    if reduced is None or not all(x.shape) or not _known_order(x, reduced):
        return None
    call, copy = find_loop(ufunc, x.type * 3), find_loop("copy", x.type * 2)
    strides = _result_strides(x, y, reduced, keepdims)
    start, shape = y.place, list(x.shape)
    source = x.place
    code: list[Instruction] = []
    kept = tuple(1 if d in reduced else side for d, side in enumerate(x.shape))
    if ufunc.identity is not None:
        # Zeros of both signs add up to what NumPy starts from.
        first = storage.constant_number(
            ufunc.reduce(np.array([-0.0])) if ufunc is np.add else ufunc.identity, x.type
        )
        assert first is not None
        code.append(loop_over(copy, [first.place, start], kept, [(0,) * len(kept), strides], None))
    elif len(reduced) == 1:
        (d,) = reduced
        code.append(loop_over(copy, [source, start], kept, [x.strides, strides], None))
        source, shape[d] = source.at(x.strides[d]), shape[d] - 1
    else:
        return None
    if all(shape):
        operands = [start, source, start]
        code.append(loop_over(call, operands, tuple(shape), [strides, x.strides, strides], name, leads=1))
    return code


@functools.cache
def _cuts_by_buffers() -> bool:
    """Whether NumPy adds each buffer of entries on its own, as it does before 2.3."""
    x, before = np.full(4000, 0.1), np.getbufsize()
    whole = np.add.reduce(x)
    try:
        np.setbufsize(16)
        return bool(np.add.reduce(x) != whole)
    finally:
        np.setbufsize(before)


def _axes(axis: Any, ndim: int) -> list[int] | None:
    """The axes that are reduced."""
    if axis is None:
        return list(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    return sorted(d % ndim for d in given) if all(type(d) is int for d in given) else None


def _known_order(x: Operand, reduced: list[int]) -> bool:
    """Whether x is dense, in rows or in columns, and in memory the reduced axes are all, the first or the last."""
    last = len(x.shape) - 1
    if _in_rows(x.shape, x.strides, x.type):
        axes = reduced
    elif _in_rows(x.shape[::-1], x.strides[::-1], x.type):
        axes = sorted(last - d for d in reduced)
    else:
        return False
    along = int(np.prod([x.shape[d] for d in reduced]))
    if last in axes and along > np.getbufsize() and _cuts_by_buffers():
        return False
    n = len(axes)
    return axes in (list(range(n)), list(range(last + 1 - n, last + 1)))


def _in_rows(shape: tuple[int, ...], strides: tuple[int, ...], type: str) -> bool:
    """Whether an array fills its memory row by row."""
    expected = np.dtype(type).itemsize
    for side, stride in zip(reversed(shape), reversed(strides), strict=True):
        if side != 1 and stride != expected:
            return False
        expected *= side
    return True


def _result_strides(x: Operand, y: Operand, reduced: list[int], keepdims: bool) -> tuple[int, ...]:
    """The strides of the result along the axes of x: 0 where it is reduced."""
    own = iter(stride for d, stride in enumerate(y.strides) if not (keepdims and d in reduced))
    return tuple(0 if d in reduced else next(own) for d in range(len(x.shape)))
