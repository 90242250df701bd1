"""Softmax, which JAX traces in parts, as one op: a proof knows that it sums to 1, and does not see a shift."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....engine.value import Value
from ....rules.activations import log_softmax, softmax
from ....rules.discrete import stop_gradient
from ....tracing.replay import own_params


def divided(a: Any, b: Any) -> Any:
    """a / b; e^u / Σ e^u is softmax(u)."""
    if _made_by(a, np.exp) and (axis := _axis_of_sum(b, a)) is not None:
        return softmax(_without_shift(a.operands[0], axis), axis)
    return a / b


def subtracted(a: Any, b: Any) -> Any:
    """a - b; u - ln Σ e^u is log_softmax(u)."""
    inner = _whole(b)
    if _made_by(inner, np.log):
        total = _whole(inner.operands[0])
        e = total.operands[0] if _made_by(total, np.sum) else None
        axis = _axis_of_sum(b, e, np.log) if _made_by(e, np.exp) else None
        if e is not None and e.operands[0] is a and axis is not None:
            return log_softmax(_without_shift(a, axis), axis)
    return a - b


def _made_by(x: Any, function: Any) -> bool:
    return isinstance(x, Value) and x.op is not None and x.op.function is function


def _whole(x: Any) -> Any:
    """What x repeats or reshapes."""
    while _made_by(x, np.reshape) or _made_by(x, np.broadcast_to):
        x = x.operands[0]
    return x


def _axis_of_sum(total: Any, e: Any, function: Any = None) -> Any:
    """The axis, if the total is the sum of e over one axis, beside e; function: or that of the sum. None if not."""
    inner = _whole(total)
    if function is not None:
        inner = _whole(inner.operands[0])
    if not _made_by(inner, np.sum) or inner.operands[0] is not e:
        return None
    axes = own_params(inner).get("axis")
    axes = axes if isinstance(axes, tuple) else (axes,)
    if len(axes) != 1 or axes[0] is None:
        return None
    beside = tuple(1 if k == axes[0] % e.ndim else n for k, n in enumerate(e.shape))
    return axes[0] if np.shape(total) == beside else None


def _without_shift(u: Any, axis: int) -> Any:
    """z, if u is z less a constant that is the same along the axis."""
    if _made_by(u, np.subtract):
        z, shift = u.operands
        if _made_by(shift, stop_gradient) and np.shape(shift)[axis : axis + 1] == (1,) and z.shape == u.shape:
            return z
    return u
