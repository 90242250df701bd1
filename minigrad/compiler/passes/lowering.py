"""Lowers some functions by hand: they test properties of arrays that follow from the shapes.

Each rule returns the steps that the function takes for operands of that type, shape and layout, to the same bits.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.broadcasting import _ones
from ...engine.op import TABLE
from ...rules.arithmetic import _power_base
from ...rules.limits import bounded
from ...rules.losses import _cross_entropy
from ...tracing.program import Program, Ref, Step, substitute
from ...tracing.tape import add_in_place, as_data, copy, cotangent_of_type, sum_to_shape
from .. import runtime


class Body:
    """The steps that replace one; calling it adds a step and returns its variable."""

    def __init__(self, program: Program, step: Step) -> None:
        self.program, self.step = program, step
        self.steps: list[Step] = []

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Ref:
        """Add a step that calls the function; its sample comes from the operands' samples."""
        samples = self.program.samples
        with np.errstate(all="ignore"):
            result = function(*substitute(args, samples), **substitute(kwargs, samples))
        out = self.program.fresh(tuple(result) if isinstance(result, tuple) else as_data(result))
        self.steps.append(Step(out, function, args, kwargs, self.step.label, self.step.backward))
        return out


def _lower_unbroadcast(body: Body, c: Any, shape: tuple[int, ...], label: str) -> Any:
    """`unbroadcast`: sums a bias by a product with ones, all else by np.sum."""
    data = body.program.sample(c)
    lead = data.ndim - len(shape)
    if lead == 1 and data.shape[1:] == shape:
        if data.ndim == 2 and data.dtype.char in "fd" and data.flags.c_contiguous:
            return body(np.dot, _ones(len(data), data.dtype.char), c)
        return body(np.sum, c, axis=0)
    axes = (*range(lead), *(lead + i for i, n in enumerate(shape) if n != data.shape[lead + i]))
    summed = body(np.sum, c, axis=axes[0] if len(axes) == 1 else axes)
    return summed if np.shape(body.program.samples[summed]) == shape else body(np.reshape, summed, shape)


def _lower_reshape(body: Body, x: Any, shape: Any, order: str = "C") -> Any:
    """A reshape that must copy, which can then write into a buffer."""
    data, y = body.program.sample(x), body.program.samples[body.step.out]
    arrays = type(x) is Ref and isinstance(data, np.ndarray) and isinstance(y, np.ndarray)
    if not arrays or order != "C" or not y.size or data.dtype != y.dtype or np.may_share_memory(data, y):
        return None
    return body(runtime.reshaped, x, y.shape)


def _lower_mean(body: Body, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """np.mean: the sum, divided by the number of entries."""
    data = body.program.sample(x)
    if not isinstance(data, np.ndarray) or data.dtype.char not in "fd" or not data.size:
        return None
    total = body(np.sum, x, axis=axis, keepdims=keepdims)
    count = data.size // max(np.size(body.program.samples[total]), 1)
    return body(np.divide, total, count) if int(data.dtype.type(count)) == count else None  # as NumPy rounds it


def _lower_cross_entropy(body: Body, logits: Any, targets: Any) -> Any:
    """Cross-entropy with a class for each row: the loss, and the data saved for its rule."""
    x, classes = body.program.sample(logits), body.program.sample(targets)
    fits = isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.char in "fd" and x.size
    if not fits or np.shape(classes) != x.shape[:1] or classes.dtype != np.intp:
        return None
    n, k = x.shape
    columns = body(runtime.as_columns, logits)
    shifted = body(np.subtract, columns, body(np.max, columns, axis=0))
    e = body(np.exp, shifted)
    total = body(np.sum, e, axis=0)
    chosen = body(runtime.places, targets, k, np.arange(n))
    left = body(runtime.less_one, body(np.divide, e, total), chosen)
    losses = body(np.subtract, body(np.log, total), body(runtime.pick, shifted, chosen))
    loss = body(np.divide, body(np.sum, losses), n)
    return loss, body(np.transpose, left)


def _lower_copy_like(body: Body, g: Any, shape: tuple[int, ...], dtype: Any, what: str) -> Any:
    """`copy_like`: a plain copy, for a C-contiguous cotangent or tangent of the right shape and type."""
    data = body.program.sample(g)
    fits = isinstance(data, np.ndarray) and data.shape == shape and data.dtype == dtype
    return body(copy, g) if fits and data.ndim and data.flags.c_contiguous else None


def _lower_add_at(body: Body, before: Any, like: Any, g: Any, y: Any, x: Any, index: Any = None) -> Any:
    """The gradient of a read, added in place: each step of it names only what it needs, and may write in place."""
    data, share = body.program.sample(like), body.program.sample(g)
    if before is not None:
        return body(runtime.plus_at, before, g, index)
    fits = data.flags.c_contiguous and isinstance(share, (np.ndarray, np.generic)) and share.dtype == data.dtype
    return body(runtime.placed, g, index, data.shape) if fits else None


def _lower_power_slope(body: Body, g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of a power of numbers: it asks what the exponent is, which must be computed where that varies."""
    if type(b) is not Ref or not all(isinstance(body.program.sample(x), float) for x in (g, y, a, b)):
        return None
    scaled, smaller = body(operator.mul, g, b), body(operator.sub, b, 1)
    base = body(np.where, body(operator.ge, b, 1), a, body(_BOUNDED, a))
    power = body(operator.pow, base, body(np.where, body(operator.ne, b, 0), smaller, 0.0))
    rest = body(operator.mul, scaled, power)
    negative = body(operator.truediv, body(operator.mul, scaled, y), a)
    square = body(operator.mul, scaled, a)
    rest = body(np.where, body(operator.lt, b, 0), negative, rest)
    return body(np.where, body(operator.eq, b, 2), square, rest)


_BOUNDED = TABLE[bounded].forward
_ADD_AT: Any = TABLE[operator.getitem].add
LOWERINGS: dict[Callable[..., Any], Callable[..., Any]] = {
    sum_to_shape: _lower_unbroadcast,
    np.mean: _lower_mean,
    np.reshape: _lower_reshape,
    _cross_entropy: _lower_cross_entropy,
    cotangent_of_type: _lower_copy_like,
    add_in_place(_ADD_AT): _lower_add_at,
    _power_base: _lower_power_slope,
}


def lower_step(program: Program, step: Step) -> tuple[list[Step], Any] | None:
    """The steps that replace one, and its result; None if the step stays."""
    rule = LOWERINGS.get(step.function)
    if rule is None:
        return None
    body = Body(program, step)
    result = rule(body, *step.args, **step.kwargs)
    return None if result is None else (body.steps, result)
