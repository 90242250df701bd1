"""ATen's elementwise operations: one row for each, as a function of arrays or Values.

Where PyTorch's slope at a kink is not that of the op of the same name here, the row is written so that it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....rules.activations import elu, gelu, leaky_relu, log_sigmoid, relu, sigmoid, silu, softplus
from ....rules.discrete import stop_gradient
from ..dtypes import as_dtype
from ..elementary import ELEMENTARY


def _add(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a + (b if alpha == 1 else alpha * b)


def _subtract(a: Any, b: Any, alpha: Any = 1) -> Any:
    return a - (b if alpha == 1 else alpha * b)


def _divide(a: Any, b: Any, rounding_mode: str | None = None) -> Any:
    rounded = {"floor": np.floor, "trunc": np.trunc}
    return a / b if rounding_mode is None else rounded[rounding_mode](a / b)


def _cut(x: Any, low: Any = -1.0, high: Any = 1.0) -> Any:
    """x between two bounds; at a bound the slope is 0, unlike that of clip."""
    return np.where(x > low, np.where(x < high, x, high), low)


def _clip(x: Any, low: Any = None, high: Any = None) -> Any:
    return np.clip(x, -np.inf if low is None else low, np.inf if high is None else high)


def _elu(x: Any, alpha: Any = 1.0, scale: Any = 1.0, input_scale: Any = 1.0) -> Any:
    return elu(x * input_scale, alpha * input_scale) * (scale / input_scale)


def _softplus(x: Any, beta: Any = 1.0, threshold: Any = 20.0) -> Any:
    """ln(1 + e^(beta x)) / beta; x itself beyond the threshold."""
    return np.where(x * beta > threshold, x, softplus(np.where(x * beta > threshold, 0.0, x * beta)) / beta)


def _power(a: Any, b: Any) -> Any:
    return np.power(np.float64(a) if isinstance(a, (int, float)) else a, b)


def _same(x: Any) -> Any:
    return x


# fmt: off
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **ELEMENTARY,
    "add": _add,
    "sub": _subtract,
    "rsub": lambda a, b, alpha=1: _subtract(b, a, alpha),
    "mul": lambda a, b: a * b,
    "div": _divide,
    "reciprocal": lambda x: 1 / x,
    "pow": _power,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "addcmul": lambda x, a, b, value=1: _add(x, a * b, value),
    "addcdiv": lambda x, a, b, value=1: _add(x, a / b, value),
    "lerp": lambda a, b, w: a + w * (b - a),
    "remainder": np.remainder,
    "fmod": np.fmod,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "clamp": _clip,
    "clamp_min": lambda x, low: _clip(x, low),
    "clamp_max": lambda x, high: _clip(x, None, high),
    "trunc": np.trunc,
    "round": np.rint,
    "log10": np.log10,
    "logaddexp": np.logaddexp,
    "relu": relu,
    "relu6": lambda x: _cut(x, 0.0, 6.0),
    "hardtanh": _cut,
    "hardsigmoid": lambda x: _cut(x / 6 + 0.5, 0.0, 1.0),
    "hardswish": lambda x: x * _cut(x / 6 + 0.5, 0.0, 1.0),
    "leaky_relu": leaky_relu,
    "elu": _elu,
    "gelu": lambda x, approximate="none": gelu(x, approximate == "tanh"),
    "silu": silu,
    "sigmoid": sigmoid,
    "log_sigmoid": log_sigmoid,
    "log_sigmoid_forward": lambda x: (log_sigmoid(x), None),
    "softplus": _softplus,
    "where": np.where,
    "masked_fill": lambda x, mask, value: np.where(mask, value, x),
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_not": np.invert,
    "_to_copy": as_dtype,
    "clone": _same,
    "alias": _same,
    "contiguous": _same,
    "lift_fresh_copy": _same,
    "detach": stop_gradient,
    "fill": lambda x, value: np.full(np.shape(x), 0.0) + value,
    "copy": lambda x, values: np.broadcast_to(values, np.shape(x)),
}
