"""What one op is for a whole batch: the rules by which `vmap` computes all samples at once.

A rule gets the step as it was for one sample, and the operands, of which some have an axis of samples in front; it
gives the output with that axis in front, or None where it cannot. What has no rule here is computed one by one.
Nothing here traces, and no derivative is known: these rules run on arrays and on Values.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .op import TABLE, Op
from .rules.activations import elu, gelu, leaky_relu
from .rules.discrete import stop_gradient
from .rules.elementwise import sech2
from .rules.indexing import scatter
from .rules.limits import times
from .rules.nn import log_softmax, logsumexp, softmax

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sampled:
    """One op as it was recorded for one sample.

    shapes: of the operands; shape: of the output. batched: which operands have an axis of samples in front by now.
    """

    op: Op
    params: dict[str, Any]
    shapes: tuple[Shape, ...]
    shape: Shape
    batched: tuple[bool, ...]
    size: int

    def aligned(self, operands: Sequence[Any], ndim: int) -> list[Any]:
        """The operands with axes of length 1 behind that of the samples, so that they broadcast as samples do."""
        pairs = zip(operands, self.shapes, self.batched, strict=True)
        return [
            np.reshape(x, (self.size, *(1,) * (ndim - len(s)), *s)) if b and len(s) < ndim else x
            for x, s, b in pairs
        ]

    def spread(self, operands: Sequence[Any]) -> list[Any]:
        """The operands, each with an axis of samples."""
        pairs = zip(operands, self.shapes, self.batched, strict=True)
        return [x if b else np.broadcast_to(x, (self.size, *s)) for x, s, b in pairs]


Rule = Callable[[Sampled, Sequence[Any]], Any]
RULES: dict[Any, Rule] = {}


def rule_of(made_by: Op, operands: int) -> Rule | None:
    """The rule of an op; None where it has none, and where Values stand inside its parameters."""
    made_by = TABLE.get(made_by.function, made_by)  # as it is stated: on a tape an op may have lost its rules
    if not made_by.variadic and operands != len(made_by.domain):
        return None
    if made_by.function in RULES:
        return RULES[made_by.function]
    alike = made_by.vjps is made_by.jvps and (made_by.vjps or isinstance(made_by.function, np.ufunc))
    return _elementwise if alike else None


def rule(*functions: Any) -> Callable[[Rule], Rule]:
    """Decorate the rule of these functions."""

    def state(batch: Rule) -> Rule:
        RULES.update(dict.fromkeys(functions, batch))
        return batch

    return state


# ------------------------------------------------------------------------------------------ entry by entry


@rule(times, elu, gelu, leaky_relu, sech2, stop_gradient, np.nan_to_num, np.round, np.copy, np.ldexp)
@rule(np.isclose, np.angle, np.imag, np.iscomplex, np.isreal, np.isneginf, np.isposinf)
def _elementwise(step: Sampled, operands: Sequence[Any]) -> Any:
    return step.op.function(*step.aligned(operands, len(step.shape)), **step.params)


@rule(np.astype)
def _cast(step: Sampled, operands: Sequence[Any]) -> Any:
    return np.astype(operands[0], step.params["dtype"])


# ------------------------------------------------------------------------------------------------ over axes


def _behind(axis: Any, ndim: int) -> Any:
    """Axes of a sample, counted from the front, where the samples stand before them."""
    if isinstance(axis, (tuple, list)):
        return tuple(_behind(i, ndim) for i in axis)
    return int(axis) % ndim + 1


@rule(np.sum, np.mean, np.prod, np.max, np.min, np.var, np.std, np.any, np.all, np.count_nonzero, logsumexp)
@rule(np.nansum, np.nanmean, np.nanprod, np.nanmax, np.nanmin, np.nanvar, np.nanstd, np.ptp, np.median)
def _reduction(step: Sampled, operands: Sequence[Any]) -> Any:
    (x,), ndim = operands, len(step.shapes[0])
    axis = step.params.get("axis")
    axes = tuple(range(1, ndim + 1)) if axis is None else _behind(axis, ndim) if ndim else ()
    if axes == ():
        return None
    return step.op.function(x, **{**step.params, "axis": axes})


@rule(softmax, log_softmax)
def _along(step: Sampled, operands: Sequence[Any]) -> Any:
    return step.op.function(operands[0], axis=_behind(step.params.get("axis", -1), len(step.shapes[0])))


@rule(np.cumsum, np.cumprod, np.argmax, np.argmin)
def _scan(step: Sampled, operands: Sequence[Any]) -> Any:
    (x,), axis = operands, step.params.get("axis")
    if axis is not None and step.shapes[0]:
        return step.op.function(x, **{**step.params, "axis": _behind(axis, len(step.shapes[0]))})
    if step.params.get("keepdims"):
        return None
    return step.op.function(np.reshape(x, (step.size, -1)), axis=1)


@rule(np.sort, np.argsort, np.flip, np.roll)
def _rearranged(step: Sampled, operands: Sequence[Any]) -> Any:
    (x,), axis = operands, step.params.get("axis", -1 if step.op.function in (np.sort, np.argsort) else None)
    if axis is None or not step.shapes[0]:
        return None
    return step.op.function(x, **{**step.params, "axis": _behind(axis, len(step.shapes[0]))})


# --------------------------------------------------------------------------------------------------- shapes


@rule(np.reshape, np.ravel, np.expand_dims, np.squeeze, np.atleast_1d, np.atleast_2d, np.atleast_3d)
def _reshaped(step: Sampled, operands: Sequence[Any]) -> Any:
    if step.params.get("order", "C") != "C":
        return None
    return np.reshape(operands[0], (step.size, *step.shape))


@rule(np.broadcast_to)
def _broadcast(step: Sampled, operands: Sequence[Any]) -> Any:
    return np.broadcast_to(step.aligned(operands, len(step.shape))[0], (step.size, *step.shape))


@rule(np.transpose)
def _transposed(step: Sampled, operands: Sequence[Any]) -> Any:
    ndim, axes = len(step.shape), step.params.get("axes")
    order = range(ndim, 0, -1) if axes is None else _behind(axes, ndim)
    return np.transpose(operands[0], (0, *order))


@rule(np.swapaxes, np.moveaxis)
def _moved(step: Sampled, operands: Sequence[Any]) -> Any:
    given = {name: _behind(axis, len(step.shape)) for name, axis in step.params.items()}
    return step.op.function(operands[0], **given)


@rule(np.matrix_transpose)
def _matrix_transposed(step: Sampled, operands: Sequence[Any]) -> Any:
    return np.matrix_transpose(operands[0])


@rule(np.concatenate, np.stack)
def _joined(step: Sampled, operands: Sequence[Any]) -> Any:
    axis = step.params.get("axis", 0)
    if axis is None:
        return None
    return step.op.function(step.spread(operands), axis=_behind(axis, len(step.shape)))


# ------------------------------------------------------------------------------------------------- indexing


def _index(index: Any) -> Any:
    """An index behind all samples; None for one whose axes NumPy might move to the front."""
    parts = index if isinstance(index, tuple) else (index,)
    plain = (int, np.integer, slice, type(None), type(Ellipsis))
    several = len(parts) > 1 and not all(isinstance(part, plain) and not isinstance(part, bool) for part in parts)
    return None if several or any(isinstance(part, (bool, np.bool_)) for part in parts) else (slice(None), *parts)


@rule(operator.getitem)
def _item(step: Sampled, operands: Sequence[Any]) -> Any:
    index = _index(step.params["index"])
    return None if index is None else operands[0][index]


@rule(scatter)
def _scattered(step: Sampled, operands: Sequence[Any]) -> Any:
    index = _index(step.params["index"])
    return None if index is None else scatter(operands[0], index, (step.size, *step.params["shape"]))


# ------------------------------------------------------------------------------------------------- products


@rule(np.matmul)
def _product(step: Sampled, operands: Sequence[Any]) -> Any:
    (a, b), (s, t), (left, right) = operands, step.shapes, step.batched
    if left and not right and len(t) <= 2 and len(s) >= 1:
        return np.matmul(a, b)  # rows of samples, in one product
    if right and not left and len(s) == 2 and len(t) == 1:
        return np.matmul(b, np.transpose(a))
    ndim = max(len(s), len(t), 2)
    a = _as_matrices(a, s, ndim, True, step.size) if left else np.reshape(a, (1, *s)) if len(s) == 1 else a
    b = _as_matrices(b, t, ndim, False, step.size) if right else np.reshape(b, (*t, 1)) if len(t) == 1 else b
    return np.reshape(np.matmul(a, b), (step.size, *step.shape))


def _as_matrices(x: Any, shape: Shape, ndim: int, row: bool, size: int) -> Any:
    """Samples as stacks of matrices; a vector is one row, or one column."""
    matrix = ((1, *shape) if row else (*shape, 1)) if len(shape) == 1 else shape
    return np.reshape(x, (size, *(1,) * (ndim - len(matrix)), *matrix))


@rule(np.dot)
def _dot(step: Sampled, operands: Sequence[Any]) -> Any:
    if not all(step.shapes):
        return np.multiply(*step.aligned(operands, len(step.shape)))
    return _product(step, operands) if max(map(len, step.shapes)) <= 2 else None


@rule(np.outer)
def _outer(step: Sampled, operands: Sequence[Any]) -> Any:
    a, b = operands
    a = np.reshape(a, (step.size, -1, 1)) if step.batched[0] else np.reshape(a, (-1, 1))
    b = np.reshape(b, (step.size, 1, -1)) if step.batched[1] else np.reshape(b, (1, -1))
    return np.multiply(a, b)


@rule(np.linalg.inv, np.linalg.det)
def _stacked(step: Sampled, operands: Sequence[Any]) -> Any:
    return step.op.function(operands[0])


assert set(RULES) <= set(TABLE) | {stop_gradient}, "a rule for what is no op"
