"""Functions for compiled code on numbers: NumPy's meaning of an operation, for Python floats.

Compiled code calls them where Python would raise or compute something else. They run NumPy's own operation, which
warns as eager code does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules.elementwise import NEARLY_FLAT, sech2
from ..rules.limits import bounded

float64 = np.float64
_sech2, _bounded = sech2._implementation, bounded._implementation  # type: ignore[attr-defined]


def divide(a: float, b: float) -> float:
    """a / b: inf or nan if b is 0."""
    return float(float64(a) / float64(b))


def power(a: float, b: float) -> float:
    """a ** b as for NumPy numbers: inf or nan if C's pow has no answer."""
    try:
        return math.pow(a, b)
    except (ValueError, OverflowError):
        return float(float64(a) ** float64(b))


def larger(a: float, b: float) -> float:
    """np.maximum."""
    return float(np.maximum(a, b))


def smaller(a: float, b: float) -> float:
    """np.minimum."""
    return float(np.minimum(a, b))


def root(a: float) -> float:
    """np.sqrt: nan below 0."""
    return float(np.sqrt(a))


def signum(a: float) -> float:
    """np.sign: 0 for 0, nan for nan."""
    return float(np.sign(a))


def no_slope(x: float) -> float:
    """bounded(x): nan if x is infinite."""
    return float(_bounded(float64(x)))


def slope_of_tanh(x: float, y: float) -> float:
    """sech2(x, y), where y = tanh(x)."""
    slope = 1.0 - y * y
    return slope if slope >= NEARLY_FLAT else float(_sech2(float64(x), float64(y)))


def as_numpy(x: Any) -> Any:
    """A number as a function receives it in eager code."""
    return np.bool_(x) if type(x) is bool else float64(x) if type(x) is float else x


def as_python_function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Turn a function of NumPy numbers into one of Python numbers."""

    def call(*args: Any, **kwargs: Any) -> Any:
        y = np.asarray(function(*map(as_numpy, args), **kwargs))[()]
        return bool(y) if isinstance(y, np.bool_) else float(y)

    return call
