"""The vmap rules: how `vmap` computes an op for all samples at once. An op's statement names one as ``vmap=``.

A rule gets the call that was recorded for one sample, and the operands, some of which now have an axis of samples
in front. It returns the output with that axis in front, or None where it does not cover the call: then `vmap`
computes one sample after the other. Rules run on arrays and on Values, without derivatives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.op import TABLE, Op

Shape = tuple[int, ...]


@dataclass(slots=True)  # not frozen: each step makes one, and that would take three times as long
class BatchedCall:
    """One call of an op, recorded for one sample and to be computed for all.

    shapes: of the operands; shape: of the output; both of one sample. batched: which operands now have an axis of
    samples in front. size: the number of samples.
    """

    op: Op
    params: dict[str, Any]
    shapes: tuple[Shape, ...]
    shape: Shape
    batched: tuple[bool, ...]
    size: int

    @property
    def axis(self) -> Any:
        """The axis the call names, or the default of the function."""
        return self.params["axis"] if "axis" in self.params else self.op.defaults.get("axis")

    def align(self, operands: Sequence[Any], ndim: int) -> list[Any]:
        """The operands with axes of length 1 after the axis of samples, so that they broadcast as samples do."""
        pairs = zip(operands, self.shapes, self.batched, strict=True)
        return [
            np.reshape(x, (self.size, *(1,) * (ndim - len(s)), *s)) if b and len(s) < ndim else x
            for x, s, b in pairs
        ]

    def broadcast(self, operands: Sequence[Any]) -> list[Any]:
        """The operands, each with an axis of samples."""
        pairs = zip(operands, self.shapes, self.batched, strict=True)
        return [x if b else np.broadcast_to(x, (self.size, *s)) for x, s, b in pairs]


BatchRule = Callable[[BatchedCall, Sequence[Any]], Any]


def rule_of(made_by: Op, operands: int) -> BatchRule | None:
    """The batch rule of an op; None if it has none, or if its parameters contain Values."""
    made_by = TABLE.get(made_by.function, made_by)  # as it is stated: on a tape an op may have lost its rules
    if not made_by.variadic and operands != len(made_by.domain):
        return None
    return made_by.vmap or (elementwise_batch if made_by.elementwise else None)


def elementwise_batch(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For an op that is `elementwise`: the operands only have to broadcast as samples do."""
    y = call.op.function(*call.align(operands, len(call.shape)), **call.params)
    if np.ndim(y) == len(call.shape):  # it ignored the operands with samples
        return np.broadcast_to(y, (call.size, *call.shape))
    return y


def cast(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For np.astype, which takes its parameter by position."""
    return np.astype(operands[0], call.params["dtype"])


def fill(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For np.full_like: the first operand gives the shape, with the axis of samples."""
    return np.full_like(call.broadcast(operands)[0], call.align(operands, len(call.shape))[1])


def behind(axis: Any, ndim: int) -> Any:
    """Axes of a sample of `ndim` axes, counted from the front, once the axis of samples precedes them."""
    if isinstance(axis, (tuple, list, range)):
        return tuple(behind(i, ndim) for i in axis)
    return int(axis) % ndim + 1


def reduce_batch(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For a reduction: over one axis, several, or, for None, all."""
    ndim = len(call.shapes[0])
    axes = tuple(range(1, ndim + 1)) if call.axis is None else behind(call.axis, ndim) if ndim else ()
    return None if axes == () else call.op.function(operands[0], **{**call.params, "axis": axes})


def along_axis(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For a function along the axes it names."""
    if call.axis is None or not call.shapes[0]:
        return None
    return call.op.function(operands[0], **{**call.params, "axis": behind(call.axis, len(call.shapes[0]))})


def along_axis_or_flat(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For a function along one axis that, for None, lays all entries in one row first: np.cumsum, np.argmax."""
    if call.axis is not None and call.shapes[0]:
        return along_axis(call, operands)
    if call.params.get("keepdims"):
        return None
    return call.op.function(np.reshape(operands[0], (call.size, -1)), **{**call.params, "axis": 1})


def reshape(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For a function that changes the shape alone."""
    if call.params.get("order", "C") != "C":
        return None
    return np.reshape(operands[0], (call.size, *call.shape))


def broadcast(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For np.broadcast_to."""
    return np.broadcast_to(call.align(operands, len(call.shape))[0], (call.size, *call.shape))


def transpose(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For np.transpose."""
    ndim, axes = len(call.shape), call.params.get("axes")
    order = range(ndim, 0, -1) if axes is None else behind(axes, ndim)
    return np.transpose(operands[0], (0, *order))


def move_axes(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For a function whose every parameter names axes: np.swapaxes, np.moveaxis."""
    given = {name: behind(axis, len(call.shape)) for name, axis in call.params.items()}
    return call.op.function(operands[0], **given)


def join(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For np.concatenate and np.stack."""
    axis = call.params.get("axis", 0)
    return None if axis is None else call.op.function(call.broadcast(operands), axis=behind(axis, len(call.shape)))


def stacks(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For a function of one matrix that takes stacks of matrices."""
    return call.op.function(operands[0], **call.params)


def broadcast_stacks(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For a function of several arrays that takes stacks of each."""
    return call.op.function(*call.broadcast(operands), **call.params)


def _index_behind(index: Any) -> Any:
    """An index after that of the samples; None for one whose axes NumPy might move to the front."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis))
    several = len(parts) > 1 and not all(isinstance(part, plain) and not isinstance(part, bool) for part in parts)
    return None if several or any(isinstance(part, (bool, np.bool_)) for part in parts) else (slice(None), *parts)


def read_batch(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For x[index]."""
    index = _index_behind(call.params["index"])
    return None if index is None else operands[0][index]


def write(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For `scatter`, into zeros of the shape that is a parameter."""
    index = _index_behind(call.params["index"])
    shape = (call.size, *call.params["shape"])
    return None if index is None else call.op.function(operands[0], index, shape)


def matmul(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For `@`."""
    (a, b), (s, t), (left, right) = operands, call.shapes, call.batched
    if left and not right and len(t) <= 2 and len(s) >= 1:
        return np.matmul(a, b)  # rows of samples, in one product
    if right and not left and len(s) == 2 and len(t) == 1:
        return np.matmul(b, np.transpose(a))
    ndim = max(len(s), len(t), 2)
    a = _as_matrices(a, s, ndim, True, call.size) if left else np.reshape(a, (1, *s)) if len(s) == 1 else a
    b = _as_matrices(b, t, ndim, False, call.size) if right else np.reshape(b, (*t, 1)) if len(t) == 1 else b
    return np.reshape(np.matmul(a, b), (call.size, *call.shape))


def _as_matrices(x: Any, shape: Shape, ndim: int, row: bool, size: int) -> Any:
    """Samples as stacks of matrices; a vector is one row, or one column."""
    matrix = ((1, *shape) if row else (*shape, 1)) if len(shape) == 1 else shape
    return np.reshape(x, (size, *(1,) * (ndim - len(matrix)), *matrix))


def dot(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For np.dot, up to two matrices."""
    if not all(call.shapes):
        return np.multiply(*call.align(operands, len(call.shape)))
    return matmul(call, operands) if max(map(len, call.shapes)) <= 2 else None


def outer_batch(call: BatchedCall, operands: Sequence[Any]) -> Any:
    """For np.outer."""
    a, b = operands
    a = np.reshape(a, (call.size, -1, 1)) if call.batched[0] else np.reshape(a, (-1, 1))
    b = np.reshape(b, (call.size, 1, -1)) if call.batched[1] else np.reshape(b, (1, -1))
    return np.multiply(a, b)
