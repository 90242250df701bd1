"""JAX's elementwise primitives: one row for each, as a function of arrays or Values, and of its parameters.

Where JAX's slope at a kink is not that of the op of the same name here, the row is written so that it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....rules.activations import relu, relu6, sigmoid
from ....rules.discrete import stop_gradient
from ..dtypes import as_dtype
from ..elementary import ELEMENTARY
from .softmax_parts import divided, subtracted


def _divide(a: Any, b: Any) -> Any:
    """a / b; whole numbers are rounded towards 0, as JAX does."""
    if np.result_type(a, b).kind == "f":
        return divided(a, b)
    return np.astype(np.trunc(a / b), np.int64)


def _clamp(low: Any, x: Any, high: Any) -> Any:
    """x between two bounds; at a bound the slope is 0, unlike that of clip."""
    return np.where(x > low, np.where(x < high, x, high), low)


def _select(which: Any, *cases: Any) -> Any:
    """The case of that number, entry by entry; False and True are 0 and 1."""
    shape = np.shape(cases[0])
    if not hasattr(which, "has_gradient") and np.size(which) and np.ptp(which.astype(np.int64)) == 0:
        return cases[int(np.ravel(which)[0])]
    if which.dtype.kind == "b":
        return np.where(which, cases[1], cases[0])
    chosen = cases[-1]
    for k in reversed(range(len(cases) - 1)):
        chosen = np.where(np.equal(which, k), cases[k], chosen)
    return np.broadcast_to(chosen, shape)


def _round(x: Any, rounding_method: Any) -> Any:
    if int(rounding_method) != 1:
        raise ArgumentError("rounding away from 0 has no counterpart")
    return np.rint(x)


def _bits_or_truth(of_truth: Callable[..., Any], of_bits: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: (of_truth if xs[0].dtype.kind == "b" else of_bits)(*xs)


def _same(x: Any, *_: Any, **__: Any) -> Any:
    return x


# fmt: off
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **ELEMENTARY,
    "add": lambda a, b: a + b,
    "add_any": lambda a, b: a + b,
    "sub": subtracted,
    "mul": lambda a, b: a * b,
    "div": _divide,
    "rem": np.fmod,
    "pow": np.power,
    "integer_pow": lambda x, y: np.power(x, float(y)) if y != 2 else np.square(x),
    "rsqrt": lambda x, **_: 1 / np.sqrt(x),
    "cbrt": np.cbrt,
    "max": np.maximum,
    "min": np.minimum,
    "clamp": _clamp,
    "round": _round,
    "logistic": sigmoid,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "is_finite": np.isfinite,
    "and": _bits_or_truth(np.logical_and, np.bitwise_and),
    "or": _bits_or_truth(np.logical_or, np.bitwise_or),
    "xor": _bits_or_truth(np.logical_xor, np.bitwise_xor),
    "not": _bits_or_truth(np.logical_not, np.invert),
    "select_n": _select,
    "convert_element_type": lambda x, new_dtype, **_: as_dtype(x, new_dtype),
    "reduce_precision": _same,
    "stop_gradient": stop_gradient,
    "copy": _same,
    "device_put": lambda *xs, **_: xs,
    "optimization_barrier": lambda *xs: xs,
}

# Functions with a derivative of their own: what stands inside has another slope at a kink, or rounds otherwise.
CUSTOM: dict[str, Callable[..., Any]] = {
    "relu": relu,
    "relu6": relu6,
    "logaddexp": np.logaddexp,
}
